"""The state machines of enforcements and deliveries: pure functions from (state, what happened) to state."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class EnforcementState(StrEnum):
    """Where an enforcement stands."""

    ACTIVE = "active"
    REVERSED = "reversed"


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    QUEUED = "queued"  # not tried yet, or replayed
    RETRYING = "retrying"  # failed at least once, will be tried again
    DELIVERED = "delivered"
    DEAD = "dead"  # given up until a person replays it


class DeliveryHappening(StrEnum):
    """What may happen to a delivery: the outcomes of an attempt, and a person's replay."""

    DELIVERED = "delivered"
    FAILED = "failed"
    DEAD = "dead"
    REPLAYED = "replayed"


class IllegalTransition(ValueError):
    """The ledger says that something happened which cannot follow what happened before."""


_DELIVERY: Final[Mapping[DeliveryState, Mapping[DeliveryHappening, DeliveryState]]] = {
    DeliveryState.QUEUED: {
        DeliveryHappening.DELIVERED: DeliveryState.DELIVERED,
        DeliveryHappening.FAILED: DeliveryState.RETRYING,
        DeliveryHappening.DEAD: DeliveryState.DEAD,
    },
    DeliveryState.RETRYING: {
        DeliveryHappening.DELIVERED: DeliveryState.DELIVERED,
        DeliveryHappening.FAILED: DeliveryState.RETRYING,
        DeliveryHappening.DEAD: DeliveryState.DEAD,
    },
    DeliveryState.DELIVERED: {DeliveryHappening.REPLAYED: DeliveryState.QUEUED},
    DeliveryState.DEAD: {DeliveryHappening.REPLAYED: DeliveryState.QUEUED},
}

UNFINISHED: Final = frozenset({DeliveryState.QUEUED, DeliveryState.RETRYING})
"""States in which a delivery still has an attempt before it."""


def reversed_from(state: EnforcementState) -> EnforcementState:
    """The state after a reversal. Raises IllegalTransition when it is reversed already: a reversal is final."""
    if state is not EnforcementState.ACTIVE:
        raise IllegalTransition(f"an enforcement that is {state} cannot be reversed")
    return EnforcementState.REVERSED


def delivery_after(state: DeliveryState, happening: DeliveryHappening) -> DeliveryState:
    """The delivery's state after ``happening``. Raises IllegalTransition."""
    try:
        return _DELIVERY[state][happening]
    except KeyError:
        raise IllegalTransition(f"a delivery that is {state} cannot be {happening}") from None
