"""The answer to an appeal, from the case page: the decision stays, or a review changes it."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection
from starlette.responses import JSONResponse, Response

from seawall import appeal, review
from seawall.access import Permission
from seawall.appeal import AppealTrigger
from seawall.appeal.queries import AppealRow
from seawall.console import active_bundle
from seawall.console.appeal.appeals import appeal_of
from seawall.console.child_safety import check_case, may_see_all
from seawall.console.languages import gettext as _
from seawall.console.languages import marked
from seawall.console.request import Page, PageProblem, PageRequest, missing
from seawall.console.review.case import answer_in_form, refused, revision_in_form
from seawall.console.review.consequences import consequences
from seawall.console.review.queue import go_to_next
from seawall.enforce import EnforcementDiff
from seawall.model import ACTIONS, ActionSubject, Decision, is_account, now_ms
from seawall.policy import verdict_of
from seawall.review.queries import get_case
from seawall.screen import status_of
from seawall.screen.queries import ItemRow, get_item
from seawall.storage import Transaction

STAYS: Final = "upheld"
"""The answer in the form that leaves the decision as it is."""

WORDS: Final = (
    marked("The decision was right"),
    marked("The context that was given changes nothing"),
    marked("The rule was misunderstood, and is explained"),
    marked("The same was answered before"),
)
"""Titles of reasons, which the component says (seawall.appeal.UPHELD_REASONS): here for the catalogues."""

_STRICTNESS: Final = {"allow": 0, "hold": 1, "block": 2}


def answer(request: PageRequest) -> Response:
    """Record the answer, then take the next case. A refused answer shows the case again with the reason."""
    check_case(request, request.path_param("case"))
    row = _open(request)
    try:
        appeal.check_answer_text(request.field("message"))
        answered = _uphold if request.field("answer") == STAYS else _overturn
        decision = answered(request, row)
    except review.NoSuchCase:
        raise missing(marked("case")) from None
    except (review.ReviewError, appeal.AppealMoved) as error:
        return refused(request, _(str(error)))
    except appeal.InvalidAppeal as error:
        return refused(request, _("The appellant has to be told why: %(problem)s.") % {"problem": error})
    return go_to_next(request, done="" if decision is None else decision.id)


def preview(request: PageRequest) -> Response:
    """What the answer in the form would do, as JSON: plain sentences, or what is still missing. Changes nothing."""
    check_case(request, request.path_param("case"))
    row = _open(request)
    if request.field("answer") == STAYS:
        return JSONResponse(
            {"will": [_("Nothing changes: what is in force stays as it is. The appellant is told why.")]}
        )
    try:
        with request.app.database.read() as connection:
            change = _change(request, connection, row, answer_in_form(request))
    except review.ReviewError as error:
        return JSONResponse({"missing": _(str(error))})
    return JSONResponse(
        {"will": [*consequences(change, now_ms(), subject=_subject(row)), _("The appellant is told why.")]}
    )


def _subject(row: AppealRow) -> str:
    return review.ACCOUNT if is_account(row.item) else "item"


def _open(request: PageRequest) -> AppealRow:
    row = appeal_of(request)
    if review.case_id(row.item) != request.path_param("case"):
        raise missing(marked("appeal of this case"))
    if not request.field("answer"):
        raise PageProblem(422, _("No answer"), _("Choose an answer."))
    return row


def _uphold(request: PageRequest, row: AppealRow) -> Decision | None:
    """Leave what is in force: there is no new decision."""
    reason = request.field("reason")
    if reason not in appeal.UPHELD_REASONS:
        raise review.BadAnswer(_("Choose a reason."))
    case, person = request.path_param("case"), request.person.id

    def unit(tx: Transaction) -> None:
        review.held_case(tx, case, person, child_safety=may_see_all(request))
        item = review.find_reviewed(tx, row.item, status_of)
        if item is None or (item.decision or "") != request.field("seen"):
            raise review.CaseMoved(_("It was decided again since you opened the case. Review it again."))
        if item.revision != revision_in_form(request):
            raise review.CaseMoved(_("Something new came since you opened the case. Look at it, then answer."))
        appeal.record_answer(
            tx, row.id, AppealTrigger.UPHELD, person=person, reason=reason, message=request.field("message")
        )
        review.let_go(tx, case)

    request.app.ledger.commit(unit)
    return None


def _overturn(request: PageRequest, row: AppealRow) -> Decision | None:
    """Change what is in force by a review, which is a new decision."""
    said = answer_in_form(request)
    outcome = _outcome(row, said)
    with request.app.database.read() as connection:
        _change(request, connection, row, said)
    person = request.person.id

    def record(tx: Transaction, decision: Decision) -> None:
        appeal.record_answer(
            tx,
            row.id,
            outcome,
            person=person,
            reason=said.reason,
            message=request.field("message"),
            decision=decision,
        )

    return review.submit_review(
        request.app.ledger,
        active_bundle.rulebook(request.app),
        request.path_param("case"),
        person,
        said,
        find_item=status_of,
        seen=request.field("seen") or None,
        seen_revision=revision_in_form(request),
        child_safety=may_see_all(request),
        appeal=review.AppealAnswer(revision=row.revision, decision=row.decision, record=record),
    )


def _outcome(row: AppealRow, said: review.ReviewAnswer) -> AppealTrigger:
    if row.role == "reporter":
        if said.answer != review.VIOLATES:
            raise review.BadAnswer(
                _("To overturn a refused report means to restrict the item; else the refusal stays.")
            )
        return AppealTrigger.OVERTURNED
    return AppealTrigger.OVERTURNED if said.answer == review.DOES_NOT_VIOLATE else AppealTrigger.PARTLY


def _change(request: PageRequest, connection: Connection, row: AppealRow, said: review.ReviewAnswer) -> EnforcementDiff:
    """What the answer would change. Raises BadAnswer when it would make it worse for an author, or no different."""
    outcome = _outcome(row, said)
    case = get_case(connection, request.path_param("case"), now_ms())
    head = review.account_of_case(connection, row.item) if is_account(row.item) else get_item(connection, row.item)
    if case is None or head is None:
        raise review.NoSuchCase
    rulebook = active_bundle.rulebook(request.app)
    change = review.preview_review(
        connection, case, head, request.person.id, said, rulebook, overturned_revision=row.revision
    )
    if row.role == "author":
        _check_milder(change, head, said, outcome)
    return change


def _check_milder(
    change: EnforcementDiff, head: ItemRow | review.ReviewedAccount, said: review.ReviewAnswer, outcome: AppealTrigger
) -> None:
    if outcome is AppealTrigger.PARTLY and not change.reverse:
        raise review.BadAnswer(_("This would reverse nothing: answer that the decision stays."))
    reversed_kinds = {one.kind for one in change.reverse}
    added = {
        one.action.kind for one in change.apply if ACTIONS[one.action.kind].subject is ActionSubject.ENTITY
    } - reversed_kinds
    if added or _STRICTNESS[verdict_of(said.actions)] > _STRICTNESS[head.verdict or "allow"]:
        raise review.BadAnswer(_("An appeal must not end worse for who made it: choose less than what is in force."))


PAGES = (
    Page(path="/cases/{case}/appeals/{appeal}/answer", run=answer, method="POST", permission=Permission.REVIEW),
    Page(path="/cases/{case}/appeals/{appeal}/preview", run=preview, method="POST", permission=Permission.REVIEW),
)
