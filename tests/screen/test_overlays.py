"""Overlays: policies that a surface adds to those of the platform. They only make stricter."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.detect import Findings
from seawall.model import UNKNOWN, DecisionSource, FailMode, ItemRef, Signal, Unknown, UnknownReason
from seawall.policy import Bundle, PolicyErrors, PolicySource, build_bundle, explain, load_bundle
from seawall.publish import compare
from seawall.screen.creator_overlays import OverlaysOn
from seawall.screen.evaluation import DraftDecision, decide, evaluation_of
from seawall.screen.fail_modes import strictness
from seawall.screen.plans import PRE_PUBLISH, stage_plan
from support.policies import BANKS, DETECTORS, HEAD, comment, content_types, found, policy, rule

OVERLAY = HEAD.replace("policy: test", "policy: stricter").replace(
    "harm: hate\n", "harm: hate\noverlay: {surface: public}\n"
)
CONDITIONS = [f"{left} {sign} {value}" for left in ("hate", "spam") for sign in (">=", "<") for value in (0.3, 0.6)]
CONDITIONS += ["not known(hate)", "hate >= 0.6 and not spam >= 0.3", "unanswerable(hate)", "max(hate, spam) >= 0.6"]
ACTIONS = ["[hold]", "[remove]", "[demote]", '[review(queue="q", priority=0.5)]', "[strike]", '[limit(for="1d")]']
CREATORS = OVERLAY.replace("{surface: public}", "{creator: calm}")
CREATORS_ACTIONS = [each for each in ACTIONS if each.strip("[]").partition("(")[0] in ("hold", "demote", "review")]
RULES = st.lists(st.tuples(st.sampled_from(CONDITIONS), st.sampled_from(ACTIONS)), min_size=1, max_size=3)
VALUE = st.sampled_from([0.0, 0.4, 0.7])


def built(floor: str, overlay: str | None = None, fail_mode: FailMode = FailMode.HOLD) -> Bundle:
    texts = [floor] if overlay is None else [floor, overlay]
    types = [
        replace(each, stages=tuple(replace(stage, fail_mode=fail_mode, rescreen_within_s=30) for stage in each.stages))
        for each in content_types()
    ]
    return build_bundle([PolicySource(f"{n}.yaml", text) for n, text in enumerate(texts)], types, DETECTORS, BANKS)


def written(rules: list[tuple[str, str]], head: str = HEAD) -> str:
    return policy(*(rule(when, do, f"r{number}") for number, (when, do) in enumerate(rules)), head=head)


def decided(
    bundle: Bundle, signals: tuple[Signal, ...] = (), silent: bool = False, on: tuple[str, ...] = ()
) -> DraftDecision:
    look = comment()
    specs = {each.name: each for each in DETECTORS}
    plan = stage_plan(bundle, bundle.content_types["comment"], PRE_PUBLISH, specs, (), on)
    missing = (Unknown(detector="text-model", part="body", reason=UnknownReason.DEADLINE),) if silent else ()
    evaluation = evaluation_of(look.item, bundle, plan, OverlaysOn(on, ()) if on else None)
    return decide(evaluation, Findings(signals, missing, parts=evaluation.parts), (), DecisionSource.SCREEN)


@settings(max_examples=150, deadline=None)
@given(RULES, RULES, VALUE, VALUE, st.booleans(), st.sampled_from(FailMode))
def test_with_an_overlay_a_verdict_is_never_less_strict(
    floor: list[tuple[str, str]],
    overlay: list[tuple[str, str]],
    hate: float,
    spam: float,
    silent: bool,
    fail_mode: FailMode,
) -> None:
    signals = (found("hate", hate), found("spam", spam))
    alone = decided(built(written(floor), None, fail_mode), signals, silent)
    both = decided(built(written(floor), written(overlay, OVERLAY), fail_mode), signals, silent)
    assert strictness(both.verdict) >= strictness(alone.verdict)
    if alone.rescreen_due is not None:
        assert both.rescreen_due is not None, "what the platform's rules wait for is still asked again"
    covered = any(action.kind == "remove" for action in both.actions)
    assert covered or {each.kind for each in alone.actions} <= {each.kind for each in both.actions} | {"disable"}


def test_an_overlay_spares_no_item_the_fail_mode() -> None:
    """What it gave before: the overlay's hold settled the outcome, so the platform's ``block`` did not apply."""
    floor, overlay = written([("hate >= 0.5", "[hold]")]), written([("spam < 0.5", "[hold]")], OVERLAY)
    overlay = overlay.replace("spam < 0.5", "item.likes == 0")
    assert decided(built(floor, None, FailMode.BLOCK), silent=True).verdict == "block"
    assert decided(built(floor, overlay, FailMode.BLOCK), silent=True).verdict == "block"


@settings(max_examples=100, deadline=None)
@given(
    RULES,
    st.lists(st.tuples(st.sampled_from(CONDITIONS), st.sampled_from(CREATORS_ACTIONS)), min_size=1, max_size=3),
    VALUE,
    VALUE,
    st.booleans(),
    st.sampled_from(FailMode),
)
def test_a_creators_overlay_makes_nothing_less_strict_and_is_nothing_where_it_is_off(
    floor: list[tuple[str, str]],
    overlay: list[tuple[str, str]],
    hate: float,
    spam: float,
    silent: bool,
    fail_mode: FailMode,
) -> None:
    signals = (found("hate", hate), found("spam", spam))
    alone = decided(built(written(floor), None, fail_mode), signals, silent)
    bundle = built(written(floor), written(overlay, CREATORS), fail_mode)
    off, on = decided(bundle, signals, silent), decided(bundle, signals, silent, ("calm",))
    for name in ("verdict", "actions", "reasons", "undetermined", "degraded", "features", "unknown_features"):
        assert getattr(off, name) == getattr(alone, name)
    assert strictness(on.verdict) >= strictness(alone.verdict)
    if alone.rescreen_due is not None:
        assert on.rescreen_due is not None, "what the platform's rules wait for is still asked again"
    assert {each.kind for each in alone.actions} <= {each.kind for each in on.actions} | {"disable", "hold", "demote"}


def test_the_explanation_says_which_layer_a_rule_is_from() -> None:
    bundle = built(written([("hate >= 0.5", "[demote]")]), written([("hate >= 0.3", "[hold]")], OVERLAY))
    draft = decided(bundle, (found("hate", 0.7),))
    decision = draft.at_item(ItemRef("comment", "it_1", 1), None, None)
    row = {**draft.features, **draft.personal_features, **dict.fromkeys(draft.unknown_features, UNKNOWN)}
    explanation = explain(bundle, decision, row)
    layers = {each.policy: each.layer for each in explanation.rules if each.state == "fired"}
    assert layers == {"test": "platform", "stricter": "surface public"}
    assert "added for the surface public" in explanation.render()


def test_an_overlay_is_for_content_types_of_its_surface() -> None:
    wrong = written([("hate >= 0.3", "[hold]")], OVERLAY.replace("surface: public", "surface: private"))
    with pytest.raises(PolicyErrors) as refused:
        built(written([("hate >= 0.5", "[hold]")]), wrong)
    assert "the overlay is for the surface private, and 'comment' is public" in str(refused.value)
    with pytest.raises(PolicyErrors) as refused:
        built(written([("hate >= 0.5", "[hold]")]), wrong.replace("surface: private", "surface: privat"))
    assert "nearest: private" in str(refused.value)


def test_an_overlay_cannot_take_the_place_of_a_policy() -> None:
    floor = written([("hate >= 0.5", "[hold]")])
    with pytest.raises(PolicyErrors):
        built(floor, written([("hate >= 0.9", "[hold]")], OVERLAY.replace("policy: stricter", "policy: test")))
    bundle = built(floor, written([("hate >= 0.3", "[hold]")], OVERLAY))
    again = load_bundle(bundle.canonical(), bundle.hash)
    assert again.program("comment").overlays == {"stricter/r0"}
    replaced = built(floor.replace("harm: hate\n", "harm: hate\noverlay: {surface: public}\n"))
    [change] = compare(built(floor), replaced, date(2026, 11, 28)).policies
    assert [one.what for one in change.differences] == ["overlay"]
