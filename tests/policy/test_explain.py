"""Explanations: why, on what values, what was unknown, and the smallest change that would have flipped the verdict."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.model import Decision, DecisionSource, FeatureRow, ItemRef, Unknown, Verdict
from seawall.policy import Bundle, Explanation, RowIncomplete, explain, replay
from support.policies import build, comment, found, policy, rule, silent

BUNDLE = build(
    policy(
        rule("hate >= at_fpr(0.001)", "[remove, strike(weight=2)]", "certain"),
        rule("hate >= 0.6 and newcomer", '[hold, review(queue="hate", priority=hate)]', "targeted"),
        rule("item.likes > 10 and not actor.verified", "[demote]", "viral"),
        rule('bank("slogans") >= 1', "[remove]", "slogan"),
        lets='let:\n  newcomer: age(actor) < "7d"\n',
    )
)


def decision(row: FeatureRow, unknown: tuple[Unknown, ...] = (), bundle: Bundle = BUNDLE) -> Decision:
    outcome = bundle.program("comment").decide(row)
    return Decision(
        id="dec_1",
        at=1,
        item=ItemRef("comment", "it_1", 1),
        source=DecisionSource.SCREEN,
        verdict=outcome.verdict,
        actions=outcome.actions,
        reasons=outcome.reasons,
        undetermined=outcome.undetermined,
        degraded=outcome.degraded,
        unknown=unknown,
        bundle=bundle.hash,
    )


def explained(**values: object) -> Explanation:
    row = BUNDLE.program("comment").row(comment().context())
    changed: FeatureRow = {**row, **values}  # type: ignore[dict-item]
    return explain(BUNDLE, decision(changed), changed)


def test_an_explanation_reads_as_text() -> None:
    assert explained(hate=0.7, **{"item.likes": 10}).render() == (
        "hold: comment, decision dec_1\n"
        '  actions: hold, review(queue="hate", priority=0.7)\n'
        "\n"
        "fired: test/targeted (Targeted)\n"
        "  Test policy; Rules, 1; incompatible\n"
        "  when: hate >= 0.6 and newcomer\n"
        '    let newcomer: age(actor) < "7d"\n'
        "    hate = 0.7\n"
        "    age(actor) = 1d\n"
        '  do: hold, review(queue="hate", priority=hate)\n'
        "\n"
        "near miss: test/viral (Viral)\n"
        "  Test policy; Rules, 1; incompatible\n"
        "  when: item.likes > 10 and not actor.verified\n"
        "    item.likes = 10\n"
        "    actor.verified = False\n"
        "  do: demote\n"
        "  would have fired with item.likes = 11 (is 10)\n"
        "\n"
        "near miss: test/certain (Certain)\n"
        "  Test policy; Rules, 1; incompatible\n"
        "  when: hate >= at_fpr(0.001)\n"
        "    at_fpr(0.001) = 0.93 for text-model 1 (false-positive rate at most 0.001)\n"
        "    hate = 0.7\n"
        "  do: remove, strike(weight=2)\n"
        "  would have fired with hate = 0.93 (is 0.7)\n"
        "\n"
        "smallest change: hate just below 0.6 (is 0.7) gives allow"
    )


def test_what_was_unknown_and_why() -> None:
    look = comment({"title": "t"})
    look.signals.append(found("hate", 0.7, "title"))
    look.unknown.append(silent())
    row = BUNDLE.program("comment").row(look.context())
    result = explain(BUNDLE, decision(row, tuple(look.unknown)), row)
    certain = next(each for each in result.rules if each.rule == "certain")
    assert certain.state == "undetermined"
    assert certain.features[0].shown == "unknown (no answer from text-model for body: deadline), at least 0.7"
    assert result.degraded
    assert "degraded: an undetermined rule could have changed this" in result.render()
    assert result.change is not None
    assert (result.change.feature, result.change.after, result.change.verdict) == ("hate", "= 0.93", Verdict.BLOCK)


def test_it_is_json_too() -> None:
    document = json.loads(json.dumps(explained(hate=0.95).to_json()))
    assert document["verdict"] == "block"
    assert document["rules"][0]["thresholds"] == [
        "at_fpr(0.001) = 0.93 for text-model 1 (false-positive rate at most 0.001)"
    ]
    assert document["reproduced"] is True


def test_a_decision_that_cannot_be_reproduced_says_so() -> None:
    row = BUNDLE.program("comment").row(comment().context())
    honest = decision({**row, "hate": 0.95})
    assert explain(BUNDLE, honest, row).reproduced is False
    assert "WARNING" in explain(BUNDLE, honest, row).render()


def test_a_signal_and_its_parts_move_together() -> None:
    bundle = build(
        policy(rule('in_part("title", hate) >= 0.8', "[hold]", "title"), rule("hate >= 0.9", "[remove]", "any"))
    )
    row: FeatureRow = {"hate": 0.2, 'in_part("title", hate)': 0.15}
    change = explain(bundle, decision(row, bundle=bundle), row).change
    assert change is not None
    assert (change.feature, change.verdict) == ('in_part("title", hate)', Verdict.HOLD)
    high: FeatureRow = {"hate": 0.82, 'in_part("title", hate)': 0.82}
    change = explain(bundle, decision(high, bundle=bundle), high).change
    assert change is not None
    assert (change.feature, change.after, change.verdict) == ('in_part("title", hate)', "just below 0.8", Verdict.ALLOW)


def test_no_single_change_may_exist() -> None:
    bundle = build(policy(rule("hate >= 0.5", "[hold]", "one"), rule("spam >= 0.5", "[hold]", "two")))
    row: FeatureRow = {"hate": 0.9, "spam": 0.9}
    result = explain(bundle, decision(row, bundle=bundle), row)
    assert result.change is None
    assert "no change of a single feature gives another verdict" in result.render()


def test_an_erased_row_is_not_guessed() -> None:
    row = dict(BUNDLE.program("comment").row(comment().context()))
    honest = decision(row)
    del row["hate"]
    with pytest.raises(RowIncomplete, match="the row lacks hate: it was erased"):
        replay(BUNDLE, "comment", row)
    with pytest.raises(RowIncomplete):
        explain(BUNDLE, honest, row)


@settings(deadline=None)
@given(st.floats(0, 1), st.integers(0, 20), st.booleans(), st.integers(0, 3))
def test_the_change_offered_really_flips_the_verdict(hate: float, likes: int, verified: bool, matches: int) -> None:
    row: FeatureRow = {
        "hate": hate,
        "age(actor)": 86_400.0,
        "item.likes": likes,
        "actor.verified": verified,
        'bank("slogans")': matches,
    }
    honest = decision(row)
    result = explain(BUNDLE, honest, row)
    assert result.reproduced
    if result.change is None:
        assert len(honest.reasons) > 1
    else:
        assert result.change.verdict is not honest.verdict
