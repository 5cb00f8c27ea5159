"""Creators' overlays: policies that a creator switches on for what others post in their own place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from seawall.app import App
from seawall.model import UNKNOWN, Verdict
from seawall.policy import explain
from seawall.screen import ACCOUNT, feature_row, try_item
from seawall.screen.creator_overlays import (
    LONGEST_WORD,
    MOST_WORDS,
    AccountOverlays,
    CreatorOverlays,
    OverlaysRefused,
    accounts_with,
    overlays_of,
    set_overlays,
)
from seawall.storage.erasure import erase_subject
from seawall.storage.tables import vault
from support.app import Rig, make, opened
from support.overlays import OVERLAY, STRICTER, with_overlays


@pytest.fixture
def rig(tmp_path: Path, database_url: str) -> Iterator[Rig]:
    with opened(tmp_path, database_url, publish=False) as made:
        made.app.publish(with_overlays(OVERLAY, STRICTER), by="tests")
        yield made


def switch_on(app: App, *overlays: str, words: tuple[str, ...] = (), account: str = "creator") -> None:
    set_overlays(app.ledger, app.bundle, account, overlays=overlays, words=words, by="tests")
    app.refresh()


def state(app: App, account: str = "creator") -> AccountOverlays:
    with app.database.read() as connection:
        return overlays_of(connection, app.vault, app.bundle.creators_overlays, app.vault.find(ACCOUNT, account))


def test_its_rules_hold_in_the_place_of_who_switched_it_on_and_nowhere_else(rig: Rig) -> None:
    switch_on(rig.app, "calm-replies", words=("Spider Man",))
    here = rig.screen("I like SPIDER\u200b  man, silly", id="n-1", owner="creator")
    assert (here.verdict, sorted(action.kind for action in rig.decision(here).actions)) == (
        Verdict.HOLD,
        ["demote", "hold"],
    )
    for number, place in enumerate(({"owner": "another"}, {}, {"owner": "a-1"})):
        there = rig.decision(rig.screen("I like spider man, silly", id=f"n-2{number}", **place))
        assert (there.verdict, there.actions, there.overlays) == (Verdict.ALLOW, (), ())
        assert not {"rudeness", "gory", "creator_words"} & {*(there.features or {}), *there.unknown_features}
        assert not {"insults", "mood"} & {one.detector for one in there.signals}, "no detector was asked for it"
    decision, explanation = rig.app.explain(here.decision)
    assert decision.overlays == ("calm-replies",)
    assert decision.features is not None
    assert decision.features["creator_words"] == 1
    assert explanation is not None
    assert explanation.reproduced
    assert {rule.layer for rule in explanation.rules if rule.state == "fired"} == {"creator calm-replies"}
    assert "added for the creator calm-replies" in explanation.render()
    [word] = [one for one in decision.signals if one.name == "creator_words"]
    assert word.span is not None
    assert "I like SPIDER\u200b  man, silly"[int(word.span.start) : int(word.span.end)] == "SPIDER\u200b  man"
    rig.assert_rebuilds()


def test_what_its_detectors_do_not_answer_degrades_only_there(rig: Rig) -> None:
    switch_on(rig.app, "calm-replies")
    there = rig.hang(id="n-1", owner="another")
    assert not there.degraded
    here = rig.hang(id="n-2", owner="creator")
    assert here.degraded
    assert "calm/gory" in rig.decision(here).undetermined


def test_words_are_whole_and_folded_and_counted_once(rig: Rig) -> None:
    switch_on(rig.app, "calm-replies", words=("cat", "CAT", "straße", "two words", "e\u0301clair"))
    assert state(rig.app).words == ("cat", "straße", "two words", "e\u0301clair")
    for body, count in (
        ("concatenate", 0),
        ("cat, cat and CAT!", 1),
        ("STRASSE \uff43\uff41\uff54", 2),
        ("two\n words", 1),
        ("an \u00c9CLAIR", 1),
        ("", 0),
    ):
        made = rig.decision(rig.screen(body or ".", id=f"n-{body}", owner="creator"))
        assert made.features is not None
        assert made.features["creator_words"] == count, body


def test_a_word_found_in_a_folded_text_has_its_place(rig: Rig) -> None:
    switch_on(rig.app, "calm-replies", words=("strasse",))
    [found] = rig.decision(rig.screen("Die Stra\u00dfe da", owner="creator")).signals
    assert (found.part, found.span and (found.span.start, found.span.end)) == ("body", (4, 10))


def test_the_row_of_a_decision_replays_with_the_overlays_of_then(rig: Rig) -> None:
    switch_on(rig.app, "calm-replies", "quiet-replies", words=("cat",))
    decision = rig.decision(rig.screen("a cat", owner="creator"))
    assert decision.overlays == ("calm-replies", "quiet-replies")
    switch_on(rig.app)
    row = feature_row(rig.app.vault, decision)
    assert explain(rig.app.bundle, decision, row).reproduced
    assert not explain(rig.app.bundle, replace(decision, overlays=()), {**row, "deep_thought": UNKNOWN}).reproduced


def test_it_is_the_same_in_another_process_and_after_a_restart(tmp_path: Path, database_url: str) -> None:
    with (
        opened(tmp_path, database_url, publish=False) as one,
        opened(tmp_path, database_url, publish=False) as other,
    ):
        one.app.publish(with_overlays(OVERLAY), by="tests")
        switch_on(one.app, "calm-replies", words=("cat",))
        other.app.refresh()
        assert other.screen("a cat", id="n-2", owner="creator").verdict is Verdict.HOLD
        switch_on(one.app, "calm-replies", words=("dog",))
        other.app.refresh()
        assert other.screen("a cat", id="n-3", owner="creator").verdict is Verdict.ALLOW
        assert other.screen("a dog", id="n-4", owner="creator").verdict is Verdict.HOLD
    with opened(tmp_path, database_url, publish=False) as again:
        assert again.screen("a dog", id="n-5", owner="creator").verdict is Verdict.HOLD
        switch_on(again.app)
        assert again.screen("a dog", id="n-6", owner="creator").verdict is Verdict.ALLOW


def test_the_same_settings_again_are_no_event(rig: Rig) -> None:
    switch_on(rig.app, "quiet-replies", "calm-replies", words=("cat",))
    before = state(rig.app)
    switch_on(rig.app, "calm-replies", "quiet-replies", "calm-replies", words=("cat", "Cat"))
    assert state(rig.app) == before
    assert rig.kinds().count("account.overlays_set") == 1
    switch_on(rig.app, account="nobody")
    assert rig.kinds().count("account.overlays_set") == 1
    assert rig.app.vault.find(ACCOUNT, "nobody") is None


def test_words_are_sealed_and_end_with_the_account(rig: Rig) -> None:
    switch_on(rig.app, "calm-replies", words=("peculiar",))
    assert "peculiar" not in str(rig.events())
    ref = rig.app.vault.find(ACCOUNT, "creator")
    assert ref is not None
    assert rig.screen("peculiar", id="n-1", owner="creator").verdict is Verdict.HOLD
    erase_subject(rig.app.context, ref, by="tests")
    rig.app.refresh()
    assert rig.screen("peculiar", id="n-2", owner="creator").verdict is Verdict.ALLOW
    with rig.app.database.read() as connection:
        assert overlays_of(connection, rig.app.vault, (), ref) == AccountOverlays()
        assert accounts_with(connection, ["calm-replies"]) == {}
    rig.assert_rebuilds()


def test_words_that_are_taken_back_are_deleted(rig: Rig) -> None:
    switch_on(rig.app, "calm-replies", words=("peculiar",))
    switch_on(rig.app, "calm-replies")
    assert state(rig.app).words == ()
    assert rig.rows(select(vault.c.name).where(vault.c.name == "creator_words")) == []
    assert rig.screen("peculiar", owner="creator").verdict is Verdict.ALLOW


def test_an_overlay_that_a_bundle_drops_stays_set_and_has_no_effect(rig: Rig) -> None:
    switch_on(rig.app, "calm-replies", "quiet-replies", words=("cat",))
    rig.app.publish(with_overlays(STRICTER), by="tests")
    assert [(one.name, one.in_force) for one in state(rig.app).overlays] == [
        ("calm-replies", False),
        ("quiet-replies", True),
    ]
    with rig.app.database.read() as connection:
        assert accounts_with(connection, ["calm-replies", "calm_replies", "calm"]) == {"calm-replies": 1}
    decision = rig.decision(rig.screen("a cat", owner="creator"))
    assert {reason.policy for reason in decision.reasons} == {"quiet"}
    switch_on(rig.app, "calm-replies")  # what is on may stay on
    assert rig.screen("a cat", id="n-2", owner="creator").verdict is Verdict.ALLOW
    rig.app.publish(with_overlays(OVERLAY), by="tests")
    assert rig.screen("silly", id="n-3", owner="creator").actions


@pytest.mark.parametrize(
    ("overlays", "words", "place", "message"),
    [
        (("loud-replies",), (), "/overlays/0", "no creators' overlay 'loud-replies'"),
        ((), ("a", " \u200b "), "/words/1", "no letter"),
        ((), ("x" * (LONGEST_WORD + 1),), "/words/0", "too long"),
        ((), ("\ud800a",), "/words/0", "surrogate"),
        ((), tuple(f"w{n}" for n in range(MOST_WORDS + 1)), "/words", "There are 101 words"),
    ],
)
def test_bad_settings_are_refused(
    rig: Rig, overlays: tuple[str, ...], words: tuple[str, ...], place: str, message: str
) -> None:
    with pytest.raises(OverlaysRefused, match=message) as refused:
        switch_on(rig.app, *overlays, words=words)
    assert refused.value.place == place
    assert refused.value.remedy
    assert "account.overlays_set" not in rig.kinds()


def test_a_trial_with_the_owner_named_says_what_the_overlay_adds(rig: Rig) -> None:
    switch_on(rig.app, "calm-replies", words=("cat",))
    creators = rig.app.context.get(CreatorOverlays)
    tried = try_item(rig.app.runner, make("a cat", owner="creator"), rig.app.bundle, None, creators)
    assert {rule.layer for rule in tried.in_force.rules if rule.state == "fired"} == {"creator calm-replies"}
    assert [one.span and one.span.start for one in tried.signals if one.name == "creator_words"] == [2]
    assert try_item(rig.app.runner, make("a cat"), rig.app.bundle, None, creators).in_force.verdict is Verdict.ALLOW


def test_who_has_nothing_on_costs_nothing(rig: Rig) -> None:
    assert rig.app.context.get(CreatorOverlays).of("creator") is None
    plain = rig.app.bundle.program("note")
    assert not plain.overlays
    assert rig.app.bundle.program("note", ("unheard-of",)) is plain
    assert rig.app.bundle.program("letter", ("calm-replies",)) is rig.app.bundle.program("letter")
