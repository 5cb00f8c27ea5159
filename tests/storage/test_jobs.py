"""Jobs: due, leased, lost, retried, buried; never two of the same key at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from seawall.model import now_ms
from seawall.storage import Job, LeaseLost, Transaction
from support.storage import Storage, opened, view

HOUR = 3_600_000


def _enqueue(storage: Storage, key: str, payload: dict[str, Any] | None = None, due_at: int | None = None) -> None:
    storage.ledger.commit(lambda tx: tx.enqueue("deliver", key, payload or {}, due_at))


def _claim(storage: Storage, lease_ms: int = HOUR, worker: str = "w1", limit: int = 10) -> list[Job]:
    return storage.jobs.claim(["deliver"], worker, limit, lease_ms)


def test_a_job_is_claimed_once_and_finished_with_its_events(storage: Storage) -> None:
    _enqueue(storage, "a", {"delivery": "dlv_1", "n": 1})
    (job,) = _claim(storage)
    assert (job.kind, job.key, job.payload, job.attempts) == ("deliver", "a", {"delivery": "dlv_1", "n": 1}, 1)
    assert _claim(storage) == []
    assert storage.jobs.counts() == {("deliver", "leased"): 1}
    storage.ledger.commit(lambda tx: (tx.finish(job), tx.append(view())))
    assert storage.jobs.counts() == {}
    assert storage.ledger.head() == 1


def test_jobs_wait_until_they_are_due_and_come_longest_due_first(storage: Storage) -> None:
    now = now_ms()
    for key, due_at in (("later", now + HOUR), ("second", now - 1000), ("first", now - 2000)):
        _enqueue(storage, key, due_at=due_at)
    assert [job.key for job in _claim(storage, limit=1)] == ["first"]
    assert [job.key for job in _claim(storage)] == ["second"]
    assert _claim(storage) == []


def test_jobs_due_at_the_same_time_come_in_the_order_of_their_enqueuing(storage: Storage) -> None:
    now = now_ms()
    for start in (0, 10):
        storage.ledger.commit(
            lambda tx, start=start: [tx.enqueue("deliver", str(start + n), {}, now) for n in range(10)]
        )
    assert [job.key for job in _claim(storage, limit=100)] == [str(n) for n in range(20)]


def test_a_worker_with_nothing_to_do_takes_no_write_lock(sqlite_storage: Storage) -> None:
    """Otherwise idle workers would hold up the requests of a SQLite database several times a second."""
    jobs = sqlite_storage.jobs
    with sqlite_storage.database.write():  # whoever else begins to write waits, and fails
        assert jobs.claim(["screen"], "idle", limit=9, lease_ms=1_000) == []
        jobs.bring_forward()
        assert jobs.end_unhandled(["screen"]) == 0


def test_only_the_kinds_asked_for_are_claimed(storage: Storage) -> None:
    _enqueue(storage, "a")
    assert storage.jobs.claim(["rescreen"], "w", 5, HOUR) == []
    assert storage.jobs.claim([], "w", 5, HOUR) == []
    assert len(storage.jobs.claim(["rescreen", "deliver"], "w", 5, HOUR)) == 1


def test_enqueuing_again_keeps_the_earlier_time_and_the_newer_payload(storage: Storage) -> None:
    now = now_ms()
    _enqueue(storage, "a", {"n": 1}, now - 10)
    _enqueue(storage, "a", {"n": 2}, now + HOUR)

    def twice(tx: Transaction) -> None:
        tx.enqueue("deliver", "b", {"n": 1}, now + HOUR)
        tx.enqueue("deliver", "b", {"n": 2}, now - 5)

    storage.ledger.commit(twice)
    assert [(job.key, job.payload, job.due_at) for job in _claim(storage)] == [
        ("a", {"n": 2}, now - 10),
        ("b", {"n": 2}, now - 5),
    ]


def test_a_lease_that_ran_out_goes_to_somebody_else(storage: Storage) -> None:
    _enqueue(storage, "a")
    (mine,) = _claim(storage, lease_ms=0)
    (theirs,) = _claim(storage, worker="w2")
    assert (theirs.id, theirs.attempts) == (mine.id, 2)
    with pytest.raises(LeaseLost):
        storage.ledger.commit(lambda tx: (tx.append(view("it_lost")), tx.finish(mine)))
    with pytest.raises(LeaseLost):
        storage.jobs.heartbeat(mine)
    with pytest.raises(LeaseLost):
        storage.jobs.retry(mine, 0, "late")
    with pytest.raises(LeaseLost):
        storage.jobs.mark_dead(mine, "late")
    assert storage.ledger.head() == 0
    storage.ledger.commit(lambda tx: tx.finish(theirs))
    assert storage.jobs.counts() == {}


def test_a_heartbeat_keeps_the_lease(storage: Storage) -> None:
    _enqueue(storage, "a")
    (job,) = _claim(storage, lease_ms=0)
    storage.jobs.heartbeat(Job(**{name: getattr(job, name) for name in job.__slots__} | {"lease_ms": HOUR}))
    assert _claim(storage) == []


def test_a_retried_job_comes_again(storage: Storage) -> None:
    _enqueue(storage, "a")
    (job,) = _claim(storage)
    storage.jobs.retry(job, now_ms() + HOUR, "timeout")
    assert _claim(storage) == []
    assert storage.jobs.counts() == {("deliver", "pending"): 1}
    _enqueue(storage, "a")  # earlier
    (again,) = _claim(storage)
    assert (again.id, again.attempts) == (job.id, 2)


def test_a_buried_job_stays_dead_until_it_is_revived(storage: Storage) -> None:
    _enqueue(storage, "a")
    (job,) = _claim(storage)
    storage.jobs.mark_dead(job, "gone " * 1000)
    assert _claim(storage) == []
    assert storage.jobs.counts() == {("deliver", "dead"): 1}
    storage.jobs.requeue(job.id)
    (again,) = _claim(storage)
    assert (again.id, again.attempts) == (job.id, 1)
    with pytest.raises(KeyError):
        storage.jobs.requeue(job.id)


def test_work_that_arrives_while_the_same_key_is_worked_on_waits_and_is_not_lost(storage: Storage) -> None:
    _enqueue(storage, "a", {"n": 1})
    (first,) = _claim(storage)
    _enqueue(storage, "a", {"n": 2})
    assert _claim(storage) == []
    assert storage.jobs.counts() == {("deliver", "leased"): 1, ("deliver", "pending"): 1}
    storage.ledger.commit(lambda tx: tx.finish(first))
    (second,) = _claim(storage)
    assert second.payload == {"n": 2}


def test_a_retry_joins_the_job_that_came_meanwhile(storage: Storage) -> None:
    _enqueue(storage, "a", {"n": 1})
    (first,) = _claim(storage)
    _enqueue(storage, "a", {"n": 2})
    storage.jobs.retry(first, now_ms() + HOUR, "timeout")
    (second,) = _claim(storage)
    assert (second.payload, second.attempts) == ({"n": 2}, 2)
    storage.jobs.mark_dead(second, "gone")
    _enqueue(storage, "a", {"n": 3})
    storage.jobs.requeue(second.id)
    assert [job.payload for job in _claim(storage)] == [{"n": 3}]
    assert storage.jobs.counts() == {("deliver", "leased"): 1}


def test_a_unit_may_finish_a_job_and_enqueue_it_anew(storage: Storage) -> None:
    _enqueue(storage, "a", {"n": 1})
    (job,) = _claim(storage)
    storage.ledger.commit(lambda tx: (tx.finish(job), tx.enqueue("deliver", "a", {"n": 2})))
    assert [again.payload for again in _claim(storage)] == [{"n": 2}]


def test_one_lost_lease_does_not_harm_the_rest_of_the_batch(storage: Storage) -> None:
    import asyncio

    for key in "abc":
        _enqueue(storage, key)
    jobs = _claim(storage, lease_ms=0)
    (taken,) = _claim(storage, limit=1)
    assert taken.key == "a"

    async def together() -> list[object]:
        return await asyncio.gather(
            *(storage.ledger.commit_async(lambda tx, job=job: tx.finish(job)) for job in jobs), return_exceptions=True
        )

    outcomes = asyncio.run(together())
    assert [type(outcome) for outcome in outcomes] == [LeaseLost, type(None), type(None)]
    assert storage.jobs.counts() == {("deliver", "leased"): 1}


def test_workers_share_the_work(storage: Storage, tmp_path: Path) -> None:
    def enqueue_all(tx: Transaction) -> None:
        for n in range(100):
            tx.enqueue("deliver", str(n), {})

    storage.ledger.commit(enqueue_all)

    def work(worker: str) -> list[str]:
        done = []
        with opened(storage.url, tmp_path) as mine:
            while jobs := mine.jobs.claim(["deliver"], worker, 7, HOUR):
                for job in jobs:
                    mine.ledger.commit(lambda tx, job=job: tx.finish(job))
                    done.append(job.key)
        return done

    with ThreadPoolExecutor(4) as pool:
        done = [key for keys in pool.map(work, "abcd") for key in keys]
    assert sorted(done, key=int) == [str(n) for n in range(100)]
    assert storage.jobs.counts() == {}
