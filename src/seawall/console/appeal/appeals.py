"""The list of appeals, and one appeal: conversation, notes, out-of-court outcome."""

from __future__ import annotations

from starlette.responses import Response

from seawall import access, appeal, review
from seawall.access import Permission
from seawall.appeal.queries import AppealRow, appeals_by_rule, get_appeal, list_appeals
from seawall.console import active_bundle
from seawall.console.appeal_view import appeal_on_case
from seawall.console.child_safety import check_item, seen_rows
from seawall.console.languages import gettext as _
from seawall.console.languages import marked
from seawall.console.request import Page, PageProblem, PageRequest, missing, redirect
from seawall.console.templates import render
from seawall.model import ItemRef, now_ms
from seawall.storage import Erased

PAGE_SIZE = 50
WORDS = (
    *(marked("open"), marked("upheld"), marked("overturned"), marked("partly"), marked("settled")),
    *(marked("withdrawn"), marked("inadmissible"), marked("author"), marked("reporter")),
)
"""Codes of states, outcomes and roles that templates show with the filter ``words``: here for the catalogues."""


def show_list(request: PageRequest) -> Response:
    """Open appeals, the oldest first, or answered ones; and the rules whose decisions were overturned."""
    is_open = request.query("state") != "answered"
    skip = request.cursor("skip") or 0
    with request.app.database.read() as connection:
        rows = list_appeals(connection, is_open=is_open, limit=PAGE_SIZE + 1, skip=skip)
        seen = seen_rows(request, connection, rows[:PAGE_SIZE])
        rules = appeals_by_rule(connection)
    return render(
        request,
        "appeal/appeals.html",
        rows=[(row, review.case_id(row.item)) for row in seen],
        older=skip + PAGE_SIZE if len(rows) > PAGE_SIZE else None,
        is_open=is_open,
        rules=rules,
        now=now_ms(),
    )


def show(request: PageRequest) -> Response:
    """One appeal, its conversation and its outcome."""
    row = appeal_of(request)
    item = ItemRef(row.content_type, row.item, row.revision)
    access.record_view(request.app.database, request.app.ledger, request.person.id, item, "appeal")
    case = review.case_id(row.item)
    with request.app.database.read() as connection:
        shown = appeal_on_case(request.app, connection, row, case, request.person.id)
    may_see_deciders = request.may(Permission.SEE_DECIDERS)
    return render(
        request,
        "appeal/appeal.html",
        appealed=shown,
        case_id=case,
        names=active_bundle.names_of_people(request.app, request.person),
        sees_deciders=may_see_deciders,
        upheld_reasons=appeal.UPHELD_REASONS,
        settlement_outcomes=appeal.SETTLEMENT_OUTCOMES,
    )


def appeal_of(request: PageRequest) -> AppealRow:
    """The appeal that the address names. Raises Problem 403 when only specialists see its item."""
    with request.app.database.read() as connection:
        row = get_appeal(connection, request.path_param("appeal"))
        if row is None:
            raise missing(marked("appeal"))
        check_item(request, connection, row.item)
    return row


def write(request: PageRequest) -> Response:
    """Send a message to the appellant, or keep a note for colleagues."""
    row, note = appeal_of(request), request.field("kind") != "message"
    with request.app.database.read() as connection:
        if not note and review.is_decider(connection, review.case_id(row.item), request.person.id):
            raise PageProblem(409, _("Not sent"), str(review.OwnDecision()))
    try:
        appeal.answer_message(request.app.ledger, row.id, request.field("text"), person=request.person.id, note=note)
    except appeal.InvalidAppeal as error:
        raise PageProblem(
            422, _("Not sent"), _("The message was not sent: %(problem)s.") % {"problem": error}
        ) from error
    except appeal.AppealMoved as error:
        raise PageProblem(409, _("Not sent"), _(str(error))) from error
    except Erased as error:
        raise PageProblem(410, _("Erased"), _("The appellant was erased: there is nobody to write to.")) from error
    return redirect(f"/cases/{review.case_id(row.item)}" if row.state == "open" else f"/appeals/{row.id}")


def record_settlement(request: PageRequest) -> Response:
    """Record what an out-of-court dispute settlement body said."""
    row = appeal_of(request)
    try:
        appeal.record_out_of_court(
            request.app.ledger,
            row.id,
            body=request.field("body").strip(),
            outcome=request.field("outcome"),
            date=request.field("date"),
            person=request.person.id,
        )
    except appeal.InvalidAppeal as error:
        raise PageProblem(
            422, _("Not recorded"), _("The outcome was not recorded: %(problem)s.") % {"problem": error}
        ) from error
    except appeal.AppealMoved as error:
        raise PageProblem(409, _("Not recorded"), _(str(error))) from error
    return redirect(f"/appeals/{row.id}")


PAGES = (
    Page(path="/appeals", run=show_list, permission=Permission.SEE_CONTENT),
    Page(path="/appeals/{appeal}", run=show, permission=Permission.SEE_CONTENT),
    Page(path="/appeals/{appeal}/messages", run=write, method="POST", permission=Permission.REVIEW),
    Page(path="/appeals/{appeal}/out-of-court", run=record_settlement, method="POST", permission=Permission.REVIEW),
)
