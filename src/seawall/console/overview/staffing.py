"""The page that says how many reviewers each hour of the week needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from seawall.access import Permission
from seawall.console import active_bundle
from seawall.console.child_safety import may_see_all
from seawall.console.languages import gettext as _
from seawall.console.languages import marked
from seawall.console.overview.figures import queue_in_scope
from seawall.console.request import Page, PageProblem, PageRequest, json_response
from seawall.console.templates import render
from seawall.model import now_ms
from seawall.model.durations import FORM, format_duration, parse_duration
from seawall.review.figure_rows import FigureFilters, policies_and_queues
from seawall.review.figures import HOUR_MS
from seawall.review.staffing import (
    WEEK_HOURS,
    CannotPlan,
    MeasuredWork,
    StaffingPlan,
    measure_work,
    plan_staffing,
    runs,
)

_WEEKS: Final = (1, 4, 12)
_DAYS: Final = (
    *(marked("Monday"), marked("Tuesday"), marked("Wednesday"), marked("Thursday"), marked("Friday")),
    *(marked("Saturday"), marked("Sunday")),
)
_SHIFT_HOURS: Final = 8
_FORM: Final = marked(
    'a duration such as "30s", "10m", "12h", "7d", "2w" or "5y"'
)  # ``FORM``, so that the catalogues know it


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inputs:
    """What the form asks for, as its fields show it again."""

    queue: str
    weeks: int
    sla: str
    reach: str
    per_hour: str
    handle: str
    asked: bool  # the form was sent


def show(request: PageRequest) -> Response:
    """Show the form, and the plan once it was sent."""
    inputs = _inputs(request)
    work, plan, error = _answer(request, inputs)
    with request.app.database.read() as connection:
        queues = policies_and_queues(connection, child_safety=may_see_all(request))[1]
    return render(
        request,
        "overview/staffing.html",
        status=422 if error else 200,
        inputs=inputs,
        weeks=_WEEKS,
        queues=queues,
        settings=active_bundle.queues(request.app),
        work=work,
        mean_handle=sum(work.handle_s) / len(work.handle_s) if work.handle_s else None,
        plan=plan,
        days=_by_day(plan) if plan is not None else (),
        shifts=sum(plan.reviewers) / _SHIFT_HOURS if plan is not None else 0,
        error=error,
    )


def as_json(request: PageRequest) -> Response:
    """What was measured and the plan, as JSON."""
    work, plan, error = _answer(request, _inputs(request))
    if error:
        raise PageProblem(422, _("No plan"), error)
    measured = {"per_hour": work.arrivals, "handle_times": len(work.handle_s), "weeks": work.weeks}
    return json_response({"measured": measured, "plan": plan})


def _inputs(request: PageRequest) -> _Inputs:
    queue, weeks = queue_in_scope(request) or "", request.query("weeks")
    sla = active_bundle.queues(request.app).of(queue).sla_s if queue else None
    return _Inputs(
        queue=queue,
        weeks=int(weeks) if weeks in map(str, _WEEKS) else 4,
        sla=request.query("sla") or format_duration(sla or 3600),
        reach=request.query("reach") or "90",
        per_hour=request.query("per_hour"),
        handle=request.query("handle"),
        asked=bool(request.query("sla")),
    )


def _answer(request: PageRequest, inputs: _Inputs) -> tuple[MeasuredWork, StaffingPlan | None, str]:
    """What was measured, the plan if it was asked for, and what is wrong with the inputs."""
    until = now_ms() // HOUR_MS * HOUR_MS
    filters = FigureFilters(queue=inputs.queue or None, child_safety=may_see_all(request))
    with request.app.database.read() as connection:
        work = measure_work(connection, until - inputs.weeks * WEEK_HOURS * HOUR_MS, until, filters)
    if not inputs.asked:
        return work, None, ""
    sla_s, handle_s = parse_duration(inputs.sla), parse_duration(inputs.handle) if inputs.handle else None
    if sla_s is None or (inputs.handle and handle_s is None):
        return work, None, _("Write the SLA and the time on a case as %(form)s.") % {"form": _(FORM)}
    try:
        reach = float(inputs.reach) / 100
        per_hour = [float(inputs.per_hour)] * WEEK_HOURS if inputs.per_hour else work.arrivals
    except ValueError:
        return work, None, _("Write the share and the cases in an hour as numbers, such as 90 and 12.5.")
    try:
        plan = plan_staffing(per_hour, [handle_s] if handle_s else work.handle_s, sla_s=sla_s, reach=reach)
    except CannotPlan as refused:
        return work, None, str(refused)
    return work, plan, ""


def _by_day(plan: StaffingPlan) -> list[tuple[str, list[tuple[int, int, int]]]]:
    """Each day with its runs of hours in which equally many work."""
    return [(day, runs(plan.reviewers[24 * number : 24 * number + 24])) for number, day in enumerate(_DAYS)]


PAGES: Final[tuple[Page, ...]] = (
    Page(path="/staffing", run=show, permission=Permission.SEE_FIGURES),
    Page(path="/staffing.json", run=as_json, permission=Permission.SEE_FIGURES),
)
