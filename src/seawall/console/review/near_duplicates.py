"""The near-duplicates of a case's item, to decide all of them."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from seawall.access import Permission
from seawall.console.child_safety import check_item, seen_rows
from seawall.console.request import Page, PageRequest, json_response, missing
from seawall.console.summaries import rows_of_items, summaries
from seawall.console.templates import render
from seawall.model import now_ms
from seawall.review.queries import CaseRow, get_case
from seawall.screen.near_duplicates import NearDuplicate, NearDuplicates, find_near_duplicates
from seawall.screen.queries import get_item


def show(request: PageRequest) -> Response:
    """The near-duplicates that the person may see, all ticked."""
    case, result, found = _found(request)
    return render(
        request,
        "review/near_duplicates.html",
        case=case,
        result=result,
        found=found,
        summaries=summaries(request, rows_of_items([one.item for one in found])),
    )


def as_json(request: PageRequest) -> Response:
    """The same as JSON."""
    case, result, found = _found(request)
    counts = {"looked_at": result.looked_at, "unreadable": result.unreadable, "cut": result.cut}
    return json_response({"case": case.id, "near_duplicates": found, **counts})


@dataclass(frozen=True, slots=True)
class _Seen:
    item: str
    one: NearDuplicate


def _found(request: PageRequest) -> tuple[CaseRow, NearDuplicates, list[NearDuplicate]]:
    app = request.app
    with app.database.read() as connection:
        case = get_case(connection, request.path_param("case"), now_ms())
        item = get_item(connection, case.item) if case else None
        if case is None or item is None:
            raise missing("case")
        check_item(request, connection, case.item)
    result = find_near_duplicates(app.database, app.vault, item)
    with app.database.read() as connection:
        seen = seen_rows(request, connection, [_Seen(one.item.ref, one) for one in result.found])
    return case, result, [row.one for row in seen]


PAGES = (
    Page(path="/cases/{case}/near-duplicates", run=show, permission=Permission.SEE_CONTENT),
    Page(path="/cases/{case}/near-duplicates.json", run=as_json, permission=Permission.SEE_CONTENT),
)
