"""The start page: what is going on, live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, case, func, select
from starlette.responses import JSONResponse, Response

from seawall.access import Permission
from seawall.console.request import Page, PageRequest
from seawall.console.templates import render
from seawall.enforce.tables import delivery
from seawall.model import Verdict, now_ms
from seawall.review.tables import case as review_case
from seawall.screen.tables import decision, fired_rule, pending_rescreen, traffic

_MINUTE = 60_000
_HOUR = 60 * _MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewNumbers:
    """The figures of the overview. Times are ms since 1970."""

    decisions: int
    verdicts: dict[str, int]
    degraded: int
    open_cases: int
    top_queue: str | None
    pending_rescreens: int
    oldest_pending_at: int | None
    overdue_rescreens: int
    next_rescreen_due: int | None
    waiting_deliveries: int
    dead_deliveries: int


def show(visit: PageRequest) -> Response:
    """The page."""
    with visit.app.database.read() as connection:
        return render(visit, "overview.html", **_context(connection))


def live(visit: PageRequest) -> Response:
    """The part of the page that renews itself."""
    with visit.app.database.read() as connection:
        return render(visit, "overview_live.html", **_context(connection))


def as_json(visit: PageRequest) -> Response:
    """The figures for programs."""
    with visit.app.database.read() as connection:
        found = numbers(connection)
    return JSONResponse({name: getattr(found, name) for name in OverviewNumbers.__slots__})


def traffic_json(visit: PageRequest) -> Response:
    """Decisions by minute and verdict over the last hour, in uPlot's columns: seconds, then a column each."""
    first = (now_ms() // _MINUTE - 59) * _MINUTE
    query = (
        select(traffic.c.minute, traffic.c.verdict, func.sum(traffic.c.decisions))
        .where(traffic.c.minute >= first)
        .group_by(traffic.c.minute, traffic.c.verdict)
    )
    minutes = [first + step * _MINUTE for step in range(60)]
    with visit.app.database.read() as connection:
        counts = {(minute, verdict): int(count) for minute, verdict, count in connection.execute(query)}
    columns = [[counts.get((minute, verdict), 0) for minute in minutes] for verdict in Verdict]
    return JSONResponse({"names": list(Verdict), "columns": [[minute // 1000 for minute in minutes], *columns]})


def numbers(connection: Connection) -> OverviewNumbers:
    """Count what the overview shows."""
    now = now_ms()
    # Whole minutes: the running one and the 59 before it.
    rows = connection.execute(
        select(traffic.c.verdict, func.sum(traffic.c.decisions), func.sum(traffic.c.degraded))
        .where(traffic.c.minute >= (now // _MINUTE - 59) * _MINUTE)
        .group_by(traffic.c.verdict)
    ).all()
    verdicts = {str(verdict): 0 for verdict in Verdict} | {verdict: int(count) for verdict, count, _ in rows}
    open_cases = connection.execute(
        select(review_case.c.queue, func.count())
        .where(review_case.c.state == "open")
        .group_by(review_case.c.queue)
        .order_by(func.count().desc(), review_case.c.queue)
    ).all()
    overdue = func.sum(case((pending_rescreen.c.due_at < now, 1), else_=0))
    pending_rescreens = connection.execute(
        select(
            func.count(), func.min(pending_rescreen.c.opened_at), overdue, func.min(pending_rescreen.c.due_at)
        ).where(pending_rescreen.c.state == "open")
    ).one()
    states: dict[str, int] = dict(
        connection.execute(select(delivery.c.state, func.count()).group_by(delivery.c.state)).all()
    )
    return OverviewNumbers(
        decisions=sum(verdicts.values()),
        verdicts=verdicts,
        degraded=sum(int(degraded) for _, _, degraded in rows),
        open_cases=sum(count for _, count in open_cases),
        top_queue=open_cases[0][0] if open_cases else None,
        pending_rescreens=pending_rescreens[0],
        oldest_pending_at=pending_rescreens[1],
        overdue_rescreens=int(pending_rescreens[2] or 0),
        next_rescreen_due=pending_rescreens[3],
        waiting_deliveries=states.get("queued", 0) + states.get("retrying", 0),
        dead_deliveries=states.get("dead", 0),
    )


def _context(connection: Connection) -> dict[str, Any]:
    return {"numbers": numbers(connection), "rules": _top_rules(connection), "latest": _latest(connection)}


def _top_rules(connection: Connection) -> Sequence[Row[Any]]:
    count = func.count().label("fired")
    return connection.execute(
        select(fired_rule.c.policy, fired_rule.c.rule, fired_rule.c.mode, fired_rule.c.harm, count)
        .where(fired_rule.c.at >= now_ms() - _HOUR)
        .group_by(fired_rule.c.policy, fired_rule.c.rule, fired_rule.c.mode, fired_rule.c.harm)
        .order_by(count.desc(), fired_rule.c.policy, fired_rule.c.rule)
        .limit(8)
    ).all()


def _latest(connection: Connection) -> Sequence[Row[Any]]:
    return connection.execute(select(decision).order_by(decision.c.seq.desc()).limit(12)).all()


PAGES = (
    Page(path="/", run=show, permission=Permission.SEE_OVERVIEW),
    Page(path="/overview.json", run=as_json, permission=Permission.SEE_OVERVIEW),
    Page(path="/overview/live", run=live, permission=Permission.SEE_OVERVIEW),
    Page(path="/overview/traffic.json", run=traffic_json, permission=Permission.SEE_OVERVIEW),
)
