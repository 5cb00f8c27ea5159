"""What programs read and send besides screening: decisions, items, reports, cases.

Without postponed annotations: FastAPI must see the dependencies that ``router`` makes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Header, Path, Query, Request
from pydantic import Field
from sqlalchemy import select

from seawall import appeal
from seawall.access import KeyInfo, Keys, Scope
from seawall.api.errors import ApiProblem
from seawall.api.requests import authenticate, checked_route
from seawall.app import App
from seawall.model import Decision, ItemRef
from seawall.policy import Explanation
from seawall.review.tables import case as case_table
from seawall.screen import item_kind
from seawall.screen.tables import decision as decision_table
from seawall.screen.tables import item as item_table
from seawall.storage import Erased

_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"  # PostgreSQL keeps no zero byte


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionSummary:
    """One decision in a list."""

    id: str
    at: int
    revision: int
    source: str
    verdict: str
    degraded: bool
    policy: str | None
    rule: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemState:
    """Where an item stands. ``decisions``: newest first, at most 50."""

    content_type: str
    id: str
    item: str
    revision: int
    submitted_at: int
    decision: str | None
    verdict: str | None
    degraded: bool | None
    decisions: list[DecisionSummary]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequest:
    """Somebody says an item is bad. ``kind``: user, trusted_flagger, authority or staff."""

    content_type: str
    id: str
    kind: str = "user"
    reporter: str | None = None
    policy: Annotated[str, Field(pattern=_PRINTABLE, max_length=200)] | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportResponse:
    """The receipt of a report (DSA Art. 16(4))."""

    report: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSummary:
    """One case in a queue."""

    id: str
    item: str
    content_type: str
    queue: str
    priority: float
    state: str
    opened_at: int
    decision: str | None
    policy: str | None
    harm: str | None
    reports: int


Limit = Annotated[int, Query(ge=1, le=200)]
Code = Annotated[str, Path(pattern=_PRINTABLE, max_length=200)]
Text = Annotated[str, Query(pattern=_PRINTABLE, max_length=200)]


def router(app: App, keys: Keys) -> APIRouter:
    """Routes under ``/v1``."""
    routes = APIRouter(prefix="/v1", route_class=checked_route(keys))

    def key(scope: Scope) -> Callable[[Request], KeyInfo]:
        def authenticated(request: Request) -> KeyInfo:
            return authenticate(request, keys, scope)

        return authenticated

    @routes.get("/decisions/{decision}", dependencies=[Depends(key(Scope.READ))], tags=["decisions"])
    def get_decision(decision: Code) -> Decision:
        """The whole record of a decision."""
        return _explained(app, decision)[0]

    @routes.get("/decisions/{decision}/explanation", dependencies=[Depends(key(Scope.READ))], tags=["decisions"])
    def get_explanation(decision: Code) -> dict[str, Any]:
        """Why: rules that fired, their values, what was unknown, and the smallest change that would have flipped it."""
        found, explanation = _explained(app, decision)
        if explanation is None:
            return {"decision": found.id, "text": "A person decided this; no rule did.", "rules": []}
        return explanation.to_json()

    @routes.get("/items/{content_type}/{item_id:path}", dependencies=[Depends(key(Scope.READ))], tags=["items"])
    def get_item(content_type: str, item_id: str) -> ItemState:
        """Where an item stands, by the platform's own id."""
        return _item_state(app, content_type, item_id)

    @routes.post("/reports", status_code=201, tags=["reports"])
    def post_report(
        asked: Annotated[ReportRequest, Body()],
        info: Annotated[KeyInfo, Depends(key(Scope.REPORT))],
        idempotency_key: Annotated[str | None, Header()] = None,
    ) -> ReportResponse:
        """Report an item that was submitted before; opens or moves up its case."""
        return ReportResponse(report=_report(app, asked, idempotency_key))

    @routes.get("/cases", dependencies=[Depends(key(Scope.REVIEW))], tags=["cases"])
    def get_cases(state: Text = "open", queue: Text | None = None, limit: Limit = 50) -> list[CaseSummary]:
        """Cases, the most urgent first."""
        query = select(*(case_table.c[name] for name in CaseSummary.__dataclass_fields__))
        query = query.where(case_table.c.state == state)
        if queue is not None:
            query = query.where(case_table.c.queue == queue)
        query = query.order_by(case_table.c.priority.desc(), case_table.c.opened_at).limit(limit)
        with app.database.read() as connection:
            return [CaseSummary(**row) for row in connection.execute(query).mappings()]

    return routes


def _explained(app: App, decision: str) -> tuple[Decision, Explanation | None]:
    try:
        return app.explain(decision)
    except Erased as error:
        raise ApiProblem(status=410, title="Erased", detail="What this decision read was erased.") from error
    except LookupError as error:
        raise _not_found(str(error.args[0])) from error


def _not_found(detail: str) -> ApiProblem:
    return ApiProblem(status=404, title="Not found", detail=detail)


def _item_state(app: App, content_type: str, item_id: str) -> ItemState:
    ref = app.vault.find(item_kind(content_type), item_id)
    with app.database.read() as connection:
        head = connection.execute(select(item_table).where(item_table.c.ref == ref)).one_or_none()
        if head is None:
            raise _not_found(f"no {content_type} with the id {item_id[:200]!r} was submitted")
        rows = connection.execute(
            select(*(decision_table.c[name] for name in DecisionSummary.__dataclass_fields__))
            .where(decision_table.c.item == ref)
            .order_by(decision_table.c.seq.desc())
            .limit(50)
        ).mappings()
        decisions = [DecisionSummary(**row) for row in rows]
    return ItemState(
        content_type=content_type,
        id=item_id,
        item=head.ref,
        revision=head.revision,
        submitted_at=head.submitted_at,
        decision=head.decision,
        verdict=head.verdict,
        degraded=head.degraded,
        decisions=decisions,
    )


def _report(app: App, asked: ReportRequest, key: str | None) -> str:
    report = appeal.Report(
        content_type=asked.content_type,
        item_id=asked.id,
        kind=asked.kind,
        reporter=asked.reporter,
        policy=asked.policy,
        note=asked.note,
        key=key,
    )
    try:
        return appeal.receive_report(app.ledger, report, find_item=lambda *item: find_item(app, *item))
    except appeal.UnknownItem as error:
        raise _not_found(str(error)) from error
    except appeal.InvalidReport as error:
        raise ApiProblem(
            status=422, title="The report cannot be taken", detail=str(error), pointer=f"/{error.field}"
        ) from error
    except Erased as error:
        raise ApiProblem(status=410, title="Erased", detail="The item's author was erased.") from error


def find_item(app: App, content_type: str, item_id: str) -> ItemRef | None:
    """An item in its newest revision by the platform's own id."""
    ref = app.vault.find(item_kind(content_type), item_id)
    with app.database.read() as connection:
        revision = connection.execute(select(item_table.c.revision).where(item_table.c.ref == ref)).scalar_one_or_none()
    return ItemRef(content_type, ref, revision) if ref is not None and revision is not None else None
