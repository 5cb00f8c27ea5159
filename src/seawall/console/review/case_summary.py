"""The summary that a language model wrote of a case: folded, labelled, and not where answers must be independent."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import JSONResponse, Response

from seawall import review
from seawall.access import Permission
from seawall.console import active_bundle
from seawall.console.child_safety import check_item
from seawall.console.languages import marked
from seawall.console.request import Page, PageRequest, missing
from seawall.model import now_ms
from seawall.review.case_summary import SummaryText, is_blind_queue, record_summary_seen
from seawall.review.case_summary.queries import CaseSummaryRow, get_summary, summary_of_case, summary_text
from seawall.review.queries import CaseRow, get_case


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSummaryView:
    """A summary as the page shows it. ``text`` None: there is none, for the reason that ``row.outcome`` names."""

    row: CaseSummaryRow
    text: SummaryText | None


def summary_view(request: PageRequest, case: CaseRow, revision: int, *, working: bool) -> CaseSummaryView | None:
    """None: there is none, it is hidden by chance, or the queue is blind. ``working``: the person has the case."""
    app = request.app
    if is_blind_queue(active_bundle.queues(app), case.queue):
        return None
    with app.database.read() as connection:
        row = summary_of_case(connection, case.id, revision)
    if row is None or row.hidden:
        return None
    text = summary_text(app.vault, row)
    if working and text is not None:
        record_summary_seen(app.database, app.ledger, row.id, request.person.id, expanded=False)
    return CaseSummaryView(row=row, text=text)


def expanded(request: PageRequest) -> Response:
    """Record that the person who has the case opened its summary. Answers JSON."""
    app, person = request.app, request.person.id
    with app.database.read() as connection:
        case = get_case(connection, request.path_param("case"), now_ms())
        row = get_summary(connection, request.path_param("summary"))
        if case is None or row is None or row.case != case.id or row.hidden:
            raise missing(marked("summary"))
        check_item(request, connection, case.item)
        lease = review.holder(connection, case.id, now_ms())
    if lease is None or lease.person != person:
        return JSONResponse({"counted": False})
    record_summary_seen(app.database, app.ledger, row.id, person, expanded=True)
    return JSONResponse({"counted": True})


PAGES = (
    Page(path="/cases/{case}/summaries/{summary}/expanded", run=expanded, method="POST", permission=Permission.REVIEW),
)
