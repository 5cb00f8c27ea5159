"""Appending, reading, proving: what every unit of work may rely on."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from seawall.enforce.events import EnforcementApplied
from seawall.model import Action, Decision, DecisionSource, ItemRef, Verdict
from seawall.model.events import DecisionMade
from seawall.storage import Prefetch, StorageError, Transaction
from seawall.storage.tables import event, state
from support.storage import Storage, seen, tally, view


def test_what_was_committed_is_read_back_in_order(storage: Storage) -> None:
    storage.ledger.commit(lambda tx: tx.append(view("it_1")))
    storage.ledger.commit(lambda tx: (tx.append(view("it_2")), tx.append(view("it_3"))))
    events = storage.ledger.events()
    assert [(found.seq, found.body) for found in events] == [(n, view(f"it_{n}")) for n in (1, 2, 3)]
    assert [found.seq for found in storage.ledger.events(after=1, limit=1)] == [2]
    assert storage.ledger.head() == 3


def test_an_empty_ledger(storage: Storage) -> None:
    assert storage.ledger.head() == 0
    assert storage.ledger.events() == []
    assert storage.ledger.verify().ok


def test_the_result_of_a_unit_is_returned(storage: Storage) -> None:
    assert storage.ledger.commit(lambda tx: tx.at) > 1_700_000_000_000


def test_a_decision_survives_the_round_trip(storage: Storage) -> None:
    decision = Decision(
        id="dec_1",
        at=1,
        item=ItemRef("comment", "it_1", 2),
        source=DecisionSource.SCREEN,
        verdict=Verdict.BLOCK,
        actions=(Action("strike", {"weight": 2.0, "for": "1d"}),),
        reasons=(),
        features={"b": 1, "a": 0.5, "c": None, "d": True, "e": "x"},
    )
    storage.ledger.commit(lambda tx: tx.append(DecisionMade(decision=decision)))
    assert storage.ledger.events()[0].body == DecisionMade(decision=decision)


def test_mappings_are_kept_in_one_canonical_form(storage: Storage) -> None:
    for parameters in ({"b": 1.0, "a": "x"}, {"a": "x", "b": 1.0}):
        body = EnforcementApplied(
            enforcement="enf_1",
            decision="dec_1",
            item=ItemRef("comment", "it_1", 1),
            subject="it_1",
            action=Action("limit", parameters),
        )
        storage.ledger.commit(lambda tx, body=body: tx.append(body))
    with storage.database.read() as connection:
        assert len(set(connection.execute(select(event.c.body)).scalars())) == 1


def test_a_body_that_could_not_be_read_again_is_refused(storage: Storage) -> None:
    with pytest.raises(msgspec.ValidationError):
        storage.ledger.commit(lambda tx: tx.append(view(person=7)))  # type: ignore[arg-type]
    with pytest.raises(UnicodeEncodeError):
        storage.ledger.commit(lambda tx: tx.append(view(person="\ud800")))
    with pytest.raises(KeyError):
        storage.ledger.commit(lambda tx: tx.append("no event"))  # type: ignore[arg-type]
    assert storage.ledger.head() == 0


def test_a_failing_unit_leaves_nothing_and_harms_nobody(storage: Storage) -> None:
    def bad(tx: Transaction) -> None:
        tx.append(view("it_bad"))
        tx.subject("account", "bad")
        tx.enqueue("kind", "bad", {})
        raise ValueError("my own fault")

    async def together() -> list[object]:
        good = [storage.ledger.commit_async(lambda tx, n=n: tx.append(view(f"it_{n}"))) for n in range(10)]
        units = [*good[:5], storage.ledger.commit_async(bad), *good[5:]]
        return await asyncio.gather(*units, return_exceptions=True)

    outcomes = asyncio.run(together())
    assert [type(outcome) for outcome in outcomes] == [type(None)] * 5 + [ValueError] + [type(None)] * 5
    assert {found.body for found in storage.ledger.events()} == {view(f"it_{n}") for n in range(10)}
    assert storage.vault.find("account", "bad") is None
    assert storage.jobs.counts() == {}
    assert storage.ledger.verify().ok


@pytest.mark.parametrize("caught", [False, True])
def test_a_unit_that_fails_after_a_flush_is_undone_whole(storage: Storage, caught: bool) -> None:
    def bad(tx: Transaction) -> None:
        tx.append(view("it_bad"))
        tx.subject("account", "bad")
        try:
            tx.execute(insert(state).values(name="erasures", value="twice"))
        except IntegrityError:
            if not caught:
                raise

    async def together() -> list[object]:
        good = [storage.ledger.commit_async(lambda tx, n=n: tx.append(view(f"it_{n}"))) for n in range(4)]
        return await asyncio.gather(*good[:2], storage.ledger.commit_async(bad), *good[2:], return_exceptions=True)

    outcomes = asyncio.run(together())
    assert isinstance(outcomes.pop(2), IntegrityError)
    assert outcomes == [None] * 4
    assert {found.body for found in storage.ledger.events()} == {view(f"it_{n}") for n in range(4)}
    assert storage.vault.find("account", "bad") is None
    assert storage.ledger.commit(lambda tx: tx.find_subject("account", "bad")) is None


def test_a_row_that_the_database_refuses_fails_its_unit_only(storage: Storage) -> None:
    storage.ledger.commit(lambda tx: tx.insert(state, {"name": "mine", "value": "1"}))

    async def together() -> list[object]:
        units = [
            lambda tx, n=n: (tx.insert(state, {"name": f"n{n}", "value": ""}), tx.append(view())) for n in range(3)
        ]
        units.insert(1, lambda tx, n=0: (tx.insert(state, {"name": "mine", "value": "2"}), tx.append(view("it_bad"))))
        return await asyncio.gather(*map(storage.ledger.commit_async, units), return_exceptions=True)

    outcomes = asyncio.run(together())
    assert [isinstance(outcome, IntegrityError) for outcome in outcomes] == [False, True, False, False]
    assert [found.body for found in storage.ledger.events()] == [view()] * 3


def test_rows_of_different_columns_may_be_inserted_together(storage: Storage) -> None:
    def unit(tx: Transaction) -> None:
        tx.insert(seen, {"seq": 100, "kind": "a", "item": "x"})
        tx.insert(seen, {"item": "y", "seq": 101, "kind": "b"})

    storage.ledger.commit(unit)
    with storage.database.read() as connection:
        assert connection.execute(select(seen.c.item).order_by(seen.c.seq)).scalars().all() == ["x", "y"]


def test_a_read_sees_what_the_batch_wrote_before_it(storage: Storage) -> None:
    def unit(tx: Transaction) -> int | None:
        tx.append(view("it_7"))
        tx.append(view("it_7"))
        return tx.execute(select(tally.c.views).where(tally.c.item == "it_7")).scalar()

    assert storage.ledger.commit(unit) == 2


def test_projections_follow_in_the_same_transaction(storage: Storage) -> None:
    storage.ledger.commit(lambda tx: tx.append(view("it_1")))
    storage.ledger.commit(lambda tx: tx.append(view("it_1")))
    with storage.database.read() as connection:
        assert connection.execute(select(tally)).all() == [("it_1", 2, 2)]


def test_threads_and_loops_share_the_ledger(storage: Storage) -> None:
    async def loop(name: str) -> None:
        await asyncio.gather(
            *(storage.ledger.commit_async(lambda tx, n=n: tx.append(view(f"{name}-{n}"))) for n in range(20))
        )

    def thread(name: str) -> None:
        for n in range(20):
            storage.ledger.commit(lambda tx, n=n: tx.append(view(f"{name}-{n}")))

    with ThreadPoolExecutor(8) as pool:
        tasks = [pool.submit(asyncio.run, loop(f"loop{n}")) for n in range(3)]
        tasks += [pool.submit(thread, f"thread{n}") for n in range(5)]
        for task in tasks:
            task.result()
    events = storage.ledger.events(limit=1000)
    assert [found.seq for found in events] == list(range(1, 161))
    assert len({found.body for found in events}) == 160
    assert storage.ledger.verify().ok


def test_a_cancelled_wait_does_not_cancel_the_commit(storage: Storage) -> None:
    running, go_on = threading.Event(), threading.Event()

    def slow(tx: Transaction) -> None:
        running.set()
        assert go_on.wait(10)
        tx.append(view("it_slow"))

    async def cancel() -> None:
        task = asyncio.create_task(storage.ledger.commit_async(slow))
        await asyncio.to_thread(running.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()
        await storage.ledger.commit_async(lambda tx: tx.append(view("it_next")))

    asyncio.run(cancel())
    assert [found.body for found in storage.ledger.events()] == [view("it_slow"), view("it_next")]


def test_a_loop_that_is_gone_does_not_stop_the_writer(storage: Storage) -> None:
    running, go_on = threading.Event(), threading.Event()

    def slow(tx: Transaction) -> None:
        running.set()
        assert go_on.wait(10)
        tx.append(view("it_slow"))

    async def leave() -> None:
        waiter = asyncio.ensure_future(storage.ledger.commit_async(slow))
        await asyncio.to_thread(running.wait, 10)
        waiter.cancel()

    asyncio.run(leave())
    go_on.set()
    storage.ledger.commit(lambda tx: tx.append(view("it_next")))
    assert storage.ledger.head() == 2


def test_a_unit_may_not_commit_another(storage: Storage) -> None:
    def nested(tx: Transaction) -> None:
        storage.ledger.commit(lambda inner: None)

    with pytest.raises(RuntimeError, match="must not commit another"):
        storage.ledger.commit(nested)


def test_a_unit_may_not_write_beside_its_transaction(sqlite_storage: Storage) -> None:
    def beside(tx: Transaction) -> None:
        with sqlite_storage.database.write():
            pass

    with pytest.raises(RuntimeError, match="already in a write transaction"):
        sqlite_storage.ledger.commit(beside)


def test_after_close_what_was_queued_is_durable_and_new_work_is_refused(storage: Storage) -> None:
    async def last() -> None:
        waiting = [asyncio.ensure_future(storage.ledger.commit_async(lambda tx: tx.append(view()))) for _ in range(20)]
        await asyncio.sleep(0)
        await asyncio.to_thread(storage.ledger.close)
        await asyncio.gather(*waiting)

    asyncio.run(last())
    assert storage.ledger.head() == 20
    with pytest.raises(StorageError, match="closed"):
        storage.ledger.commit(lambda tx: None)
    storage.ledger.close()


def test_prefetched_rows_and_what_the_batch_remembers(storage: Storage) -> None:
    storage.ledger.commit(lambda tx: tx.insert(state, {"name": "known", "value": "1"}))
    prefetch = Prefetch(rows=((state, "known"), (state, "new")), subjects=(("account", "a"),))

    def unit(tx: Transaction) -> list[object]:
        known, new = tx.prefetched(state, "known"), tx.prefetched(state, "new")
        if new is None:
            tx.insert(state, {"name": "new", "value": "2"})
            tx.remember(state, "new", {"name": "new", "value": "2"})
        return [known and known["value"], new and new["value"], tx.subject("account", "a")]

    async def together() -> list[list[object]]:
        return await asyncio.gather(*(storage.ledger.commit_async(unit, prefetch=prefetch) for _ in range(5)))

    first, *rest = asyncio.run(together())
    assert first[:2] == ["1", None]
    assert rest == [["1", "2", first[2]]] * 4
    with pytest.raises(LookupError, match="not named in Prefetch"):
        storage.ledger.commit(lambda tx: tx.prefetched(state, "known"))


def test_what_a_failed_unit_remembered_is_forgotten(storage: Storage) -> None:
    prefetch = Prefetch(rows=((state, "new"),))

    def bad(tx: Transaction) -> None:
        tx.remember(state, "new", {"name": "new", "value": "2"})
        raise ValueError

    async def together() -> list[object]:
        return await asyncio.gather(
            storage.ledger.commit_async(bad, prefetch=prefetch),
            storage.ledger.commit_async(lambda tx: tx.prefetched(state, "new"), prefetch=prefetch),
            return_exceptions=True,
        )

    assert asyncio.run(together())[1] is None


def test_rows_with_composite_keys_can_be_prefetched(storage: Storage) -> None:
    from seawall.storage.tables import vault

    ref = storage.ledger.commit(lambda tx: tx.subject("account", "a"))
    key = (ref, "id")
    prefetch = Prefetch(rows=((vault, key), (vault, (ref, "other"))))
    found = storage.ledger.commit(
        lambda tx: (tx.prefetched(vault, key), tx.prefetched(vault, (ref, "other"))), prefetch=prefetch
    )
    assert found[0] is not None
    assert found[0]["ref"] == ref
    assert found[1] is None


@pytest.mark.parametrize("statement", [update(event).values(kind="other"), delete(event)], ids=["update", "delete"])
def test_the_database_refuses_to_change_the_ledger(storage: Storage, statement: object) -> None:
    storage.ledger.commit(lambda tx: tx.append(view()))
    with pytest.raises(DBAPIError, match="append-only"), storage.database.write() as connection:
        connection.execute(statement)  # type: ignore[call-overload]
    assert storage.ledger.verify().ok


@pytest.mark.parametrize(
    ("forgery", "fault"),
    [
        ("UPDATE event SET body = CAST(replace(body, 'it_1', 'it_9') AS BLOB) WHERE seq = 2", "event 2 was changed"),
        ("UPDATE event SET at = at + 1 WHERE seq = 2", "event 2 was changed"),
        ("UPDATE event SET chain = leaf WHERE seq = 3", "event 3 does not follow"),
        ("DELETE FROM event WHERE seq = 2", "event 2 is missing"),
    ],
)
def test_verification_names_the_first_event_that_is_wrong(sqlite_storage: Storage, forgery: str, fault: str) -> None:
    for _ in range(4):
        sqlite_storage.ledger.commit(lambda tx: tx.append(view()))
    with sqlite_storage.database.write() as connection:
        connection.execute(text("DROP TRIGGER event_no_update"))
        connection.execute(text("DROP TRIGGER event_no_delete"))
        connection.execute(text(forgery))
    found = sqlite_storage.ledger.verify()
    assert not found.ok
    assert found.fault is not None
    assert found.fault.startswith(fault)


def test_verification_reports_progress(storage: Storage) -> None:
    for _ in range(3):
        storage.ledger.commit(lambda tx: tx.append(view()))
    reported: list[tuple[int, int]] = []
    found = storage.ledger.verify(lambda done, total: reported.append((done, total)))
    assert (found.events, reported[-1]) == (3, (3, 3))
