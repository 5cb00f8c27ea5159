"""``seawall policy publish | rollback | history | status | diff | export``: what is in force, and what would be."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seawall.cli.common import (
    ContentTypes,
    DatabaseUrl,
    DataDir,
    Policies,
    TextModel,
    command_author,
    err,
    explained,
    fail,
    out,
    settings,
)

if TYPE_CHECKING:
    from seawall.app import App
    from seawall.policy import Bundle
    from seawall.publish import ComparedBundle

Drop = Annotated[
    list[str] | None,
    typer.Option("--drop", help="A policy, a rule (policy/rule) or a content type that shall go; repeat."),
]
AsPerson = Annotated[
    str | None,
    typer.Option("--person", help="Email of the account that publishes; where a second one approves."),
]
command = typer.Typer()

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change, and publish nothing.")]


@command.command()
def publish(
    policies: Policies = None,
    content_types: ContentTypes = None,
    text_model: TextModel = None,
    drop: Drop = None,
    drop_all: Annotated[bool, typer.Option("--drop-all", help="Drop whatever the folders lack.")] = False,
    logic: Annotated[bool, typer.Option("--logic", help="Ask no detector about the examples.")] = False,
    dry_run: DryRun = False,
    person: AsPerson = None,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Show what would change, and publish it: examples must pass; running processes switch within a second.

    Examples run as logic and as screened by the real detectors and banks, as 'seawall policy test' does.
    """
    from seawall.app import open_app

    chosen = settings(
        data_dir=data_dir,
        database_url=database,
        policies_dir=policies,
        content_types_dir=content_types,
        text_model_dir=text_model,
    )
    with explained(), open_app(chosen) as opened:
        compared = opened.compare()
        _show(opened, compared)
        _warn(opened, compared.bundle)
        compared.refuse(drop or (), drop_all=drop_all)
        if not logic:
            _screen_examples(opened, compared.bundle)
        _put_in_force(opened, replace(compared, screened=not logic), "publish", dry_run, person)


@command.command()
def rollback(
    bundle: Annotated[
        str | None, typer.Argument(help="Hash of the bundle, or its beginning (default: the former).")
    ] = None,
    text_model: TextModel = None,
    dry_run: DryRun = False,
    person: AsPerson = None,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Put an earlier bundle in force again, with the detectors installed now; by default the one before."""
    from seawall.app import open_app
    from seawall.publish import bundle_before

    with (
        explained(),
        open_app(settings(data_dir=data_dir, database_url=database, text_model_dir=text_model)) as opened,
    ):
        chosen = _bundle(opened, bundle) if bundle else bundle_before(opened.bundles, opened.database)
        compared = opened.compare_rollback(chosen)
        _show(opened, compared)  # an example that fails now stops nobody from going back to what was in force
        _put_in_force(opened, compared, "rollback", dry_run, person)


@command.command()
def history(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Publications to list.")] = 20,
    as_json: Annotated[bool, typer.Option("--json")] = False,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """List publications, newest first: bundle, when, by whom, from which source, and what changed."""
    from seawall.app import open_storage
    from seawall.publish.queries import newest_bundles

    with (
        explained(),
        open_storage(settings(data_dir=data_dir, database_url=database)) as opened,
        opened.database.read() as connection,
    ):
        rows = newest_bundles(connection, limit=limit)
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], indent=2))
        return
    for row in rows:
        when = f"{datetime.fromtimestamp(row.at / 1000, UTC):%Y-%m-%d %H:%M}"
        out.print(f"{row.hash[:12]}  {when}  {row.kind:<8}  {row.by}  {row.source}", markup=False, soft_wrap=True)
        unscreened = "; the examples were not screened" if row.screened is False else ""
        out.print(f"              {_numbers(row.changes)}{unscreened}", markup=False, soft_wrap=True)
    if not rows:
        out.print("Nothing was published yet. 'seawall policy publish' publishes the policies of a folder.")


@command.command()
def status(
    policies: Policies = None,
    content_types: ContentTypes = None,
    text_model: TextModel = None,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Show what is in force, who published it, and what publishing the folders would change."""
    from seawall.app import open_app
    from seawall.publish.queries import latest_publication

    chosen = settings(
        data_dir=data_dir,
        database_url=database,
        policies_dir=policies,
        content_types_dir=content_types,
        text_model_dir=text_model,
    )
    with explained(), open_app(chosen) as opened:
        with opened.database.read() as connection:
            latest = latest_publication(connection)
        if latest is not None:
            when = f"{datetime.fromtimestamp(latest.at / 1000, UTC):%Y-%m-%d %H:%M}"
            out.print(f"in force: {latest.hash[:12]}, by {latest.by}, {when} UTC", markup=False, soft_wrap=True)
        compared = opened.compare()
        out.print(f"compared with: {compared.source}", markup=False, soft_wrap=True)
        _show(opened, compared)


@command.command()
def diff(
    before: Annotated[str, typer.Argument(help="Hash of a published bundle, or its beginning.")],
    after: Annotated[str | None, typer.Argument(help="Another one (default: the one in force).")] = None,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Show what one published bundle changes against another."""
    from seawall.app import open_app
    from seawall.publish import compare, describe, summary, today

    with explained(), open_app(settings(data_dir=data_dir, database_url=database)) as opened:
        old = opened.bundles.load(_bundle(opened, before))
        new = opened.bundles.load(_bundle(opened, after)) if after else opened.bundle
        changes = compare(old, new, today())
    out.print(summary(changes), markup=False, soft_wrap=True)
    out.print(describe(changes), markup=False, soft_wrap=True)


@command.command()
def export(
    folder: Annotated[Path, typer.Argument(help="An empty or new folder to write to.")],
    bundle: Annotated[
        str | None, typer.Argument(help="Hash of a published bundle (default: the one in force).")
    ] = None,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Write the policies of a published bundle as files, to change them and publish them again."""
    from seawall.app import open_app
    from seawall.policy.prohibitions import FILE

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        fail(f"{folder} is not an empty folder; choose another one, so that nothing is overwritten")
    with explained(), open_app(settings(data_dir=data_dir, database_url=database)) as opened:
        chosen = opened.bundles.load(_bundle(opened, bundle)) if bundle else opened.bundle
        folder.mkdir(parents=True, exist_ok=True)
        for policy in chosen.policies:
            (folder / f"{policy.name}.yaml").write_text(policy.source.text, encoding="utf-8")
        if chosen.not_permitted_source is not None:
            (folder / FILE).write_text(chosen.not_permitted_source.text, encoding="utf-8")
    out.print(f"{len(chosen.policies)} policies of bundle {chosen.hash[:12]} are in {folder}", soft_wrap=True)


def _show(opened: App, compared: ComparedBundle) -> None:
    """What would change, and how the examples do."""
    from seawall.publish import describe, summary

    if compared.changes is None:
        out.print(f"The bundle in force, {(compared.in_force or '')[:12]}, cannot be read here: nothing to compare.")
    elif not compared.changes:
        out.print("Nothing changes: this is what is in force.")
    else:
        out.print(describe(compared.changes), markup=False, soft_wrap=True)
        out.print(summary(compared.changes), markup=False, soft_wrap=True)
    for overlay, creators in opened.creators_concerned(compared.bundle).items():
        who = "1 creator has" if creators == 1 else f"{creators:,} creators have"
        out.print(
            f"creators' overlay {overlay} is dropped: {who} it on. Their settings stay, without effect.",
            markup=False,
            soft_wrap=True,
        )
    out.print(f"examples as logic: {compared.examples - len(compared.failed)} of {compared.examples} pass")


def _warn(opened: App, bundle: Bundle) -> None:
    """How many warnings ``policy check`` has for the bundle."""
    from seawall.app import BANKS
    from seawall.policy import analyse
    from seawall.publish import list_banks

    entries = {bank.name: bank.active for bank in list_banks(opened.database, BANKS)}
    if warnings := analyse(bundle, datetime.now(UTC).date(), entries):
        out.print(f"warnings: {len(warnings)}; 'seawall policy check' shows them")


def _screen_examples(opened: App, bundle: Bundle) -> None:
    """The second column of the examples: what the real detectors find. Ends the command when one fails."""
    from seawall.policy import ScreenedState
    from seawall.screen import screen_examples

    screened = screen_examples(bundle, opened.runner)
    failed = [one for one in screened if one.state is ScreenedState.FAILED]
    for one in failed:
        err.print(one.render(), markup=False, soft_wrap=True)
    states = Counter(one.state for one in screened)
    out.print(f"examples as screened: {', '.join(f'{number} {state}' for state, number in states.items()) or 'none'}")
    if failed:
        fail(
            f"{len(failed)} examples fail as screened: the detectors do not find what they expect. Nothing was "
            "published. Say 'screened: wanted' in those that need not be found yet, or publish with --logic."
        )


def _put_in_force(opened: App, compared: ComparedBundle, kind: str, dry_run: bool, person: str | None) -> None:
    if dry_run:
        out.print("Nothing was published: --dry-run.")
        return
    proposal = opened.put_in_force(compared, by=_author(opened, person), kind=kind)
    if proposal is None:
        out.print(f"published: {compared.bundle.hash}")
    else:
        address = f"{opened.settings.public_url}/proposals/{proposal}"
        out.print(f"proposed: {proposal}. Another person approves it within a week: {address}", soft_wrap=True)


def _author(opened: App, email: str | None) -> str:
    """Who publishes: where a second person approves, an account, so that it is not the same one."""
    from seawall.access import AccessError, Permission, Roles, find_person

    if email is None:
        if opened.needs_approval:
            fail("a publication is approved by a second person here: say who proposes it by --person EMAIL")
        return command_author()
    try:
        found = find_person(opened.database, email, opened.context.get(Roles))
    except AccessError as error:
        fail(str(error))
    if not found.may(Permission.PUBLISH_POLICIES):
        fail(f"{email} does not have the permission {Permission.PUBLISH_POLICIES}")
    return found.id


def _bundle(opened: App, beginning: str) -> str:
    """The one published bundle whose hash begins so."""
    from seawall.publish.queries import bundles_like

    with opened.database.read() as connection:
        found = bundles_like(connection, beginning.lower())
    if not found:
        fail(f"no published bundle has a hash that begins with {beginning!r}; 'seawall policy history' lists them")
    if len(found) > 1:
        fail(f"{len(found)} published bundles have a hash that begins with {beginning!r}; give more of it")
    return found[0]


def _numbers(changes: Mapping[str, int] | None) -> str:
    if changes is None:
        return "an older release did not count what changed"
    return ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in changes.items() if number) or "no change"
