"""Claims jobs and does them. At least once: every handler finishes its job in the transaction of its effect."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Self

import structlog

from seawall import enforce
from seawall.app import App
from seawall.model import DecisionSource, Item, ItemRef, now_ms
from seawall.publish import EXCHANGE_JOB, FEEDBACK_JOB, RETRO_JOB, RETRO_RESCREEN_JOB
from seawall.screen import load_decision, load_item
from seawall.storage import Erased, Job, LeaseLost
from seawall.worker.banks import BankWork

_log = structlog.get_logger(__name__)

_LEASE_MS = 60_000
_BEAT_S = 20
_IDLE_S = 0.25
_MAX_BACK_OFF_MS = 300_000
_MAX_ATTEMPTS = 50  # attempts of a job whose handler itself fails: about four hours

Handler = Callable[[Job], None]


def _delivery_client(app: App) -> enforce.DeliveryClient:
    def title(name: str) -> str | None:
        policy = app.bundle.policy(name)
        return policy.title if policy is not None else None

    return enforce.DeliveryClient(
        database=app.database,
        ledger=app.ledger,
        vault=app.vault,
        load_decision=lambda decision: load_decision(app.database, decision),
        policy_title=title,
        allow_private=app.settings.allow_private_endpoints,
    )


def _screen(app: App, job: Job) -> None:
    item = _load(app, job)
    if item is not None:
        app.screener.screen_submitted(item[0], item[1], job=job)


def _rescreen(app: App, job: Job) -> None:
    item = _load(app, job)
    if item is not None:
        app.screener.rescreen(item[0], item[1], job.payload["decision"], job=job)


def _retro_rescreen(app: App, job: Job) -> None:
    """A bank entry was found in a past item: look again, with the banks as they are now."""
    app.banks.refresh()
    item = _load(app, job)
    if item is not None:
        app.screener.rescreen(item[0], item[1], job.payload["decision"], job=job, source=DecisionSource.RETRO_MATCH)


def _load(app: App, job: Job) -> tuple[Item, ItemRef] | None:
    """The item as submitted; None (and the job done) when it was erased."""
    ref, revision = job.payload["item"], job.payload["revision"]
    try:
        item = load_item(app.database, app.vault, app.blobs, ref, revision)
    except Erased:
        app.ledger.commit(lambda tx: tx.finish(job))
        return None
    return item, ItemRef(item.content_type, ref, revision)


def _handlers(app: App, bank_work: BankWork) -> Mapping[str, Handler]:
    client = _delivery_client(app)  # one for the worker's life: it remembers which receivers do not answer
    return {
        enforce.JOB_KIND: partial(enforce.deliver, client),
        "screen": partial(_screen, app),
        "rescreen": partial(_rescreen, app),
        RETRO_RESCREEN_JOB: partial(_retro_rescreen, app),
        **bank_work.handlers(),
    }


class Worker:
    """Claims jobs and does them, ``threads`` at once of each sort. Use as a context manager."""

    def __init__(self, app: App, *, threads: int = 4) -> None:
        self._app = app
        bank_work = BankWork.of(app)
        self._handlers = _handlers(app, bank_work)
        self._threads = threads
        self._stop = threading.Event()
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        # Receivers slow to answer must not keep pending rescreens from being paid, nor searches of the past: a pool for each.
        self._loops = [
            threading.Thread(target=self._loop, args=(kinds,), name=f"seawall-worker-{kinds[0]}", daemon=True)
            for kinds in (
                (enforce.JOB_KIND,),
                ("screen", "rescreen", RETRO_RESCREEN_JOB),
                (RETRO_JOB,),
                (EXCHANGE_JOB, FEEDBACK_JOB),
            )
        ]
        self._running: dict[str, Job] = {}
        self._loops.append(threading.Thread(target=self._beat, name="seawall-worker-beat", daemon=True))
        self._loops.append(
            threading.Thread(target=bank_work.watch, args=(self._stop,), name="seawall-worker-watch", daemon=True)
        )

    def __enter__(self) -> Self:
        for loop in self._loops:
            loop.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Claim no more; wait for what is being done."""
        self._stop.set()
        for loop in self._loops:
            loop.join()

    def _loop(self, kinds: tuple[str, ...]) -> None:
        slots = threading.Semaphore(self._threads)
        with ThreadPoolExecutor(self._threads, thread_name_prefix=f"seawall-{kinds[0]}") as pool:
            while not self._stop.is_set():
                slots.acquire()
                free = 1
                while free < self._threads and slots.acquire(blocking=False):
                    free += 1
                jobs = self._claim(kinds, free)
                for job in jobs:
                    pool.submit(self.do, job).add_done_callback(lambda _done: slots.release())
                if free > len(jobs):
                    slots.release(free - len(jobs))
                if not jobs:
                    self._stop.wait(_IDLE_S)

    def _claim(self, kinds: tuple[str, ...], limit: int) -> list[Job]:
        try:
            return self._app.jobs.claim(kinds, self._name, limit=limit, lease_ms=_LEASE_MS)
        except Exception:
            _log.exception("no jobs could be claimed; trying again")
            self._stop.wait(1)
            return []

    def do(self, job: Job) -> None:
        """Do one claimed job; a failure puts it back with a longer and longer delay."""
        self._running[job.id] = job
        try:
            self._handlers[job.kind](job)
        except Exception as error:
            _log.exception("job failed", kind=job.kind, job=job.id, attempts=job.attempts)
            self._put_back(job, f"{type(error).__name__}: {error}"[:500])
        finally:
            self._running.pop(job.id, None)

    def _beat(self) -> None:
        """Keep the leases of what takes long: reading a video takes minutes."""
        while not self._stop.wait(_BEAT_S):
            for job in list(self._running.values()):
                try:
                    self._app.jobs.heartbeat(job)
                except LeaseLost:
                    continue  # done meanwhile, or somebody else's now: then its transaction will not commit
                except Exception:
                    _log.exception("a lease was not extended", kind=job.kind, job=job.id)

    def _put_back(self, job: Job, why: str) -> None:
        try:
            if job.attempts >= _MAX_ATTEMPTS:
                self._app.jobs.mark_dead(job, why)
            else:
                delay = min(1000 * 2 ** min(job.attempts, 16), _MAX_BACK_OFF_MS)
                self._app.jobs.retry(job, now_ms() + delay, why)
        except Exception:
            # Its lease runs out and somebody claims it again.
            _log.exception("job not put back", kind=job.kind, job=job.id)
