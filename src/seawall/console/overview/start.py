"""The start page: current figures, refreshed every two seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from seawall.access import Permission
from seawall.console import active_bundle
from seawall.console.child_safety import seen_rows
from seawall.console.publish.publications import folder_difference
from seawall.console.request import Page, PageRequest, json_response, redirect
from seawall.console.templates import render
from seawall.enforce.queries import deliveries_by_state
from seawall.model import Verdict, now_ms
from seawall.model.case_scope import CaseScopes
from seawall.review.queries import count_cases
from seawall.screen.queries import (
    DecisionFilters,
    FiredRuleCount,
    decisions_by_minute,
    fired_rules,
    items_since,
    newest_decisions,
    rescreen_summary,
    traffic_between,
)

_MINUTE = 60_000
_HOUR = 60 * _MINUTE
_TOP_RULES = 8
_LATEST = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """The figures of the overview. Times are ms since 1970.

    ``verdicts`` and ``degraded`` count the ``items`` submitted in the last hour by where they stand now: an item that
    is decided again and again, while a detector does not answer, counts once. ``decisions`` counts each decision.
    """

    items: int
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


def show(request: PageRequest) -> Response:
    """Show the page; those whose roles do not include it go on to the first page that they do."""
    if not request.may(Permission.SEE_OVERVIEW):
        return redirect(next((one.path for one in request.context.menu if request.may(one.permission)), "/account"))
    folder = folder_difference(request) if request.may(Permission.PUBLISH_POLICIES) else None
    return render(request, "overview/overview.html", folder=folder, **_context(request))


def live(request: PageRequest) -> Response:
    """The part of the page that is refreshed."""
    return render(request, "overview/overview_live.html", **_context(request))


def as_json(request: PageRequest) -> Response:
    """The figures as JSON."""
    with request.app.database.read() as connection:
        return json_response(numbers(connection, request.person.scopes()))


def traffic_json(request: PageRequest) -> Response:
    """Decisions of the last hour by minute and verdict, in uPlot's columns: seconds, then a column each."""
    first = _first_minute(now_ms())
    minutes = [first + step * _MINUTE for step in range(60)]
    with request.app.database.read() as connection:
        counts = decisions_by_minute(connection, first)
    columns = [[counts.get((minute, verdict), 0) for minute in minutes] for verdict in Verdict]
    return json_response({"names": list(Verdict), "columns": [[minute // 1000 for minute in minutes], *columns]})


def numbers(connection: Connection, scopes: CaseScopes) -> Numbers:
    """Count what the overview shows; of the cases only those that one of the scopes admits."""
    now = now_ms()
    verdicts, degraded, items = {str(verdict): 0 for verdict in Verdict}, 0, 0
    for count in items_since(connection, _first_minute(now)):
        items += count.items
        if count.verdict is not None:
            verdicts[count.verdict] += count.items
            degraded += count.items if count.degraded else 0
    queues = count_cases(connection, "open", scopes=scopes).queues
    rescreens = rescreen_summary(connection, now)
    states = deliveries_by_state(connection)
    return Numbers(
        items=items,
        decisions=sum(row.decisions for row in traffic_between(connection, _first_minute(now), None)),
        verdicts=verdicts,
        degraded=degraded,
        open_cases=sum(count for _, count in queues),
        top_queue=max(queues, key=lambda queue: queue[1])[0] if queues else None,
        pending_rescreens=rescreens.pending,
        oldest_pending_at=rescreens.oldest_at,
        overdue_rescreens=rescreens.overdue,
        next_rescreen_due=rescreens.next_due_at,
        waiting_deliveries=states.get("queued", 0) + states.get("retrying", 0),
        dead_deliveries=states.get("dead", 0),
    )


def _first_minute(now: int) -> int:
    """Start of the last 60 minutes: the current minute and the 59 before it."""
    return (now // _MINUTE - 59) * _MINUTE


def _context(request: PageRequest) -> dict[str, Any]:
    known = active_bundle.rules_of_decisions(request.app)
    with request.app.database.read() as connection:
        return {
            "numbers": numbers(connection, request.person.scopes()),
            "rules": _top(fired_rules(connection, known, now_ms() - _HOUR)),
            "latest": seen_rows(request, connection, newest_decisions(connection, DecisionFilters(), limit=_LATEST)),
        }


def _top(fired: list[FiredRuleCount]) -> list[FiredRuleCount]:
    return sorted(fired, key=lambda rule: (-rule.fired, rule.policy, rule.rule))[:_TOP_RULES]


PAGES = (
    Page(path="/", run=show),
    Page(path="/overview.json", run=as_json, permission=Permission.SEE_OVERVIEW),
    Page(path="/overview/live", run=live, permission=Permission.SEE_OVERVIEW),
    Page(path="/overview/traffic.json", run=traffic_json, permission=Permission.SEE_OVERVIEW),
)
