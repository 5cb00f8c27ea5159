"""``seawall jobs list | requeue``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from seawall.cli.common import DatabaseUrl, DataDir, explained, fail, out, settings

app = typer.Typer(no_args_is_help=True, help="Background jobs: what waits, what failed for good.")


@app.command("list")
def list_jobs(
    state: Annotated[str | None, typer.Option(help="pending, leased or dead; else all.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Jobs in the queue, longest due first, with the last error of those that failed."""
    from seawall.app import open_storage
    from seawall.storage import Jobs

    if state not in (None, "pending", "leased", "dead"):
        fail(f"--state: expected pending, leased or dead, not {state!r}")
    with explained(), open_storage(settings(data_dir=data_dir, database_url=database)) as store:
        for job in Jobs(store.database).listed(state, limit):
            due = datetime.fromtimestamp(job.due_at / 1000, UTC).isoformat(timespec="seconds")
            error = f"  {job.last_error}" if job.last_error else ""
            out.print(f"{job.id}  {job.kind}  {job.state}  due {due}  attempts {job.attempts}{error}", markup=False)


@app.command()
def requeue(
    jobs: Annotated[list[str] | None, typer.Argument(help="Ids of dead jobs.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every dead job.")] = False,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Make dead jobs due now, with their attempts at 0. A worker does them."""
    from seawall.app import open_storage
    from seawall.storage import Jobs

    if bool(jobs) == every:
        fail("name the dead jobs to requeue, or give --all")
    with explained(), open_storage(settings(data_dir=data_dir, database_url=database)) as store:
        queue = Jobs(store.database)
        wanted = [job.id for job in queue.listed("dead", limit=10_000)] if every else jobs or []
        for job in wanted:
            try:
                queue.requeue(job)
            except KeyError:
                fail(f"there is no dead job {job}; 'seawall jobs list --state dead' names them")
        out.print(f"{len(wanted)} jobs requeued")
