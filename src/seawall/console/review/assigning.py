"""Assigning of cases by a lead, and declining by the reviewer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from seawall import review
from seawall.access import Permission, Person, opt_outs
from seawall.console.child_safety import check_case, check_item, may_see_all
from seawall.console.languages import gettext as _
from seawall.console.languages import marked
from seawall.console.request import Page, PageProblem, PageRequest, missing, redirect
from seawall.console.review.queue import STATE_LANGUAGES, go_to_next, with_filters
from seawall.console.review.reviewers import reviewer, reviewers
from seawall.console.review.suitable import abilities
from seawall.model import now_ms
from seawall.review.machine import NOT_MY_LANGUAGE
from seawall.review.queries import AssignmentRow, CaseRow, admits, assignment_of_case, get_case
from seawall.screen import status_of

_HOUR_MS: Final = 60 * 60 * 1000
_HOURS: Final = ("1", "4", "8", "24", "72")

_NOT_THEIRS: Final = marked("The roles of this person do not include this case. Choose somebody else.")

# Titles of ``review.WHY_ASSIGN`` and ``review.WHY_DECLINE``, which forms show in the page's language: the catalogues
# know them from here.
_REASONS: Final = (
    *(marked("To share out the work"), marked("It must not wait any longer")),
    *(marked("They know the subject or the language"), marked("The other reviewer is away")),
    *(marked("The other reviewer knows the people in it"), marked("Another reason")),
    *(marked("I have no time for it"), marked("Not my language"), marked("I cannot judge it")),
    *(marked("I know the people in it"), marked("It is too hard on me at the moment")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentOnCase:
    """What the page of a case shows. ``reviewers``: whom it can be assigned to; empty: the person is no lead.

    ``held``: somebody has the case, so that it can be taken away.
    """

    row: AssignmentRow | None
    note: str
    may_decline: bool
    reviewers: tuple[Person, ...]
    held: bool
    why = review.WHY_ASSIGN
    why_decline = review.WHY_DECLINE


def assignment_on_case(request: PageRequest, case: CaseRow) -> AssignmentOnCase | None:
    """Whom the case is assigned to, and what the person may do about it; None for a closed case."""
    if case.state != review.CaseState.OPEN:
        return None
    with request.app.database.read() as connection:
        row = assignment_of_case(connection, case.id, now_ms())
    mine = row is not None and row.person == request.person.id
    place = (case.item, f"review/{row.id}" if row is not None else "")
    note = request.app.vault.open_many([place] if mine else []).get(place)
    return AssignmentOnCase(
        row=row,
        note="" if note is None else note.decode(errors="replace"),
        may_decline=mine and request.may(Permission.REVIEW),
        reviewers=tuple(reviewers(request.app, request.person)) if request.may(Permission.ASSIGN) else (),
        held=row is not None or case.holder is not None,
    )


def assign(request: PageRequest) -> Response:
    """Give the case to a reviewer."""
    case, person = request.path_param("case"), _chosen(request)
    with request.app.database.read() as connection:
        found = get_case(connection, case, now_ms())
        if found is not None:
            check_item(request, connection, found.item, Permission.ASSIGN)
    if found is not None and not admits(person.scopes(Permission.REVIEW), found):
        raise PageProblem(409, _("Not assigned"), _(_NOT_THEIRS))
    harms = {one.harm for one in found.policies} | {found.harm} if found is not None else set()
    if harms & opt_outs(request.app.database).get(person.id, frozenset()):
        text = _("This person is not given cases of this kind. Choose somebody else.")
        raise PageProblem(409, _("Not assigned"), text)
    try:
        review.assign(
            request.app.ledger,
            case,
            person.id,
            by=request.person.id,
            why=request.field("why"),
            note=request.field("note").strip(),
            ms=_time(request),
            find_item=status_of,
            sees_child_safety=person.may(Permission.SEE_CHILD_SAFETY),
            child_safety=may_see_all(request),
            abilities=abilities(request.app, person),
        )
    except review.NoSuchCase:
        raise missing(marked("case")) from None
    except review.ReviewError as error:
        raise PageProblem(409, _("Not assigned"), _(str(error))) from None
    return redirect(with_filters(request, f"/cases/{case}"))


def assign_most_urgent(request: PageRequest) -> Response:
    """Give the most urgent cases of the chosen queue that nobody has to a reviewer."""
    person, most = _chosen(request), request.field("most")
    try:
        cases = review.assign_most_urgent(
            request.app.ledger,
            person.id,
            by=request.person.id,
            why=request.field("why"),
            most=int(most) if most.isdecimal() and len(most) < 6 else 0,
            queue=request.query("queue") or None,
            ms=_time(request),
            excluded=opt_outs(request.app.database).get(person.id, frozenset()),
            scopes=person.scopes(Permission.REVIEW),
            sees_child_safety=person.may(Permission.SEE_CHILD_SAFETY),
            child_safety=may_see_all(request),
            abilities=abilities(request.app, person),
        )
    except review.BadAnswer as error:
        raise PageProblem(422, _("Not assigned"), _(str(error))) from None
    return redirect(with_filters(request, "/queue", given=str(len(cases))))


def take_away(request: PageRequest) -> Response:
    """Give the case back to everybody but who has it."""
    case = request.path_param("case")
    check_case(request, case, Permission.ASSIGN)
    try:
        review.take_away(
            request.app.ledger,
            case,
            by=request.person.id,
            why=request.field("why"),
            note=request.field("note").strip(),
            find_item=status_of,
            child_safety=may_see_all(request),
        )
    except review.NoSuchCase:
        raise missing(marked("case")) from None
    except review.ReviewError as error:
        raise PageProblem(409, _("Not taken away"), _(str(error))) from None
    return redirect(with_filters(request, f"/cases/{case}"))


def decline(request: PageRequest) -> Response:
    """Give back a case that was assigned to the person, and take the next one."""
    try:
        review.decline(
            request.app.ledger,
            request.path_param("case"),
            request.person.id,
            why=request.field("why"),
            note=request.field("note").strip(),
            find_item=status_of,
            child_safety=may_see_all(request),
        )
    except review.NoSuchCase:
        raise missing(marked("case")) from None
    except review.ReviewError as error:
        raise PageProblem(409, _("Not declined"), _(str(error))) from None
    return go_to_next(request, advice=STATE_LANGUAGES if request.field("why") == NOT_MY_LANGUAGE else "")


def _chosen(request: PageRequest) -> Person:
    found = reviewer(request.app, request.person, request.field("person"))
    if found is None:
        raise PageProblem(422, _("Not assigned"), _("Choose somebody who reviews and whose account is open."))
    return found


def _time(request: PageRequest) -> int:
    hours = request.field("hours")
    return int(hours) * _HOUR_MS if hours in _HOURS else review.ASSIGNED_MS


PAGES = (
    Page(path="/cases/{case}/assign", run=assign, method="POST", permission=Permission.ASSIGN),
    Page(path="/cases/{case}/take-away", run=take_away, method="POST", permission=Permission.ASSIGN),
    Page(path="/cases/{case}/decline", run=decline, method="POST", permission=Permission.REVIEW),
    Page(path="/queue/assign", run=assign_most_urgent, method="POST", permission=Permission.ASSIGN),
)
