"""``seawall bank …``: configure, fill, search, suspend and restore banks; state of the exchanges."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from seawall.cli.common import DatabaseUrl, DataDir, command_author, explained, fail, out, settings

app = typer.Typer(no_args_is_help=True, help="Known things: texts, patterns, domains, images, audio files, videos.")

Bank = Annotated[str, typer.Argument(help="Name of the bank, such as blocked-texts.")]
EntryId = Annotated[str, typer.Argument(help="The entry's id: ent_…")]
Reason = Annotated[str, typer.Option(help="A code such as wrong_match, harmless_now, withdrawn, legal_order, checked.")]
Kind = Annotated[
    str,
    typer.Option(
        help="text, near_text, meaning, pattern, name, domain, image, audio, video, digest or a hasher's: docs/banks.md"
    ),
]


@app.command("list")
def list_(data_dir: DataDir = None, database: DatabaseUrl = None) -> None:
    """List banks with their role and number of entries."""
    from seawall.app import BANKS, open_app
    from seawall.publish import list_banks

    table = Table("bank", "role", "active", "suspended", "quarantined", "title")
    with explained(), open_app(settings(data_dir=data_dir, database_url=database)) as app_:
        for bank in list_banks(app_.database, BANKS):
            counts = (str(count) for count in (bank.active, bank.suspended, bank.quarantined))
            table.add_row(bank.name, bank.settings.role, *counts, bank.settings.title)
    out.print(table)


@app.command()
def configure(
    bank: Bank,
    title: Annotated[str, typer.Option(help="A short description.")] = "",
    role: Annotated[str, typer.Option(help="block, or allow: its matches suppress those of other banks.")] = "block",
    threshold: Annotated[
        list[str] | None, typer.Option(help="kind=number, for entries without one: image=24; repeat.")
    ] = None,
    owner: Annotated[str, typer.Option(help="The team responsible for it.")] = "",
    harm: Annotated[str | None, typer.Option(help="A harm of the taxonomy, such as spam.")] = None,
    expires_after_days: Annotated[int | None, typer.Option(help="For entries without expiry.")] = None,
    flood_limit: Annotated[
        int | None, typer.Option(help="Items per hour that one entry may match; 0: any number.")
    ] = None,
    on_erasure: Annotated[
        str, typer.Option(help="keep or remove: entries made from content of somebody who is erased.")
    ] = "keep",
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Set all settings of a bank. A new name creates a bank."""
    from seawall.app import open_app
    from seawall.publish import BankSettings, configure_bank

    wanted = BankSettings(
        title=title,
        role=role,
        thresholds=dict(_pair(one) for one in threshold or ()),
        owner=owner,
        harm=harm,
        expires_after_days=expires_after_days,
        flood_limit=flood_limit,
        on_erasure=on_erasure,
    )
    with explained(), open_app(settings(data_dir=data_dir, database_url=database)) as app_:
        configure_bank(app_.ledger, bank, wanted, command_author(), app_.kinds, app_.meanings)
    out.print(f"{bank} is configured")


def _pair(text: str) -> tuple[str, int]:
    kind, _, number = text.partition("=")
    if not number.isdigit():
        fail(f"--threshold {text}: write kind=number, such as image=24")
    return kind.strip(), int(number)


@app.command()
def entries(bank: Bank, data_dir: DataDir = None, database: DatabaseUrl = None) -> None:
    """List the entries of a bank."""
    from seawall.app import open_app
    from seawall.publish import list_entries

    table = Table("id", "kind", "value", "source", "threshold", "state", "hits", "overturned")
    with explained(), open_app(settings(data_dir=data_dir, database_url=database)) as app_:
        after = ""
        while page := list_entries(app_.database, app_.vault, bank, after=after):
            for entry in page:
                threshold = "" if entry.threshold is None else str(entry.threshold)
                counts = (str(entry.counts.hits), str(entry.counts.overturned))
                value = (entry.value or "erased")[:100]
                table.add_row(entry.id, entry.kind, value, entry.source, threshold, entry.state, *counts)
            after = page[-1].id
    out.print(table)


@app.command()
def show(entry: EntryId, data_dir: DataDir = None, database: DatabaseUrl = None) -> None:
    """Show one entry: its source, its state, the results of its matches."""
    from seawall.app import open_app
    from seawall.publish import find_entry

    with explained(), open_app(settings(data_dir=data_dir, database_url=database)) as app_:
        found = find_entry(app_.database, app_.vault, entry)
    if found is None:
        fail(f"no bank has or had an entry {entry}")
    for name in found.__dataclass_fields__:
        if name not in ("counts", "sources") and (value := getattr(found, name)) not in (None, ""):
            out.print(f"{name:>12}  {_shown(name, value)}", markup=False)
    for source in found.sources:
        what = "erased" if source.erased_at else " ".join(filter(None, (source.item, source.account)))
        out.print(f"{'made from':>12}  {what}, by {source.by}, {_shown('source_at', source.at)}", markup=False)
    for name in found.counts.__dataclass_fields__:
        if (value := getattr(found.counts, name)) is not None:
            out.print(f"{name:>12}  {_shown(name, value)}", markup=False)


def _shown(name: str, value: Any) -> str:
    at = name.endswith("_at") or name == "expires"
    return datetime.fromtimestamp(value / 1000, UTC).isoformat(" ", "seconds") if at else str(value)


@app.command()
def add(
    bank: Bank,
    value: Annotated[str, typer.Argument(help="Text, name, RE2 pattern, domain, hash, or a file to hash.")],
    kind: Kind = "text",
    source: Annotated[str, typer.Option(help="The source, a code.")] = "staff",
    threshold: Annotated[int | None, typer.Option(help="image: largest distance that matches (default: 31)")] = None,
    note: Annotated[str, typer.Option(help="Free text; sealed in the vault.")] = "",
    content_type: Annotated[str, typer.Option(help="With --item: the content type of the item it was made from.")] = "",
    item: Annotated[str, typer.Option(help="The platform's id of the item it was made from.")] = "",
    account: Annotated[str, typer.Option(help="Whose content it is; default: the item's account.")] = "",
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Add one entry; every process matches it within a second, and past items are searched for it."""
    from seawall.app import open_app
    from seawall.detectors.audio import audio_value
    from seawall.detectors.hashes import hash_file
    from seawall.detectors.video import video_value
    from seawall.publish import NewEntry, add_entries, hash_image

    readers = {"image": hash_image, "audio": audio_value, "video": video_value}
    with explained(), open_app(settings(data_dir=data_dir, database_url=database)) as app_:
        readers |= {name: partial(hash_file, hasher) for name, hasher in app_.hashers.items()}
        if kind in readers and Path(value).is_file():
            value = readers[kind](Path(value).read_bytes())
        entry = NewEntry(
            kind=kind,
            value=value,
            source=source,
            threshold=threshold,
            note=note,
            content_type=content_type,
            item_id=item,
            account=account,
        )
        (made,) = add_entries(app_.ledger, bank, [entry], command_author(), hashers=app_.kinds, meanings=app_.meanings)
        out.print(made)


@app.command("import")
def import_(
    bank: Bank,
    file: Annotated[Path, typer.Argument(help="JSON lines or CSV: kind, value, source, threshold, expires, note")],
    source: Annotated[str | None, typer.Option(help="The source of entries without one.")] = None,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Add a file's entries. All lines are checked before any is added; after an interruption, run it again."""
    from rich.progress import Progress

    from seawall.app import open_app
    from seawall.publish import import_entries, read_file

    if not file.is_file():
        fail(f"there is no file {file}")
    with explained(), open_app(settings(data_dir=data_dir, database_url=database)) as app_:
        lines = read_file(file, source, app_.kinds)
        with Progress(console=out, transient=True) as progress:
            task = progress.add_task(bank, total=len(lines))
            done = import_entries(
                app_.ledger,
                bank,
                lines,
                command_author(),
                lambda count: progress.update(task, completed=count),
                app_.meanings,
            )
    held = f"; {done.held} existed already" if done.held else ""
    out.print(f"{done.read} entries are in {bank}: {done.added} new{held}")


@app.command()
def meaning(bank: Bank, data_dir: DataDir = None, database: DatabaseUrl = None) -> None:
    """Show how far a bank's entries of kind meaning reach, measured against harmless sentences."""
    from seawall.app import open_app
    from seawall.publish import bank_meanings, measure_meanings

    with explained(), open_app(settings(data_dir=data_dir, database_url=database)) as app_:
        app_.banks.refresh()
        found = measure_meanings(app_.meanings, bank_meanings(app_.meanings, bank))
    if found is None:
        fail(f"{bank} holds no entry of kind meaning")
    table = Table("what", "number", "of", "95 % interval", title=bank)
    table.add_row(
        "harmless sentences that match",
        str(found.matched),
        str(found.harmless),
        f"{found.matched_low:.1%} to {found.matched_high:.1%}",
    )
    for each in found.languages:
        table.add_row(
            f"of them in the language {each.language}",
            str(each.matched),
            str(each.harmless),
            f"{each.matched_low:.1%} to {each.matched_high:.1%}",
        )
    table.add_row(
        "examples that another example finds",
        str(found.found),
        str(found.examples),
        f"{found.found_low:.0%} to {found.found_high:.0%}",
    )
    table.add_row(
        "precision, if 1 text in 100 says the same", "", "", f"{found.precision_low:.0%} to {found.precision_high:.0%}"
    )
    out.print(table)
    if found.suggested is None:
        out.print("no threshold keeps all harmless sentences out: use examples that say more", style="yellow")
    else:
        out.print(
            f"suggested threshold: {found.suggested}; there {found.found_at_suggested} of {found.examples} examples "
            "find each other and no harmless sentence matches"
        )
    for sentence in found.nearest:
        out.print(f"nearest harmless sentence: {sentence}", markup=False)


@app.command()
def suspend(
    bank: Bank, entry: EntryId, reason: Reason = "other", data_dir: DataDir = None, database: DatabaseUrl = None
) -> None:
    """Stop an entry from matching until it is restored."""
    from seawall.publish import suspend_entry

    _change(suspend_entry, bank, entry, reason, data_dir, database)


@app.command()
def restore(
    bank: Bank, entry: EntryId, reason: Reason = "checked", data_dir: DataDir = None, database: DatabaseUrl = None
) -> None:
    """Restore a suspended or quarantined entry."""
    from seawall.publish import restore_entry

    _change(restore_entry, bank, entry, reason, data_dir, database)


@app.command()
def remove(
    bank: Bank, entry: EntryId, reason: Reason = "", data_dir: DataDir = None, database: DatabaseUrl = None
) -> None:
    """Remove an entry permanently."""
    from seawall.publish import remove_entry

    _change(remove_entry, bank, entry, reason, data_dir, database)


@app.command()
def match(
    value: Annotated[str, typer.Argument(help="A text, a link, a PDQ hash, a digest, or a file.")],
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Search the banks for something. Nothing is stored."""
    from seawall.app import open_app

    table = Table("bank", "entry", "kind", "distance", "effect", "source", "hits")
    with explained(), open_app(settings(data_dir=data_dir, database_url=database)) as app_:
        found = _look_up(app_, value)
        for one in found.matches:
            distance = "" if one.distance is None else str(one.distance)
            table.add_row(one.bank, one.entry, one.kind, distance, one.effect, one.source, str(one.hits))
    out.print(table if found.matches else "no match in any bank")
    for unknown in found.unknown:
        out.print(f"no answer from {unknown.detector}: {unknown.reason} {unknown.detail}", style="yellow")


@app.command()
def exchanges(data_dir: DataDir = None, database: DatabaseUrl = None) -> None:
    """Show the state of exchanges; a worker reads those of SEAWALL_EXCHANGES_FILE."""
    from seawall.app import open_app
    from seawall.publish import list_exchanges

    table = Table("exchange", "type", "records", "added", "removed", "skipped", "read completely", "state")
    with explained(), open_app(settings(data_dir=data_dir, database_url=database)) as app_:
        for one in list_exchanges(app_.database):
            counts = (str(count) for count in (one.records, one.added, one.removed, one.skipped))
            read = "never" if one.synced_at is None else _shown("synced_at", one.synced_at)
            state = one.error or ("not configured" if one.every_s is None else "stale" if one.stale else "fresh")
            table.add_row(one.name, one.type, *counts, read, state)
    out.print(table)


def _look_up(app_: Any, value: str) -> Any:
    from seawall.model import Modality, Part
    from seawall.publish import look_up_hits, look_up_part

    path = Path(value)
    matcher = app_.banks.matcher
    digits = value.lower() if all(digit in "0123456789abcdefABCDEF" for digit in value) else ""
    fitting = [kind for kind, hasher in app_.kinds.items() if len(digits) * 4 == hasher.bits]
    if len(digits) in (32, 40, 64) or fitting:
        hits = matcher.match_digests([digits])
        hits += matcher.match_image(bytes.fromhex(digits)) if len(digits) == 64 else []
        hits += [hit for kind in fitting for hit in matcher.match_hash(kind, bytes.fromhex(digits))]
        return look_up_hits(app_.database, app_.vault, matcher, hits)
    if len(value) < 4_096 and path.is_file():
        part = Part(path="query", modality=Modality.IMAGE, field="query", data=path.read_bytes())
    elif "://" in value and " " not in value:
        part = Part(path="query", modality=Modality.LINK, field="query", text=value)
    else:
        part = Part(path="query", modality=Modality.TEXT, field="query", text=value)
    return look_up_part(app_.database, app_.vault, app_.runner, part)


def _change(
    change: Callable[..., None], bank: str, entry: str, reason: str, data_dir: Path | None, database: str | None
) -> None:
    from seawall.app import open_app

    with explained(), open_app(settings(data_dir=data_dir, database_url=database)) as app_:
        try:
            change(app_.ledger, bank, entry, command_author(), reason)
        except LookupError as error:
            fail(str(error.args[0]))
