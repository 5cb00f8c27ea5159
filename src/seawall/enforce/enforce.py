"""Application of a decision: the difference as events, and a delivery of each change to each receiver."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import Connection, select

from seawall.enforce.delivery_state import EnforcementState
from seawall.enforce.diff import ActiveEnforcement, EnforcementDiff, ToApply, canonical_parameters, enforcement_diff
from seawall.enforce.endpoints import receivers
from seawall.enforce.events import LIFT, DeliveryQueued, EnforcementApplied, EnforcementReversed
from seawall.enforce.tables import enforcement as table
from seawall.model import ACTIONS, ActionSubject, Decision, DecisionSource, ItemRef, new_id
from seawall.storage import Transaction

JOB_KIND = "deliver"


def apply(
    tx: Transaction,
    decision: Decision,
    *,
    item_is_new: bool,
    send_at: int | None = None,
    overturned_revision: int | None = None,
) -> None:
    """Make what is in force because of the item follow ``decision``, inside the unit that records the decision.

    ``item_is_new``: the item has no earlier decision, so nothing can be in force. Reversals come before applications:
    a receiver that only obeys the last message ends where the decision is. Actions on the actor of an item without
    one are not applied: they stay visible in the decision. ``send_at`` (ms since 1970): when receivers are told, so
    that a person can take the decision back before; None: at once. ``overturned_revision``: see ``enforcement_diff``.
    """
    if item_is_new and not decision.actions:
        return
    active = () if item_is_new else in_force(tx, decision.item.ref)
    what = enforcement_diff(active, decision, overturned_revision=overturned_revision)
    for old in what.reverse:
        tx.append(EnforcementReversed(enforcement=old.id, decision=decision.id))
        queue_deliveries(tx, decision.item.content_type, old.id, old.kind, "reversed", send_at)
    for new in _not_lifted(tx, decision, what.apply):
        _apply_one(tx, decision, new, send_at)


def send_again(tx: Transaction, item: ItemRef) -> None:
    """Send what is in force on the item itself to every receiver once more: the platform was told less meanwhile."""
    for one in in_force(tx, item.ref):
        if ACTIONS[one.kind].subject is ActionSubject.ITEM:
            queue_deliveries(tx, item.content_type, one.id, one.kind, "applied")


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


def _not_lifted(tx: Transaction, decision: Decision, new: Sequence[ToApply]) -> Sequence[ToApply]:
    """Without what a person lifted: no rule that fires again, and no edit, puts it back. A person may.

    What is in force is not applied again by a later revision either; being lifted does not change that.
    """
    on_account = any(ACTIONS[one.action.kind].subject is ActionSubject.ENTITY for one in new)
    if not on_account or decision.source is DecisionSource.REVIEW:
        return new
    lifted = select(table.c.subject, table.c.kind, table.c.parameters, table.c.revision).where(
        table.c.item == decision.item.ref,
        table.c.state == EnforcementState.REVERSED.value,
        table.c.reversed_by.startswith(f"{LIFT}_", autoescape=True),
    )
    rows = tx.execute(lifted).all()
    same = {(row.subject, row.kind, row.parameters) for row in rows}
    here = {(row.subject, row.kind) for row in rows if row.revision == decision.item.revision}
    return [
        one
        for one in new
        if (one.subject, one.action.kind) not in here
        and (one.subject, one.action.kind, canonical_parameters(one.action)) not in same
    ]


def _apply_one(tx: Transaction, decision: Decision, new: ToApply, send_at: int | None) -> None:
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
    queue_deliveries(tx, decision.item.content_type, enforcement, new.action.kind, "applied", send_at)


def queue_deliveries(
    tx: Transaction,
    content_type: str,
    enforcement: str,
    kind: str,
    change: Literal["applied", "reversed"],
    send_at: int | None = None,
) -> None:
    """Queue the change for every receiver. Internal actions (tags) take effect without being sent."""
    if ACTIONS[kind].subject is ActionSubject.INTERNAL:
        return
    for endpoint in receivers(tx, content_type):
        delivery = new_id("dlv", tx.at)
        tx.append(DeliveryQueued(delivery=delivery, enforcement=enforcement, endpoint=endpoint.id, change=change))
        tx.enqueue(JOB_KIND, delivery, {"delivery": delivery}, due_at=send_at)
