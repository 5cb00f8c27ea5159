"""Taking a review back, and reopening a closed case to decide it again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, or_, select

from seawall import enforce
from seawall.model import Decision, DecisionSource, Verdict, new_id
from seawall.model.events import DecisionMade
from seawall.review.account_cases import FindReviewedItem, find_reviewed
from seawall.review.errors import CannotUndo, CaseMoved, NoSuchCase
from seawall.review.events import CaseReopened, ReviewUndone
from seawall.review.leases import LEASE_MS
from seawall.review.machine import CaseState
from seawall.review.queries import UNDO_MS
from seawall.review.tables import case as case_table
from seawall.review.tables import lease
from seawall.review.tables import review as review_table
from seawall.storage.ledger import Ledger, Transaction

FindDecision = Callable[[Transaction, str], Decision]
"""(transaction, decision) → the whole record; ``screen.recorded_decision`` is one."""
Rescreen = Callable[[Transaction, Decision], None]
"""Sees to the pending rescreen of a decision that is in force again; ``screen.rescreen_again`` is one."""


def undo_review(
    ledger: Ledger,
    review: str,
    person: str,
    *,
    find_item: FindReviewedItem,
    find_decision: FindDecision,
    rescreen: Rescreen,
) -> str:
    """Take a review back: what was in force before it is in force again, and the person has the case. Returns its id.

    Receivers that were not told of the review yet are told nothing; the others are told of the reversal. Only the
    reviewer can do this, within ``UNDO_MS``, while the review's decision is the item's newest. Raises CannotUndo.
    """

    def unit(tx: Transaction) -> str:
        row = tx.execute(select(review_table).where(review_table.c.id == review)).first()
        if row is None:
            raise CannotUndo("There is no review with this id.")
        case = tx.execute(select(case_table).where(case_table.c.id == row.case).with_for_update()).one()
        item = find_reviewed(tx, case.item, find_item)
        _check(tx, row, person, None if item is None else item.decision)
        if row.ends_appeal or case.appeals > 0:
            raise CannotUndo("An appeal hangs on this answer. Reopen the case to decide it again.")
        take_back(tx, row, person, find_decision=find_decision, rescreen=rescreen)
        _lease_again(tx, row.case, person, case.reports_received)
        return str(row.case)

    return ledger.commit(unit)


def take_back(
    tx: Transaction,
    review: Row[Any],
    person: str,
    *,
    find_decision: FindDecision,
    rescreen: Rescreen,
    was_open: bool = True,
) -> None:
    """Put in force again what was before a review, which may be taken back. ``was_open``: so is the case again."""
    made = find_decision(tx, review.decision)
    before = None if made.supersedes is None else find_decision(tx, made.supersedes)
    restored = _restored(made, before, person, tx.at)
    tx.append(ReviewUndone(review=review.id, case=review.case, by=person, decision=restored.id, was_open=was_open))
    tx.append(DecisionMade(decision=restored))
    enforce.undo(tx, made.id, restored)
    if restored.rescreen_due is not None:
        rescreen(tx, restored)


def reopen_case(ledger: Ledger, case: str, person: str) -> None:
    """Open a closed case, to decide it again, and lease it to the person. What is in force stays meanwhile.

    Raises NoSuchCase, or CaseMoved when it is open.
    """

    def unit(tx: Transaction) -> None:
        found = tx.execute(select(case_table).where(case_table.c.id == case).with_for_update()).first()
        if found is None:
            raise NoSuchCase
        if found.state == CaseState.OPEN:
            raise CaseMoved("This case is open already.")
        tx.append(CaseReopened(case=case, by=person))
        _lease_again(tx, case, person, found.reports_received)

    ledger.commit(unit)


def _check(tx: Transaction, row: Row[Any], person: str, in_force: str | None) -> None:
    """Raises CannotUndo."""
    if row.reviewer != person:
        raise CannotUndo("Only who gave an answer can take it back. Reopen the case to decide it again.")
    if row.undone_at is not None:
        raise CannotUndo("This answer was taken back already.")
    if tx.at - row.at > UNDO_MS:
        minutes = UNDO_MS // 60_000
        raise CannotUndo(f"An answer can be taken back for {minutes} minutes. Reopen the case to decide it again.")
    if in_force != row.decision:
        raise CannotUndo("The item was edited, erased or decided again since. Reopen the case to decide it again.")


def _restored(made: Decision, before: Decision | None, person: str, at: int) -> Decision:
    """The decision that puts ``before`` in force again. A person's decision stays theirs; the machine's is an undo."""
    decision = Decision(
        id=new_id("dec", at),
        at=at,
        item=made.item,
        source=DecisionSource.UNDO,
        verdict=Verdict.ALLOW,
        actions=(),
        reasons=(),
        actor=made.actor,
        supersedes=made.id,
        reviewer=person,
    )
    if before is None:
        return decision  # the item was reported before it was ever decided
    by_person = before.source is DecisionSource.REVIEW
    return replace(
        decision,
        item=before.item,
        source=DecisionSource.REVIEW if by_person else DecisionSource.UNDO,
        verdict=before.verdict,
        actions=before.actions,
        reasons=before.reasons,
        bundle=before.bundle,
        unknown=before.unknown,
        degraded=before.degraded,
        fail_mode=before.fail_mode,
        rescreen_due=before.rescreen_due,
        reviewer=before.reviewer if by_person else person,
    )


def _lease_again(tx: Transaction, case: str, person: str, reports_received: int) -> None:
    """Lease the case to the person, unless somebody else has it."""
    ended = or_(lease.c.until <= tx.at, lease.c.person == person)
    tx.execute(lease.delete().where(lease.c.case == case, ended))
    if tx.execute(select(lease.c.case).where(lease.c.case == case)).first() is None:
        row = {"case": case, "person": person, "until": tx.at + LEASE_MS, "reports_received": reports_received}
        tx.execute(lease.insert().values(row))
