"""The shipped policies and content types as files: complete, sound, and kept to the house's own rules."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest

from seawall.app import BANKS
from seawall.content import load_content_type
from seawall.detect import Runner
from seawall.model import ACTIONS, HARMS, ContentType, DetectorSpec, FailMode, Item, SignalKind, Verdict
from seawall.policy import (
    Bundle,
    Context,
    Policy,
    PolicySource,
    ScreenedState,
    analyse,
    load_policy,
    run_examples,
)
from seawall.policy.thresholds import lowest_thresholds
from seawall.screen import screen_examples
from seawall.shipped import banks, content_types, policies

POLICIES = [load_policy(policies.read(name), f"{name}.yaml") for name in policies.names()]
TYPES = [load_content_type(content_types.read(name), f"{name}.yaml") for name in content_types.names()]


def test_every_example_passes(bundle: Bundle) -> None:
    assert [result.render() for result in run_examples(bundle) if not result.passed] == []


def test_every_example_is_a_real_sentence(bundle: Bundle, runner: Runner) -> None:
    """The real detectors give what it expects, unless it says that this is wanted and not fulfilled yet."""
    screened = screen_examples(bundle, runner)
    assert [one.render() for one in screened if one.state is ScreenedState.FAILED] == []
    passed = sum(one.state is ScreenedState.PASSED for one in screened)
    assert passed > len(screened) / 2


def test_no_rule_is_without_effect(bundle: Bundle) -> None:
    assert [warning.render() for warning in analyse(bundle, date(2026, 11, 1))] == []


def test_no_rule_needs_the_exact_value_of_what_the_classifier_finds_nowhere(bundle: Bundle) -> None:
    """Else it reads every text as a whole, which is most of what a screening costs."""
    measured = {"hate", "harassment", "sexism", "spam", "sexual"}
    exact = {
        rule.id: name
        for program in bundle.programs
        for rule in program.rules
        for name, threshold in lowest_thresholds([rule]).items()
        if name in measured and threshold < 0.1
    }
    assert exact == {}


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
class TestPolicy:
    def test_its_file_bears_its_name(self, policy: Policy) -> None:
        assert policy.source.path == f"{policy.name}.yaml"

    def test_reviewers_are_told_what_violates_and_what_does_not(self, policy: Policy) -> None:
        if policy.name != "self-harm":  # it tells apart people in distress and people who harm others
            assert "Violates:" in policy.guidance
            assert "Does not violate:" in policy.guidance

    def test_examples_show_a_violation_a_near_miss_and_an_unknown(self, policy: Policy) -> None:
        examples = policy.examples
        assert any(example.actions for example in examples)
        assert any(example.actions == () for example in examples)
        assert any(example.undetermined is not None for example in examples)

    def test_shadow_rules_end(self, policy: Policy) -> None:
        for rule in policy.rules:
            assert rule.mode == "live" or rule.expires is not None, rule.id

    def test_what_adverse_rules_do_is_seen_by_a_person(self, policy: Policy) -> None:
        for rule in policy.rules:
            kinds = {action.kind for action in rule.do}
            if any(ACTIONS[kind].adverse for kind in kinds) and kinds not in UNSEEN:
                assert "review" in kinds, rule.id

    def test_its_harm_is_in_the_taxonomy(self, policy: Policy) -> None:
        assert policy.harm in HARMS


UNSEEN = ({"demote"}, {"label_synthetic"})  # the label repeats what the file or its deliverer says
OF_THE_CATALOGUE = {
    "calm-comments",  # an overlay: messages stand in nobody's place
    "known-content",
    "known-media",
    "copied-audio",
    "bait-titles",
    "covert-messages",
    "sexual-images",  # a comment has none
    "fake-pharmacy",
    "impersonation",
    "artificial-streaming",
    "dormant-artist",
    "renamed-releases",
    "upload-spam",
    "synthetic-media",
    "contact-with-minors",  # a comment is written to nobody
    "prompt-attacks",  # what a language model reads
    "harmful-requests",
    "harmful-answers",
    "leaked-personal-data",
}


def test_every_policy_that_reads_free_text_covers_comments_and_messages() -> None:
    for policy in POLICIES:
        if policy.name not in OF_THE_CATALOGUE:
            assert {"comment", "message"} <= set(policy.applies_to), policy.name


@pytest.mark.parametrize("name", content_types.names())
def test_uncalibrated_signals_never_remove_nor_touch_the_account(
    bundle: Bundle, specs: tuple[DetectorSpec, ...], name: str
) -> None:
    """Whatever word lists, links and parsers say together, with the classifier and the banks silent."""
    program = bundle.program(name)
    scores = {
        signal.name
        for spec in specs
        for signal in spec.signals
        if signal.kind is not SignalKind.PROBABILITY and not signal.name.startswith("bank:")
    }
    row = program.row(Context(Item(content_type=name, id="1", fields={}), parts=()))
    fields = [feature for feature in row if feature.startswith("item.")]
    for flag in (False, True):
        for feature in row:
            if any(re.search(rf"\b{signal}\b", feature) for signal in scores):
                row[feature] = 5.0
        for feature in fields:
            row[feature] = flag
        outcome = program.decide(row)
        kinds = {action.kind for action in outcome.actions}
        assert outcome.verdict is not Verdict.BLOCK
        assert not kinds & {"strike", "limit", "suspend", "terminate", "remove", "disable"}


def test_people_in_distress_are_never_punished(bundle: Bundle) -> None:
    for name in ("comment", "message", "profile", "playlist"):
        program = bundle.program(name)
        row = program.row(
            Context(Item(content_type=name, id="1", fields={"first_contact": False, "track_count": 9}), parts=())
        )
        outcome = program.decide({**row, "self_harm_terms": 1.0, "self_harm_terms.distress": 1.0})
        kinds = {action.kind for action in outcome.actions}
        assert outcome.verdict is Verdict.ALLOW
        assert kinds == {"advisory", "review"}
        (review,) = (action for action in outcome.actions if action.kind == "review")
        assert review.parameters == {"queue": "care", "priority": 1.0}


@pytest.mark.parametrize("content_type", TYPES, ids=lambda content_type: content_type.name)
def test_content_types_are_complete(content_type: ContentType) -> None:
    assert {stage.name for stage in content_type.stages} == {"pre_publish", "post_publish"}
    assert content_type.appeal is not None
    assert content_type.appeal.window_days >= 184
    assert content_type.languages == ("en",)
    assert all(stage.rescreen_within_s for stage in content_type.stages)


def test_a_message_is_not_delivered_unseen() -> None:
    stages = {each.name: each.stage("pre_publish") for each in TYPES}
    modes = {name: stage.fail_mode for name, stage in stages.items() if stage is not None}
    assert modes == {
        "comment": FailMode.ALLOW_AND_RESCREEN,
        "completion": FailMode.HOLD,
        "message": FailMode.HOLD,
        "playlist": FailMode.HOLD,
        "podcast_episode": FailMode.HOLD,
        "post": FailMode.HOLD,
        "profile": FailMode.HOLD,
        "prompt": FailMode.HOLD,
        "track": FailMode.HOLD,
    }


def test_seed_banks_are_banks_that_policies_may_name() -> None:
    assert {bank.name for bank in banks.load()} <= set(BANKS)


def test_seed_domains_are_reserved_for_documentation() -> None:
    (domains,) = (bank for bank in banks.load() if bank.kind == "domain")
    assert all(entry.value.endswith(".example") for entry in domains.entries)


@pytest.mark.parametrize("shipped", [policies, content_types, banks])
def test_a_wrong_name_is_answered_with_the_right_ones(shipped: Any) -> None:
    with pytest.raises(LookupError, match=shipped.names()[0]):
        shipped.read("nonsense")


def test_shipped_sources_are_what_publishing_reads() -> None:
    texts = [PolicySource(path=path, text=text) for path, text in policies.sources().items()]
    assert [load_policy(each.text, each.path).name for each in texts] == list(policies.names())
