"""``unanswerable(signal)``: what no detector will ever read is a state of its own, not an answer that is late."""

from __future__ import annotations

from itertools import permutations

import pytest

from seawall.model import UNKNOWN, Unknown, UnknownReason
from support.policies import build, comment, errors, fires, found, policy, row_of, rule, silent

ASKED = "unanswerable(hate)"


def missing(reason: UnknownReason, part: str = "body", detector: str = "text-model") -> Unknown:
    return Unknown(detector=detector, part=part, reason=reason)


@pytest.mark.parametrize("reason", UnknownReason)
def test_only_what_asking_again_does_not_change_is_unanswerable(reason: UnknownReason) -> None:
    look = comment()
    look.unknown.append(missing(reason))
    if reason is UnknownReason.NOT_PERMITTED:
        assert fires(ASKED, look) is False, "a state of its own: the detector could read it, and may not"
        assert fires("not_permitted(hate)", look) is True
        return
    lasting = reason in (
        UnknownReason.LANGUAGE,
        UnknownReason.UNREADABLE,
        UnknownReason.STALE,
        UnknownReason.NOT_CONFIGURED,
    )
    assert fires(ASKED, look) is (True if lasting else None), "a late answer may still be a refusal"
    assert fires("not_permitted(hate)", look) is False


def test_an_answer_is_no_refusal() -> None:
    look = comment()
    look.signals.append(found("hate", 0.2))
    assert fires(ASKED, look) is False
    look.unknown.append(missing(UnknownReason.LANGUAGE, detector="other"))
    assert fires(ASKED, look) is False, "another detector's silence about other signals"


def test_one_part_that_nobody_reads_is_enough_in_any_order() -> None:
    notes = [missing(UnknownReason.DEADLINE), missing(UnknownReason.LANGUAGE, "title"), silent(part="tags.0")]
    for order in permutations(notes):
        look = comment({"title": "t"})
        look.unknown += order
        assert row_of(build(policy(rule(ASKED))), look) == {ASKED: True}


def test_the_rule_asks_the_detector_and_the_signal_itself_stays_unknown() -> None:
    program = build(policy(rule(ASKED))).program("comment")
    assert "text-model" in program.detectors
    look = comment()
    look.unknown.append(missing(UnknownReason.LANGUAGE))
    row = row_of(build(policy(rule(f"{ASKED} and not hate >= 0.5"))), look)
    assert row == {ASKED: True, "hate": UNKNOWN, "at_least(hate)": 0.0}
    assert fires(f"{ASKED} or hate >= 0.5", look) is True
    assert fires(f"{ASKED} and hate >= 0.5", look) is None


def test_examples_set_it() -> None:
    more = (
        'examples:\n  - item: {comment: {body: "hello", tags: [], likes: 0}}\n'
        "    given: {unanswerable(hate): true}\n    expect: {verdict: hold}\n"
    )
    from seawall.policy import run_examples

    assert [one.passed for one in run_examples(build(policy(rule(ASKED), more=more)))] == [True]


def test_only_a_signal_can_be_asked() -> None:
    message = errors(policy(rule("unanswerable(hat)")))
    assert "the argument of unanswerable must be a signal" in message
    assert "nearest: hate" in message
    assert "unanswerable has 2 arguments" in errors(policy(rule("unanswerable(hate, spam)")))
