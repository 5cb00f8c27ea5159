"""Kinds of a signal's evidence as features: ``lexicon.kind`` in rules, examples, rows and explanations."""

from __future__ import annotations

import pytest

from seawall.model import (
    UNKNOWN,
    Decision,
    DecisionSource,
    ItemRef,
    Signal,
    Unknown,
    UnknownReason,
    Verdict,
)
from seawall.policy import Bundle, PolicySource, build_bundle, explain, run_examples
from support.policies import BANKS, DETECTORS, WORDS, comment, content_types, policy, rule
from support.policies import errors as errors_of

ALL = (*DETECTORS, WORDS)


def build(text: str) -> Bundle:
    return build_bundle([PolicySource("test.yaml", text)], content_types(), ALL, BANKS)


def errors(text: str) -> str:
    return errors_of(text, ALL)


def signal(name: str, value: float, part: str = "body") -> Signal:
    return Signal(name=name, value=value, part=part, detector="words", version="1")


def test_a_rule_reads_one_kind_and_not_the_other() -> None:
    program = build(policy(rule("sorrow_terms.urging >= 0.5"))).program("comment")
    look = comment()
    look.signals += [signal("sorrow_terms", 0.9), signal("sorrow_terms.distress", 0.9)]
    row = program.row(look.context())
    assert row["sorrow_terms.urging"] == 0.0
    assert program.decide(row).verdict is Verdict.ALLOW
    look.signals.append(signal("sorrow_terms.urging", 0.6))
    row = program.row(look.context())
    assert row["sorrow_terms.urging"] == 0.6
    assert program.decide(row).verdict is Verdict.HOLD


def test_a_kind_is_read_in_one_part() -> None:
    program = build(policy(rule('in_part("title", sorrow_terms.urging) >= 0.5'))).program("comment")
    look = comment()
    look.signals.append(signal("sorrow_terms.urging", 0.9))
    assert program.decide(program.row(look.context())).verdict is Verdict.ALLOW
    look.signals.append(signal("sorrow_terms.urging", 0.8, "title"))
    row = program.row(look.context())
    assert row['in_part("title", sorrow_terms.urging)'] == 0.8
    assert program.decide(row).verdict is Verdict.HOLD


def test_a_detector_without_an_answer_makes_its_kinds_unknown() -> None:
    program = build(policy(rule("sorrow_terms.urging >= 0.5"))).program("comment")
    look = comment()
    look.unknown.append(Unknown(detector="words", part="body", reason=UnknownReason.ERROR))
    row = program.row(look.context())
    assert row["sorrow_terms.urging"] is UNKNOWN
    assert program.decide(row).undetermined == ("test/r",)


def test_an_example_sets_a_kind() -> None:
    examples = """\
examples:
  - name: urging
    item: {comment: {body: "x", tags: [], likes: 0}}
    given: {sorrow_terms: 0.9, sorrow_terms.urging: 0.9}
    expect: {verdict: hold}
  - name: distress
    item: {comment: {body: "x", tags: [], likes: 0}}
    given: {sorrow_terms: 0.9, sorrow_terms.distress: 0.9}
    expect: {verdict: allow}
"""
    bundle = build(policy(rule("sorrow_terms.urging >= 0.5"), more=examples))
    assert [result.render() for result in run_examples(bundle) if not result.passed] == []


def test_an_explanation_names_the_kind() -> None:
    bundle = build(policy(rule("sorrow_terms.urging >= 0.5")))
    program = bundle.program("comment")
    look = comment()
    look.signals.append(signal("sorrow_terms.urging", 0.6))
    row = program.row(look.context())
    outcome = program.decide(row)
    made = Decision(
        id="dec_1",
        at=1,
        item=ItemRef("comment", "it_1", 1),
        source=DecisionSource.SCREEN,
        verdict=outcome.verdict,
        actions=outcome.actions,
        reasons=outcome.reasons,
        bundle=bundle.hash,
    )
    explained = explain(bundle, made, row)
    assert explained.reproduced
    assert "sorrow_terms.urging" in explained.render()


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("sorrow_terms.urgin >= 0.5", "signal 'sorrow_terms' has no kind 'urgin'"),
        ("sorrow_terms.urgin >= 0.5", "nearest: sorrow_terms.urging"),
        ('in_part("body", sorrow_terms.urgin) >= 0.5', "nearest: sorrow_terms.urging"),
        ("hate.urging >= 0.5", "signal 'hate' has no kinds"),
        ("sorow_terms.urging >= 0.5", "nearest: sorrow_terms"),
        ("itme.title is None", "nearest: item"),
        ("sorrow_terms.urging.more >= 0.5", "only item.field, actor.attribute and signal.kind may use a dot"),
        ("sorrow_terms.urging >= at_fpr(0.01)", "no calibrated operating points"),
        ("sorrow_terms.urging", "a condition must be true or false; this is a number"),
        ('matches(sorrow_terms.urging, "a")', "the first argument of matches must be a text"),
        ('"a" in sorrow_terms.urging', "'in' needs a list"),
        ("age(sorrow_terms.urging) < 3", "age takes the actor or a timestamp field"),
    ],
)
def test_a_mistake_names_its_place_and_what_is_near(when: str, message: str) -> None:
    text = errors(policy(rule(when)))
    assert "test.yaml:12:" in text
    assert message in text


def test_a_let_has_no_kinds() -> None:
    text = errors(policy(rule("grave.urging >= 0.5"), lets="let:\n  grave: sorrow_terms\n"))
    assert "let 'grave' has no kinds" in text


def test_a_kind_may_be_compared_with_none_like_its_signal() -> None:
    assert build(policy(rule("sorrow_terms.urging is not None and sorrow_terms.urging > 0.5")))
