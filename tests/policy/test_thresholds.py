"""The lowest values that rules tell apart: below them nothing about the outcome may change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.policies import build, comment, found, policy, rule

SIGNALS = ("hate", "spam")


def thresholds(when: str, do: str = "[hold]", mode: str = "live") -> dict[str, float]:
    return dict(build(policy(rule(when, do, mode=mode))).program("comment").thresholds)


@pytest.mark.parametrize(
    ("when", "wanted"),
    [
        ("hate >= 0.8", {"hate": 0.8}),
        ("0.8 <= hate", {"hate": 0.8}),
        ("hate > 0.8 or hate < 0.3", {"hate": 0.3}),
        ('in_part("title", hate) >= 0.4 and hate >= 0.8', {"hate": 0.4}),
        ("not known(hate) and spam >= 0.9", {"spam": 0.9}),
        ("max(hate, spam) >= 0.9", {"hate": 0.9, "spam": 0.9}),
        ("hate + 0.1 >= 0.8", {"hate": 0.0}),
        ("hate >= spam", {"hate": 0.0, "spam": 0.0}),
        ("(hate if spam >= 0.5 else 0.2) >= 0.1", {"hate": 0.0, "spam": 0.5}),
        ("item.likes > 3", {}),
    ],
)
def test_the_lowest_comparison_counts(when: str, wanted: dict[str, float]) -> None:
    assert thresholds(when) == wanted
    assert thresholds(when, mode="shadow") == wanted


@pytest.mark.parametrize(
    ("when", "priority", "wanted"),
    [
        ("hate >= 0.8", "hate", {"hate": 0.8}),
        ("hate >= 0.8 or item.likes > 3", "hate", {"hate": 0.0}),
        ('in_part("title", hate) >= 0.5', "hate", {"hate": 0.5}),
        ("item.likes > 3", "max(hate, 0.5)", {"hate": 0.5}),
        ("spam >= 0.4 and item.likes > 3 or spam >= 0.6", "max(hate, spam)", {"hate": 0.4, "spam": 0.4}),
        ("spam >= 0.4 or item.likes > 3", "max(hate, spam)", {"hate": 0.0, "spam": 0.0}),
        ("item.likes > 3", "hate * 0.5", {"hate": 0.0}),
        ("item.likes > 3", "0.5", {}),
    ],
)
def test_a_priority_is_exact_where_its_rule_fires(when: str, priority: str, wanted: dict[str, float]) -> None:
    assert thresholds(when, f'[review(queue="q", priority={priority})]') == wanted


_numbers = st.sampled_from([0.1, 0.25, 0.5, 0.75, 0.9])
_atoms = st.builds(
    lambda signal, symbol, value: f"{signal} {symbol} {value}",
    st.sampled_from([*SIGNALS, 'in_part("title", hate)', "max(hate, spam)", "min(hate, spam)", "hate * spam"]),
    st.sampled_from([">=", ">", "<", "<="]),
    _numbers,
)
_conditions = st.recursive(
    _atoms,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("(not {})".format, inner),
    ),
    max_leaves=6,
)
_priorities = st.sampled_from(["hate", "spam", "max(hate, 0.5)", "max(hate, spam)", "0.5", "min(hate, spam)"])
_values = st.floats(0, 1, exclude_max=True)


@given(_conditions, _priorities, st.fixed_dictionaries(dict.fromkeys(SIGNALS, _values)), _values)
def test_what_is_below_the_lowest_threshold_changes_no_outcome(
    when: str, priority: str, exact: dict[str, float], rough: float
) -> None:
    program = build(policy(rule(when, f'[hold, review(queue="q", priority={priority})]'))).program("comment")

    def outcome(values: dict[str, float]) -> object:
        look = comment({"title": "t"})
        look.signals += [found(name, value, part) for name, value in values.items() for part in ("title", "body")]
        return program.decide(program.row(look.context()))

    below = {
        name: rough * program.thresholds.get(name, 1.0) if value < program.thresholds.get(name, 1.0) else value
        for name, value in exact.items()
    }
    assert outcome(below) == outcome(exact)
