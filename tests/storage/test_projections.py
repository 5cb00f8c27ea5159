"""Projections: however events come, the tables are the same; and they can be made again."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from seawall.storage import Transaction
from support.examples import examples
from support.storage import Storage, opened, seen, tally, view

batches = st.lists(st.lists(st.lists(st.integers(0, 3), max_size=3), max_size=4), max_size=5)
"""Batches of units of events, each about one of four items."""


def _unit(items: list[int]) -> Callable[[Transaction], None]:
    def unit(tx: Transaction) -> None:
        for item in items:
            tx.append(view(f"it_{item}"))

    return unit


def _tables(storage: Storage) -> list[object]:
    with storage.database.read() as connection:
        return [connection.execute(select(table).order_by(*table.primary_key)).all() for table in (seen, tally)]


@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches)
def test_the_split_into_batches_does_not_matter(sqlite_url: str, plan: list[list[list[int]]]) -> None:
    found = []
    for whole in (True, False):
        with tempfile.TemporaryDirectory() as folder:
            path = shutil.copy(sqlite_url.removeprefix("sqlite:///"), folder)
            with opened(f"sqlite:///{path}", Path(folder)) as storage:
                for batch in plan:
                    if whole:  # one unit with all, so one flush
                        storage.ledger.commit(_unit([item for unit in batch for item in unit]))
                    else:
                        for unit in batch:
                            storage.ledger.commit(_unit(unit))
                found.append(_tables(storage))
                assert storage.ledger.rebuild().equal
                assert storage.ledger.verify().ok
    assert found[0] == found[1]


def test_rebuilding_makes_the_same_tables(storage: Storage) -> None:
    for n in range(50):
        storage.ledger.commit(_unit([n % 7, n % 3]))
    before = _tables(storage)
    reported: list[tuple[int, int]] = []
    rebuilt = storage.ledger.rebuild(lambda done, total: reported.append((done, total)))
    assert rebuilt.equal
    assert [(table.table, table.rows_before, table.rows_after) for table in rebuilt.tables] == [
        ("test_seen", 100, 100),
        ("test_tally", 7, 7),
    ]
    assert _tables(storage) == before
    assert reported[-1] == (200, 200)  # the ledger is read once for each projection


def test_rebuilding_in_many_chunks(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seawall.storage.build._CHUNK", 7)
    storage.ledger.commit(_unit([0, 1, 2] * 20))
    assert storage.ledger.rebuild().equal


def test_rebuilding_shows_and_mends_a_table_that_was_tampered_with(storage: Storage) -> None:
    storage.ledger.commit(_unit([1, 1, 2]))
    honest = _tables(storage)
    with storage.database.write() as connection:
        connection.execute(update(tally).where(tally.c.item == "it_1").values(views=99))
    rebuilt = storage.ledger.rebuild()
    assert [(table.table, table.equal) for table in rebuilt.tables] == [("test_seen", True), ("test_tally", False)]
    assert not rebuilt.equal
    assert _tables(storage) == honest
    assert storage.ledger.rebuild().equal


def test_the_ledger_goes_on_after_a_rebuild(storage: Storage) -> None:
    storage.ledger.commit(_unit([1]))
    storage.ledger.rebuild()
    storage.ledger.commit(_unit([1]))
    assert storage.ledger.rebuild().equal
    assert storage.ledger.head() == 2
