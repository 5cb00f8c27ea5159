"""The queue: what waits for a person, most urgent first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection, Row, and_, func, select
from starlette.responses import JSONResponse, Response

from seawall import review
from seawall.access import Permission
from seawall.console.request import Page, PageRequest, redirect
from seawall.console.templates import render
from seawall.model import now_ms
from seawall.review.tables import case, lease
from seawall.screen.tables import item

PAGE_SIZE = 50


def show(visit: PageRequest) -> Response:
    """Open cases, or closed ones, by queue and content type."""
    state = "closed" if visit.query("state") == "closed" else "open"
    queue, content_type = visit.query("queue"), visit.query("type")
    after = visit.cursor("skip") or 0
    with visit.app.database.read() as connection:
        cases = _cases(connection, state, queue, content_type, after)
        queues = _counts(connection, case.c.queue, state)
        types = _counts(connection, case.c.content_type, state)
    return render(
        visit,
        "queue.html",
        cases=cases[:PAGE_SIZE],
        older=after + PAGE_SIZE if len(cases) > PAGE_SIZE else None,
        queues=queues,
        types=types,
        chosen={"queue": queue, "type": content_type, "state": state},
        link=lambda **changes: _link(queue, content_type, state, changes),
        done=visit.query("done"),
        now=now_ms(),
    )


def as_json(visit: PageRequest) -> Response:
    """Open cases for programs."""
    with visit.app.database.read() as connection:
        cases = _cases(connection, "open", visit.query("queue"), visit.query("type"), 0)
    return JSONResponse({"cases": [dict(row._mapping) for row in cases[:PAGE_SIZE]]})


def next_case(visit: PageRequest) -> Response:
    """Lease the most urgent case and go there."""
    queue, content_type = visit.query("queue"), visit.query("type")
    lease_ = review.next_case(
        visit.app.database, visit.person.id, queue=queue or None, content_type=content_type or None
    )
    carried = {"queue": queue, "type": content_type, "done": visit.query("done")}
    query = urlencode({name: value for name, value in carried.items() if value})
    where = f"/cases/{lease_.case}" if lease_ is not None else "/queue"
    return redirect(where + (f"?{query}" if query else ""))


def _cases(connection: Connection, state: str, queue: str, content_type: str, skip: int) -> Sequence[Row[Any]]:
    live_lease = and_(lease.c.case == case.c.id, lease.c.until > now_ms())
    query = (
        select(case, item.c.verdict, item.c.degraded, lease.c.person.label("holder"))
        .outerjoin(item, item.c.ref == case.c.item)
        .outerjoin(lease, live_lease)
        .where(case.c.state == state)
    )
    if queue:
        query = query.where(case.c.queue == queue)
    if content_type:
        query = query.where(case.c.content_type == content_type)
    if state == "open":
        query = query.order_by(case.c.priority.desc(), case.c.opened_at, case.c.id)
    else:
        query = query.order_by(case.c.closed_at.desc(), case.c.id)
    return connection.execute(query.limit(PAGE_SIZE + 1).offset(skip)).all()


def _counts(connection: Connection, column: Any, state: str) -> list[tuple[str, int]]:
    query = select(column, func.count()).where(case.c.state == state).group_by(column).order_by(column)
    return [(name, count) for name, count in connection.execute(query)]


def _link(queue: str, content_type: str, state: str, changes: dict[str, object]) -> str:
    chosen: dict[str, object] = {"queue": queue, "type": content_type, "state": state, **changes}
    if chosen["state"] == "open":
        del chosen["state"]
    query = urlencode({name: value for name, value in chosen.items() if value})
    return "/queue" + (f"?{query}" if query else "")


PAGES = (
    Page(path="/queue", run=show, permission=Permission.SEE_CONTENT),
    Page(path="/queue.json", run=as_json, permission=Permission.SEE_CONTENT),
    Page(path="/queue/next", run=next_case, permission=Permission.REVIEW),
)
