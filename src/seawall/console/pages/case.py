"""A case: all that a person needs to decide it, and the form that decides it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection, Row, select
from starlette.responses import JSONResponse, Response

from seawall import access, review
from seawall.access import Permission
from seawall.appeal.tables import report
from seawall.console import active_bundle
from seawall.console.field_views import VEILED_HARMS
from seawall.console.history import enforcements, notes, reviews, timeline
from seawall.console.item_view import item_view
from seawall.console.request import Page, PageProblem, PageRequest, missing, redirect
from seawall.console.templates import render
from seawall.model import ACTIONS, Action, ActionSubject, ContentType, Decision, ItemRef, ParameterType, now_ms
from seawall.review.tables import case as case_table
from seawall.screen.tables import decision as decision_table
from seawall.screen.tables import item as item_table

_OTHERS = 8


def show(visit: PageRequest) -> Response:
    """The case. Opening an open one takes the lease, if the visitor reviews and nobody else holds it."""
    return _page(visit)


def renew(visit: PageRequest) -> Response:
    """The heartbeat of the lease: how long it lasts now, or why it is gone."""
    try:
        lease = review.renew(visit.app.database, visit.place("case"), visit.person.id)
    except review.ReviewError as error:
        return JSONResponse({"held": False, "reason": str(error)}, status_code=409)
    return JSONResponse({"held": True, "left_ms": lease.until - now_ms()})


def release(visit: PageRequest) -> Response:
    """Let go of the case."""
    review.release(visit.app.database, visit.place("case"), visit.person.id)
    return redirect(_with_filters(visit, "/queue"))


def skip(visit: PageRequest) -> Response:
    """Let go and take the next one."""
    review.skip_case(visit.app.database, visit.place("case"), visit.person.id)
    return redirect(_with_filters(visit, "/queue/next"))


def decide(visit: PageRequest) -> Response:
    """Take the answer, then the next case. A refused answer shows the case again with the reason."""
    answer = review.ReviewAnswer(
        answer=visit.field("answer"),
        policy=(visit.field("policy") or None) if visit.field("answer") == review.VIOLATES else None,
        actions=_actions(visit) if visit.field("answer") == review.VIOLATES else (),
        reason=visit.field("reason"),
        note=visit.field("note").strip(),
    )
    try:
        decision = review.submit_review(
            visit.app.ledger,
            active_bundle.rulebook(visit.app),
            visit.place("case"),
            visit.person.id,
            answer,
            seen=visit.field("seen") or None,
        )
    except review.NoSuchCase:
        raise missing("case") from None
    except review.ReviewError as error:
        return _page(visit, error=str(error), status=409)
    return redirect(_with_filters(visit, "/queue/next", done=decision.id))


def _page(visit: PageRequest, *, error: str = "", status: int = 200) -> Response:
    app = visit.app
    case_id = visit.place("case")
    with app.database.read() as connection:
        case = connection.execute(select(case_table).where(case_table.c.id == case_id)).first()
        head = connection.execute(select(item_table).where(item_table.c.ref == case.item)).first() if case else None
    if case is None or head is None:
        raise missing("case")
    held, taken = _lease(visit, case)
    item = ItemRef(head.content_type, head.ref, head.revision)
    access.record_view(app.database, app.ledger, visit.person.id, item, "case")
    seen = item_view(app, item, head.decision, whole=visit.query("all") == "1")
    with app.database.read() as connection:
        enforced = enforcements(connection, item.ref)
        context: dict[str, Any] = {
            "enforced": [one for one in enforced if one.row.state == "active"],
            "timeline": timeline(connection, item.ref, enforced),
            "reports": _reports(connection, item.ref),
            "reviews": reviews(connection, item.ref),
            "others": _others(connection, head),
        }
    policies = active_bundle.policies(app)
    content_type = active_bundle.content_types(app).get(head.content_type)
    chosen = visit.field("policy") or case.policy or ""
    return render(
        visit,
        "case.html",
        status=status,
        case=case,
        head=head,
        seen=seen,
        lease=held,
        taken=taken,
        now=now_ms(),
        veiled=case.harm in VEILED_HARMS,
        names=active_bundle.names_of_people(app),
        policies=policies,
        policy=policies.get(chosen),
        form=_form(content_type, seen.decision, visit.form),
        notes=notes(app.vault, item.ref, context["reports"], context["reviews"]),
        filters={"queue": visit.query("queue"), "type": visit.query("type")},
        done=visit.query("done"),
        error=error,
        **context,
    )


def _lease(visit: PageRequest, case: Row[Any]) -> tuple[review.Lease | None, str]:
    """The visitor's lease, or why they have none."""
    if case.state != review.CaseState.OPEN or not visit.may(Permission.REVIEW):
        return None, ""
    try:
        return review.take(visit.app.database, case.id, visit.person.id), ""
    except review.ReviewError as error:
        return None, str(error)


def _actions(visit: PageRequest) -> tuple[Action, ...]:
    """The ticked actions with the parameters that were filled in."""
    return tuple(
        Action(kind, dict(_parameters(visit, kind)))
        for kind in dict.fromkeys(visit.fields("action"))
        if kind in ACTIONS
    )


def _parameters(visit: PageRequest, kind: str) -> list[tuple[str, str | float]]:
    found: list[tuple[str, str | float]] = []
    for parameter in ACTIONS[kind].parameters:
        text = visit.field(f"{kind}.{parameter.name}").strip()
        if not text:
            continue
        if parameter.type is ParameterType.TEXT:
            found.append((parameter.name, text))
            continue
        try:
            found.append((parameter.name, float(text)))
        except ValueError:
            raise PageProblem(422, "Not a number", f"{parameter.name} of {kind} must be a number.") from None
    return found


def _form(
    content_type: ContentType | None, decision: Decision | None, sent: Mapping[str, tuple[str, ...]]
) -> dict[str, Any]:
    """The actions to offer, by subject, and what is ticked: what was sent, else what the machine chose."""
    allowed = [ACTIONS[kind] for kind in content_type.actions] if content_type else []
    offered = [kind for kind in allowed if kind.subject is not ActionSubject.HOUSE]
    chosen = {action.kind: action.parameters for action in decision.actions} if decision else {}
    # A hold waits for exactly this answer, so it is not repeated.
    default = [kind.name for kind in offered if kind.name in chosen and kind.name != "hold"] or ["remove"]
    return {
        "item_actions": [kind for kind in offered if kind.subject is ActionSubject.ITEM],
        "actor_actions": [kind for kind in offered if kind.subject is ActionSubject.ENTITY],
        "ticked": set(sent.get("action", ())) if sent else set(default),
        "answer": sent.get("answer", ("",))[0],
        "reason": sent.get("reason", ("",))[0],
        "note": sent.get("note", ("",))[0],
        "reasons": review.REASONS,
        "machine": chosen,
    }


def _reports(connection: Connection, item: str) -> Sequence[Row[Any]]:
    return connection.execute(select(report).where(report.c.item == item).order_by(report.c.seq.desc()).limit(20)).all()


def _others(connection: Connection, head: Row[Any]) -> Sequence[Row[Any]]:
    """The actor's other decisions that were not a plain allow first come first; then the rest."""
    if head.actor is None:
        return ()
    return connection.execute(
        select(decision_table)
        .join(item_table, item_table.c.decision == decision_table.c.id)
        .where(item_table.c.actor == head.actor, item_table.c.ref != head.ref)
        .order_by(decision_table.c.seq.desc())
        .limit(_OTHERS)
    ).all()


def _with_filters(visit: PageRequest, where: str, **more: str) -> str:
    carried = {"queue": visit.field("queue"), "type": visit.field("type"), **more}
    query = urlencode({name: value for name, value in carried.items() if value})
    return where + (f"?{query}" if query else "")


PAGES = (
    Page(path="/cases/{case}", run=show, permission=Permission.SEE_CONTENT),
    Page(path="/cases/{case}/lease", run=renew, method="POST", permission=Permission.REVIEW),
    Page(path="/cases/{case}/release", run=release, method="POST", permission=Permission.REVIEW),
    Page(path="/cases/{case}/skip", run=skip, method="POST", permission=Permission.REVIEW),
    Page(path="/cases/{case}/decide", run=decide, method="POST", permission=Permission.REVIEW),
)
