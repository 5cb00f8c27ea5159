"""What a reviewer does with a case besides deciding it: take an answer back, decide again, leave it to others."""

from __future__ import annotations

from starlette.responses import Response

from seawall import review
from seawall.access import Permission
from seawall.console.child_safety import check_case, check_item, may_see_all
from seawall.console.languages import gettext as _
from seawall.console.languages import marked
from seawall.console.request import Page, PageProblem, PageRequest, missing, redirect
from seawall.console.review.queue import STATE_LANGUAGES, go_to_next, with_filters
from seawall.model import now_ms
from seawall.review.machine import NOT_MY_LANGUAGE
from seawall.review.queries import get_case
from seawall.screen import recorded_decision, rescreen_again, status_of


def undo(request: PageRequest) -> Response:
    """Take the answer back and show its case, which the person has again."""
    try:
        case = review.undo_review(
            request.app.ledger,
            request.path_param("review"),
            request.person.id,
            find_item=status_of,
            find_decision=recorded_decision,
            rescreen=rescreen_again,
        )
    except review.CannotUndo as error:
        raise PageProblem(409, _("Not taken back"), _(str(error))) from None
    return redirect(with_filters(request, f"/cases/{case}", taken_back="1"))


def reopen(request: PageRequest) -> Response:
    """Open a closed case again and lease it to the person."""
    case = request.path_param("case")
    with request.app.database.read() as connection:
        found = get_case(connection, case, now_ms())
        if found is not None:
            check_item(request, connection, found.item, Permission.REVIEW)
    try:
        review.reopen_case(request.app.ledger, case, request.person.id)
    except review.NoSuchCase:
        raise missing(marked("case")) from None
    except review.CaseMoved:
        pass  # somebody else opened it meanwhile: the page says who has it
    return redirect(with_filters(request, f"/cases/{case}"))


def pass_on(request: PageRequest) -> Response:
    """Leave the case to others, and take the next one."""
    why = request.field("why")
    check_case(request, request.path_param("case"))
    try:
        review.pass_on(
            request.app.ledger,
            request.path_param("case"),
            request.person.id,
            why,
            find_item=status_of,
            note=request.field("note").strip(),
            child_safety=may_see_all(request),
        )
    except review.NoSuchCase:
        raise missing(marked("case")) from None
    except review.ReviewError as error:
        raise PageProblem(409, _("Not passed on"), _(str(error))) from None
    return go_to_next(request, advice=STATE_LANGUAGES if why == NOT_MY_LANGUAGE else "")


PAGES = (
    Page(path="/reviews/{review}/undo", run=undo, method="POST", permission=Permission.REVIEW),
    Page(path="/cases/{case}/reopen", run=reopen, method="POST", permission=Permission.REVIEW),
    Page(path="/cases/{case}/pass-on", run=pass_on, method="POST", permission=Permission.REVIEW),
)
