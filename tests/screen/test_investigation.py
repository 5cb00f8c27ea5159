"""Past decisions under queries in the language of policies, on both databases."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import pytest
from sqlalchemy import Connection

from seawall.policy import PolicyErrors
from seawall.screen.investigation import (
    Investigation,
    InvestigationFilters,
    InvestigationsBusy,
    ask,
    investigate,
)
from seawall.screen.past_rows import WhyUnknown
from seawall.storage.erasure import erase_subject
from support.app import Rig

ALWAYS = InvestigationFilters(since=0, until=2**53)


def nobody(connection: Connection, items: Sequence[str]) -> Collection[str]:
    return ()


def answer(rig: Rig, text: str, *types: str, filters: InvestigationFilters = ALWAYS, **more: Any) -> Investigation:
    asked = ask(text, rig.app.bundle, types)
    return investigate(rig.app.database, rig.app.vault, asked, filters, more.pop("hidden", nobody), **more)


def counts(found: Investigation) -> tuple[int, int, int, int]:
    """Matched, not, unknown, unreadable."""
    assert found.read == found.matched + found.not_matched + found.unknown + found.unreadable
    return found.matched, found.not_matched, found.unknown, found.unreadable


def ids(rig: Rig, found: Investigation) -> set[str]:
    return {rig.app.vault.platform_id(one.item) for one in found.newest}


def test_stored_rows_answer(rig: Rig) -> None:
    rig.screen("You fool", id="fool", actor="a-1")
    rig.screen("A silly thing", id="silly", actor="a-1")
    rig.screen("Good morning", "letter", id="fine", actor="a-2")
    found = answer(rig, "rudeness >= 0.5")
    assert counts(found) == (2, 1, 0, 0)
    assert ids(rig, found) == {"fool", "silly"}
    assert (found.total, found.reached, found.stopped_by, found.opened) == (3, 0, "", 0)
    assert {(one.name, one.matched, one.read) for one in found.content_types} == {("note", 2, 2), ("letter", 0, 1)}
    assert {(one.name, one.matched, one.read) for one in found.verdicts} == {
        *(("block", 1, 1), ("hold", 1, 1), ("allow", 0, 1))
    }
    assert {(one.name, one.matched) for one in found.rules} == {("rude/certain", 1), ("rude/likely", 2)}
    assert [(one.name, one.matched) for one in found.actors] == [(rig.app.vault.find("account", "a-1"), 2)]
    assert sum(one.matched for one in found.steps) == 2
    assert sum(one.read for one in found.steps) == 3


def test_filters_and_types(rig: Rig) -> None:
    first = rig.screen("You fool", id="fool", actor="a-1")
    rig.screen("You fool", "letter", id="fool", actor="a-2")
    assert counts(answer(rig, "rudeness > 0", "letter")) == (1, 0, 0, 0)
    actor = rig.app.vault.find("account", "a-1")
    mine = InvestigationFilters(since=0, until=2**53, actor=actor)
    assert [one.decision for one in answer(rig, "rudeness > 0", filters=mine).newest] == [first.decision]
    assert answer(rig, "rudeness > 0", filters=InvestigationFilters(since=0, until=2**53, verdict="allow")).total == 0
    assert answer(rig, "rudeness > 0", filters=InvestigationFilters(since=0, until=1)).total == 0


def test_what_was_written_is_read_where_the_row_leaves_the_answer_open(rig: Rig) -> None:
    rig.screen("You fool at shop.example", id="shop")
    rig.screen("You fool", id="fool")
    rig.screen("Hello from shop.example", id="hello", mood="gloomy")
    found = answer(rig, 'rudeness >= 0.9 and contains(text, "shop.example")')
    assert counts(found) == (1, 2, 0, 0)
    assert ids(rig, found) == {"shop"}
    assert found.opened == 2, "the third is settled by its stored row"
    assert ids(rig, answer(rig, 'matches(item.body, "(?i)HELLO") and length(item.body) > 3')) == {"hello"}
    assert ids(rig, answer(rig, 'item.mood is not None and item.mood == "gloomy"')) == {"hello"}
    assert counts(answer(rig, "item.image is None")) == (3, 0, 0, 0)
    assert counts(answer(rig, "age(actor) is None")) == (3, 0, 0, 0)


def test_what_no_rule_read_is_unknown_and_named(rig: Rig) -> None:
    rig.screen("You fool", id="fool")
    rig.screen("Hello", id="hello")
    found = answer(rig, "rudeness >= 0.5 and deep_thought >= 0.5")
    assert counts(found) == (0, 1, 1, 0), "false and unknown is false"
    (missing,) = found.missing
    assert (missing.name, missing.why, missing.decisions) == ("deep_thought", WhyUnknown.NOT_STORED, 1)
    counted = answer(rig, 'count(actor, "note", within="1h") > 3')
    assert counts(counted) == (0, 0, 2, 0)
    assert counted.missing[0].name == 'count(actor, "note", within="1h")'
    assert counts(answer(rig, "not known(deep_thought)")) == (2, 0, 0, 0)


def test_a_detector_that_did_not_answer_leaves_it_unknown(rig: Rig) -> None:
    rig.hang(id="hung")
    found = answer(rig, "gory >= 0.6")
    assert found.unknown == 1
    assert [(one.name, one.why) for one in found.missing] == [("gory", WhyUnknown.UNANSWERED)]


def test_what_was_erased_is_unreadable_and_numbers_remain(rig: Rig) -> None:
    rig.screen("You fool", id="gone", actor="goner")
    account = rig.app.vault.find("account", "goner")
    assert account is not None
    erase_subject(rig.app.context, account, by="tests")
    assert counts(answer(rig, "rudeness >= 0.9")) == (1, 0, 0, 0)
    found = answer(rig, 'contains(text, "fool")')
    assert counts(found) == (0, 0, 0, 1)
    assert found.missing[0].why is WhyUnknown.ERASED


def test_hidden_items_are_left_out_before_anything_is_asked(rig: Rig) -> None:
    made = rig.screen("You fool", id="secret")
    rig.screen("You fool", id="open")
    for query in ("rudeness >= 0.9", "rudeness < 0.1"):  # the number does not depend on what is in it
        found = answer(rig, query, hidden=lambda connection, items: {made.item})
        assert (found.hidden, found.read) == (1, 1)
        assert made.item not in {one.item for one in found.newest}


def test_bounds_stop_it_and_say_how_far_it_got(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seawall.screen.investigation._PAGE", 2)
    for number in range(5):
        rig.screen("You fool", id=f"f-{number}")
    assert counts(answer(rig, "rudeness >= 0.9")) == (5, 0, 0, 0)
    found = answer(rig, "rudeness >= 0.9", most=3)
    assert (found.read, found.total, found.stopped_by) == (4, 5, "decisions")
    assert found.reached > 0
    assert answer(rig, 'contains(text, "fool")', most_bytes=1).stopped_by == "content"
    assert answer(rig, "rudeness >= 0.9", most_seconds=0.0).stopped_by == "time"


def test_few_run_at_once(sqlite_rig: Rig) -> None:
    rig = sqlite_rig
    rig.screen("You fool")
    refused: list[str] = []

    def again(connection: Connection, items: Sequence[str]) -> Collection[str]:
        try:
            answer(rig, "rudeness > 0", hidden=again)
        except InvestigationsBusy as error:
            refused.append(str(error))
        return ()

    assert answer(rig, "rudeness > 0", hidden=again).matched == 1
    assert len(refused) == 1
    assert "Wait" in refused[0]
    assert answer(rig, "rudeness > 0").matched == 1, "its place is free again"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rudenes >= 0.5", "nearest: rudeness"),
        ("rudeness", "a condition must be true or false"),
        ("item.colour == 1", "has no field 'colour'"),
        ("", "an expression is missing"),
        ("rudeness >=", "not an expression"),
        ('matches(text, "(")', "RE2 rejects the pattern"),
        (" or ".join(f'matches(text, "a{n}")' for n in range(5)), "at most 4"),
        ("(" * 5_000, "at most 4,000"),
        ("not " * 900 + "True", "deep"),
        ("r\u0443deness > 0", "unknown name"),
    ],
)
def test_a_query_that_cannot_be_asked_is_refused_as_a_policy_is(sqlite_rig: Rig, text: str, said: str) -> None:
    with pytest.raises(PolicyErrors, match="query:1:") as refused:
        ask(text, sqlite_rig.app.bundle)
    assert said in str(refused.value)
    assert len(refused.value.problems) == 1


def test_a_named_type_that_cannot_be_asked_is_an_error(sqlite_rig: Rig) -> None:
    with pytest.raises(KeyError):
        ask("rudeness > 0", sqlite_rig.app.bundle, ["nonsense"])
