"""``seawall ledger verify | rebuild``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.progress import Progress

from seawall.cli.common import DatabaseUrl, DataDir, err, explained, fail, out, settings

app = typer.Typer(no_args_is_help=True, help="Check the ledger and rebuild its projections.")


@app.command()
def verify(data_dir: DataDir = None, database: DatabaseUrl = None) -> None:
    """Recompute every hash and read every event; status 1 when something was changed or is missing."""
    from seawall.app import open_storage

    with (
        explained(),
        open_storage(settings(data_dir=data_dir, database_url=database), build=False) as store,
        _bar("verifying") as step,
    ):
        result = store.ledger.verify(progress=step)
    if not result.ok:
        fail(f"the ledger is not intact: {result.fault}")
    out.print(f"{result.events} events verified; chain {result.chain}")
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
