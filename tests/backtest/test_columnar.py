"""The columns' results against the row engine, and against a naive interpreter of the language."""

from __future__ import annotations

import ast
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.policy.test_language import booleans, compiled, interpret, truths

from seawall.backtest.columnar import ColumnarProgram
from seawall.model import UNKNOWN
from seawall.policy import Program


def columnar_truths(program: Program, samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rule → True, False or UNKNOWN, of each row."""
    columnar = ColumnarProgram(program)
    found = columnar.masks(columnar.columns(samples), samples)
    results = []
    for row in found.iter_rows(named=True):
        results.append(
            {
                rule.rule.id: UNKNOWN if row["undetermined 0"] >> index & 1 else bool(row["fired 0"] >> index & 1)
                for index, rule in enumerate(program.rules)
            }
        )
    return results


def agree(conditions: list[str], samples: list[dict[str, Any]]) -> None:
    """Interpreter, generated function, columns, and what a planner may leave unmeasured, on every row."""
    program = compiled(*conditions)
    trees = [ast.parse(condition, mode="eval").body for condition in conditions]
    for row, by_columns in zip(samples, columnar_truths(program, samples), strict=True):
        by_rows = truths(program, row)
        for index, tree in enumerate(trees):
            meant = interpret(tree, row)
            assert by_rows[f"r{index}"] is meant, (conditions[index], row)
            assert by_columns[f"r{index}"] is meant, (conditions[index], row)
        full, planned = program.decide(row), program.decide(roughly(program, row))
        assert (planned.verdict, planned.actions) == (full.verdict, full.actions), (conditions, row)


def roughly(program: Program, row: dict[str, Any]) -> dict[str, Any]:
    """The row as a planned evaluation may measure it: signals below every threshold are not told apart."""
    return row | {
        name: 0.0
        for name, floor in program.thresholds.items()
        if isinstance(value := row.get(name), float) and value < floor
    }


def random_rows(number: int, count: int) -> list[dict[str, Any]]:
    """Rows of known, absent and unknown values; an unknown signal may come with what its answered parts reach."""
    chance = random.Random(number)
    found = []
    for _ in range(count):
        row = {name: chance.choice(values) for name, values in VALUES.items()}
        for name in ("hate", "spam"):
            if row[name] is UNKNOWN and chance.random() < 0.7:
                row[f"at_least({name})"] = chance.choice(LEVELS)
        found.append(row)
    return found


LEVELS = [0.0, 0.25, 0.5, 0.75, 1.0]
VALUES: dict[str, list[Any]] = {
    "hate": [*LEVELS, UNKNOWN, UNKNOWN],
    "spam": [*LEVELS, UNKNOWN, UNKNOWN],
    "item.likes": [0, 1, 2, 3, UNKNOWN],
    "item.score": [*LEVELS, None, None, UNKNOWN],
    "item.pinned": [True, False, None, UNKNOWN],
    "actor.verified": [True, False, UNKNOWN],
}
POLICIES = st.lists(booleans(3), min_size=1, max_size=4)
NUMBERS = st.integers(0, 2**32)
HEALTH = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


@settings(deadline=None, max_examples=50, suppress_health_check=HEALTH)
@given(POLICIES, NUMBERS)
def test_the_engines_agree_on_ten_thousand_triples(conditions: list[str], number: int) -> None:
    agree(conditions, random_rows(number, 200))


@pytest.mark.nightly
@settings(deadline=None, max_examples=1_000, suppress_health_check=HEALTH)
@given(POLICIES, NUMBERS)
def test_the_engines_agree_on_fifty_thousand_triples(conditions: list[str], number: int) -> None:
    agree(conditions, random_rows(number, 50))


def row_of(**values: Any) -> dict[str, Any]:
    known = {"hate": 0.5, "spam": 0.5, "item.likes": 1, "item.score": None, "item.pinned": True}
    return known | {"actor.verified": False} | {name.replace("__", "."): value for name, value in values.items()}


@pytest.mark.parametrize("likes", [2**53 + 1, 2**60 + 1])
def test_a_number_that_columns_cannot_hold_is_decided_by_rows(likes: int) -> None:
    program = compiled(f"item.likes == {likes}", "item.likes > 3")
    samples = [row_of(item__likes=likes), row_of(item__likes=likes - 1), row_of()]
    assert columnar_truths(program, samples) == [truths(program, row) for row in samples]


def test_the_last_activity_is_absent_unknown_or_a_time() -> None:
    since, among = 'since_last(actor, "comment")', 'among_last(actor, "play", k=9, where=(activity.seconds < 9))'
    conditions = [
        f"{since} is None",
        f'{since} is not None and {since} > "1d"',
        f'{since} is None or {since} > "1d"',
        f"{among} >= 3",
    ]
    program = compiled(*conditions)
    rows = [{since: one, among: other} for one in (None, UNKNOWN, 60.0, 90_000.0) for other in (0, 3, UNKNOWN)]
    found = columnar_truths(program, rows)
    assert found == [truths(program, row) for row in rows]
    assert list(found[0].values()) == [True, False, True, False]
    assert list(found[-1].values()) == [False, True, True, UNKNOWN]


def test_a_row_that_lacks_a_feature_is_refused() -> None:
    columnar = ColumnarProgram(compiled("hate > 0.5"))
    with pytest.raises(KeyError):
        columnar.columns([{"spam": 1.0}])


def test_rows_that_do_not_fit_are_not_left_out_silently() -> None:
    columnar = ColumnarProgram(compiled("item.likes > 3"))
    with pytest.raises(ValueError, match="1 rows hold values"):
        columnar.masks(columnar.columns([row_of(item__likes=2**60)]))


def test_rules_that_read_nothing_have_a_result_for_every_row() -> None:
    program = compiled("0 < 0", "1 > 0")
    samples = [row_of(), row_of()]
    assert columnar_truths(program, samples) == [truths(program, row) for row in samples]
