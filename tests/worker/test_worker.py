"""The worker: what fails comes again later, what cannot be done is buried, and slow receivers keep nobody waiting."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from seawall import enforce
from seawall.app import App
from seawall.enforce.tables import delivery
from seawall.model import new_id, now_ms
from seawall.policy import PolicySource
from seawall.publish import Sources
from seawall.storage import Job, Jobs, StorageError, open_database
from seawall.storage.component import Component, JobSpec, ServiceContext
from seawall.storage.tables import job as job_table
from seawall.worker import Worker
from support.app import Rig, eventually, make, sources
from support.receivers import closed_port, receiving, status


def _broken(rig: Rig) -> None:
    """A job that no handler can do: its item was never there."""
    payload = {"item": "it_nowhere", "revision": 1, "decision": "dec_nowhere"}
    rig.app.ledger.commit(lambda tx: tx.enqueue("rescreen", "it_nowhere", payload))


def _waiting(rig: Rig) -> dict[str, Any]:
    (row,) = rig.rows(select(job_table))
    return row


def test_a_job_that_fails_comes_again_later_and_later(rig: Rig) -> None:
    _broken(rig)
    delays = []
    for attempt in (1, 2, 3, 12):
        with rig.app.database.write() as connection:
            connection.execute(update(job_table).values(due_at=0, attempts=attempt - 1))
        (job,) = rig.claim("rescreen")
        before = _waiting(rig)["leased_until"] - 60_000  # the moment it was claimed
        Worker(rig.app).do(job)
        row = _waiting(rig)
        assert (row["state"], row["attempts"]) == ("pending", attempt)
        assert row["last_error"].startswith("LookupError: there is no item")
        delays.append(row["due_at"] - before)
    assert delays == sorted(delays)
    for delay, least in zip(delays, (2_000, 4_000, 8_000, 300_000), strict=True):
        assert delay >= least
    assert rig.claim("rescreen") == []


def test_a_job_that_never_works_is_buried_and_can_be_revived(rig: Rig) -> None:
    _broken(rig)
    with rig.app.database.write() as connection:
        connection.execute(update(job_table).values(attempts=49))
    (job,) = rig.claim("rescreen")
    Worker(rig.app).do(job)
    assert _waiting(rig)["state"] == "dead"
    assert rig.app.jobs.counts() == {("rescreen", "dead"): 1}
    rig.app.jobs.requeue(job.id)
    assert len(rig.claim("rescreen")) == 1


def test_a_fault_harms_no_other_job(rig: Rig) -> None:
    _broken(rig)
    held = rig.hang(kind="letter")
    rig.hurry(held)
    rig.gore.go_on.set()
    with Worker(rig.app):
        eventually(lambda: rig.pending_rescreens()[0]["state"] == "resolved")
        eventually(lambda: rig.app.jobs.counts() == {("rescreen", "pending"): 1})
    assert _waiting(rig)["key"] == "it_nowhere"


def test_everything_that_is_due_gets_done(rig: Rig) -> None:
    with receiving() as receiver:
        app = rig.app
        enforce.add_endpoint(app.ledger, app.vault, url=receiver.url, allow_private=True)
        for number in range(6):
            rig.screen("you fool", id=f"n-{number}")
        with Worker(app, threads=2):
            eventually(lambda: app.jobs.counts() == {})
        states = [row["state"] for row in rig.rows(select(delivery))]
        assert states == ["delivered"] * 12  # removed and a strike, six times
        assert len({request.headers["webhook-id"] for request in receiver.requests}) == 12


def test_a_receiver_that_hangs_keeps_no_rescreen_waiting(rig: Rig) -> None:
    with receiving() as receiver:
        app = rig.app
        receiver.script += [lambda handler: receiver.release.wait(60) and status(204)(handler)] * 8
        enforce.add_endpoint(app.ledger, app.vault, url=receiver.url, allow_private=True)
        for number in range(4):
            rig.screen("you fool", id=f"n-{number}")
        with Worker(app, threads=2):
            eventually(lambda: len(receiver.requests) >= 2)  # every thread for deliveries hangs
            pending = rig.screen("crash", kind="letter", id="owed")
            assert pending.degraded
            mended = rig.screen("a text that works", kind="letter", id="other")
            rig.hurry(mended)
            rig.hurry(pending)
            eventually(lambda: len(rig.decisions(pending.item)) == 2)
            assert not receiver.release.is_set()
            receiver.release.set()


def test_promised_rescreens_do_not_wait_behind_bulk_work(rig: Rig) -> None:
    """The bulk occupies every thread that it may have, as long as the test likes; the rescreen is done meanwhile."""
    go_on = threading.Event()

    def endless(context: ServiceContext, job: Job) -> None:
        go_on.wait(60)
        context.ledger.commit(lambda tx: tx.finish(job))

    components = [
        replace(one, jobs=tuple(replace(job, handler=endless) if job.kind == "screen" else job for job in one.jobs))
        for one in rig.app.components
    ]
    app = App(context=replace(rig.app.context, components=tuple(components)))
    asyncio.run(app.screener.submit([make(f"bulk {number}", id=f"bulk-{number}") for number in range(12)]))
    with Worker(app, threads=2):
        eventually(lambda: app.jobs.counts().get(("screen", "leased"), 0) == 2)
        promised = rig.screen("crash", kind="letter", id="owed")
        rig.hurry(promised)
        eventually(lambda: len(rig.decisions(promised.item)) == 2)
        assert app.jobs.counts()["screen", "pending"] == 10
        go_on.set()


def test_jobs_enqueued_by_a_clock_that_was_ahead_are_done_now(rig: Rig) -> None:
    held = rig.screen("crash", kind="letter")
    two_hours = 2 * 3_600_000
    with rig.app.database.write() as connection:
        ahead = new_id("job", now_ms() + two_hours)
        connection.execute(update(job_table).values(id=ahead, due_at=job_table.c.due_at + two_hours))
    assert rig.claim("rescreen") == []
    with Worker(rig.app):
        eventually(lambda: len(rig.decisions(held.item)) == 2)


def test_a_job_that_waits_on_purpose_is_not_brought_forward(rig: Rig) -> None:
    rig.app.ledger.commit(lambda tx: tx.enqueue("rescreen", "it_1", {}, due_at=tx.at + 3_600_000))
    rig.app.jobs.bring_forward()
    assert rig.claim("rescreen") == []


def test_a_worker_waits_for_a_database_that_is_down(tmp_path: Path, rig: Rig) -> None:
    from seawall.cli.serve import open_when_reachable

    class Patience(threading.Event):
        tries = 0

        def wait(self, timeout: float | None = None) -> bool:
            self.tries += 1
            return self.tries == 3

    gone = open_database(f"postgresql://nobody@127.0.0.1:{closed_port()}/none")

    def opening() -> App:
        with gone.read():
            pass
        return rig.app

    patience = Patience()
    assert open_when_reachable(opening, patience) is None
    assert patience.tries == 3
    assert open_when_reachable(lambda: rig.app, threading.Event()) is rig.app
    with pytest.raises(StorageError, match="does not exist"):
        open_when_reachable(lambda: _unusable(tmp_path), threading.Event())


def _unusable(folder: Path) -> App:
    open_database(f"sqlite:///{folder}/none/seawall.db")
    raise AssertionError("it was opened")


def test_a_worker_stops_at_once_when_nothing_is_to_do(rig: Rig) -> None:
    with Worker(rig.app) as worker:
        worker.stop()
    worker.stop()  # twice is fine
    _broken(rig)
    assert rig.app.jobs.counts() == {("rescreen", "pending"): 1}  # not claimed by a stopped worker


def test_a_worker_that_stops_keeps_the_leases_of_what_it_finishes(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the last job is being done no other worker may take it, however long that takes."""
    go_on, begun = threading.Event(), threading.Event()
    heartbeats = threading.Semaphore(0)
    heartbeat = Jobs.heartbeat

    def reported(jobs: Jobs, job: Job) -> None:
        heartbeat(jobs, job)
        heartbeats.release()

    def slow(context: ServiceContext, job: Job) -> None:
        begun.set()
        go_on.wait(60)
        context.ledger.commit(lambda tx: tx.finish(job))

    monkeypatch.setattr(Jobs, "heartbeat", reported)
    component = Component(name="slow", jobs=(JobSpec(kind="slow", handler=slow, pool="slow", lease_ms=300),))
    app = App(context=replace(rig.app.context, components=(component,)))
    app.ledger.commit(lambda tx: tx.enqueue("slow", "one", {}))
    worker = Worker(app, threads=1)
    with worker:
        assert begun.wait(30)
        stopping = threading.Thread(target=worker.stop)
        stopping.start()
        while heartbeats.acquire(blocking=False):  # those from before
            pass
        for _ in range(3):
            assert heartbeats.acquire(timeout=30)
        go_on.set()
        stopping.join()
    assert app.jobs.counts() == {}


def test_dead_jobs_are_listed_and_requeued(rig: Rig) -> None:
    _broken(rig)
    with rig.app.database.write() as connection:
        connection.execute(update(job_table).values(attempts=49))
    (job,) = rig.claim("rescreen")
    Worker(rig.app).do(job)
    (dead,) = rig.app.jobs.listed("dead")
    assert (dead.id, dead.state, dead.attempts) == (job.id, "dead", 50)
    assert "there is no item" in (dead.last_error or "")
    assert rig.app.jobs.listed("pending") == []
    rig.app.jobs.requeue(dead.id)
    assert [one.id for one in rig.app.jobs.listed("pending")] == [job.id]


def test_a_job_of_a_withdrawn_content_type_ends_at_once_and_runs_when_the_type_returns(rig: Rig) -> None:
    held = rig.screen("crash", kind="letter")
    asyncio.run(rig.app.screener.submit([make("fine", kind="letter", id="l-2")]))
    rig.hurry(held)
    everything = sources()
    others = tuple(one for one in everything.content_types if one.name != "letter")
    without = Sources(policies=_without_letters(everything.policies), content_types=others)
    rig.app.publish(without, by="tests")
    assert rig.work("rescreen", "screen") == 2
    dead = rig.app.jobs.listed("dead")
    assert sorted(one.kind for one in dead) == ["rescreen", "screen"]
    for one in dead:
        assert one.attempts == 1
        assert "content type 'letter' is no longer in force" in (one.last_error or "")
        assert "seawall jobs requeue" in (one.last_error or "")
    rig.app.publish(everything, by="tests")
    for one in dead:
        rig.app.jobs.requeue(one.id)
    assert rig.work("rescreen", "screen") == 2
    assert rig.app.jobs.listed("dead") == []
    assert len(rig.decisions(held.item)) == 2


def _without_letters(policies: Sequence[PolicySource]) -> tuple[PolicySource, ...]:
    return tuple(replace(one, text=one.text.replace("note, letter,", "note,")) for one in policies)


def test_jobs_that_no_component_handles_end_dead_and_say_so(rig: Rig) -> None:
    rig.app.ledger.commit(lambda tx: tx.enqueue("astrology", "new", {}))
    rig.app.ledger.commit(lambda tx: tx.enqueue("rescreen", "it_1", {}, due_at=tx.at - 700_000))
    rig.app.ledger.commit(lambda tx: tx.enqueue("horoscope", "old", {}, due_at=tx.at - 700_000))
    kinds = [spec.kind for component in rig.app.components for spec in component.jobs]
    assert rig.app.jobs.end_unhandled(kinds) == 1
    (dead,) = rig.app.jobs.listed("dead")
    assert (dead.kind, dead.attempts) == ("horoscope", 0)
    assert "Its kind: horoscope" in (dead.last_error or "")
    assert {one.kind for one in rig.app.jobs.listed("pending")} == {"astrology", "rescreen"}
    rig.app.jobs.requeue(dead.id)
    assert rig.app.jobs.end_unhandled(kinds) == 0  # due now: a worker that knows it has ten minutes to come


def test_a_worker_ends_what_it_cannot_handle(rig: Rig) -> None:
    rig.app.ledger.commit(lambda tx: tx.enqueue("horoscope", "old", {}, due_at=tx.at - 700_000))
    with Worker(rig.app):
        eventually(lambda: rig.app.jobs.listed("dead"))
    assert [one.kind for one in rig.app.jobs.listed("dead")] == ["horoscope"]
