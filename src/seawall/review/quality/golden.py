"""Golden cases: decided cases whose right answer is known, mixed in unseen."""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from sqlalchemy import select

from seawall.model import ItemRef, new_id
from seawall.review.errors import BadAnswer, CaseMoved, NoSuchCase
from seawall.review.machine import ACCOUNT, CaseState
from seawall.review.quality.blind_answers import check_right_answer
from seawall.review.quality.events import GoldenCaseMarked, GoldenCaseRetired
from seawall.review.quality.tables import golden_case
from seawall.review.tables import case as case_table
from seawall.storage.ledger import Ledger, Transaction

RETIRED: Final = "retired"


def mark_golden(
    ledger: Ledger, policies: Container[str], case: str, item: ItemRef, by: str, *, answer: str, policy: str | None
) -> str:
    """Mark a decided case as golden with its right answer; returns the golden case's id.

    ``item``: the case's item, in the revision that the answer is about. ``policies``: names of the active ones.
    Raises BadAnswer (no answer, or one that contradicts itself), NoSuchCase, CaseMoved (not decided by a person, or
    golden already).
    """
    check_right_answer(answer, policy, policies)
    golden = new_id("gold")

    def unit(tx: Transaction) -> None:
        found = tx.execute(select(case_table).where(case_table.c.id == case)).first()
        if found is None or found.item != item.ref:
            raise NoSuchCase
        if found.subject == ACCOUNT:
            raise BadAnswer("The case of an account cannot be golden: its history would tell what was decided.")
        if found.state != CaseState.CLOSED or found.answer is None:
            raise CaseMoved("Only a case that a person decided can be golden. Decide it first.")
        query = select(golden_case.c.id).where(golden_case.c.case == case, golden_case.c.retired_at.is_(None))
        if tx.execute(query).first() is not None:
            raise CaseMoved("This case is golden already. Retire it first to change its answer.")
        tx.append(
            GoldenCaseMarked(
                golden=golden, case=case, item=item, queue=found.queue, answer=answer, policy=policy, by=by
            )
        )

    ledger.commit(unit)
    return golden


def retire_golden(ledger: Ledger, golden: str, by: str) -> None:
    """Mix the golden case in no more. Raises BadAnswer when there is none, or it is retired."""

    def unit(tx: Transaction) -> None:
        query = select(golden_case.c.id).where(golden_case.c.id == golden, golden_case.c.retired_at.is_(None))
        if tx.execute(query).first() is None:
            raise BadAnswer("There is no such golden case, or it is retired already.")
        tx.append(GoldenCaseRetired(golden=golden, by=by, reason=RETIRED))

    ledger.commit(unit)
