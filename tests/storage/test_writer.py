"""The writer under load and with faulty units: refused when full, bulk work last, units at fault found by halving."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, insert, select
from sqlalchemy.exc import IntegrityError

from seawall.model.events import ContentViewed
from seawall.storage import Overloaded, StorageError, Transaction
from seawall.storage.ledger import next_chunk_size
from seawall.storage.tables import state
from support.app import eventually
from support.storage import Storage, opened, view

_numbers = itertools.count()


@contextmanager
def held(storage: Storage) -> Iterator[None]:
    """The writer is busy with a unit of another thread until the end of the block."""
    running, go_on = threading.Event(), threading.Event()

    def slow(tx: Transaction) -> None:
        running.set()
        assert go_on.wait(60)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(storage.ledger.commit, slow)
        assert running.wait(60)
        try:
            yield
        finally:
            go_on.set()
        waiting.result()


def items(storage: Storage) -> list[str]:
    """What was viewed, in the order of the ledger."""
    return [one.body.item.ref for one in storage.ledger.events(limit=5000) if isinstance(one.body, ContentViewed)]


def together(storage: Storage, units: list[Callable[[Transaction], Any]]) -> list[Any]:
    """Results or errors of units that the writer finds in its queue at once."""

    async def gather() -> list[Any]:
        with held(storage):
            waiting = [asyncio.ensure_future(storage.ledger.commit_async(unit)) for unit in units]
            await asyncio.to_thread(eventually, lambda: storage.ledger.waiting()[0] == len(units))
        return await asyncio.gather(*waiting, return_exceptions=True)

    return asyncio.run(gather())


# -- overload ----------------------------------------------------------------------------------------------------


def test_a_full_queue_refuses_at_once_and_says_what_to_do(database_url: str, tmp_path: Path) -> None:
    with opened(database_url, tmp_path, queue_limit=3) as storage:

        async def crowd() -> list[Any]:
            with held(storage):
                waiting = [
                    asyncio.ensure_future(storage.ledger.commit_async(lambda tx, n=n: tx.append(view(f"it_{n}"))))
                    for n in range(5)
                ]
                refused = [one for one in waiting[3:] if isinstance((await _outcome(one)), Overloaded)]
                assert len(refused) == 2
                assert storage.ledger.waiting() == (3, 0)
                with pytest.raises(StorageError, match="Retry it in a second"):
                    storage.ledger.commit(lambda tx: tx.append(view("it_thread")))
            return await asyncio.gather(*waiting[:3])

        assert asyncio.run(crowd()) == [None] * 3
        assert items(storage) == ["it_0", "it_1", "it_2"]
        storage.ledger.commit(lambda tx: tx.append(view("it_after")))
        assert storage.ledger.waiting() == (0, 0)


async def _outcome(waiting: asyncio.Future[Any]) -> BaseException | None:
    try:
        await waiting
    except StorageError as error:
        return error
    return None


# -- bulk work ---------------------------------------------------------------------------------------------------


def test_bulk_work_waits_while_others_do(storage: Storage) -> None:
    async def mixed(pool: ThreadPoolExecutor) -> None:
        with held(storage):
            bulk = [
                pool.submit(storage.ledger.commit, lambda tx, n=n: tx.append(view(f"bulk_{n}")), bulk=True)
                for n in range(2)
            ]
            await asyncio.to_thread(eventually, lambda: storage.ledger.waiting() == (0, 2))
            others = [
                asyncio.ensure_future(storage.ledger.commit_async(lambda tx, n=n: tx.append(view(f"it_{n}"))))
                for n in range(600)  # more than one batch
            ]
            await asyncio.to_thread(eventually, lambda: storage.ledger.waiting() == (600, 2))
        await asyncio.gather(*others)
        for one in bulk:
            await asyncio.to_thread(one.result)

    with ThreadPoolExecutor(2) as pool:
        asyncio.run(mixed(pool))
    assert items(storage)[:600] == [f"it_{n}" for n in range(600)]
    assert sorted(items(storage)[600:]) == ["bulk_0", "bulk_1"]


def test_bulk_work_is_not_refused_by_a_full_queue_and_is_finished_at_close(database_url: str, tmp_path: Path) -> None:
    with opened(database_url, tmp_path, queue_limit=1) as storage, ThreadPoolExecutor(3) as pool:
        with held(storage):
            bulk = [pool.submit(storage.ledger.commit, lambda tx: tx.append(view()), bulk=True) for _ in range(3)]
            eventually(lambda: storage.ledger.waiting() == (0, 3))
        storage.ledger.close()
        for one in bulk:
            one.result()
        assert len(items(storage)) == 3


def test_chunks_take_every_row_once_and_in_order(storage: Storage) -> None:
    rows = [f"row_{number}" for number in range(700)]

    def unit(tx: Transaction, chunk: list[str]) -> int:
        for one in chunk:
            tx.append(view(one))
        return len(chunk)

    done = list(storage.ledger.commit_chunks(rows, unit))
    assert items(storage) == rows
    assert [total for total, _ in done] == list(itertools.accumulate(count for _, count in done))
    assert done[-1][0] == 700
    assert list(storage.ledger.commit_chunks([], unit)) == []


def test_a_chunk_that_fails_leaves_the_earlier_ones(storage: Storage) -> None:
    rows = list(range(1_000))

    def unit(tx: Transaction, chunk: list[int]) -> None:
        for one in chunk:
            tx.append(view(f"it_{one}"))
            if one == 555:
                raise ValueError("555")

    chunks = storage.ledger.commit_chunks(rows, unit)
    last = 0
    with pytest.raises(ValueError, match="555"):
        for last, _ in chunks:  # noqa: B007
            pass
    assert items(storage) == [f"it_{one}" for one in range(last)]


@given(st.integers(1, 10**6), st.floats(0, 100))
def test_chunks_follow_the_time_that_they_took(rows: int, seconds: float) -> None:
    size = next_chunk_size(rows, seconds)
    assert 1 <= size <= 2 * rows
    if size > 1:
        assert size * seconds <= 0.05 * rows  # at the same speed the next one takes less than 50 ms
    if seconds > 0.1:
        assert size <= max(1, rows // 2)


# -- units at fault ----------------------------------------------------------------------------------------------


def _good(name: str) -> Callable[[Transaction], str]:
    def unit(tx: Transaction) -> str:
        tx.append(view(name))
        tx.insert(state, {"name": name, "value": ""})
        return name

    return unit


def _raises(name: str) -> Callable[[Transaction], str]:
    def unit(tx: Transaction) -> str:
        tx.append(view(name))
        raise ValueError(name)

    return unit


def _raises_late(name: str) -> Callable[[Transaction], str]:
    def unit(tx: Transaction) -> str:
        tx.append(view(name))
        tx.execute(select(state.c.name))
        raise ValueError(name)

    return unit


def _refused_row(name: str) -> Callable[[Transaction], str]:
    """The database refuses it only when the batch is written, perhaps while a later unit runs."""

    def unit(tx: Transaction) -> str:
        tx.append(view(name))
        tx.insert(state, {"name": "erasures", "value": name})
        return name

    return unit


def _refused_statement(name: str) -> Callable[[Transaction], str]:
    def unit(tx: Transaction) -> str:
        tx.append(view(name))
        tx.execute(insert(state).values(name="erasures", value=name))
        return name

    return unit


def _reads(name: str) -> Callable[[Transaction], str]:
    """Has what earlier units buffered written, and meets their faults."""

    def unit(tx: Transaction) -> str:
        tx.execute(select(state.c.name)).all()
        tx.append(view(name))
        return name

    return unit


_FAULTS = (_raises, _raises_late, _refused_row, _refused_statement)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(kinds=st.lists(st.sampled_from((_good, _good, _good, _reads, *_FAULTS)), min_size=1, max_size=24))
def test_exactly_the_units_at_fault_fail_and_all_others_are_committed_once(
    storage: Storage, kinds: list[Callable[[str], Callable[[Transaction], str]]]
) -> None:
    before = storage.ledger.head()
    names = [f"unit_{next(_numbers)}" for _ in kinds]
    outcomes = together(storage, [kind(name) for kind, name in zip(kinds, names, strict=True)])
    for kind, name, outcome in zip(kinds, names, outcomes, strict=True):
        if kind in (_raises, _raises_late):
            assert isinstance(outcome, ValueError)
            assert str(outcome) == name
        elif kind in _FAULTS:
            assert isinstance(outcome, IntegrityError)
        else:
            assert outcome == name
    committed = [one.body for one in storage.ledger.events(after=before)]
    assert committed == [view(name) for kind, name in zip(kinds, names, strict=True) if kind not in _FAULTS]


def test_one_unit_at_fault_among_many_costs_few_transactions(storage: Storage) -> None:
    units = [_good(f"unit_{next(_numbers)}") for _ in range(256)]
    units[200] = _refused_row("unit_bad")
    begun: list[None] = []
    event.listen(storage.database.engine, "begin", lambda connection: begun.append(None))
    outcomes = together(storage, units)
    assert [number for number, outcome in enumerate(outcomes) if isinstance(outcome, Exception)] == [200]
    assert len(begun) <= 1 + 1 + 2 * 8  # the unit that held the writer, the whole, and two halves eight times
    assert storage.ledger.verify().ok
