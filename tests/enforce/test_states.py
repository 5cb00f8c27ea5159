"""Every state, everything that may happen in it."""

from __future__ import annotations

from itertools import product

import pytest

from seawall.enforce.states import (
    UNFINISHED,
    DeliveryHappening,
    DeliveryState,
    EnforcementState,
    IllegalTransition,
    delivery_after,
    reversed_from,
)

ALLOWED = {
    ("queued", "delivered"): "delivered",
    ("queued", "failed"): "retrying",
    ("queued", "dead"): "dead",
    ("retrying", "delivered"): "delivered",
    ("retrying", "failed"): "retrying",
    ("retrying", "dead"): "dead",
    ("delivered", "replayed"): "queued",
    ("dead", "replayed"): "queued",
}


@pytest.mark.parametrize(("state", "happening"), list(product(DeliveryState, DeliveryHappening)))
def test_deliveries(state: DeliveryState, happening: DeliveryHappening) -> None:
    expected = ALLOWED.get((state.value, happening.value))
    if expected is None:
        with pytest.raises(IllegalTransition, match=f"{state}.*{happening}"):
            delivery_after(state, happening)
    else:
        assert delivery_after(state, happening) == expected


def test_only_unfinished_deliveries_are_attempted() -> None:
    assert {state for state, happening in ALLOWED if happening == "failed"} == UNFINISHED


def test_a_reversal_is_final() -> None:
    assert reversed_from(EnforcementState.ACTIVE) is EnforcementState.REVERSED
    with pytest.raises(IllegalTransition, match="reversed"):
        reversed_from(EnforcementState.REVERSED)
