"""The near-duplicates of a case's item, with their present state, and the way to decide them like the case."""

from __future__ import annotations

from dataclasses import replace

from starlette.responses import Response

from seawall.access import Permission
from seawall.console import active_bundle
from seawall.console.child_safety import check_item, may_see_all
from seawall.console.languages import marked
from seawall.console.request import Page, PageRequest, json_response, missing
from seawall.console.summaries import rows_of_items, summaries
from seawall.console.templates import render
from seawall.model import now_ms
from seawall.review.queries import CaseRow, cases_of_items, get_case, items_of_child_safety
from seawall.screen.near_duplicates import MOST_COMPARED, NearDuplicateResult, near_duplicates_of


def show(request: PageRequest) -> Response:
    """The near-duplicates among the newest items. The case page fetches its part of this page when it is asked to."""
    case = seen_case(request, request.path_param("case"))
    result = seen_near_duplicates(request, case)
    rows = [one.item for one in result.found]
    with request.app.database.read() as connection:
        cases = cases_of_items(connection, [row.ref for row in rows], now_ms())
    # Veiled as the case is: what looks like it is as hard to see.
    harms = {row.ref: case.harm for row in rows}
    return render(
        request,
        "review/near_duplicates.html",
        case=case,
        result=result,
        cases=cases,
        summaries=summaries(request, rows_of_items(rows, harms)),
        most=MOST_COMPARED,
        settings=active_bundle.queues(request.app),
        may_decide=request.may(Permission.REVIEW),
    )


def as_json(request: PageRequest) -> Response:
    """The same as JSON, without what people wrote."""
    return json_response(seen_near_duplicates(request, seen_case(request, request.path_param("case"))))


def seen_case(request: PageRequest, case_id: str) -> CaseRow:
    """The case with this id. Raises PageProblem when there is none, or the person may not see it."""
    with request.app.database.read() as connection:
        case = get_case(connection, case_id, now_ms())
        if case is None:
            raise missing(marked("case"))
        check_item(request, connection, case.item)
    return case


def seen_near_duplicates(request: PageRequest, case: CaseRow) -> NearDuplicateResult:
    """The near-duplicates of the case's item that the person may see."""
    app = request.app
    result = near_duplicates_of(app.database, app.vault, case.item)
    if may_see_all(request):
        return result
    with app.database.read() as connection:
        hidden = items_of_child_safety(connection, [one.item.ref for one in result.found])
    return replace(result, found=tuple(one for one in result.found if one.item.ref not in hidden))


PAGES = (
    Page(path="/cases/{case}/near-duplicates", run=show, permission=Permission.SEE_CONTENT),
    Page(path="/cases/{case}/near-duplicates.json", run=as_json, permission=Permission.SEE_CONTENT),
)
