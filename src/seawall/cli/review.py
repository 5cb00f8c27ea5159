"""``seawall review``: planning of the people who review. ``seawall queue``: their queues."""

from __future__ import annotations

from typing import Annotated

import typer

from seawall.cli.common import DatabaseUrl, DataDir, explained, fail, out, settings
from seawall.cli.queues import app as queues

command = typer.Typer()
reviewing = typer.Typer(no_args_is_help=True, help="Reviewing by people.")
command.add_typer(reviewing, name="review")
command.add_typer(queues, name="queue")


@reviewing.callback()
def _group() -> None:
    """Reviewing by people."""


@reviewing.command("staffing")
def staffing(
    sla: Annotated[str, typer.Option(help="How long a case may wait until somebody takes it, such as 30m.")] = "1h",
    reach: Annotated[float, typer.Option(help="Share of each hour's cases for which that must hold, in %.")] = 90,
    queue: Annotated[str | None, typer.Option(help="Only this queue.")] = None,
    weeks: Annotated[int, typer.Option(min=1, max=52, help="How many weeks are measured.")] = 4,
    per_hour: Annotated[float | None, typer.Option(help="Cases in an hour, instead of those measured.")] = None,
    handle: Annotated[str | None, typer.Option(help="Time on a case, such as 90s, instead of those measured.")] = None,
    seed: Annotated[int, typer.Option(help="Of the simulation.")] = 1,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """How many reviewers each hour of the week needs (UTC), by simulation of arrivals and handle times."""
    from seawall.app import open_storage
    from seawall.model import now_ms
    from seawall.model.durations import FORM, parse_duration
    from seawall.review.figure_rows import FigureFilters
    from seawall.review.figures import HOUR_MS
    from seawall.review.staffing import WEEK_HOURS, CannotPlan, measure_work, plan_staffing, runs

    sla_s, handle_s = parse_duration(sla), parse_duration(handle) if handle is not None else None
    if sla_s is None or (handle is not None and handle_s is None):
        fail(f"Write --sla and --handle as {FORM}.", 2)
    until = now_ms() // HOUR_MS * HOUR_MS
    since, filters = until - weeks * WEEK_HOURS * HOUR_MS, FigureFilters(queue=queue, child_safety=True)
    chosen = settings(data_dir=data_dir, database_url=database)
    with explained(), open_storage(chosen) as store, store.database.read() as connection:
        work = measure_work(connection, since, until, filters)
    came = [per_hour] * WEEK_HOURS if per_hour is not None else work.arrivals
    try:
        times = [handle_s] if handle_s is not None else work.handle_s
        plan = plan_staffing(came, times, sla_s=sla_s, reach=reach / 100, seed=seed)
    except CannotPlan as error:
        fail(str(error))
    out.print(
        f"{sum(came):,.0f} cases a week, {sum(times) / len(times):,.0f} s on each; taken within {sla} for {reach:g} %"
    )
    for number, day in enumerate(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")):
        hours = runs(plan.reviewers[24 * number : 24 * number + 24])
        out.print(f"{day}  " + "  ".join(f"{first:02}-{end:02} {count}" for first, end, count in hours), soft_wrap=True)
    fewest, most = min(plan.reviewers), max(plan.reviewers)
    out.print(
        f"{most if fewest == most else f'{fewest} to {most}'} reviewers at once, {sum(plan.reviewers):,} hours a week, "
        f"busy {plan.busy:.0%} of them; {plan.met_in_all:.1%} of {plan.cases:,} simulated cases taken in time",
        soft_wrap=True,
    )
