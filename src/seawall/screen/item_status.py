"""Status of an item: its newest revision and the decision in force, read inside a ledger unit."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from seawall.model import Action, DecisionSource, Reason
from seawall.screen.events import DECISION_MADE
from seawall.screen.tables import decision, item
from seawall.storage import Transaction
from seawall.storage.ledger import event


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemStatus:
    """An item's newest revision and the decision in force. ``actions`` and ``reasons``: only if a person decided."""

    ref: str
    actor: str | None
    revision: int
    digest: str
    decision: str | None
    verdict: str | None
    degraded: bool
    decided_at: int | None
    by_person: bool
    actions: tuple[Action, ...] = ()
    reasons: tuple[Reason, ...] = ()


_STATUS = select(item, decision.c.source, decision.c.seq, decision.c.revision.label("decided_revision")).select_from(
    item.outerjoin(decision, decision.c.id == item.c.decision)
)
_BODY = select(event.c.version, event.c.body)


def status_of(tx: Transaction, ref: str) -> ItemStatus | None:
    """The status of the item with that surrogate; None before its first submission."""
    row = tx.execute(_STATUS.where(item.c.ref == ref)).one_or_none()
    if row is None:
        return None
    by_person = row.source == DecisionSource.REVIEW and row.decided_revision == row.revision
    actions: tuple[Action, ...] = ()
    reasons: tuple[Reason, ...] = ()
    if by_person:
        stored = tx.execute(_BODY.where(event.c.seq == row.seq)).one()
        made = DECISION_MADE.decode(stored.version, stored.body).decision
        actions, reasons = made.actions, made.reasons
    return ItemStatus(
        ref=row.ref,
        actor=row.actor,
        revision=row.revision,
        digest=row.digest,
        decision=row.decision,
        verdict=row.verdict,
        degraded=bool(row.degraded),
        decided_at=row.decided_at,
        by_person=by_person,
        actions=actions,
        reasons=reasons,
    )
