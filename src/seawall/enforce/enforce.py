"""Application of a decision: the difference as events, and a delivery of each change to each receiver."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import Connection, select

from seawall.enforce.delivery_state import EnforcementState
from seawall.enforce.diff import ActiveEnforcement, EnforcementDiff, ToApply, enforcement_diff
from seawall.enforce.endpoints import receivers
from seawall.enforce.events import DeliveryQueued, EnforcementApplied, EnforcementReversed
from seawall.enforce.tables import enforcement as table
from seawall.model import ACTIONS, ActionSubject, Decision, ItemRef, new_id
from seawall.storage import Transaction

JOB_KIND = "deliver"


def apply(tx: Transaction, decision: Decision, *, item_is_new: bool, overturned_revision: int | None = None) -> None:
    """Make what is in force because of the item follow ``decision``, inside the unit that records the decision.

    ``item_is_new``: the item has no earlier decision, so nothing can be in force. Reversals come before applications:
    a receiver that only obeys the last message ends where the decision is. Actions on the actor of an item without
    one are not applied: they stay visible in the decision. ``overturned_revision``: see ``enforcement_diff``.
    """
    if item_is_new and not decision.actions:
        return
    active = () if item_is_new else in_force(tx, decision.item.ref)
    what = enforcement_diff(active, decision, overturned_revision=overturned_revision)
    for old in what.reverse:
        tx.append(EnforcementReversed(enforcement=old.id, decision=decision.id))
        _deliver(tx, decision.item.content_type, old.id, old.kind, "reversed")
    for new in what.apply:
        _apply_one(tx, decision, new)


def send_again(tx: Transaction, item: ItemRef) -> None:
    """Send what is in force on the item itself to every receiver once more: the platform was told less meanwhile."""
    for one in in_force(tx, item.ref):
        if ACTIONS[one.kind].subject is ActionSubject.ITEM:
            _deliver(tx, item.content_type, one.id, one.kind, "applied")


def preview(connection: Connection, decision: Decision, *, overturned_revision: int | None = None) -> EnforcementDiff:
    """What ``apply`` would change if the decision were made now."""
    return enforcement_diff(in_force(connection, decision.item.ref), decision, overturned_revision=overturned_revision)


def in_force(reader: Connection | Transaction, item: str) -> Sequence[ActiveEnforcement]:
    """The enforcements in force because of an item, in their order."""
    statement = (
        select(table.c.id, table.c.decision, table.c.revision, table.c.subject, table.c.kind, table.c.parameters)
        .where(table.c.item == item, table.c.state == EnforcementState.ACTIVE.value)
        .order_by(table.c.seq)
    )
    return [ActiveEnforcement(**row) for row in reader.execute(statement).mappings()]


def _apply_one(tx: Transaction, decision: Decision, new: ToApply) -> None:
    enforcement = new_id("enf", tx.at)
    tx.append(
        EnforcementApplied(
            enforcement=enforcement,
            decision=decision.id,
            item=decision.item,
            subject=new.subject,
            action=new.action,
        )
    )
    _deliver(tx, decision.item.content_type, enforcement, new.action.kind, "applied")


def _deliver(
    tx: Transaction, content_type: str, enforcement: str, kind: str, change: Literal["applied", "reversed"]
) -> None:
    """Queue the change for every receiver. Internal actions (tags) take effect without being sent."""
    if ACTIONS[kind].subject is ActionSubject.INTERNAL:
        return
    for endpoint in receivers(tx, content_type):
        delivery = new_id("dlv", tx.at)
        tx.append(DeliveryQueued(delivery=delivery, enforcement=enforcement, endpoint=endpoint.id, change=change))
        tx.enqueue(JOB_KIND, delivery, {"delivery": delivery})
