"""Every action has its words, its key and its German on the pages that name it."""

from __future__ import annotations

from seawall.access import Preferences
from seawall.console.appeal.appeal_page import MEASURES
from seawall.console.letters import RESERVED, letters_of
from seawall.console.review.case import ACTION_KEYS
from seawall.console.review.consequences import consequences_of
from seawall.model import ACTIONS, Action, ActionSubject
from seawall.review import kept_measures

NOW = 1_803_600_000_000
SENT = [kind for kind in ACTIONS.values() if kind.subject is not ActionSubject.INTERNAL]
ON_ITEMS = [kind.name for kind in SENT if kind.subject is ActionSubject.ITEM]
NOTHING = "Nothing changes: what is in force stays as it is."


def said(applied: list[str], ended: list[str]) -> list[str]:
    return consequences_of([Action(kind) for kind in applied], ended, no_actor=False, now=NOW)


def test_each_says_what_it_does_and_what_ending_it_does() -> None:
    sentences = [sentence for kind in SENT for sentence in (*said([kind.name], []), *said([], [kind.name]))]
    assert NOTHING not in sentences
    assert len(sentences) == len(set(sentences)) == 2 * len(SENT)
    assert {kind.name for kind in SENT} == set(MEASURES)


def test_each_has_a_key_of_its_own() -> None:
    assert set(ACTION_KEYS) == {kind.name for kind in SENT}
    assert len({*ACTION_KEYS.values(), Preferences().unveil_key} | RESERVED) == len(ACTION_KEYS) + 1 + len(RESERVED)


def test_a_letter_that_somebody_chose_is_not_taken_by_a_newer_action() -> None:
    chosen = Preferences(letters={"remove": ACTION_KEYS["label_synthetic"]}, unveil_key=ACTION_KEYS["age_hold"])
    letters = letters_of(chosen, ACTION_KEYS)
    assert letters["remove"] == ACTION_KEYS["label_synthetic"]
    assert letters["hold"] == ACTION_KEYS["hold"]
    used = [*letters.values(), chosen.unveil_key]
    assert len(used) == len(set(used))
    assert not set(used) & RESERVED


def test_what_a_stronger_action_replaces_is_not_said_to_be_lifted() -> None:
    for kind in sorted(ACTIONS["remove"].covers):
        assert said(["remove"], [kind]) == said(["remove"], []), kind


def test_without_a_violation_a_label_may_stay_and_a_hold_for_review_may_not() -> None:
    kept = {one.kind for one in kept_measures(Action(kind) for kind in ON_ITEMS)}
    assert {"label_synthetic", "age_hold", "exclude_from_counts", "advisory"} <= kept
    assert not kept & {"remove", "disable", "hold", "hold_from_recommendation"}
