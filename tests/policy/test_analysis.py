"""Warnings as a policy author sees them: exact texts, because the texts are the product."""

from __future__ import annotations

from datetime import date

import pytest

from seawall.content import load_content_type
from seawall.model import Cost, DetectorSpec, Modality
from seawall.policy import PolicySource, analyse, build_bundle
from support.policies import BANKS, COMMENT, DETECTORS, HEAD, content_types, policy, rule, signal

TODAY = date(2026, 11, 1)
BOTH = HEAD.replace("[comment]", "[comment, message]")
NUDITY = DetectorSpec(
    name="nudity", version="1", signals=(signal("nude"),), modalities=frozenset({Modality.IMAGE}), cost=Cost.SLOW
)


def warnings(text: str, entries: int = 1, comment: str = COMMENT, detectors: tuple[DetectorSpec, ...] = ()) -> str:
    types = [load_content_type(comment, "comment.yaml"), content_types()[1]]
    bundle = build_bundle([PolicySource("test.yaml", text)], types, (*DETECTORS, *detectors), BANKS)
    found = analyse(bundle, TODAY, {"slogans": entries})
    return "\n\n".join(warning.render() for warning in found)


@pytest.mark.parametrize(
    "when",
    [
        "hate >= 0.5",
        "hate >= at_fpr(0.001) and hate >= 0.95",  # a floor: the threshold of a rate changes with the detector
        "item.score is not None and item.score > 3",
        "hate >= 0.9 or (hate >= 0.6 and actor.verified)",
        'bank("slogans") >= 1 and hate < 0.5',
        "0.5 <= hate < 0.8",
        "known(hate) and hate > 0.5",
        "hate >= 0.8 or spam >= 0.8",
    ],
)
def test_sound_rules_have_no_warning(when: str) -> None:
    assert warnings(policy(rule(when))) == ""


def test_escalating_rules_have_no_warning() -> None:
    rules = [rule("hate >= 0.9", "[remove]", "certain"), rule("hate >= 0.6", "[hold]", "likely")]
    assert warnings(policy(*rules, rule("hate >= 0.3", '[review(queue="x", priority=hate)]', "look"))) == ""


def test_a_threshold_out_of_range() -> None:
    assert warnings(policy(rule("hate > 1 or spam >= 0.5"))) == (
        "test.yaml:12:7: warning: 'hate > 1' is never true\n"
        "   12 |       hate > 1 or spam >= 0.5\n"
        "      |       ^^^^^^^^\n"
        "  means: hate is from 0 to 1.\n"
        "  fix: compare it with a number that hate can be on either side of"
    )


@pytest.mark.parametrize(
    "when",
    [
        'among_last(actor, "comment", k=20, where=activity.likes > 3) > 20',
        'since_last(actor, "comment") is not None and since_last(actor, "comment") > "401d"',
    ],
)
def test_a_number_that_the_last_activities_cannot_give(when: str) -> None:
    found = warnings(policy(rule(f"({when}) or hate > 0.5")))
    assert "is never true" in found
    assert warnings(policy(rule(f"({when.replace('> 20', '>= 20').replace('401d', '399d')}) or hate > 0.5"))) == ""


def test_a_comparison_that_is_always_true() -> None:
    assert warnings(policy(rule("spam >= 0 and hate > 0.5"))) == (
        "test.yaml:12:7: warning: 'spam >= 0' is always true\n"
        "   12 |       spam >= 0 and hate > 0.5\n"
        "      |       ^^^^^^^^^\n"
        "  means: spam is from 0 to 1.\n"
        "  fix: compare it with a number that spam can be on either side of"
    )


def test_constants() -> None:
    assert warnings(policy(rule("length(item.body) < 0 or hate > 0.5"))) == (
        "test.yaml:12:7: warning: 'length(item.body) < 0' is never true\n"
        "   12 |       length(item.body) < 0 or hate > 0.5\n"
        "      |       ^^^^^^^^^^^^^^^^^^^^^\n"
        "  means: No value of what it reads makes it true.\n"
        "  fix: remove it, or correct the numbers"
    )


def test_a_rule_that_can_never_fire() -> None:
    assert warnings(policy(rule("hate >= 0.9 and hate < 0.5"))) == (
        "test.yaml:12:7: warning: rule 'r' can never fire\n"
        "   12 |       hate >= 0.9 and hate < 0.5\n"
        "      |       ^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "  means: Its conditions exclude each other.\n"
        "  fix: correct the condition, or remove the rule"
    )


def test_a_rule_that_fires_on_every_item() -> None:
    assert warnings(policy(rule("hate >= 0.5 or hate < 0.9"))) == (
        "test.yaml:12:7: warning: rule 'r' fires on every item\n"
        "   12 |       hate >= 0.5 or hate < 0.9\n"
        "      |       ^^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "  means: Its condition holds for every item whose features are known.\n"
        "  fix: correct the condition, or remove the rule"
    )


def test_a_condition_that_changes_nothing() -> None:
    assert warnings(policy(rule("hate >= 0.9 and actor.verified and hate >= 0.5"))) == (
        "test.yaml:12:42: warning: 'hate >= 0.5' changes nothing\n"
        "   12 |       hate >= 0.9 and actor.verified and hate >= 0.5\n"
        "      |                                          ^^^^^^^^^^^\n"
        "  means: It holds wherever the rest of the 'and' holds.\n"
        "  fix: remove it, or correct the numbers"
    )
    assert "'hate >= 0.9' changes nothing" in warnings(policy(rule("hate >= 0.9 or hate >= 0.5")))


def test_a_rule_that_adds_nothing_to_another() -> None:
    assert warnings(policy(rule("hate >= 0.9 and item.likes > 3", rule_id="a"), rule("hate >= 0.5", rule_id="b"))) == (
        "test.yaml:12:7: warning: rule 'a' adds nothing to rule 'b'\n"
        "   12 |       hate >= 0.9 and item.likes > 3\n"
        "      |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "  means: Whenever it fires, 'b' fires and does as much.\n"
        "  fix: remove it, or give it a condition or actions that 'b' lacks"
    )
    covered = [rule("hate >= 0.9", "[demote]", "a"), rule("hate >= 0.5", "[remove]", "b")]
    assert "rule 'a' adds nothing to rule 'b'" in warnings(policy(*covered))
    rates = [rule("hate >= at_fpr(0.001)", "[hold]", "a"), rule("hate >= 0.5", "[hold]", "b")]
    assert "at the present thresholds of the detectors" in warnings(policy(*rates))


@pytest.mark.parametrize(
    ("weaker", "stronger"),
    [
        ("[hold]", "[demote]"),
        ("[strike(weight=2)]", "[strike]"),
        ("[limit]", '[limit(for="1d")]'),
        ('[review(queue="x", priority=hate)]', '[review(queue="x", priority=spam)]'),
        ('[review(queue="x")]', '[review(queue="y")]'),
        ('[tag(name="a")]', '[tag(name="b")]'),
    ],
)
def test_a_rule_that_does_more_than_the_one_that_always_fires_with_it(weaker: str, stronger: str) -> None:
    assert warnings(policy(rule("hate >= 0.9", weaker, "a"), rule("hate >= 0.5", stronger, "b"))) == ""


def test_a_rule_beside_one_that_expires_or_is_in_shadow_is_needed() -> None:
    expiring = rule("hate >= 0.5", rule_id="b") + "    expires: 2027-01-01\n"
    assert warnings(policy(rule("hate >= 0.9", rule_id="a"), expiring)) == ""
    assert warnings(policy(rule("hate >= 0.9", rule_id="a"), rule("hate >= 0.5", rule_id="b", mode="shadow"))) == ""


def test_rules_with_one_condition() -> None:
    rules = [rule("hate >= 0.5", "[hold]", "a"), rule("not hate < 0.5", '[review(queue="x")]', "b")]
    assert warnings(policy(*rules)) == (
        "test.yaml:17:7: warning: rules 'a' and 'b' have the same condition\n"
        "   17 |       not hate < 0.5\n"
        "      |       ^^^^^^^^^^^^^^\n"
        "  means: They always fire together.\n"
        "  fix: make one rule with the actions of both, or correct one of the conditions"
    )


def test_actions_that_another_covers_ends_or_repeats() -> None:
    assert warnings(policy(rule("hate >= 0.5", "[remove, demote]"))) == (
        "test.yaml:13:18: warning: 'demote' beside 'remove' has no effect\n"
        "   13 |     do: [remove, demote]\n"
        "      |                  ^^^^^^\n"
        "  means: remove covers demote of the same item.\n"
        "  fix: remove 'demote', or the other action"
    )
    assert warnings(policy(rule("hate >= 0.5", '[limit(for="1d"), suspend]'))) == (
        "test.yaml:13:10: warning: 'limit' contradicts 'suspend'\n"
        '   13 |     do: [limit(for="1d"), suspend]\n'
        "      |          ^^^^^^^^^^^^^^^\n"
        "  means: The platform would be told to limit the account and to suspend it.\n"
        "  fix: remove 'limit', or the other action"
    )
    assert warnings(policy(rule("hate >= 0.5", "[strike, strike(weight=2)]"))) == (
        "test.yaml:13:18: warning: 'strike' stands twice\n"
        "   13 |     do: [strike, strike(weight=2)]\n"
        "      |                  ^^^^^^^^^^^^^^^^\n"
        "  means: Actions of one kind on one subject are merged: the stronger parameters win.\n"
        "  fix: remove 'strike', or the other action"
    )
    assert warnings(policy(rule("hate >= 0.5", '[review(queue="a"), review(queue="b")]'))) == ""


def test_a_let_that_is_not_used() -> None:
    lets = "let:\n  base: hate > 0.5\n  used: base and spam > 0.5\n  idle: spam > 0.3\n"
    assert warnings(policy(rule("used"), lets=lets)) == (
        "test.yaml:11:3: warning: let 'idle' is not used\n"
        "   11 |   idle: spam > 0.3\n"
        "      |   ^^^^\n"
        "  means: No rule reads it, so it has no effect.\n"
        "  fix: use it in a rule, or remove it"
    )


def test_a_shadow_rule_past_its_date() -> None:
    expired = rule("hate >= 0.5", mode="shadow") + "    expires: 2026-10-31\n"
    assert warnings(policy(expired)) == (
        "test.yaml:9:9: warning: shadow rule 'r' expired on 2026-10-31\n"
        "    9 |   - id: r\n"
        "      |         ^\n"
        "  means: Its last day in force has passed: it is never true any more.\n"
        "  fix: make it live without a date, give it a later date, or remove it"
    )
    assert warnings(policy(expired.replace("10-31", "11-01"))) == ""


def test_an_empty_bank() -> None:
    assert warnings(policy(rule('hate > 0.5 and bank("slogans") >= 1')), entries=0) == (
        "test.yaml:12:22: warning: bank 'slogans' has no active entry\n"
        '   12 |       hate > 0.5 and bank("slogans") >= 1\n'
        "      |                      ^^^^^^^^^^^^^^^\n"
        "  means: Nothing can match it, so this part of the rule finds nothing yet.\n"
        "  fix: add entries (seawall bank add slogans …), or subscribe the bank to an exchange"
    )
    bank = 'let:\n  known_text: bank("slogans") >= 1\n'
    assert "test.yaml:9:15: warning: bank 'slogans'" in warnings(policy(rule("known_text"), lets=bank), entries=0)


def test_a_language_that_no_detector_reads() -> None:
    english = DetectorSpec(
        name="english",
        version="1",
        signals=(signal("abuse"),),
        modalities=frozenset({Modality.TEXT}),
        languages=frozenset({"en"}),
    )
    german = COMMENT.replace("languages: [en]", "languages: [en, de]")
    rules = policy(rule("abuse >= 0.5", rule_id="a"), rule("abuse > 0.5 or spam > 0.9", "[demote]", rule_id="b"))
    assert warnings(rules, comment=german, detectors=(english,)) == (
        "test.yaml:12:7: warning: no detector gives 'abuse' in 'de', a language that the content type expects\n"
        "   12 |       abuse >= 0.5\n"
        "      |       ^^^^^^^^^^^^\n"
        "  means: There it is unknown, and stage 'pre_publish' lets the item through until a later answer. "
        "Rules that can never fire in de: a.\n"
        "  fix: add a detector that reads 'de', or a rule that does without this signal"
    )
    assert warnings(rules, detectors=(english,)) == ""


def test_a_signal_that_no_part_can_give() -> None:
    text = policy(rule("nude >= 0.5"), head=BOTH)
    assert warnings(text, detectors=(NUDITY,)) == (
        "test.yaml:12:7: warning: no part of the item can give 'nude' (in message)\n"
        "   12 |       nude >= 0.5\n"
        "      |       ^^^^\n"
        "  means: It comes from nudity, which reads image; such an item has none, so it is always 0.\n"
        "  fix: narrow the rule with 'applies_to', or add a field that the detector reads\n"
        "\n"
        "test.yaml:12:7: warning: 'nude >= 0.5' is never true (in message)\n"
        "   12 |       nude >= 0.5\n"
        "      |       ^^^^^^^^^^^\n"
        "  means: No part of such an item can give 'nude': the signal is always 0.\n"
        "  fix: narrow the rule with 'applies_to', or add a detector that reads its parts"
    )


def test_what_no_content_type_reaches() -> None:
    assert warnings(policy(rule("hate > 0.5"), head=HEAD.replace("[comment]", "[]"))) == (
        "test.yaml:4:1: warning: the policy applies to no content type\n"
        "    4 | applies_to: []\n"
        "      | ^^^^^^^^^^\n"
        "  means: None of its rules ever runs.\n"
        "  fix: list content types in applies_to, or remove the policy"
    )
    nowhere = rule("hate > 0.5", rule_id="s") + "    applies_to: []\n"
    assert warnings(policy(rule("hate > 0.5"), nowhere)) == (
        "test.yaml:14:9: warning: rule 's' applies to no content type\n"
        "   14 |   - id: s\n"
        "      |         ^\n"
        "  means: The rule never runs.\n"
        "  fix: list content types in the rule's applies_to, or remove it"
    )
    assert warnings(policy(rule("hate > 0.5") + "    applies_to: [comment]\n", head=BOTH)) == (
        "test.yaml:4:23: warning: no rule of the policy applies to 'message'\n"
        "    4 | applies_to: [comment, message]\n"
        "      |                       ^^^^^^^\n"
        "  means: The policy says that it covers message, and nothing checks it there.\n"
        "  fix: let a rule apply to message, or remove it from the policy's applies_to"
    )


def test_cost_beyond_the_budget_of_a_stage() -> None:
    slow = COMMENT.replace("budget: 80ms,", "budget: 80ms, detectors: [nudity, text-model],")
    assert warnings(policy(rule("nude > 0.5 or hate > 0.5")), comment=slow, detectors=(NUDITY,)) == (
        "content type comment: warning: stage pre_publish has 80 ms, and the policies need about 1,005\n"
        "  means: Detectors that are late (nudity, text-model) are unknown in the answer.\n"
        "  fix: leave slow detectors to post_publish, or give the stage a larger budget"
    )
    assert warnings(policy(rule("nude > 0.5 or hate > 0.5")), detectors=(NUDITY,)) == ""


def test_what_is_too_large_to_be_analysed_is_said_to_be() -> None:
    wide = " and ".join(f"(hate != 0.{number} or item.likes != {number})" for number in range(10, 30))
    assert warnings(policy(rule(wide), rule("spam > 0.5", rule_id="s"))) == (
        "test.yaml:12:7: warning: rule 'r' was not analysed in full\n"
        f"   12 |       {wide}\n"
        f"      |       {'^' * len(wide)}\n"
        "  means: It, or the policy, has too many cases: "
        "whether it can fire, or repeats another rule, is not known.\n"
        "  fix: make several rules of it, or several policies"
    )


def test_a_warning_for_programs() -> None:
    types = content_types()
    bundle = build_bundle([PolicySource("test.yaml", policy(rule("hate > 1")))], types, DETECTORS, BANKS)
    (warning,) = analyse(bundle, TODAY)
    assert warning.to_json() == {
        "code": "threshold-out-of-range",
        "policy": "test",
        "rule": "r",
        "file": "test.yaml",
        "line": 12,
        "column": 7,
        "message": "'hate > 1' is never true",
        "means": "hate is from 0 to 1.",
        "fix": "compare it with a number that hate can be on either side of",
    }
