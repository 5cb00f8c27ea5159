"""``seawall subject | legal-hold | retention``: data of a subject, what must be kept, what was deleted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seawall.cli.common import DatabaseUrl, DataDir, explained, fail, out, settings

if TYPE_CHECKING:
    from seawall.settings import Settings
    from seawall.storage.component import ServiceContext

app = typer.Typer(no_args_is_help=True, help="Data of one account or item: export, erasure.")
holds = typer.Typer(no_args_is_help=True, help="Legal holds: data that must be kept.")
retention = typer.Typer(no_args_is_help=True, help="What is deleted when its time is over.")

Kind = Annotated[str, typer.Option(help="account, or item:<content type>.")]


@app.command()
def export(
    subject: Annotated[str, typer.Argument(help="The platform's id.")],
    file: Annotated[Path, typer.Argument(help="The ZIP file to write; it must not exist.")],
    kind: Kind = "account",
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Write all that is held about a subject to a ZIP: JSON and files."""
    from seawall.storage.erasure import export_subject

    with explained(), storage_context(settings(data_dir=data_dir, database_url=database)) as context:
        ref = _find(context, kind, subject)
        try:
            with file.open("xb") as archive:
                export_subject(context, ref, archive)
        except FileExistsError:
            fail(f"{file} exists; name a new file")
    out.print(f"{ref}  {file}", markup=False, soft_wrap=True)


@app.command()
def erase(
    subject: Annotated[str, typer.Argument(help="The platform's id.")],
    kind: Kind = "account",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Erase all that is sealed for or by a subject, with its files; prints the certificate. Cannot be undone."""
    import msgspec

    from seawall.storage.erasure import erase_subject
    from seawall.storage.legal_holds import UnderLegalHold

    with explained(), storage_context(settings(data_dir=data_dir, database_url=database)) as context:
        ref = _find(context, kind, subject)
        if not yes and not typer.confirm(f"Erase {kind} {subject} for good?"):
            fail("nothing was erased")
        try:
            certificate = erase_subject(context, ref, by="cli")
        except UnderLegalHold as error:
            fail(str(error))
    out.print(msgspec.json.format(msgspec.json.encode(certificate)).decode(), markup=False, soft_wrap=True)


@holds.command()
def place(
    subject: Annotated[str, typer.Argument(help="The platform's id.")],
    reason: Annotated[str, typer.Option(help="A code, such as the number of an order.")],
    kind: Kind = "account",
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Keep all that is held about a subject against erasure and retention; prints the legal hold's id."""
    from seawall.storage.legal_holds import LegalHoldError, place_hold

    with explained(), storage_context(settings(data_dir=data_dir, database_url=database)) as context:
        try:
            out.print(place_hold(context.ledger, _find(context, kind, subject), reason, by="cli"))
        except LegalHoldError as error:
            fail(str(error))


@holds.command()
def lift(hold: str, data_dir: DataDir = None, database: DatabaseUrl = None) -> None:
    """End a legal hold."""
    from seawall.storage.legal_holds import LegalHoldError, lift_hold

    with explained(), storage_context(settings(data_dir=data_dir, database_url=database)) as context:
        try:
            lift_hold(context.ledger, hold, by="cli")
        except LegalHoldError as error:
            fail(str(error))


@holds.command("list")
def list_holds(data_dir: DataDir = None, database: DatabaseUrl = None) -> None:
    """Legal holds, newest first."""
    from seawall.storage.legal_holds import list_holds as every

    with explained(), storage_context(settings(data_dir=data_dir, database_url=database)) as context:
        for hold in every(context.database):
            placed = datetime.fromtimestamp(hold.placed_at / 1000, UTC).isoformat(timespec="seconds")
            ended = "" if hold.lifted_at is None else "  lifted"
            out.print(f"{hold.id}  {hold.subject}  {hold.reason}  {placed}{ended}", markup=False, soft_wrap=True)


@retention.command()
def run(data_dir: DataDir = None, database: DatabaseUrl = None) -> None:
    """Enforce retention now, and delete files that nothing refers to. A worker does both by itself."""
    from seawall.app import open_app
    from seawall.screen.retention import enforce_retention
    from seawall.storage.collector import delete_unused_files

    with explained(), open_app(settings(data_dir=data_dir, database_url=database)) as opened:
        entries = enforce_retention(opened.context)
        files = delete_unused_files(opened.context)
    out.print(f"{entries} sealed entries deleted; {files} unused files deleted")


@retention.command()
def report(
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """What was deleted and why, newest first: the events of erasures, ended retention and unused files."""
    from seawall.storage.queries import newest_deletions

    with explained(), storage_context(settings(data_dir=data_dir, database_url=database)) as context:
        with context.database.read() as connection:
            rows = newest_deletions(connection, limit=limit)
        for row in rows:
            at = datetime.fromtimestamp(row.at / 1000, UTC).isoformat(timespec="seconds")
            out.print(f"{row.seq}  {at}  {row.kind}  {row.body.decode()}", markup=False, soft_wrap=True)


@contextmanager
def storage_context(chosen: Settings, *, build: bool = True) -> Iterator[ServiceContext]:
    """Storage with the components' declarations, without their services."""
    from seawall.app import COMPONENTS, open_storage
    from seawall.storage import Blobs, Jobs
    from seawall.storage.component import ServiceContext

    with open_storage(chosen, build=build) as store:
        yield ServiceContext(
            settings=chosen,
            database=store.database,
            ledger=store.ledger,
            vault=store.vault,
            jobs=Jobs(store.database),
            blobs=Blobs.local(chosen.data_dir / "blobs"),
            components=COMPONENTS,
        )


def _find(context: ServiceContext, kind: str, subject: str) -> str:
    from seawall.storage.erasure import UnknownSubject, find_subject

    try:
        return find_subject(context, kind, subject)
    except UnknownSubject as error:
        fail(str(error.args[0]))
