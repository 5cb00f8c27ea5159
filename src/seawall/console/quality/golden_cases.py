"""The page of golden cases: mark one, see how they were answered, retire one."""

from __future__ import annotations

from starlette.responses import Response

from seawall import review
from seawall.access import Permission
from seawall.console import active_bundle
from seawall.console.child_safety import check_item, seen_rows
from seawall.console.languages import gettext as _
from seawall.console.languages import marked
from seawall.console.request import Page, PageRequest, json_response, missing, redirect
from seawall.console.templates import render
from seawall.model import ItemRef, now_ms
from seawall.review import quality
from seawall.review.quality.queries import GoldenCaseRow, list_golden_cases
from seawall.review.queries import CaseRow, get_case, reviews_of_item
from seawall.screen import load_decision

_PAGE = 100


def show(request: PageRequest) -> Response:
    """List golden cases; with ``case``, the form that marks this one."""
    return _page(request)


def as_json(request: PageRequest) -> Response:
    """Golden cases as JSON, with how often they were answered and answered right."""
    rows, older = _list(request)
    return json_response({"golden_cases": rows, "older": older})


def mark(request: PageRequest) -> Response:
    """Mark a decided case as golden, in the revision that was decided."""
    app, answer = request.app, request.field("answer")
    case, decision = _case(request)
    if case is None:
        raise missing(marked("case"))
    revision = load_decision(app.database, decision).item.revision if decision is not None else 0
    try:
        quality.mark_golden(
            app.ledger,
            active_bundle.policies(app),
            case.id,
            ItemRef(case.content_type, case.item, revision),
            request.person.id,
            answer=answer,
            policy=(request.field("policy") or None) if answer == review.VIOLATES else None,
        )
    except review.ReviewError as error:
        return _page(request, error=_(str(error)), status=409)
    return redirect("/golden-cases")


def retire(request: PageRequest) -> Response:
    """Mix a golden case in no more."""
    try:
        quality.retire_golden(request.app.ledger, request.path_param("golden"), request.person.id)
    except review.ReviewError as error:
        return _page(request, error=_(str(error)), status=409)
    return redirect("/golden-cases")


def _case(request: PageRequest) -> tuple[CaseRow | None, str | None]:
    """The case that the form is about, and the decision of its last review. Raises Problem 403."""
    wanted = request.field("case") or request.query("case")
    with request.app.database.read() as connection:
        case = get_case(connection, wanted, now_ms())
        if case is not None:
            check_item(request, connection, case.item)
        answers = reviews_of_item(connection, case.item, limit=1) if case is not None else ()
    return case, answers[0].decision if answers else None


def _list(request: PageRequest) -> tuple[list[GoldenCaseRow], int | None]:
    with request.app.database.read() as connection:
        rows = list_golden_cases(connection, limit=_PAGE + 1, before=request.cursor())
        seen = seen_rows(request, connection, rows[:_PAGE])
    return seen, rows[_PAGE - 1].seq if len(rows) > _PAGE else None


def _page(request: PageRequest, *, error: str = "", status: int = 200) -> Response:
    rows, older = _list(request)
    case, _ = _case(request)
    return render(
        request,
        "quality/golden_cases.html",
        status=status,
        rows=rows,
        older=f"/golden-cases?before={older}" if older is not None else None,
        case=case,
        policies=active_bundle.policies(request.app),
        names=active_bundle.names_of_people(request.app, request.person),
        reasons=review.REASONS,
        given={"answer": request.field("answer"), "policy": request.field("policy")},
        error=error,
    )


PAGES = (
    Page(path="/golden-cases", run=show, permission=Permission.SEE_QUALITY),
    Page(path="/golden-cases.json", run=as_json, permission=Permission.SEE_QUALITY),
    Page(path="/golden-cases", run=mark, method="POST", permission=Permission.MARK_GOLDEN),
    Page(path="/golden-cases/{golden}/retire", run=retire, method="POST", permission=Permission.MARK_GOLDEN),
)
