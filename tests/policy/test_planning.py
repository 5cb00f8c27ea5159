"""Planning: what was not asked, and what was not counted, could not have changed anything."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seawall.model import CHILD_SAFETY_HARMS, UNKNOWN, gravest
from seawall.policy import Outcome, PolicyErrors, PolicySource, Program, build_bundle
from seawall.policy.planning import counters_that_matter, features_that_matter
from support.examples import examples
from support.policies import BANKS, DETECTORS, HEAD, content_types, rule

HARMS = ("hate", "spam", "child_safety", "violence", "terms")
SIGNALS = ("hate", "spam", "threat_terms", 'bank("slogans")', 'in_part("title", hate)')
COUNTERS = ('count(actor, "comment", within="10m")', 'ratio(actor, "play", within="1d", where=activity.seconds < 9)')
LEVELS = ("0.25", "0.5", "0.75", "1")

leaves = st.one_of(
    st.builds(
        "{} {} {}".format,
        st.sampled_from((*SIGNALS, *COUNTERS)),
        st.sampled_from((">=", ">", "<")),
        st.sampled_from(LEVELS),
    ),
    st.builds("{0} + {1} >= {2}".format, st.sampled_from(SIGNALS), st.sampled_from(SIGNALS), st.sampled_from(LEVELS)),
    st.builds("max({0}, {1}) >= {2}".format, st.sampled_from(SIGNALS), st.sampled_from(SIGNALS), st.just("0.5")),
    st.sampled_from(("actor.verified", "item.likes >= 2", "known(hate)", "unanswerable(hate)")),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("not ({})".format, inner),
    ),
    max_leaves=4,
)
acts = st.one_of(
    st.sampled_from(
        (
            "remove",
            "hold",
            "demote",
            'advisory(text="a")',
            'advisory(text="b")',
            "strike(weight=1)",
            "strike(weight=2)",
            'limit(for="1d")',
            'limit(for="2d")',
            "limit",
            'tag(name="t")',
        )
    ),
    st.builds(
        'review(queue="{}", priority={})'.format, st.sampled_from("qp"), st.sampled_from((*LEVELS, *SIGNALS, *COUNTERS))
    ),
)
rules = st.tuples(conditions, st.lists(acts, min_size=1, max_size=3), st.sampled_from(("live", "live", "shadow")))
policies = st.lists(st.tuples(st.sampled_from(HARMS), st.lists(rules, min_size=1, max_size=3)), min_size=1, max_size=3)
KNOWN = {"actor.verified": st.booleans(), "item.likes": st.integers(0, 3)}
VALUES = st.sampled_from((0.0, 0.25, 0.3, 0.5, 0.75, 0.9, 1.0))


def program_of(drawn: list[tuple[str, list[tuple[str, list[str], str]]]]) -> Program:
    sources = []
    for number, (harm, its_rules) in enumerate(drawn):
        head = HEAD.replace("policy: test", f"policy: p{number}").replace("harm: hate", f"harm: {harm}")
        body = "".join(
            rule(when, f"[{', '.join(dict.fromkeys(do))}]", f"r{index}", mode)
            for index, (when, do, mode) in enumerate(its_rules)
        )
        sources.append(PolicySource(f"p{number}.yaml", f"{head}rules:\n{body}"))
    return build_bundle(sources, content_types(), DETECTORS, BANKS).program("comment")


def same(one: Outcome, other: Outcome) -> bool:
    def view(outcome: Outcome) -> Any:
        main = gravest(outcome.reasons)
        return (
            outcome.verdict,
            outcome.degraded,
            sorted((action.kind, sorted(action.parameters.items())) for action in outcome.actions),
            (main.policy, main.rule) if main else None,
            {one.harm for one in outcome.reasons} & CHILD_SAFETY_HARMS,
            {one.policy for one in outcome.reasons} if any(each.kind == "strike" for each in outcome.actions) else None,
        )

    return bool(view(one) == view(other))


def drawn_row(program: Program, data: st.DataObject) -> dict[str, Any]:
    """A row in which every feature has its last value."""
    full: dict[str, Any] = {}
    for feature in program.features:
        if feature.name in KNOWN:
            full[feature.name] = data.draw(KNOWN[feature.name])
        elif feature.name.startswith("unanswerable"):
            full[feature.name] = data.draw(st.sampled_from((False, True, UNKNOWN)))
        else:
            full[feature.name] = data.draw(st.one_of(VALUES, VALUES, VALUES, st.just(UNKNOWN)))
    return full


def masked(full: dict[str, Any], asked: set[str], bounds: dict[str, float]) -> dict[str, Any]:
    """The row while only some features have been asked: of the others, some parts may have answered.

    A counter has no parts.
    """
    row = dict(full)
    for name in full:
        if name in KNOWN or name in asked:
            continue
        row[name] = UNKNOWN
        if (
            not name.startswith(("count(", "ratio("))
            and isinstance(full[name], int | float)
            and not isinstance(full[name], bool)
        ):
            row[f"at_least({name})"] = min(bounds.get(name, 0.0), full[name])
    return row


@pytest.mark.timeout(600)
@settings(
    deadline=None,
    max_examples=examples(1_000),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
@given(policies, st.data())
def test_planned_and_full_evaluation_have_equal_outcomes(drawn: Any, data: st.DataObject) -> None:
    try:
        program = program_of(drawn)
    except PolicyErrors:
        return  # the drawn rules contradict a check of the language
    full = drawn_row(program, data)
    bounds = {name: data.draw(VALUES) for name in full if name not in KNOWN}
    asked: set[str] = set()
    while left := features_that_matter(program, masked(full, asked, bounds)) - asked:
        asked.add(data.draw(st.sampled_from(sorted(left))))
    partial = masked(full, asked, bounds)
    assert same(program.decide(partial), program.decide(full)), (drawn, partial, full)


@pytest.mark.timeout(600)
@settings(
    deadline=None,
    max_examples=examples(400),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
@given(policies, st.data())
def test_counters_that_are_not_read_change_no_outcome_and_no_shadow_rule(drawn: Any, data: st.DataObject) -> None:
    """Planned while some detectors have not answered yet; decided when all have."""
    try:
        program = program_of(drawn)
    except PolicyErrors:
        return
    full = drawn_row(program, data)
    counters = {feature.name for feature in program.counters}
    bounds = {name: data.draw(VALUES) for name in full if name not in KNOWN}
    answered = {name for name in full if name not in counters and data.draw(st.booleans())}
    snoozed = {rule.id for rule in program.rules if data.draw(st.integers(0, 4)) == 0}
    read = counters_that_matter(program, masked(full, answered, bounds), snoozed)
    assert read <= counters
    partial = full | dict.fromkeys(counters - read, UNKNOWN)
    one, other = program.decide(partial, snoozed), program.decide(full, snoozed)
    assert same(one, other), (drawn, partial, full)
    assert one.shadow == other.shadow, (drawn, partial, full)
