"""A detector's own thread and queue: concurrent requests share batches, hangs stay contained."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from seawall.detect.asks import Ask
from seawall.detect.pending import Pending
from seawall.model.content import Part
from seawall.model.signals import DetectorResult, ExtractedParts, Unknown, UnknownReason

Work: TypeAlias = Callable[[Sequence[Part]], Sequence[DetectorResult | ExtractedParts]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a lane may hold and how long it is patient."""

    batch_size: int = 32  # parts in one call
    queue_limit: int = 2_048  # parts waiting; more are *unknown* with reason ``overloaded``
    queue_bytes: int = 256 * 1024 * 1024  # of media waiting; as many again that are late
    hang_s: float = 30.0  # a call that takes longer has hung: its thread is abandoned for a fresh one
    abandoned: int = 2  # hung threads at a time; beyond, the detector is overloaded until one returns


@dataclass(frozen=True, slots=True)
class Task:
    """Some parts of one ask, at most a batch of them."""

    pending: Pending
    ask: Ask
    first: int
    count: int
    bytes: int  # of the parts' media

    def settle_unknown(self, reason: UnknownReason, detail: str) -> None:
        parts = self.ask.parts[self.first : self.first + self.count]
        name = self.ask.detector
        self.pending.settle(
            self.ask,
            self.first,
            [Unknown(detector=name, part=part.path, reason=reason, detail=detail) for part in parts],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneState:
    """How a detector's lane stands."""

    detector: str
    queued: int  # parts waiting that someone waits for
    late: int  # parts waiting whose deadline has passed
    abandoned: int  # hung threads
    overloaded: bool


class Lane:
    """Queue, worker thread and hang containment of one detector. Thread-safe.

    Work that missed its deadline gives way: it is done when nothing fresh waits, and dropped, oldest first, when
    there is too much of it.
    """

    def __init__(self, name: str, work: Work, limits: Limits, clock: Callable[[], float]) -> None:
        self.name = name
        self._work = work
        self._limits = limits
        self._clock = clock
        self._changed = threading.Condition()
        self._fresh: deque[Task] = deque()
        self._late: deque[Task] = deque()
        self._fresh_parts = self._late_parts = 0
        self._fresh_bytes = self._late_bytes = 0
        self._worker: _Worker | None = None
        self._abandoned: set[_Worker] = set()
        self._started = 0
        self._closed = False

    def submit(self, pending: Pending, asked: Ask) -> None:
        """Queue an ask; what does not fit is settled as overloaded at once."""
        size = self._limits.batch_size
        for first in range(0, len(asked.parts), size):
            count = min(size, len(asked.parts) - first)
            media = sum(len(part.data) for part in asked.parts[first : first + count] if part.data is not None)
            task = Task(pending, asked, first, count, media)
            refusal = self._refuse_or_queue(task)
            if refusal:
                task.settle_unknown(UnknownReason.OVERLOADED, refusal)

    def heal(self) -> None:
        """Abandon a worker that hangs, and start a fresh one if allowed."""
        with self._changed:
            self._heal()

    def state(self) -> LaneState:
        """How the lane stands now."""
        with self._changed:
            return LaneState(
                detector=self.name,
                queued=self._fresh_parts,
                late=self._late_parts,
                abandoned=len(self._abandoned),
                overloaded=self._stuck() or self._fresh_parts >= self._limits.queue_limit,
            )

    def close(self, timeout_s: float) -> None:
        """Refuse new work, drop what is queued, and wait up to ``timeout_s`` for the running call."""
        with self._changed:
            self._closed = True
            self._drop_queue("closing")
            self._changed.notify_all()
            threads = [worker for worker in (self._worker, *self._abandoned) if worker is not None]
        until = self._clock() + timeout_s
        for thread in threads:
            thread.join(max(0.0, until - self._clock()))

    # ── called by the worker ──

    def take(self, worker: _Worker) -> list[Task] | None:
        """The next batch, waiting for one; None when the worker should end."""
        with self._changed:
            worker.rest()
            if worker in self._abandoned:  # it came back after all
                self._abandoned.discard(worker)
                self._heal()
                return None
            while not (self._fresh or self._late):
                if self._closed:
                    return None
                self._changed.wait()
            batch = self._next_batch()
            worker.begin(batch, self._clock())
            return batch

    def work(self, batch: list[Task]) -> None:
        """Ask the detector once for the whole batch and hand out the answers."""
        parts = [part for task in batch for part in task.ask.parts[task.first : task.first + task.count]]
        answers = self._work(parts)
        start = 0
        for task in batch:
            task.pending.settle(task.ask, task.first, answers[start : start + task.count])
            start += task.count

    # ── under the lock ──

    def _refuse_or_queue(self, task: Task) -> str | None:
        with self._changed:
            self._heal()
            if self._closed:
                return "closed"
            if self._stuck():
                return "hung"
            if self._fresh_parts + task.count > self._limits.queue_limit:
                return "queue full"
            if self._fresh and self._fresh_bytes + task.bytes > self._limits.queue_bytes:
                return "too much media waiting"
            self._fresh.append(task)
            self._fresh_parts += task.count
            self._fresh_bytes += task.bytes
            if self._worker is None or not self._worker.is_alive():
                self._start_worker()
            self._changed.notify()
            return None

    def _next_batch(self) -> list[Task]:
        now = self._clock()
        batch: list[Task] = []
        size = 0
        while self._fresh and size + self._fresh[0].count <= self._limits.batch_size:
            task = self._fresh.popleft()
            self._fresh_parts -= task.count
            self._fresh_bytes -= task.bytes
            if task.pending.deadline is not None and task.pending.deadline <= now:
                self._set_aside(task)
                continue
            batch.append(task)
            size += task.count
        if not self._fresh:
            while self._late and size + self._late[0].count <= self._limits.batch_size:
                task = self._late.popleft()
                self._late_parts -= task.count
                self._late_bytes -= task.bytes
                batch.append(task)
                size += task.count
        return batch

    def _set_aside(self, task: Task) -> None:
        self._late.append(task)
        self._late_parts += task.count
        self._late_bytes += task.bytes
        while self._late_parts > self._limits.queue_limit or self._late_bytes > self._limits.queue_bytes:
            oldest = self._late.popleft()
            self._late_parts -= oldest.count
            self._late_bytes -= oldest.bytes
            oldest.settle_unknown(UnknownReason.DEADLINE, "dropped: too much late work")

    def _heal(self) -> None:
        if self._closed or not self._hangs() or len(self._abandoned) >= self._limits.abandoned:
            if self._stuck():
                self._drop_queue("hung")
            return
        hung = self._worker
        if hung is not None:
            self._abandoned.add(hung)
            for task in hung.batch:
                task.settle_unknown(UnknownReason.DEADLINE, "hung")
        self._start_worker()

    def _hangs(self) -> bool:
        worker = self._worker
        since = worker.busy_since if worker is not None else None
        return since is not None and self._clock() - since > self._limits.hang_s

    def _stuck(self) -> bool:
        return len(self._abandoned) >= self._limits.abandoned and self._hangs()

    def _drop_queue(self, why: str) -> None:
        for task in (*self._fresh, *self._late):
            task.settle_unknown(UnknownReason.OVERLOADED, why)
        self._fresh.clear()
        self._late.clear()
        self._fresh_parts = self._late_parts = 0
        self._fresh_bytes = self._late_bytes = 0

    def _start_worker(self) -> None:
        self._started += 1
        self._worker = _Worker(self, f"seawall-{self.name}-{self._started}")
        self._worker.start()


class _Worker(threading.Thread):
    """Takes batches until told to end. A daemon: a detector that hangs must not keep the process from ending."""

    def __init__(self, lane: Lane, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._lane = lane
        self.batch: list[Task] = []
        self.busy_since: float | None = None

    def begin(self, batch: list[Task], now: float) -> None:
        self.batch, self.busy_since = batch, now

    def rest(self) -> None:
        self.batch, self.busy_since = [], None

    def run(self) -> None:
        while (batch := self._lane.take(self)) is not None:
            self._lane.work(batch)
