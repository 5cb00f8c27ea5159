"""``seawall ledger head | verify | rebuild``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.progress import Progress

from seawall.cli.common import DatabaseUrl, DataDir, err, explained, fail, out, settings

app = typer.Typer(no_args_is_help=True, help="Check the ledger and rebuild its projections.")


@app.command()
def head(data_dir: DataDir = None, database: DatabaseUrl = None) -> None:
    """Print the signed head, to be kept outside: 'verify --expect' later proves that nothing before it was changed."""
    from seawall.app import open_storage

    with explained(), open_storage(settings(data_dir=data_dir, database_url=database), build=False) as store:
        found = store.ledger.signed_head()
    if found is None:
        fail("the ledger has no signed head yet: it gets one with the next event that this version records")
    out.print(str(found), markup=False, soft_wrap=True)


@app.command()
def verify(
    expect: Annotated[str | None, typer.Option(help="A head that 'seawall ledger head' printed earlier.")] = None,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Recompute every hash and read every event; status 1 when something was changed or is missing."""
    from seawall.app import open_storage
    from seawall.storage import LedgerHead

    with (
        explained(),
        open_storage(settings(data_dir=data_dir, database_url=database), build=False) as store,
        _bar("verifying") as step,
    ):
        expected = None if expect is None else LedgerHead.parse(expect)
        result = store.ledger.verify(progress=step, expected=expected)
    if not result.ok:
        fail(f"the ledger is not intact: {result.fault}")
    out.print(f"{result.events} events verified; chain {result.chain}")
    if result.erased_subjects or result.deleted_entries or result.deleted_files:
        out.print(
            f"lawfully deleted: {result.erased_subjects} subjects erased, {result.deleted_entries} sealed entries and "
            f"{result.deleted_files} files deleted by erasure and retention"
        )
    if result.signed is None:
        out.print("no signed head: a version before 0.3.0 wrote these events; cut-off events would not be noticed")
    elif result.signed < result.events:
        out.print(f"events after {result.signed} are not signed yet: a version before 0.3.0 wrote them")
    for kind, count in sorted(result.unknown.items()):
        out.print(
            f"{count} events of kind {kind}, which no installed component declares: hashes verified, content not read"
        )


@app.command()
def rebuild(data_dir: DataDir = None, database: DatabaseUrl = None) -> None:
    """Build every projection beside its tables and swap them in; status 1 when one differs.

    Servers continue meanwhile.
    """
    from seawall.app import open_storage

    with (
        explained(),
        open_storage(settings(data_dir=data_dir, database_url=database)) as store,
        _bar("rebuilding") as step,
    ):
        result = store.ledger.rebuild(progress=step)
    for table in result.tables:
        word = "same" if table.equal else "DIFFERENT"
        out.print(f"{word:>9}  {table.table}  {table.rows_after} rows  {table.digest_after[:16]}")
    if not result.equal:
        fail("some projections differed; they were replaced by the rebuilt ones")
    out.print(f"{result.events} events; every projection is byte for byte the same")


@contextmanager
def _bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar as a callback (done, total)."""
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
