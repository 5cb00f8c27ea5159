"""Deliveries: what is on its way to the platform, what arrived, and what was given up."""

from __future__ import annotations

from urllib.parse import urlencode

from sqlalchemy import func, select
from starlette.responses import JSONResponse, Response

from seawall import enforce
from seawall.access import Permission
from seawall.console.request import Page, PageProblem, PageRequest, missing, redirect
from seawall.console.templates import render
from seawall.enforce.tables import delivery, endpoint, enforcement

PAGE_SIZE = 50
STATES = ("queued", "retrying", "delivered", "dead")

_ROWS = (
    select(delivery, enforcement.c.kind, enforcement.c.item, enforcement.c.content_type, endpoint.c.url)
    .outerjoin(enforcement, enforcement.c.id == delivery.c.enforcement)
    .outerjoin(endpoint, endpoint.c.id == delivery.c.endpoint)
    .order_by(delivery.c.seq.desc())
)


def show(visit: PageRequest) -> Response:
    """Newest first; by state; or one by its id."""
    state = visit.query("state") if visit.query("state") in STATES else ""
    wanted, before = visit.query("id"), visit.cursor()
    query = _ROWS.limit(PAGE_SIZE + 1)
    if state:
        query = query.where(delivery.c.state == state)
    if wanted:
        query = query.where(delivery.c.id == wanted)
    if before is not None:
        query = query.where(delivery.c.seq < before)
    with visit.app.database.read() as connection:
        rows = connection.execute(query).all()
        counts: dict[str, int] = dict(
            connection.execute(select(delivery.c.state, func.count()).group_by(delivery.c.state)).all()
        )
        receivers = connection.execute(
            select(func.count()).select_from(endpoint).where(endpoint.c.enabled)
        ).scalar_one()
    return render(
        visit,
        "deliveries.html",
        rows=rows[:PAGE_SIZE],
        older="/deliveries?" + urlencode({"state": state, "before": rows[PAGE_SIZE - 1].seq})
        if len(rows) > PAGE_SIZE
        else None,
        newest="/deliveries?" + urlencode({"state": state}) if before else None,
        state=state,
        wanted=wanted,
        states=STATES,
        counts=counts,
        receivers=receivers,
    )


def as_json(visit: PageRequest) -> Response:
    """The newest for programs."""
    with visit.app.database.read() as connection:
        rows = connection.execute(select(delivery).order_by(delivery.c.seq.desc()).limit(PAGE_SIZE)).all()
    return JSONResponse({"deliveries": [dict(row._mapping) for row in rows]})


def replay(visit: PageRequest) -> Response:
    """Send a dead or delivered message again, under the same id."""
    wanted = visit.place("delivery")
    try:
        enforce.replay(visit.app.ledger, wanted, person=visit.person.id)
    except enforce.UnknownDelivery:
        raise missing("delivery") from None
    except enforce.CannotReplay as error:
        raise PageProblem(409, "Not sent again", str(error)) from None
    return redirect(f"/deliveries?id={wanted}")


PAGES = (
    Page(path="/deliveries", run=show, permission=Permission.SEE_OPERATIONS),
    Page(path="/deliveries.json", run=as_json, permission=Permission.SEE_OPERATIONS),
    Page(path="/deliveries/{delivery}/replay", run=replay, method="POST", permission=Permission.REPLAY_DELIVERIES),
)
