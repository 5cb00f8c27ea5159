"""State machines of enforcements and deliveries: pure functions from (state, event) to state."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class EnforcementState(StrEnum):
    """The state of an enforcement."""

    ACTIVE = "active"
    REVERSED = "reversed"


class DeliveryState(StrEnum):
    """The state of a delivery."""

    QUEUED = "queued"  # not tried yet, or replayed
    RETRYING = "retrying"  # failed at least once, will be tried again
    DELIVERED = "delivered"
    DEAD = "dead"  # given up until a person replays it
    CANCELLED = "cancelled"  # what it says was undone before the first attempt


class DeliveryTrigger(StrEnum):
    """Events of a delivery: the outcomes of an attempt, a replay, and an undo before the first attempt."""

    DELIVERED = "delivered"
    FAILED = "failed"
    DEAD = "dead"
    REPLAYED = "replayed"
    CANCELLED = "cancelled"


class IllegalTransition(ValueError):
    """The ledger contains an event that cannot follow the earlier ones."""


_DELIVERY: Final[Mapping[DeliveryState, Mapping[DeliveryTrigger, DeliveryState]]] = {
    DeliveryState.QUEUED: {
        DeliveryTrigger.DELIVERED: DeliveryState.DELIVERED,
        DeliveryTrigger.FAILED: DeliveryState.RETRYING,
        DeliveryTrigger.DEAD: DeliveryState.DEAD,
        DeliveryTrigger.CANCELLED: DeliveryState.CANCELLED,
    },
    DeliveryState.RETRYING: {
        DeliveryTrigger.DELIVERED: DeliveryState.DELIVERED,
        DeliveryTrigger.FAILED: DeliveryState.RETRYING,
        DeliveryTrigger.DEAD: DeliveryState.DEAD,
    },
    DeliveryState.DELIVERED: {DeliveryTrigger.REPLAYED: DeliveryState.QUEUED},
    DeliveryState.DEAD: {DeliveryTrigger.REPLAYED: DeliveryState.QUEUED},
}

UNFINISHED: Final = frozenset({DeliveryState.QUEUED, DeliveryState.RETRYING})
"""States in which a delivery has further attempts."""


def reversed_from(state: EnforcementState) -> EnforcementState:
    """The state after a reversal. Raises IllegalTransition when it is reversed already."""
    if state is not EnforcementState.ACTIVE:
        raise IllegalTransition(f"an enforcement that is {state} cannot be reversed")
    return EnforcementState.REVERSED


def restored_from(state: EnforcementState) -> EnforcementState:
    """The state after a reversal was taken back. Raises IllegalTransition when it was not reversed."""
    if state is not EnforcementState.REVERSED:
        raise IllegalTransition(f"an enforcement that is {state} cannot be restored")
    return EnforcementState.ACTIVE


def delivery_after(state: DeliveryState, trigger: DeliveryTrigger) -> DeliveryState:
    """The delivery's state after ``happening``. Raises IllegalTransition."""
    try:
        return _DELIVERY[state][trigger]
    except KeyError:
        raise IllegalTransition(f"a delivery that is {state} cannot be {trigger}") from None
