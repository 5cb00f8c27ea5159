"""Leases of jobs: kept while a job runs, also after the worker was told to stop; a lost one changes nothing."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import select, update

from seawall.model import now_ms
from seawall.storage import Job, Jobs, LeaseLost, StorageError
from seawall.storage.tables import job as job_table
from seawall.worker import Worker
from support.app import Rig, eventually, make

LONG_MS = 3_600_000
MOST_DELAY_MS = 300_000


class Heartbeats:
    """The ids of jobs whose lease was extended, and of those that somebody else had, as they come."""

    def __init__(self) -> None:
        self.kept: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.lost: queue.SimpleQueue[str] = queue.SimpleQueue()


@pytest.fixture
def heartbeats(monkeypatch: pytest.MonkeyPatch) -> Heartbeats:
    """Workers extend their leases a thousand times a second, and every extension is recorded."""
    seen = Heartbeats()
    extend = Jobs.heartbeat

    def heartbeat(jobs: Jobs, job: Job) -> None:
        try:
            extend(jobs, job)
        except LeaseLost:
            seen.lost.put(job.id)
            raise
        seen.kept.put(job.id)

    monkeypatch.setattr("seawall.worker.worker._HEARTBEATS_IN_A_LEASE", 60_000)
    monkeypatch.setattr(Jobs, "heartbeat", heartbeat)
    return seen


def submit(rig: Rig, *bodies: str) -> list[str]:
    """Hand over items of which a worker makes the first decision; "stuck" takes until ``house.gore.go_on`` is set."""
    return asyncio.run(rig.app.screener.submit([make(body, id=body) for body in bodies]))


def is_running(rig: Rig, jobs: int = 1) -> Callable[[], bool]:
    return lambda: rig.app.jobs.counts().get(("screen", "leased")) == jobs


def job_of(rig: Rig, ref: str) -> str:
    """The id of the job about an item."""
    (found,) = (row["id"] for row in rig.rows(select(job_table)) if ref in row["key"])
    return str(found)


def somebody_else_claims(rig: Rig, job: str) -> None:
    """As after a lease that ran out: the job has another holder."""
    with rig.app.database.write() as connection:
        other = {"worker": "another", "attempts": job_table.c.attempts + 1, "leased_until": now_ms() + LONG_MS}
        connection.execute(update(job_table).where(job_table.c.id == job).values(**other))


@contextmanager
def stopping(worker: Worker) -> Iterator[threading.Thread]:
    """Call ``worker.stop`` in a thread; within the block it has been called, and it must return after the block."""
    called = threading.Event()

    def stop() -> None:
        called.set()
        worker.stop()

    thread = threading.Thread(target=stop)
    thread.start()
    assert called.wait(10)
    yield thread
    thread.join(30)
    assert not thread.is_alive()


def test_stopping_waits_for_the_job_that_runs(rig: Rig) -> None:
    (ref,) = submit(rig, "stuck")
    worker = Worker(rig.app).__enter__()
    eventually(is_running(rig))
    with stopping(worker) as thread:
        assert thread.is_alive()
        assert rig.decisions(ref) == []
        rig.gore.go_on.set()
    assert len(rig.decisions(ref)) == 1
    assert rig.app.jobs.counts() == {}


def test_a_job_that_runs_on_after_stop_keeps_its_lease(rig: Rig, heartbeats: Heartbeats) -> None:
    (ref,) = submit(rig, "stuck")
    worker = Worker(rig.app).__enter__()
    eventually(is_running(rig))
    with stopping(worker):
        try:
            for _ in range(50):  # more than one that was on its way when the worker was told
                heartbeats.kept.get(timeout=10)
        finally:
            rig.gore.go_on.set()
    assert len(rig.decisions(ref)) == 1


def test_after_stop_nothing_more_is_claimed(rig: Rig) -> None:
    first, second = submit(rig, "stuck", "stuck as well")
    worker = Worker(rig.app, threads=1).__enter__()
    eventually(is_running(rig))
    with stopping(worker):
        rig.gore.go_on.set()
    assert sorted(len(rig.decisions(ref)) for ref in (first, second)) == [0, 1]
    assert rig.app.jobs.counts() == {("screen", "pending"): 1}


def test_what_was_done_under_a_lost_lease_is_not_kept(rig: Rig, heartbeats: Heartbeats) -> None:
    lost, kept = submit(rig, "stuck", "stuck as well")
    with Worker(rig.app):
        eventually(is_running(rig, 2))
        lost_job, kept_job = job_of(rig, lost), job_of(rig, kept)
        somebody_else_claims(rig, lost_job)
        assert heartbeats.lost.get(timeout=30) == lost_job
        while heartbeats.kept.get(timeout=30) != kept_job:  # one lost lease keeps no other from being extended
            pass
        rig.gore.go_on.set()
    assert rig.decisions(lost) == []
    assert len(rig.decisions(kept)) == 1
    (row,) = rig.rows(select(job_table))
    assert (row["id"], row["state"], row["worker"]) == (lost_job, "leased", "another")


@pytest.mark.parametrize("works", [True, False])
def test_the_holder_of_a_job_is_not_disturbed_by_the_one_before(rig: Rig, works: bool) -> None:
    (ref,) = submit(rig, "hello")
    if not works:  # the handler itself raises: there is no such revision
        with rig.app.database.write() as connection:
            payload = b'{"item":"it_nowhere","revision":1}'
            connection.execute(update(job_table).values(payload=payload))
    (slow,) = rig.app.jobs.claim(["screen"], "slow", limit=1, lease_ms=0)
    (other,) = rig.app.jobs.claim(["screen"], "another", limit=1, lease_ms=LONG_MS)
    assert other.id == slow.id
    Worker(rig.app).do(slow)
    (row,) = rig.rows(select(job_table))
    assert (row["state"], row["worker"], row["attempts"]) == ("leased", "another", 2)
    assert row["last_error"] is None
    assert rig.decisions(ref) == []
    Worker(rig.app).do(other)
    assert len(rig.decisions(ref)) == works
    assert rig.app.jobs.counts() == ({} if works else {("screen", "pending"): 1})


@pytest.mark.parametrize("attempts", [9, 16, 40])
def test_no_delay_is_longer_than_five_minutes(rig: Rig, attempts: int) -> None:
    payload = {"item": "it_nowhere", "revision": 1, "decision": "dec_nowhere"}
    rig.app.ledger.commit(lambda tx: tx.enqueue("rescreen", "it_nowhere", payload))
    with rig.app.database.write() as connection:
        connection.execute(update(job_table).values(attempts=attempts - 1))
    (job,) = rig.claim("rescreen")
    before = now_ms()
    Worker(rig.app).do(job)
    (row,) = rig.rows(select(job_table))
    assert row["state"] == "pending"
    assert before + MOST_DELAY_MS <= row["due_at"] <= now_ms() + MOST_DELAY_MS


def test_a_worker_that_cannot_claim_tries_again(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    (ref,) = submit(rig, "hello")
    refused: list[str] = []
    claim = Jobs.claim

    def refuse_once(jobs: Jobs, kinds: tuple[str, ...], *rest: object, **more: object) -> list[Job]:
        if "screen" in kinds and not refused:
            refused.append("screen")
            raise StorageError("the database does not answer")
        return claim(jobs, kinds, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Jobs, "claim", refuse_once)
    with Worker(rig.app):
        eventually(lambda: len(rig.decisions(ref)) == 1)
    assert refused == ["screen"]
    assert rig.app.jobs.counts() == {}
