"""The page of pending rescreens: items decided while something was unknown, and their due times."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection
from starlette.responses import Response

from seawall.access import Permission
from seawall.console.child_safety import hidden_items
from seawall.console.request import Page, PageRequest, json_response
from seawall.console.summaries import Summary, rows_of_items, summaries
from seawall.console.templates import render
from seawall.model import now_ms
from seawall.screen.queries import (
    RescreenOutcome,
    finished_rescreens,
    items_by_ref,
    pending_rescreens,
    rescreen_summary,
)

_LIMIT = 100


def show(request: PageRequest) -> Response:
    """List pending rescreens by due time, and those finished last."""
    now = now_ms()
    with request.app.database.read() as connection:
        pending = _seen(request, connection, pending_rescreens(connection, limit=_LIMIT))
        resolved = _seen(request, connection, finished_rescreens(connection, limit=_LIMIT // 2))
        total = rescreen_summary(connection, now).pending
    return render(
        request,
        "screen/pending_rescreens.html",
        pending=pending,
        resolved=resolved,
        summaries=_summaries(request, [*pending, *resolved]),
        total=total,
        now=now,
    )


def _seen(request: PageRequest, connection: Connection, found: Sequence[RescreenOutcome]) -> list[RescreenOutcome]:
    """Those that roles and team include; who works here without seeing content sees the ids of all."""
    if not request.may(Permission.SEE_CONTENT) or not request.person.is_limited:
        return list(found)
    hidden = hidden_items(request, connection, [one.rescreen.item for one in found])
    return [one for one in found if one.rescreen.item not in hidden]


def _summaries(request: PageRequest, shown: Sequence[RescreenOutcome]) -> dict[str, Summary]:
    """What the items are about, for those who may see content."""
    if not request.may(Permission.SEE_CONTENT):
        return {}
    with request.app.database.read() as connection:
        items = items_by_ref(connection, [one.rescreen.item for one in shown])
    return summaries(request, rows_of_items(items.values()))


def as_json(request: PageRequest) -> Response:
    """Pending rescreens as JSON."""
    with request.app.database.read() as connection:
        pending = _seen(request, connection, pending_rescreens(connection, limit=_LIMIT))
    return json_response({"pending_rescreens": [one.rescreen for one in pending]})


PAGES = (
    Page(path="/pending-rescreens", run=show, permission=Permission.SEE_OPERATIONS),
    Page(path="/pending-rescreens.json", run=as_json, permission=Permission.SEE_OPERATIONS),
)
