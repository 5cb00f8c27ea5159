"""``seawall migrate``: bring the database's tables to the shape that this version expects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from seawall.cli.common import DatabaseUrl, DataDir, err, explained, fail, out, settings

if TYPE_CHECKING:
    from seawall.settings import Settings
    from seawall.storage import Phase


command = typer.Typer()


@command.command()
def migrate(
    pre: Annotated[bool, typer.Option("--pre", help="Only what comes before the new code: additions.")] = False,
    post: Annotated[bool, typer.Option("--post", help="Only what comes after the new code: removals.")] = False,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Create the tables of a new database, or bring those of an older version up to date; all or nothing."""
    if pre and post:
        fail("--pre and --post exclude each other; without either, everything is run")
    phase: Phase | None = "pre" if pre else "post" if post else None
    with explained():
        done = run_migrations(settings(data_dir=data_dir, database_url=database), phase)
    out.print(f"{done} migrations run" if done else "nothing to do: the database is up to date")


def run_migrations(chosen: Settings, phase: Phase | None = None) -> int:
    """Run what is missing, say what it was on standard error, and count it."""
    from seawall.app import migrate as run

    done = run(chosen, phase)
    for migration in done:
        err.print(f"migrated: {migration}", markup=False, style="dim")
    return len(done)
