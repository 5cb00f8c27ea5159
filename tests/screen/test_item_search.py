"""Search of items, threads and kept searches, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from seawall.screen.item_search import (
    Comparison,
    ItemFilters,
    SearchPosition,
    SearchResult,
    SignalCondition,
    search_items,
)
from seawall.screen.saved_searches import (
    MOST_SAVED,
    TooManySaved,
    UnnamedSearch,
    delete_search,
    reseal_searches,
    save_search,
    saved_searches,
    shared_searches,
)
from seawall.screen.tables import item_thread
from seawall.screen.threads import index_threads
from support.app import Rig


def found(rig: Rig, *words: str, filters: ItemFilters | None = None) -> list[str]:
    result = search_items(rig.app.database, rig.app.vault, filters or ItemFilters(), words=words, limit=50)
    return [rig.app.vault.platform_id(one.item.ref) for one in result.found]


def test_every_item_is_looked_at_once_however_small_the_steps(rig: Rig) -> None:
    for number in range(7):
        rig.screen(f"hello number {number}", id=f"n-{number}")
    seen: list[str] = []
    after: SearchPosition | None = None
    store = (rig.app.database, rig.app.vault, ItemFilters())
    while True:
        step = search_items(*store, words=("HELLO",), limit=2, after=after, most=3)
        seen += [rig.app.vault.platform_id(one.item.ref) for one in step.found]
        after = step.further
        if after is None:
            break
    assert sorted(seen) == [f"n-{number}" for number in range(7)]  # of two in one millisecond any may be first
    assert search_items(*store, words=("nowhere",), limit=9, most=3).looked_at == 3


def test_words_are_compared_as_readers_read_them(rig: Rig) -> None:
    rig.screen("STRASSE and \ufb01ne \uff21\uff22\uff23", id="folded")  # a ligature, full-width letters
    assert found(rig, "stra\u00dfe") == ["folded"]
    assert found(rig, "fine", "abc") == ["folded"]
    assert found(rig, "fine", "nowhere") == []


def test_the_excerpt_is_of_the_text_as_it_was_written(rig: Rig) -> None:
    rig.screen("x" * 100 + " The Needle " + "y" * 100, id="hay")
    (one,) = search_items(rig.app.database, rig.app.vault, ItemFilters(), words=("needle",), limit=1).found
    assert "The Needle" in one.excerpt
    assert len(one.excerpt) < 100
    assert one.excerpt.startswith("…")


def test_a_signal_that_was_not_measured_is_unknown(rig: Rig) -> None:
    rig.screen("silly thing", id="measured")
    above = SignalCondition(name="rudeness", comparison=Comparison.AT_LEAST, value=0.5)
    other = SignalCondition(name="never", comparison=Comparison.BELOW, value=1.0)

    def ask(*signals: SignalCondition) -> SearchResult:
        return search_items(rig.app.database, rig.app.vault, ItemFilters(), signals=signals, limit=9)

    assert len(ask(above).found) == 1
    unknown = ask(above, other)
    assert (unknown.found, unknown.unmeasured) == ((), 1)
    below = SignalCondition(name="rudeness", comparison=Comparison.BELOW, value=0.5)
    assert ask(below, other).unmeasured == 0  # one condition is false, whatever the other would be


def test_conditions_of_the_decision_in_force(rig: Rig) -> None:
    rig.screen("fool", id="out")
    rig.screen("hello", id="in")
    assert found(rig, filters=ItemFilters(verdict="block", policy="rude", rule="certain", harm="harassment")) == ["out"]
    assert found(rig, filters=ItemFilters(policy="gore")) == []
    assert found(rig, filters=ItemFilters(by_person=False, degraded=False)) == ["in", "out"]
    assert found(rig, filters=ItemFilters(since=0, until=1)) == []


def test_threads_are_indexed_by_keyed_digests_and_again(rig: Rig) -> None:
    rig.screen("hello", id="no-thread")
    assert index_threads(rig.app.context, rig.app.ledger.events(0)) is None  # these types name no thread
    assert rig.rows(select(item_thread)) == []


def test_kept_searches_survive_a_change_of_the_key_and_are_few(rig: Rig) -> None:
    database, vault = rig.app.database, rig.app.vault
    save_search(database, vault, "per_1", "verdict:block u-9")
    (kept,) = saved_searches(database, vault, "per_1")
    assert saved_searches(database, vault, "per_2") == []
    with database.write() as connection:
        reseal_searches(connection, lambda name, sealed: vault.protect(name, vault.reveal(name, sealed)))
    assert [one.text for one in saved_searches(database, vault, "per_1")] == ["verdict:block u-9"]
    save_search(database, vault, "per_1", "verdict:block u-9", name="Blocked of u-9", shared=True)
    (seen,) = shared_searches(database, vault, "per_2")
    assert (seen.id, seen.name, seen.person) == (kept.id, "Blocked of u-9", "per_1")
    assert shared_searches(database, vault, "per_1") == []
    with database.write() as connection:
        reseal_searches(connection, lambda name, sealed: vault.protect(name, vault.reveal(name, sealed)))
    assert [one.name for one in saved_searches(database, vault, "per_1")] == ["Blocked of u-9"]
    with pytest.raises(UnnamedSearch, match="Give the search a name"):
        save_search(database, vault, "per_1", "fool", shared=True)
    assert not delete_search(database, "per_2", kept.id)
    assert delete_search(database, "per_1", kept.id)
    for number in range(MOST_SAVED):
        save_search(database, vault, "per_1", f"word{number}")
    with pytest.raises(TooManySaved, match="Delete one"):
        save_search(database, vault, "per_1", "one more")
