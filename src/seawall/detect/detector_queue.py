"""A detector's own threads and queue: concurrent requests share batches, and a hang affects this detector alone."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final

from seawall.model.content import Part
from seawall.model.signals import Thresholds, Unknown, UnknownReason

_MOST_ACCOUNTS: Final = 10_000  # whose turns are remembered


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLimits:
    """Limits of a queue, and the time after which a call counts as hung."""

    batch_size: int = 32  # parts per call
    workers: int = 1  # calls at a time
    per_account: float = 1 / 3  # of the calls at a time, but at least one
    queue_limit: int = 2_048  # parts waiting; more are *unknown* with reason ``overloaded``
    queue_bytes: int = 256 * 1024 * 1024  # of media waiting
    hang_s: float = 30.0  # a longer call has hung: its thread is abandoned and replaced
    abandoned: int = 2  # hung threads at a time; above, the detector is overloaded until one returns


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueState:
    """Fill level of a detector's queue."""

    detector: str
    queued: int  # parts waiting, including those past their deadline
    hung: int  # abandoned threads
    overloaded: bool


@dataclass(slots=True, eq=False)
class _Task:
    """At most a batch of parts. Only the thread that takes it from the queue, or from its worker, settles it."""

    parts: Sequence[Part]
    bytes: int  # of the parts' media
    deadline: float | None
    account: str  # empty: nobody's
    thresholds: Thresholds | None  # what the caller tells apart
    reply: Future[list[Any]] = field(default_factory=Future)

    def is_late(self, now: float) -> bool:
        return self.deadline is not None and self.deadline <= now


@dataclass(slots=True, eq=False)
class _Worker:
    """A thread, and its current batch."""

    batch: list[_Task] = field(default_factory=list)
    busy_since: float | None = None
    thread: threading.Thread | None = None

    @property
    def is_idle(self) -> bool:
        return self.busy_since is None


class DetectorQueue:
    """Queue and worker threads of one detector or extractor; replaces a worker that hangs. Thread-safe.

    Accounts take turns, and when several calls run at a time, an account has a share of them (``per_account``): who
    sends many or slow files waits for them, and nobody else does. Tasks past their deadline have low priority: they run
    when nothing else waits, and are dropped, oldest first, when the queue is full. Nothing is settled while the lock is
    held.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[Sequence[Part], Thresholds | None], list[Any]],
        limits: QueueLimits,
        clock: Callable[[], float],
    ) -> None:
        """``work``: one answer for each part."""
        self.name = name
        self.batch_size = limits.batch_size
        self._work = work
        self._limits = limits
        self._most_of_account = max(1, int(limits.workers * limits.per_account)) if limits.workers > 1 else None
        self._clock = clock
        self._changed = threading.Condition()
        self._tasks: list[_Task] = []  # oldest first
        self._parts = self._bytes = 0  # of the tasks
        self._served: dict[str, int] = {}  # by account, the number of its last task that was taken
        self._taken = 0
        self._workers: list[_Worker] = []
        self._hung: set[_Worker] = set()
        self._started = 0
        self._closed = False

    def call(
        self,
        parts: Sequence[Part],
        deadline: float | None,
        account: str = "",
        thresholds: Thresholds | None = None,
    ) -> Future[list[Any]]:
        """Queue at most ``batch_size`` parts. The future always gets one answer for each; it cannot be cancelled."""
        size = sum(len(part.data) for part in parts if part.data is not None)
        task = _Task(parts, size, deadline, account, thresholds)
        task.reply.set_running_or_notify_cancel()
        with self._changed:
            given_up, why = self._replace_hung()
            dropped, refusal = self._free_space(task)
            if not refusal:
                self._tasks.append(task)
                self._parts += len(task.parts)
                self._bytes += task.bytes
                idle = sum(worker.is_idle for worker in self._workers)
                if idle < len(self._tasks) and len(self._workers) < self._limits.workers:
                    self._start_worker()
                self._changed.notify()
        self._settle(given_up, why, "hung")
        self._settle(dropped, UnknownReason.DEADLINE, "dropped: too much late work")
        if refusal:
            self._settle((task,), UnknownReason.OVERLOADED, refusal)
        return task.reply

    def replace_hung_worker(self) -> None:
        """Abandon a hung worker, and start a new one if allowed. Cheap."""
        with self._changed:
            given_up, why = self._replace_hung()
        self._settle(given_up, why, "hung")

    def state(self) -> QueueState:
        """Current fill level."""
        with self._changed:
            overloaded = self._is_stuck() or self._parts >= self._limits.queue_limit
            return QueueState(detector=self.name, queued=self._parts, hung=len(self._hung), overloaded=overloaded)

    def close(self, timeout_s: float) -> None:
        """Refuse new work, drop what is queued, and wait up to ``timeout_s`` for the running call."""
        with self._changed:
            self._closed = True
            tasks = self._take(self._tasks)
            self._changed.notify_all()
            workers = [*self._workers, *self._hung]
        self._settle(tasks, UnknownReason.OVERLOADED, "closing")
        until = self._clock() + timeout_s
        for worker in workers:
            if worker.thread is not None:
                worker.thread.join(max(0.0, until - self._clock()))

    def _settle(self, tasks: Iterable[_Task], reason: UnknownReason, detail: str) -> None:
        for task in tasks:
            task.reply.set_result(
                [Unknown(detector=self.name, part=part.path, reason=reason, detail=detail) for part in task.parts]
            )

    # ── the worker's thread ──

    def _run(self, worker: _Worker) -> None:
        while batch := self._next(worker):
            parts = [part for task in batch for part in task.parts]
            answers: list[Any] | str
            try:
                answers = self._work(parts, batch[0].thresholds)
            except BaseException as error:  # no exception may end the thread
                answers = type(error).__name__
            with self._changed:
                batch, worker.batch = worker.batch, []  # empty if the worker was replaced: its tasks are settled
                worker.busy_since = None
            for task in batch:
                if isinstance(answers, str):
                    self._settle((task,), UnknownReason.ERROR, answers)
                else:
                    count = len(task.parts)
                    task.reply.set_result(answers[:count])
                    answers = answers[count:]

    def _next(self, worker: _Worker) -> list[_Task]:
        """Wait for the next batch; empty when the worker should end."""
        with self._changed:
            if worker in self._hung:  # it returned after all
                self._hung.discard(worker)
                return []
            while not (tasks := self._in_turn()):
                if self._closed:
                    return []
                self._changed.wait()
            size = 0
            for task in tasks:
                if worker.batch and task.thresholds != worker.batch[0].thresholds:
                    continue
                size += len(task.parts)
                if size > self.batch_size and worker.batch:
                    break
                worker.batch.append(task)
            self._take(worker.batch)
            self._remember_turns(worker.batch)
            worker.busy_since = self._clock()
            return worker.batch

    # ── with the lock held ──

    def _in_turn(self) -> list[_Task]:
        """What may run now, in order: late tasks last; otherwise accounts by turns.

        First who has the least running, then who was served longest ago; tasks of nobody are not made to wait.
        """
        if self._parts <= self.batch_size and self._most_of_account is None:
            return self._tasks
        now, most = self._clock(), self._most_of_account
        running = Counter(task.account for worker in self._workers for task in worker.batch)
        running[""] = 0
        ahead = running.copy()
        turns: list[tuple[bool, int, int, int]] = []
        for number, task in enumerate(self._tasks):
            if not task.account or most is None or running[task.account] < most:
                turns.append((task.is_late(now), ahead[task.account], self._served.get(task.account, -1), number))
            if task.account:
                ahead[task.account] += 1
        return [self._tasks[number] for *_, number in sorted(turns)]

    def _remember_turns(self, tasks: Sequence[_Task]) -> None:
        if len(self._served) > _MOST_ACCOUNTS:
            self._served.clear()
        for task in tasks:
            self._taken += 1
            if task.account:
                self._served[task.account] = self._taken

    def _free_space(self, task: _Task) -> tuple[list[_Task], str]:
        """Late tasks to drop, oldest first, so that another fits; otherwise why it does not fit."""
        if self._closed or self._is_stuck():
            return [], "closed" if self._closed else "hung"
        dropped: list[_Task] = []
        lacks = self._lacks(task)
        now = self._clock()
        late = [each for each in self._tasks if each.is_late(now)] if lacks else []
        while lacks and late:
            dropped += self._take([late.pop(0)])
            lacks = self._lacks(task)
        return dropped, lacks

    def _lacks(self, task: _Task) -> str:
        if self._parts + len(task.parts) > self._limits.queue_limit:
            return "queue full"
        return "too much media waiting" if self._tasks and self._bytes + task.bytes > self._limits.queue_bytes else ""

    def _take(self, tasks: list[_Task]) -> list[_Task]:
        """Remove tasks from the queue."""
        taken = set(tasks)
        self._tasks = [task for task in self._tasks if task not in taken]
        self._parts -= sum(len(task.parts) for task in tasks)
        self._bytes -= sum(task.bytes for task in tasks)
        return tasks

    def _replace_hung(self) -> tuple[list[_Task], UnknownReason]:
        """Replace hung workers. Returns tasks without a worker, to be settled without the lock."""
        hanging = [] if self._closed else [worker for worker in self._workers if self._hangs(worker)]
        if hanging and self._is_stuck():
            return self._take(self._tasks), UnknownReason.OVERLOADED
        tasks: list[_Task] = []
        for worker in hanging[: self._limits.abandoned - len(self._hung)]:
            tasks += worker.batch
            worker.batch = []
            self._workers.remove(worker)
            self._hung.add(worker)
            self._start_worker()
        return tasks, UnknownReason.DEADLINE

    def _hangs(self, worker: _Worker) -> bool:
        since = worker.busy_since
        return since is not None and self._clock() - since > self._limits.hang_s

    def _is_stuck(self) -> bool:
        return len(self._hung) >= self._limits.abandoned and all(self._hangs(worker) for worker in self._workers)

    def _start_worker(self) -> None:
        self._started += 1
        worker = _Worker()
        self._workers.append(worker)
        name = f"seawall-{self.name}-{self._started}"
        # A daemon thread, so that a hung detector cannot keep the process alive.
        worker.thread = threading.Thread(target=self._run, args=(worker,), name=name, daemon=True)
        worker.thread.start()
