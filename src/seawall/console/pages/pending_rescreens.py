"""Pending rescreens: what was let through or held while something was unknown, and whether the promise is kept."""

from __future__ import annotations

from sqlalchemy import func, select
from starlette.responses import JSONResponse, Response

from seawall.access import Permission
from seawall.console.request import Page, PageRequest
from seawall.console.templates import render
from seawall.model import now_ms
from seawall.screen.tables import decision, pending_rescreen

_LIMIT = 100


def show(visit: PageRequest) -> Response:
    """Pending rescreens by due time, and those paid last."""
    outcome = decision.alias("outcome")
    before = decision.alias("before")
    columns = (pending_rescreen, before.c.verdict.label("was"), outcome.c.verdict.label("became"))
    joined = (
        select(*columns)
        .outerjoin(before, before.c.id == pending_rescreen.c.decision)
        .outerjoin(outcome, outcome.c.id == pending_rescreen.c.paid_by)
    )
    with visit.app.database.read() as connection:
        owed = connection.execute(
            joined.where(pending_rescreen.c.state == "open")
            .order_by(pending_rescreen.c.due_at, pending_rescreen.c.decision)
            .limit(_LIMIT)
        ).all()
        paid = connection.execute(
            joined.where(pending_rescreen.c.state == "paid")
            .order_by(pending_rescreen.c.paid_at.desc(), pending_rescreen.c.decision)
            .limit(_LIMIT // 2)
        ).all()
        total = connection.execute(select(func.count()).where(pending_rescreen.c.state == "open")).scalar_one()
    return render(visit, "pending_rescreens.html", owed=owed, paid=paid, total=total, now=now_ms())


def as_json(visit: PageRequest) -> Response:
    """Pending rescreens for programs."""
    with visit.app.database.read() as connection:
        rows = connection.execute(
            select(pending_rescreen)
            .where(pending_rescreen.c.state == "open")
            .order_by(pending_rescreen.c.due_at, pending_rescreen.c.decision)
            .limit(_LIMIT)
        ).all()
    return JSONResponse({"pending_rescreens": [dict(row._mapping) for row in rows]})


PAGES = (
    Page(path="/pending-rescreens", run=show, permission=Permission.SEE_OPERATIONS),
    Page(path="/pending-rescreens.json", run=as_json, permission=Permission.SEE_OPERATIONS),
)
