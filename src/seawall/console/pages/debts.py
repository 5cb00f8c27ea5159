"""Debts: what was let through or held while something was unknown, and whether the promise is kept."""

from __future__ import annotations

from sqlalchemy import func, select
from starlette.responses import JSONResponse, Response

from seawall.access import Permission
from seawall.console.templates import render
from seawall.console.visits import Page, Visit
from seawall.model import now_ms
from seawall.screen.tables import debt, decision

_LIMIT = 100


def show(visit: Visit) -> Response:
    """Open debts by due time, and those paid last."""
    outcome = decision.alias("outcome")
    before = decision.alias("before")
    columns = (debt, before.c.verdict.label("was"), outcome.c.verdict.label("became"))
    joined = (
        select(*columns)
        .outerjoin(before, before.c.id == debt.c.decision)
        .outerjoin(outcome, outcome.c.id == debt.c.paid_by)
    )
    with visit.app.database.read() as connection:
        owed = connection.execute(
            joined.where(debt.c.state == "open").order_by(debt.c.due_at, debt.c.decision).limit(_LIMIT)
        ).all()
        paid = connection.execute(
            joined.where(debt.c.state == "paid").order_by(debt.c.paid_at.desc(), debt.c.decision).limit(_LIMIT // 2)
        ).all()
        total = connection.execute(select(func.count()).where(debt.c.state == "open")).scalar_one()
    return render(visit, "debts.html", owed=owed, paid=paid, total=total, now=now_ms())


def as_json(visit: Visit) -> Response:
    """Open debts for programs."""
    with visit.app.database.read() as connection:
        rows = connection.execute(
            select(debt).where(debt.c.state == "open").order_by(debt.c.due_at, debt.c.decision).limit(_LIMIT)
        ).all()
    return JSONResponse({"debts": [dict(row._mapping) for row in rows]})


PAGES = (
    Page(path="/debts", run=show, permission=Permission.SEE_OPERATIONS),
    Page(path="/debts.json", run=as_json, permission=Permission.SEE_OPERATIONS),
)
