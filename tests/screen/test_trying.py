"""Trying an item: what a screening would say, under the bundle in force and a draft, and nothing is kept of it."""

from __future__ import annotations

import io
import logging

import pytest
from PIL import Image

from seawall.content.items import ItemError
from seawall.model import Item, Unknown, UnknownReason, Verdict
from seawall.policy import PolicyErrors, PolicySource
from seawall.publish import Sources, draft_of
from seawall.screen import ItemTrial, ItemTrials, TooManyTries, item_of_texts, try_item
from seawall.screen.trying import TRIES_PER_MINUTE, to_json
from support.app import POLICIES, Rig
from support.traces import kept_by

STRICTER = POLICIES["rude"].replace("rudeness >= 0.5", "rudeness >= 0.2").replace("do: [hold]", "do: [demote]")
NEW = POLICIES["deep"].replace("deep_thought >= 0.5", "rudeness >= 0.1").replace("name: deep", "name: newest")


def note(rig: Rig, body: str, **more: str) -> Item:
    return item_of_texts(rig.app.bundle.content_types["note"], {"body": [body], **{k: [v] for k, v in more.items()}})


def tried(rig: Rig, body: str, *drafts: str, by: str = "ada") -> ItemTrial:
    bundle = rig.app.bundle

    def draft() -> object:
        return rig.app.build(draft_of(bundle, [PolicySource("draft.yaml", text) for text in drafts]).sources)

    trials = rig.app.context.get(ItemTrials)
    return trials.start(by, note(rig, body), bundle, draft if drafts else None).result(60)  # type: ignore[arg-type]


def test_it_says_what_a_screening_says(rig: Rig) -> None:
    rig.gore.go_on.set()
    trial = tried(rig, "you fool")
    screened = rig.screen("you fool")
    assert (trial.in_force.verdict, trial.draft, trial.differences) == (screened.verdict, None, ())
    assert [action.kind for action in screened.actions] == [each.partition("(")[0] for each in trial.in_force.actions]
    assert set(trial.in_force.named("fired")) == {f"{each.policy}/{each.rule}" for each in screened.reasons}
    assert trial.in_force.statement is not None
    assert trial.in_force.statement.clause == "House rules, 1"
    assert [part.path for part in trial.parts] == ["body"]
    assert {signal.name for signal in trial.signals} == {"rudeness"}
    assert to_json(trial)["in_force"]["verdict"] == screened.verdict


def test_nothing_is_kept(rig: Rig, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    rig.gore.go_on.set()
    rig.screen("you fool", id="before")
    picture = io.BytesIO()
    Image.new("RGB", (40, 40), "red").save(picture, "PNG")
    before, head = kept_by(rig.app), rig.app.ledger.head()
    with caplog.at_level(logging.DEBUG):
        tried(rig, "you fool of a walrus", STRICTER)
        item = item_of_texts(
            rig.app.bundle.content_types["note"], {"body": ["walrus"]}, files={"image": picture.getvalue()}
        )
        trial = try_item(rig.app.runner, item, rig.app.bundle)
    assert "image" in [part.path for part in trial.parts]
    assert kept_by(rig.app) == before
    assert rig.app.ledger.head() == head
    shown = capfd.readouterr()
    assert "walrus" not in caplog.text + shown.out + shown.err


def test_what_a_draft_changes_comes_first(rig: Rig) -> None:
    rig.gore.go_on.set()
    trial = tried(rig, "a silly thing", STRICTER)
    assert trial.draft is not None
    changed = {each.what: (each.in_force, each.draft) for each in trial.differences}
    assert trial.in_force.verdict is Verdict.HOLD
    assert changed["verdict"] == (("hold",), ("allow",))
    assert changed["actions"] == (("hold",), ("demote",))
    assert "fired" not in changed  # the same rule, with another action


def test_a_draft_is_added_to_what_is_in_force(rig: Rig) -> None:
    draft = draft_of(rig.app.bundle, [PolicySource("a.yaml", STRICTER), PolicySource("b.yaml", POLICIES["deep"])])
    assert (draft.added, draft.changed) == (("deep",), ("rude",))
    assert len(draft.sources.policies) == 3
    same = draft_of(rig.app.bundle, [PolicySource("a.yaml", POLICIES["rude"])])
    assert (same.added, same.changed) == ((), ())
    assert rig.app.build(same.sources).hash == rig.app.bundle.hash


def test_the_same_draft_differs_in_nothing(rig: Rig) -> None:
    rig.gore.go_on.set()
    trial = tried(rig, "you fool", POLICIES["rude"])
    assert (trial.draft, trial.differences) == (trial.in_force, ())


def test_a_draft_with_a_mistake_is_refused_with_its_place(rig: Rig) -> None:
    with pytest.raises(PolicyErrors, match=r"draft\.yaml:\d+:\d+: unknown name 'rudenes'"):
        tried(rig, "hello", POLICIES["rude"].replace("rudeness >= 0.5", "rudenes >= 0.5"))


def test_shadow_rules_of_a_draft_are_explained_and_rules_in_draft_mode_named(sqlite_rig: Rig) -> None:
    sqlite_rig.gore.go_on.set()
    shadow = POLICIES["rude"].replace("  - id: likely\n", "  - id: likely\n    mode: shadow\n")
    shadow = shadow.replace("  - id: certain\n", "  - id: certain\n    mode: draft\n")
    trial = tried(sqlite_rig, "a silly thing", shadow)
    assert trial.draft is not None
    assert (trial.draft.verdict, trial.draft.named("fired")) == (Verdict.ALLOW, ())
    assert trial.draft.named("shadow") == ("rude/likely",)
    assert [feature.shown for feature in trial.draft.rules[0].features] == ["0.6"]
    assert trial.draft.not_run == ("rude/certain",)
    assert {each.what for each in trial.differences} == {"verdict", "actions", "statement", "fired", "shadow"}


def test_near_misses_say_how_near(sqlite_rig: Rig) -> None:
    sqlite_rig.gore.go_on.set()
    trial = tried(sqlite_rig, "a silly thing", POLICIES["rude"].replace("rudeness >= 0.9", "rudeness >= 0.7"))
    assert trial.draft is not None
    (near,) = trial.draft.near_misses
    assert (near.rule, near.change, near.before) == ("certain", "rudeness = 0.7", "0.6")


def test_who_does_not_answer_is_unknown_and_the_fail_mode_decides(
    sqlite_rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seawall.screen.trying._DEADLINE_MS", 30)
    trial = tried(sqlite_rig, "stuck")
    missing = [(each.detector, each.reason) for each in trial.unknown]
    assert missing == [("gore", UnknownReason.DEADLINE)]
    assert (trial.in_force.degraded, trial.in_force.fail_mode) == (True, "allow_and_rescreen")
    assert trial.in_force.named("undetermined") == ("gore/seen",)


def test_what_only_the_draft_asks_is_nothing_to_the_bundle_in_force(
    sqlite_rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A detector that a draft adds and that does not answer degrades the draft's outcome alone."""
    app = sqlite_rig.app
    types = tuple(app.bundle.content_types.values())
    app.publish(Sources((PolicySource("rude.yaml", POLICIES["rude"]),), types), by="test")
    monkeypatch.setattr("seawall.screen.trying._DEADLINE_MS", 30)
    trial = tried(sqlite_rig, "stuck", POLICIES["gore"])
    assert trial.draft is not None
    assert (trial.in_force.degraded, trial.draft.degraded) == (False, True)
    assert isinstance(trial.unknown[0], Unknown)


def test_a_person_may_try_so_many_items_a_minute(sqlite_rig: Rig) -> None:
    sqlite_rig.gore.go_on.set()
    now = [100.0]
    trials = ItemTrials(sqlite_rig.app.runner, clock=lambda: now[0])
    bundle, item = sqlite_rig.app.bundle, note(sqlite_rig, "hello")
    for _ in range(TRIES_PER_MINUTE):
        trials.start("ada", item, bundle).result(60)
    with pytest.raises(TooManyTries, match="Wait 60 seconds") as refused:
        trials.start("ada", item, bundle)
    assert refused.value.wait_s == 60
    assert trials.start("bob", item, bundle).result(60).in_force.verdict is Verdict.ALLOW
    now[0] += 60.0
    assert trials.start("ada", item, bundle).result(60).in_force.verdict is Verdict.ALLOW
    trials.close()


def test_slow_tries_leave_room_to_others_by_a_clear_answer(sqlite_rig: Rig) -> None:
    trials = ItemTrials(sqlite_rig.app.runner)
    bundle, item = sqlite_rig.app.bundle, note(sqlite_rig, "stuck")
    waiting = [trials.start(f"person {number}", item, bundle) for number in range(6)]
    with pytest.raises(TooManyTries, match="Others are trying items now"):
        trials.start("one more", item, bundle)
    sqlite_rig.gore.go_on.set()
    assert [each.result(60).in_force.verdict for each in waiting] == [Verdict.ALLOW] * 6
    assert trials.start("one more", item, bundle).result(60).in_force.verdict is Verdict.ALLOW
    trials.close()


def test_texts_become_the_values_of_fields(sqlite_rig: Rig) -> None:
    kind = sqlite_rig.app.bundle.content_types["note"]
    item = item_of_texts(kind, {"body": ["x"], "mood": ["gloomy"]}, actor={"age": "2d"}, language="de")
    assert (item.fields["mood"], item.language) == ("gloomy", "de")
    assert isinstance(item.actor_attributes["created_at"], int)
    assert item_of_texts(kind, {"body": ["x"]}).actor is None
    with pytest.raises(ItemError, match=r"actor\.age: is 'two days', which is no duration"):
        item_of_texts(kind, {"body": ["x"]}, actor={"age": "two days"})
    with pytest.raises(ItemError, match=r"fields\.bodi: is not known; did you mean body\?"):
        item_of_texts(kind, {"bodi": ["x"]})
