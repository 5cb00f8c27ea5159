"""A policy's own radius: ``bank("x", within=20)``."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.policies import build, comment, errors, fires, found, policy, row_of, rule, silent


def near(distance: int | None, evidence: str) -> object:
    return replace(found("bank:slogans", 1, detector="bank-matcher", evidence=evidence), distance=distance)


def test_only_what_is_near_enough_counts() -> None:
    look = replace(comment(), signals=(near(4, "e1"), near(21, "e2"), near(None, "e3")))
    both = policy(rule('bank("slogans", within=20) >= 1 and bank("slogans") >= 3'))
    assert row_of(build(both), look) == {'bank("slogans", within=20)': 2, 'bank("slogans")': 3}
    assert fires('bank("slogans", within=20) >= 2', look) is True
    assert fires('bank("slogans", within=3) >= 2', look) is False


def test_what_is_unknown_stays_so() -> None:
    look = replace(comment(), signals=(near(4, "e1"),), unknown=(silent("bank-matcher"),))
    assert fires('bank("slogans", within=20) >= 1', look) is True
    assert fires('bank("slogans", within=20) >= 2', look) is None


@pytest.mark.parametrize("argument", ["within=-1", "within=257", 'within="20"', "within=2.5", "within=True", "near=3"])
def test_a_radius_that_cannot_be(argument: str) -> None:
    assert "within= must be a whole number from 0 to 256" in errors(policy(rule(f'bank("slogans", {argument}) >= 1')))
