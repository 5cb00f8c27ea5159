"""Undoing what a decision enforced: silently where no receiver was told yet, by reversal messages where one was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, or_, select

from seawall.enforce.delivery_state import DeliveryState, EnforcementState
from seawall.enforce.enforce import JOB_KIND, apply
from seawall.enforce.events import DeliveryCancelled, EnforcementRestored, EnforcementReversed
from seawall.enforce.tables import delivery, enforcement
from seawall.model import Decision
from seawall.storage import Transaction
from seawall.storage.jobs import withdraw

_BY: Final = (enforcement.c.id, enforcement.c.decision, enforcement.c.state)


def undo(tx: Transaction, undone: str, decision: Decision) -> None:
    """Take back what the decision ``undone`` changed, inside the unit that records ``decision``.

    ``decision`` wants what was in force before. A change that no receiver was told of leaves no trace at them: its
    messages are cancelled, an application is reversed and a reversal taken back. What a receiver may have been told is
    reversed or applied again, and every receiver is told. An attempt in progress counts as told.
    """
    changed = or_(enforcement.c.decision == undone, enforcement.c.reversed_by == undone)
    rows = tx.execute(select(*_BY).where(changed).order_by(enforcement.c.seq)).all()
    messages = _messages(tx, [row.id for row in rows])
    for row in rows:
        is_applied = row.decision == undone
        if is_applied == (row.state == EnforcementState.REVERSED):
            continue  # changed again since
        mine = messages.get((row.id, "applied" if is_applied else "reversed"), ())
        if not _are_withdrawn(tx, mine):
            continue
        for message in mine:
            tx.append(DeliveryCancelled(delivery=message.id, decision=decision.id))
        change = EnforcementReversed if is_applied else EnforcementRestored
        tx.append(change(enforcement=row.id, decision=decision.id))
    apply(tx, decision, item_is_new=False)


def _messages(tx: Transaction, enforcements: Sequence[str]) -> dict[tuple[str, str], list[Row[Any]]]:
    """The messages about each enforcement and change."""
    found: dict[tuple[str, str], list[Row[Any]]] = {}
    for row in tx.execute(select(delivery).where(delivery.c.enforcement.in_(enforcements))):
        found.setdefault((row.enforcement, row.change), []).append(row)
    return found


def _are_withdrawn(tx: Transaction, messages: Sequence[Row[Any]]) -> bool:
    """Withdraw the messages, all or none. None when an attempt was made, or is being made, for any of them."""
    ids = {message.id for message in messages}
    if any(one.state != DeliveryState.QUEUED or one.updated_at != one.queued_at for one in messages):
        return False  # attempted; or replayed, so it was attempted before
    withdrawn = withdraw(tx, JOB_KIND, ids) if ids else ids
    if withdrawn == ids:
        return True
    for message in sorted(withdrawn):
        tx.enqueue(JOB_KIND, message, {"delivery": message})
    return False
