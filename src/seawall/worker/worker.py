"""Runs the background work that components declare: jobs, followers of the ledger, schedules."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self

import structlog

from seawall.app import App
from seawall.model import now_ms
from seawall.storage import Job, LeaseLost, NotRunnable
from seawall.storage.component import Follower, JobSpec
from seawall.storage.failure_log import FailureLog
from seawall.storage.following import follow

_log = structlog.get_logger(__name__)

FOLLOW_S = 1.0
"""Seconds between reads of the ledger, and the shortest interval of a schedule."""
_IDLE_S = 0.25
_CLOCK_S = 5.0  # between looks for jobs that were enqueued in the future
_UNHANDLED_S = 60.0  # between looks for jobs that no component handles
_HEARTBEATS_IN_A_LEASE = 3
_MAX_BACK_OFF_MS = 300_000
_GIVING_WAY = 2  # jobs at once in a pool, in a process that also answers requests
_RESTS = 3  # times as long as its job took
_LONGEST_REST_S = 0.1


@dataclass(slots=True)
class _Recurring:
    """A repeated task, delayed exponentially after failures."""

    name: str
    run: Callable[[], None]
    every_s: float
    due: float = 0.0
    failures: int = 0

    def run_if_due(self) -> None:
        if time.monotonic() < self.due:
            return
        try:
            self.run()
        except Exception:
            self.failures += 1
            wait_s = min(self.every_s * 2 ** min(self.failures, 8), _MAX_BACK_OFF_MS / 1000)
            _log.exception("background work failed; retrying", name=self.name, wait_s=wait_s)
        else:
            self.failures, wait_s = 0, self.every_s
        self.due = time.monotonic() + wait_s


class Worker:
    """Claims and runs jobs, ``threads`` at once in each pool. At least once: every handler finishes its job in
    the transaction of its effect. Use as a context manager.

    ``beside_requests``: this process also answers requests. Jobs that give way are then two at a time, and each thread
    rests after one for three times its time, up to 100 ms: otherwise requests wait for the interpreter's lock.
    """

    def __init__(self, app: App, *, threads: int = 4, beside_requests: bool = False) -> None:
        self._context = app.context
        self._specs = {spec.kind: spec for component in app.components for spec in component.jobs}
        self._followers = [follower for component in app.components for follower in component.followers]
        self._schedules = [schedule for component in app.components for schedule in component.schedules]
        self._threads = threads
        self._beside_requests = beside_requests
        self._stop = threading.Event()  # claim no more
        self._done = threading.Event()  # all claimed jobs are done: no more heartbeats
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._running: dict[str, Job] = {}
        pools: defaultdict[str, list[JobSpec]] = defaultdict(list)
        for spec in self._specs.values():
            pools[spec.pool].append(spec)
        # One thread pool per job group, so slow webhooks cannot delay screening or retro-match.
        self._loops = [_thread(name, self._work, name, specs) for name, specs in pools.items()]
        self._loops.append(_thread("followers", self._repeat, self._followings()))
        self._loops.append(_thread("schedules", self._repeat, self._recurring()))
        self._beat = _thread("heartbeat", self._keep_leases)

    def __enter__(self) -> Self:
        for schedule in self._schedules:
            if schedule.every_s is None:
                schedule.task(self._context)
        for loop in (*self._loops, self._beat):
            loop.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop claiming jobs; wait for the running ones, and keep their leases until then."""
        self._stop.set()
        for loop in self._loops:
            loop.join()
        self._done.set()
        self._beat.join()

    # -- jobs -------------------------------------------------------------------------------------------------------

    def _work(self, pool_name: str, specs: Sequence[JobSpec]) -> None:
        gives_way = self._beside_requests and all(spec.gives_way for spec in specs)
        threads, do = (min(self._threads, _GIVING_WAY), self._do_and_rest) if gives_way else (self._threads, self.do)
        slots, failures = threading.Semaphore(threads), FailureLog("jobs could not be claimed; retrying")
        with ThreadPoolExecutor(threads, thread_name_prefix=f"seawall-{pool_name}") as pool:
            while not self._stop.is_set():
                slots.acquire()
                free = 1
                while free < threads and slots.acquire(blocking=False):
                    free += 1
                jobs = [] if self._stop.is_set() else self._claim(specs, free, failures)
                for job in jobs:
                    self._running[job.id] = job  # its lease is extended from now on, also while it waits for a thread
                    pool.submit(do, job).add_done_callback(lambda _done: slots.release())
                if free > len(jobs):
                    slots.release(free - len(jobs))
                if not jobs:
                    self._stop.wait(_IDLE_S)

    def _claim(self, specs: Sequence[JobSpec], limit: int, failures: FailureLog) -> list[Job]:
        """Claim jobs of one pool, with the longest lease of their kinds."""
        kinds, lease_ms = [spec.kind for spec in specs], max(spec.lease_ms for spec in specs)
        try:
            claimed = self._context.jobs.claim(kinds, self._name, limit=limit, lease_ms=lease_ms)
        except Exception as error:
            failures.failed(error)
            self._stop.wait(1)
            return []
        failures.worked()
        return claimed

    def _do_and_rest(self, job: Job) -> None:
        began = time.monotonic()
        self.do(job)
        self._stop.wait(min(_RESTS * (time.monotonic() - began), _LONGEST_REST_S))

    def do(self, job: Job) -> None:
        """Run one claimed job; a failed one returns to the queue with growing delays."""
        self._running[job.id] = job
        try:
            self._specs[job.kind].handler(self._context, job)
        except NotRunnable as error:
            _log.warning("job cannot run; it is dead until requeued", kind=job.kind, job=job.id, why=str(error))
            self._end(job, str(error))
        except Exception as error:
            _log.exception("job failed", kind=job.kind, job=job.id, attempts=job.attempts)
            self._put_back(job, f"{type(error).__name__}: {error}"[:500])
        finally:
            self._running.pop(job.id, None)

    def _end(self, job: Job, why: str) -> None:
        try:
            self._context.jobs.mark_dead(job, why)
        except Exception:
            _log.exception("job not marked dead", kind=job.kind, job=job.id)  # its lease expires: it is tried again

    def _put_back(self, job: Job, why: str) -> None:
        try:
            if job.attempts >= self._specs[job.kind].max_attempts:
                self._context.jobs.mark_dead(job, why)
            else:
                delay = min(1000 * 2 ** min(job.attempts, 16), _MAX_BACK_OFF_MS)
                self._context.jobs.retry(job, now_ms() + delay, why)
        except Exception:
            # Its lease expires and a worker claims it again.
            _log.exception("job not returned to the queue", kind=job.kind, job=job.id)

    def _keep_leases(self) -> None:
        """Extend the leases of long jobs, also while the worker stops: reading a video takes minutes."""
        shortest_ms = min((spec.lease_ms for spec in self._specs.values()), default=60_000)
        while not self._done.wait(shortest_ms / 1000 / _HEARTBEATS_IN_A_LEASE):
            for job in list(self._running.values()):
                try:
                    self._context.jobs.heartbeat(job)
                except LeaseLost:
                    continue  # finished, or claimed by another worker: then its transaction will not commit
                except Exception:
                    _log.exception("a lease was not extended", kind=job.kind, job=job.id)

    # -- followers and schedules ------------------------------------------------------------------------------------

    def _followings(self) -> list[_Recurring]:
        return [_Recurring(one.name, partial(self._catch_up, one), FOLLOW_S) for one in self._followers]

    def _catch_up(self, follower: Follower) -> None:
        while not self._stop.is_set() and follow(self._context, follower, self._name):
            pass

    def _recurring(self) -> list[_Recurring]:
        declared = [
            _Recurring(one.name, partial(one.task, self._context), one.every_s)
            for one in self._schedules
            if one.every_s is not None
        ]
        return [
            *declared,
            _Recurring("jobs of a wrong clock", self._context.jobs.bring_forward, _CLOCK_S),
            _Recurring("jobs without a handler", self._end_unhandled, _UNHANDLED_S),
        ]

    def _end_unhandled(self) -> None:
        if ended := self._context.jobs.end_unhandled(list(self._specs)):
            _log.warning("jobs that no component handles are dead until requeued", jobs=ended)

    def _repeat(self, recurring: Sequence[_Recurring]) -> None:
        while not self._stop.wait(FOLLOW_S):
            for one in recurring:
                if not self._stop.is_set():
                    one.run_if_due()


def _thread(name: str, target: Callable[..., None], *arguments: object) -> threading.Thread:
    return threading.Thread(target=target, args=arguments, name=f"seawall-worker-{name}", daemon=True)
