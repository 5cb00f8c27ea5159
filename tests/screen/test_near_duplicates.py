"""The near-duplicates of an item among the newest: found by their text, harmless others left alone, gaps said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall.screen.near_duplicates import NearDuplicateResult, near_duplicates_of
from seawall.storage.erasure import erase_subject
from support.app import Rig, opened

SPAM = "Earn five thousand a week from home with this one simple trick, write to me now and begin tomorrow"


@pytest.fixture
def rig(tmp_path: Path, database_url: str) -> Iterator[Rig]:
    with opened(tmp_path, database_url, "rude") as made:
        yield made


def of(rig: Rig, item: str, **more: int) -> NearDuplicateResult:
    return near_duplicates_of(rig.app.database, rig.app.vault, item, **more)


def test_the_same_words_and_nearly_the_same_are_found_and_others_are_not(rig: Rig) -> None:
    first = rig.screen(SPAM, id="first").item
    same = rig.screen(SPAM.upper() + "!!!", id="same", actor="a-2").item
    longer = rig.screen(f"Hello all. {SPAM}. Bye.", id="longer", actor="a-3").item
    rig.screen("How many hours a week do you work from home now?", id="harmless", actor="a-4")
    rig.screen("", id="empty", actor="a-5")
    found = of(rig, first)
    assert {one.item.ref for one in found.found} == {same, longer}
    assert [one.similarity for one in found.found] == [1.0, 1.0]
    assert (found.looked_at, found.unreadable, found.comparable) == (4, 0, True)


def test_what_cannot_be_read_is_said_and_never_counted_as_different(rig: Rig) -> None:
    first = rig.screen(SPAM, id="first").item
    gone = rig.screen(SPAM, id="gone", actor="a-2").item
    erase_subject(rig.app.context, gone, by="tests")
    found = of(rig, first)
    assert found.found == ()
    assert (found.looked_at, found.unreadable) == (1, 1)
    assert not of(rig, gone).comparable
    assert not of(rig, "it_none").comparable


def test_only_the_newest_are_compared_and_the_answer_says_how_many(rig: Rig) -> None:
    rig.screen(SPAM, id="oldest")
    newest = [rig.screen(f"{n} other words", id=f"n-{n}").item for n in range(3)]
    found = of(rig, newest[-1], most=2)
    assert found.looked_at == 2


def test_a_few_words_in_a_long_text_are_no_near_duplicate_and_a_whole_text_in_another_is(rig: Rig) -> None:
    short = rig.screen("silly goose", id="short").item
    novel = (
        "The goose of our farm was a silly goose, and the children loved her for all the years that she lived with us."
    )
    rig.screen(novel, id="novel", actor="a-2")
    again = rig.screen("Silly goose!!! Haha", id="again", actor="a-3").item
    assert {one.item.ref for one in of(rig, short).found} == {again}
    long = rig.screen(f"{SPAM}. {novel}", id="long", actor="a-4").item
    quoted = rig.screen(SPAM, id="quoted", actor="a-5").item
    assert {one.item.ref for one in of(rig, quoted).found} == {long}
    assert of(rig, long).found == (), "a short piece of it is not all of it"


def test_what_has_no_words_is_alike_to_nothing(rig: Rig) -> None:
    marks = rig.screen("!!!", id="marks").item
    empty = rig.screen("", id="empty", actor="a-2").item
    words = rig.screen(SPAM, id="words", actor="a-3").item
    assert of(rig, words).found == ()
    for one in (marks, empty):
        found = of(rig, one)
        assert (found.found, found.comparable) == ((), False)
