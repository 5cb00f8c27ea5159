"""Blind answers and adjudications: what people say of a case without any effect on it."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, select

from seawall.review.errors import BadAnswer, CaseMoved, CaseTaken, NoSuchCase
from seawall.review.quality.events import (
    GoldenCaseRetired,
    SecondReviewAdjudicated,
    SecondReviewSubmitted,
    SecondReviewWithdrawn,
)
from seawall.review.quality.tables import blind_review, blind_review_lease, golden_case
from seawall.review.review_answer import NOTE_MAX, REASONS, VIOLATES
from seawall.review.tables import case as case_table
from seawall.review.tables import review
from seawall.storage.ledger import Ledger, Transaction

CONTENT_GONE: Final = "content_gone"
NOTES: Final = ("second-review/", "adjudication/")
"""Beginnings of the names of vault entries, under the item, that hold notes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindAnswer:
    """An answer without actions. ``reason``: a code of ``REASONS``; ``note``: free text, sealed in the vault."""

    answer: str  # a key of REASONS
    policy: str | None = None
    reason: str
    note: str = ""


def submit_second_review(ledger: Ledger, policies: Container[str], task: str, person: str, answer: BlindAnswer) -> None:
    """Answer the task as ``person``, who must hold it. Nothing is enforced.

    ``policies``: names of the active ones. Raises BadAnswer, NoSuchCase, CaseTaken or CaseMoved.
    """
    _check(answer, policies)

    def unit(tx: Transaction) -> None:
        found = _task(tx, task)
        if found.state != "waiting":
            raise CaseMoved("This case was answered already. Take the next one.")
        lease = tx.execute(select(blind_review_lease).where(blind_review_lease.c.task == task)).first()
        if lease is None or lease.until <= tx.at:
            raise CaseTaken("Your lease on this case expired. Take it again to answer it.")
        if lease.person != person:
            raise CaseTaken("Another reviewer is working on this case.")
        tx.append(
            SecondReviewSubmitted(
                task=task, reviewer=person, answer=answer.answer, policy=answer.policy, reason=answer.reason
            )
        )
        _seal_note(tx, found, f"second-review/{task}", answer.note)
        tx.execute(blind_review_lease.delete().where(blind_review_lease.c.task == task))

    ledger.commit(unit)


def adjudicate(ledger: Ledger, policies: Container[str], task: str, person: str, answer: BlindAnswer) -> None:
    """Record the final answer where two reviewers disagree; ``person`` is neither of them. Nothing is enforced.

    Raises BadAnswer, NoSuchCase or CaseMoved.
    """
    _check(answer, policies)

    def unit(tx: Transaction) -> None:
        found = _task(tx, task)
        if found.review is None:
            raise NoSuchCase
        first = tx.execute(select(review).where(review.c.id == found.review)).one()
        if found.state == "adjudicated":
            raise CaseMoved("This disagreement was adjudicated already.")
        if found.state != "answered" or (found.answer, found.policy) == (first.answer, first.policy):
            raise CaseMoved("There is no disagreement to adjudicate: the answers are alike, or one is missing.")
        if person in (first.reviewer, found.reviewer):
            raise BadAnswer("You are one of the two who disagree. Somebody else has to adjudicate.")
        tx.append(
            SecondReviewAdjudicated(
                task=task, by=person, answer=answer.answer, policy=answer.policy, reason=answer.reason
            )
        )
        _seal_note(tx, found, f"adjudication/{task}", answer.note)

    ledger.commit(unit)


def withdraw(ledger: Ledger, task: str, person: str) -> None:
    """Withdraw a waiting task whose content is gone, and with it the golden case. Raises NoSuchCase or CaseMoved."""

    def unit(tx: Transaction) -> None:
        found = _task(tx, task)
        if found.state != "waiting":
            raise CaseMoved("This case was answered already. Take the next one.")
        tx.append(SecondReviewWithdrawn(task=task, by=person, reason=CONTENT_GONE))
        if found.golden is not None:
            golden = tx.execute(select(golden_case).where(golden_case.c.id == found.golden)).one()
            if golden.retired_at is None:
                tx.append(GoldenCaseRetired(golden=found.golden, by=person, reason=CONTENT_GONE))
        tx.execute(blind_review_lease.delete().where(blind_review_lease.c.task == task))

    ledger.commit(unit)


def check_right_answer(answer: str, policy: str | None, policies: Container[str]) -> None:
    """Raises BadAnswer for an answer without its policy, with one that is not active, or no answer at all."""
    if answer not in REASONS:
        raise BadAnswer(f"Choose an answer: {', '.join(REASONS)}.")
    if answer != VIOLATES and policy is not None:
        raise BadAnswer("An answer without violation takes no policy.")
    if answer == VIOLATES and (policy is None or policy not in policies):
        raise BadAnswer("Choose the policy that it violates, one of the active ones.")


def _check(answer: BlindAnswer, policies: Container[str]) -> None:
    check_right_answer(answer.answer, answer.policy, policies)
    if not answer.reason:
        raise BadAnswer("Choose a reason.")
    if answer.reason not in REASONS[answer.answer]:
        known = ", ".join(REASONS[answer.answer])
        raise BadAnswer(f"The reason {answer.reason[:64]!r} does not go with this answer. Choose: {known}.")
    if len(answer.note) > NOTE_MAX:
        raise BadAnswer(f"A note may have at most {NOTE_MAX} characters.")


def _task(tx: Transaction, task: str) -> Row[Any]:
    found = tx.execute(select(blind_review).where(blind_review.c.id == task)).first()
    if found is None:
        raise NoSuchCase
    return found


def _seal_note(tx: Transaction, task: Row[Any], name: str, note: str) -> None:
    """Seal the note under the item and its author, so that it is erased with either."""
    if not note:
        return
    if tx.is_erased(task.item):
        raise CaseMoved("The content was erased meanwhile, so no note about it can be kept. Leave the note empty.")
    author = tx.execute(select(case_table.c.actor).where(case_table.c.id == task.case)).scalar()
    tx.seal(task.item, name, note.encode(), None if author is None or tx.is_erased(author) else author)
