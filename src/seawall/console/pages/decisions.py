"""Decisions: all of them with filters, and one with its whole explanation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec
from sqlalchemy import Connection, Row, Select, exists, select
from starlette.responses import JSONResponse, Response

from seawall import access
from seawall.access import Permission
from seawall.console import active_bundle
from seawall.console.field_views import VEILED_HARMS
from seawall.console.history import enforcements
from seawall.console.item_view import item_view
from seawall.console.request import Page, PageRequest, missing
from seawall.console.templates import render
from seawall.model import Decision, DecisionSource, Verdict
from seawall.screen import load_decision
from seawall.screen.tables import decision, fired_rule, item

PAGE_SIZE = 50
_FILTERS = ("verdict", "source", "type", "policy", "rule", "degraded")


def show_all(visit: PageRequest) -> Response:
    """Newest first."""
    chosen = {name: visit.query(name) for name in _FILTERS}
    with visit.app.database.read() as connection:
        rows = _rows(connection, chosen, visit.cursor())
    types = sorted(active_bundle.content_types(visit.app))
    return render(
        visit,
        "decisions.html",
        rows=rows[:PAGE_SIZE],
        older=_link(chosen, before=rows[PAGE_SIZE - 1].seq) if len(rows) > PAGE_SIZE else None,
        newest=_link(chosen) if visit.cursor() else None,
        chosen=chosen,
        verdicts=list(Verdict),
        sources=list(DecisionSource),
        types=types,
        policies=sorted(active_bundle.policies(visit.app)),
        names=active_bundle.names_of_people(visit.app),
    )


def all_as_json(visit: PageRequest) -> Response:
    """The same for programs."""
    with visit.app.database.read() as connection:
        rows = _rows(connection, {name: visit.query(name) for name in _FILTERS}, visit.cursor())
    return JSONResponse({"decisions": [dict(row._mapping) for row in rows[:PAGE_SIZE]]})


def show(visit: PageRequest) -> Response:
    """One decision: what, why, on what values, what was unknown, what would have changed it."""
    app = visit.app
    found = _load(visit)
    access.record_view(app.database, app.ledger, visit.person.id, found.item, "decision")
    seen = item_view(app, found.item, found.id, whole=visit.query("all") == "1")
    with app.database.read() as connection:
        row = connection.execute(select(decision).where(decision.c.id == found.id)).one()
        head = connection.execute(select(item).where(item.c.ref == found.item.ref)).first()
        later = connection.execute(select(decision).where(decision.c.supersedes == found.id)).first()
        enforced = [one for one in enforcements(connection, found.item.ref) if one.row.decision == found.id]
    harms = {reason.harm for reason in found.reasons}
    return render(
        visit,
        "decision.html",
        decision=found,
        row=row,
        head=head,
        later=later,
        enforced=enforced,
        seen=seen,
        veiled=bool(harms & VEILED_HARMS),
        names=active_bundle.names_of_people(app),
    )


def as_json(visit: PageRequest) -> Response:
    """The whole record as the ledger keeps it: surrogates, codes and numbers."""
    return Response(msgspec.json.encode(_load(visit)), media_type="application/json")


def _load(visit: PageRequest) -> Decision:
    try:
        return load_decision(visit.app.database, visit.place("decision"))
    except LookupError:
        raise missing("decision") from None


def _rows(connection: Connection, chosen: dict[str, str], before: int | None) -> Sequence[Row[Any]]:
    query: Select[Any] = select(decision).order_by(decision.c.seq.desc()).limit(PAGE_SIZE + 1)
    columns = {"verdict": decision.c.verdict, "source": decision.c.source, "type": decision.c.content_type}
    for name, column in columns.items():
        if chosen[name]:
            query = query.where(column == chosen[name])
    if chosen["degraded"]:
        query = query.where(decision.c.degraded.is_(True))
    if chosen["policy"]:
        fired = exists().where(fired_rule.c.decision == decision.c.id, fired_rule.c.policy == chosen["policy"])
        query = query.where(fired.where(fired_rule.c.rule == chosen["rule"]) if chosen["rule"] else fired)
    if before is not None:
        query = query.where(decision.c.seq < before)
    return connection.execute(query).all()


def _link(chosen: dict[str, str], **more: object) -> str:
    query = urlencode({name: value for name, value in {**chosen, **more}.items() if value})
    return "/decisions" + (f"?{query}" if query else "")


PAGES = (
    Page(path="/decisions", run=show_all, permission=Permission.SEE_CONTENT),
    Page(path="/decisions.json", run=all_as_json, permission=Permission.SEE_CONTENT),
    Page(path="/decisions/{decision}.json", run=as_json, permission=Permission.SEE_CONTENT),
    Page(path="/decisions/{decision}", run=show, permission=Permission.SEE_CONTENT),
)
