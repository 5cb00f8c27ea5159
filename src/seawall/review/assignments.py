"""Assignment of cases by a lead: to a reviewer, to another one in their place, and back to everybody.

Who has a case assigned has it to themselves until the assignment ends, whether they hold its lease at the moment or
not. It ends with its time, with an answer, when it is declined or taken away, and when its reviewer may no longer see
or answer the case (``leases.in_force``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from sqlalchemy import Row, select

from seawall.model import new_id
from seawall.model.case_scope import EVERY_CASE, CaseScopes
from seawall.review.abilities import ANY_CASE, Abilities, in_languages, suits
from seawall.review.account_cases import FindReviewedItem, find_reviewed
from seawall.review.errors import BadAnswer, CannotAssign, CaseMoved, CaseRestricted, NoSuchCase
from seawall.review.events import CaseAssigned, CaseUnassigned
from seawall.review.leases import SKIP_MS, in_force, is_decider, not_offered, unassigned_cases
from seawall.review.machine import CaseState
from seawall.review.review_answer import NOTE_MAX
from seawall.review.reviews import author_of
from seawall.review.tables import case as case_table
from seawall.review.tables import case_assignment, case_passing, lease, skip
from seawall.storage.ledger import Ledger
from seawall.storage.transaction import Transaction

ASSIGNED_MS: Final = 8 * 60 * 60 * 1000
"""How long a case is assigned unless the lead says otherwise: a shift."""
MOST_ASSIGNED_MS: Final = 7 * 24 * 60 * 60 * 1000
MOST_AT_ONCE: Final = 100

WHY_ASSIGN: Final[Mapping[str, str]] = {
    "workload": "To share out the work",
    "urgent": "It must not wait any longer",
    "knowledge": "They know the subject or the language",
    "absent": "The other reviewer is away",
    "conflict": "The other reviewer knows the people in it",
    "other": "Another reason",
}
WHY_DECLINE: Final[Mapping[str, str]] = {
    "no_time": "I have no time for it",
    "not_my_language": "Not my language",
    "cannot_tell": "I cannot judge it",
    "know_them": "I know the people in it",
    "too_hard": "It is too hard on me at the moment",
    "other": "Another reason",
}
"""Codes stored in the ledger, and their titles. "Another reason" needs a note."""


def assign(
    ledger: Ledger,
    case: str,
    person: str,
    *,
    by: str,
    why: str,
    find_item: FindReviewedItem,
    note: str = "",
    ms: int = ASSIGNED_MS,
    sees_child_safety: bool = False,
    child_safety: bool = False,
    abilities: Abilities = ANY_CASE,
) -> None:
    """Give an open case to ``person`` for ``ms``. Whoever has it until now, assigned or leased, has it no more.

    That ``person`` reviews at all is for the caller to check. ``sees_child_safety``: whether they may see cases of
    child safety; ``child_safety``: whether ``by`` may. ``abilities``: of ``person``; a case that does not suit them is
    refused. Raises BadAnswer, NoSuchCase, CaseRestricted, CaseMoved or CannotAssign.
    """
    _check_reason(why, WHY_ASSIGN, note)
    _check_time(ms)
    assignment = new_id("asg")

    def unit(tx: Transaction) -> None:
        found = _open_case(tx, case, child_safety=child_safety)
        _check_person(tx, found, person, sees_child_safety=sees_child_safety)
        _check_abilities(tx, case, abilities)
        tx.append(
            CaseAssigned(
                assignment=assignment,
                case=case,
                person=person,
                by=by,
                why=why,
                until=tx.at + ms,
                sees_child_safety=sees_child_safety,
            )
        )
        tx.execute(lease.delete().where(lease.c.case == case, lease.c.person != person))
        tx.execute(skip.delete().where(skip.c.case == case, skip.c.person == person))
        _seal_note(tx, found, assignment, note, find_item)

    ledger.commit(unit)


def assign_most_urgent(
    ledger: Ledger,
    person: str,
    *,
    by: str,
    why: str,
    most: int,
    queue: str | None = None,
    ms: int = ASSIGNED_MS,
    excluded: Collection[str] = (),
    scopes: CaseScopes = EVERY_CASE,
    sees_child_safety: bool = False,
    child_safety: bool = False,
    abilities: Abilities = ANY_CASE,
) -> list[str]:
    """Give the most urgent cases that nobody has to ``person``: at most ``most``. Returns their ids.

    ``excluded``: harms that the person is not given; ``scopes``: what they may decide; only cases that suit their
    ``abilities`` are given. The others as for ``assign``. Raises BadAnswer.
    """
    if why == "other":
        raise BadAnswer("Give a reason that holds for all of these cases.")
    _check_reason(why, WHY_ASSIGN, "")
    _check_time(ms)
    if not 1 <= most <= MOST_AT_ONCE:
        raise BadAnswer(f"1 to {MOST_AT_ONCE} cases can be assigned at once.")

    def unit(tx: Transaction) -> list[str]:
        both = sees_child_safety and child_safety
        cases = unassigned_cases(
            tx,
            person,
            queue=queue,
            excluded=excluded,
            child_safety=both,
            scopes=scopes,
            abilities=abilities,
            most=most,
        )
        for case in cases:
            assigned = CaseAssigned(
                assignment=new_id("asg"),
                case=case,
                person=person,
                by=by,
                why=why,
                until=tx.at + ms,
                sees_child_safety=sees_child_safety,
            )
            tx.append(assigned)
        return cases

    return ledger.commit(unit)


def take_away(
    ledger: Ledger,
    case: str,
    *,
    by: str,
    why: str,
    find_item: FindReviewedItem,
    note: str = "",
    child_safety: bool = False,
) -> str:
    """Give an open case back to everybody but the one who has it, assigned or leased. Returns who that was.

    They are not offered it for a while. Raises BadAnswer, NoSuchCase, CaseRestricted, CaseMoved, or CannotAssign when
    nobody has it.
    """
    _check_reason(why, WHY_ASSIGN, note)
    ending = new_id("end")

    def unit(tx: Transaction) -> str:
        found = _open_case(tx, case, child_safety=child_safety)
        assigned = _assignment(tx, case)
        held = tx.execute(select(lease.c.person).where(lease.c.case == case, lease.c.until > tx.at)).scalar()
        person = assigned.person if assigned is not None else held
        if person is None:
            raise CannotAssign("Nobody has this case, so it cannot be taken away.")
        _end(tx, ending, found, assigned, person, by=by, why=why, note=note, find_item=find_item)
        return str(person)

    return ledger.commit(unit)


def decline(
    ledger: Ledger,
    case: str,
    person: str,
    *,
    why: str,
    find_item: FindReviewedItem,
    note: str = "",
    child_safety: bool = False,
) -> None:
    """Give back a case that is assigned to ``person``, who says why. They are not offered it for a while.

    Raises BadAnswer, NoSuchCase, CaseRestricted, CaseMoved, or CannotAssign when it is not theirs.
    """
    _check_reason(why, WHY_DECLINE, note)
    ending = new_id("end")

    def unit(tx: Transaction) -> None:
        found = _open_case(tx, case, child_safety=child_safety)
        assigned = _assignment(tx, case)
        if assigned is None or assigned.person != person:
            raise CannotAssign("This case is not assigned to you, or no longer.")
        _end(tx, ending, found, assigned, person, by=person, why=why, note=note, find_item=find_item)

    ledger.commit(unit)


def _end(
    tx: Transaction,
    ending: str,
    found: Row[Any],
    assigned: Row[Any] | None,
    person: str,
    *,
    by: str,
    why: str,
    note: str,
    find_item: FindReviewedItem,
) -> None:
    assignment = None if assigned is None else assigned.id
    ended = CaseUnassigned(ending=ending, assignment=assignment, case=found.id, person=person, by=by, why=why)
    tx.append(ended)
    tx.execute(lease.delete().where(lease.c.case == found.id, lease.c.person == person))
    not_offered(tx, found.id, person, SKIP_MS)
    _seal_note(tx, found, ending, note, find_item)


def _open_case(tx: Transaction, case: str, *, child_safety: bool) -> Row[Any]:
    found = tx.execute(select(case_table).where(case_table.c.id == case).with_for_update()).first()
    if found is None or found.state == CaseState.NONE:
        raise NoSuchCase
    if found.child_safety and not child_safety:
        raise CaseRestricted
    if found.state != CaseState.OPEN:
        raise CaseMoved("This case is closed, so nobody has to work on it.")
    return found


def _check_person(tx: Transaction, found: Row[Any], person: str, *, sees_child_safety: bool) -> None:
    if found.child_safety and not sees_child_safety:
        raise CannotAssign(
            "This case is about the safety of children. Assign it to somebody with the role child_safety."
        )
    if is_decider(tx, found.id, person):
        raise CannotAssign("This person decided what is appealed in the case. Assign it to somebody else.")
    passed_on = case_passing.c.case == found.id, case_passing.c.person == person, case_passing.c.at >= found.opened_at
    if tx.execute(select(case_passing.c.id).where(*passed_on)).first() is not None:
        raise CannotAssign("This person left the case to others. Assign it to somebody else.")


def _check_abilities(tx: Transaction, case: str, abilities: Abilities) -> None:
    here = case_table.c.id == case
    if tx.execute(select(case_table.c.id).where(here, in_languages(abilities))).first() is None:
        raise CannotAssign(
            "This case is in none of the languages that this person has stated. Assign it to somebody who reads it, or "
            "have the language added to theirs."
        )
    if tx.execute(select(case_table.c.id).where(here, suits(abilities))).first() is None:
        raise CannotAssign(
            "The queue of this case needs a language or a skill that this person does not have. Assign it to somebody "
            "who has it, or have it added to theirs."
        )


def _assignment(tx: Transaction, case: str) -> Row[Any] | None:
    query = select(case_assignment).join(case_table, case_table.c.id == case_assignment.c.case)
    return tx.execute(query.where(case_assignment.c.case == case, in_force(tx.at))).first()


def _seal_note(tx: Transaction, found: Row[Any], name: str, note: str, find_item: FindReviewedItem) -> None:
    item = find_reviewed(tx, found.item, find_item) if note else None
    if item is not None and not tx.is_erased(found.item):  # else there is no key under which it could be kept
        tx.seal(found.item, f"review/{name}", note.encode(), author_of(tx, item))


def _check_reason(why: str, reasons: Mapping[str, str], note: str) -> None:
    if why not in reasons:
        raise BadAnswer(f"Say why: {', '.join(reasons)}.")
    if why == "other" and not note:
        raise BadAnswer("Write the reason into the note.")
    if len(note) > NOTE_MAX:
        raise BadAnswer(f"A note may have at most {NOTE_MAX} characters.")


def _check_time(ms: int) -> None:
    if not 60_000 <= ms <= MOST_ASSIGNED_MS:
        raise BadAnswer("A case is assigned for one minute to seven days.")
