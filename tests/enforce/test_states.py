"""Every state, everything that may happen in it."""

from __future__ import annotations

from itertools import product

import pytest

from seawall.enforce.delivery_state import (
    UNFINISHED,
    DeliveryState,
    DeliveryTrigger,
    EnforcementState,
    IllegalTransition,
    delivery_after,
    restored_from,
    reversed_from,
)

ALLOWED = {
    ("queued", "delivered"): "delivered",
    ("queued", "failed"): "retrying",
    ("queued", "dead"): "dead",
    ("queued", "cancelled"): "cancelled",
    ("retrying", "delivered"): "delivered",
    ("retrying", "failed"): "retrying",
    ("retrying", "dead"): "dead",
    ("delivered", "replayed"): "queued",
    ("dead", "replayed"): "queued",
}


@pytest.mark.parametrize(("state", "trigger"), list(product(DeliveryState, DeliveryTrigger)))
def test_deliveries(state: DeliveryState, trigger: DeliveryTrigger) -> None:
    expected = ALLOWED.get((state.value, trigger.value))
    if expected is None:
        with pytest.raises(IllegalTransition, match=f"{state}.*{trigger}"):
            delivery_after(state, trigger)
    else:
        assert delivery_after(state, trigger) == expected


def test_only_unfinished_deliveries_are_attempted() -> None:
    assert {state for state, trigger in ALLOWED if trigger == "failed"} == UNFINISHED


def test_a_reversal_happens_once_and_can_be_taken_back() -> None:
    assert reversed_from(EnforcementState.ACTIVE) is EnforcementState.REVERSED
    with pytest.raises(IllegalTransition, match="reversed"):
        reversed_from(EnforcementState.REVERSED)
    assert restored_from(EnforcementState.REVERSED) is EnforcementState.ACTIVE
    with pytest.raises(IllegalTransition, match="active"):
        restored_from(EnforcementState.ACTIVE)
