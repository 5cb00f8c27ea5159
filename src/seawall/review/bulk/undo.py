"""Taking a whole bulk decision back: what receivers were not told yet leaves no trace, the rest is reversed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from seawall.enforce import RecordedItems
from seawall.review.bulk.approval import BulkRefused, start
from seawall.review.bulk.events import BulkUndoAsked
from seawall.review.bulk.queries import BulkDecisionRow, BulkItemRow, get_bulk_decision, items_of_bulk
from seawall.review.errors import CaseRestricted
from seawall.review.tables import case as case_table
from seawall.review.tables import review as review_table
from seawall.storage.ledger import Ledger, Transaction

BULK_UNDO_MS: Final = 7 * 24 * 60 * 60 * 1000
"""How long after it began a bulk decision can be taken back. Longer than one answer: nobody looked at each item, so a
mistake shows later, and deciding hundreds of cases again one by one is no remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoPreview:
    """What taking it back would do: ``restored`` items are as before, ``kept`` ones stay, with their reasons."""

    restored: int
    kept: Mapping[str, int]  # key of WHY_SKIPPED → items


def why_kept(reader: Connection | Transaction, recorded: RecordedItems, one: BulkItemRow) -> str:
    """Why the answer about an item cannot be taken back; empty: it can."""
    made = reader.execute(select(review_table).where(review_table.c.id == one.review)).first()
    case = reader.execute(select(case_table.c.appeals).where(case_table.c.id == one.case)).first()
    head = recorded.head(reader, one.item)
    if made is None or made.undone_at is not None:
        return "undone"
    if case is not None and case.appeals:
        return "appealed"
    return "" if head is not None and not head.gone and head.decision == made.decision else "edited"


def preview_undo(connection: Connection, recorded: RecordedItems, bulk: str) -> UndoPreview:
    """What taking it back would do now."""
    reasons = Counter(why_kept(connection, recorded, one) for one in items_of_bulk(connection, bulk, state="decided"))
    restored = reasons.pop("", 0)
    return UndoPreview(restored=restored, kept=dict(sorted(reasons.items())))


def may_undo(found: BulkDecisionRow, person: str, now: int) -> bool:
    """Whether this person can take it back: who prepared or approved it, while there is time."""
    began = found.started_at
    return (
        began is not None
        and now - began <= BULK_UNDO_MS
        and found.state(now) in ("running", "done")
        and person in (found.by, found.approved_by)
    )


def ask_undo(ledger: Ledger, bulk: str, person: str, *, child_safety: bool = False) -> None:
    """Take it back; while it runs, stop it first. Raises BulkRefused or CaseRestricted."""

    def unit(tx: Transaction) -> None:
        found = get_bulk_decision(tx, bulk)
        if found is None:
            raise BulkRefused("There is no bulk decision with this id.")
        if found.child_safety and not child_safety:
            raise CaseRestricted
        if not may_undo(found, person, tx.at):
            raise BulkRefused(
                "A bulk decision can be taken back for seven days after it began, once, by who prepared or approved "
                "it. Later, or as somebody else, decide its items again."
            )
        tx.append(BulkUndoAsked(bulk=bulk, by=person))
        start(tx, bulk)

    ledger.commit(unit)
