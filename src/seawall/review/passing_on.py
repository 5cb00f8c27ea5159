"""Leaving a case to others, instead of an answer that one cannot give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from seawall.model import new_id
from seawall.review.account_cases import FindReviewedItem, find_reviewed
from seawall.review.errors import BadAnswer
from seawall.review.events import CasePassedOn
from seawall.review.machine import CANNOT_TELL, NEEDS_SPECIALIST, NOT_MY_LANGUAGE
from seawall.review.review_answer import NOTE_MAX
from seawall.review.reviews import author_of, held_case, let_go
from seawall.storage.ledger import Ledger, Transaction

WHY: Final[Mapping[str, str]] = {
    NOT_MY_LANGUAGE: "Not my language",
    CANNOT_TELL: "Cannot tell",
    NEEDS_SPECIALIST: "Needs a specialist",
}
"""Codes stored in the ledger, and their titles."""


def pass_on(
    ledger: Ledger,
    case: str,
    person: str,
    why: str,
    *,
    find_item: FindReviewedItem,
    note: str = "",
    child_safety: bool = False,
) -> None:
    """Release a case that the person holds, for others: it is not offered to them again while it is open.

    ``why``: a key of ``WHY``. A case that needs a specialist goes to the queue ``specialists``; so does one about which
    ``CANNOT_TELL_LIMIT`` reviewers could not tell. ``child_safety``: as for ``submit_review``. Raises BadAnswer,
    NoSuchCase, CaseRestricted, CaseMoved or CaseTaken.
    """
    if why not in WHY:
        raise BadAnswer(f"Say why: {', '.join(WHY)}.")
    if len(note) > NOTE_MAX:
        raise BadAnswer(f"A note may have at most {NOTE_MAX} characters.")
    passing = new_id("pass")

    def unit(tx: Transaction) -> None:
        found = held_case(tx, case, person, child_safety=child_safety)
        tx.append(CasePassedOn(passing=passing, case=case, by=person, why=why))
        item = find_reviewed(tx, found.item, find_item)
        if note and item is not None and not tx.is_erased(found.item):
            tx.seal(found.item, f"review/{passing}", note.encode(), author_of(tx, item))
        let_go(tx, case)

    ledger.commit(unit)
