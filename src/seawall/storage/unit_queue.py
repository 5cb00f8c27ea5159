"""The writer's queues: a bounded one of interactive units, and one of bulk units with lower priority."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from seawall.storage.errors import CommitDelayed, Overloaded, StorageError
from seawall.storage.transaction import Prefetch, Transaction

Unit = Callable[[Transaction], Any]
OnLate = Callable[[Any, BaseException | None], None]
"""(result, error) of a unit whose waiter had no more time. Called in the thread of the waiter's event loop."""

LONGEST_WAIT_S = 10.0
"""Seconds that a caller without a deadline waits for its commit."""
_LONGEST_BULK_WAIT_S: Final = 5.0  # then one bulk unit goes first: a lasting load must not stop imports


class Pending:
    """A queued unit; receives the result, for a waiting thread or for a future of an event loop."""

    __slots__ = ("_arrived", "error", "future", "loop", "on_late", "prefetch", "queued_at", "result", "seconds", "unit")

    def __init__(self, unit: Unit, prefetch: Prefetch | None, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self.unit = unit
        self.prefetch = prefetch
        self.loop = loop
        self.future = None if loop is None else loop.create_future()
        self.on_late: OnLate | None = None  # gets the outcome, if the waiter's time is over by then
        self.result: Any = None
        self.error: BaseException | None = None
        self.queued_at = 0.0
        self.seconds = 0.0  # duration of its transaction, without waiting for the lock
        if loop is None:
            self._arrived = threading.Lock()  # a bare lock is the cheapest event
            self._arrived.acquire()

    def wait(self) -> Any:
        """Block until the unit is committed or has failed: return its result or raise its error."""
        self._arrived.acquire()
        if self.error is not None:
            raise self.error
        return self.result

    def settle(self) -> None:
        """Called in the writer's thread: wake the waiting thread."""
        self._arrived.release()

    def resolve(self) -> None:
        """Called in the loop's thread: resolve the future, unless its waiter was cancelled."""
        future = self.future
        if future is None:
            return
        if future.done():
            if self.on_late is not None and not future.cancelled():
                self.on_late(self.result, self.error)
            return
        if self.error is not None:
            future.set_exception(self.error)
        else:
            future.set_result(self.result)

    def expire(self, place: str, seconds: float) -> None:
        """Called in the loop's thread: the waiter gets CommitDelayed; the unit stays in the queue."""
        if self.future is not None and not self.future.done():
            self.future.set_exception(CommitDelayed(place, seconds))


class CommitWaits:
    """The waits of one event loop that have no deadline of their own: they end after ``LONGEST_WAIT_S``.

    One timer looks after all of them, because a timer for each request would cost more than the request's rules.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, place: str) -> None:
        self.loop = loop
        self._place = place
        self._waits: list[tuple[float, Pending]] = []
        self._armed = False

    def add(self, pending: Pending) -> None:
        """Look after a unit that was just queued."""
        self._waits.append((self.loop.time(), pending))
        if not self._armed:
            self._armed = True
            self.loop.call_later(LONGEST_WAIT_S / 10, self._look)

    def _look(self) -> None:
        until = self.loop.time() - LONGEST_WAIT_S
        for began, pending in self._waits:
            if began > until:
                break
            pending.expire(self._place, LONGEST_WAIT_S)
        self._waits = [one for one in self._waits if one[1].future is not None and not one[1].future.done()]
        self._armed = bool(self._waits)
        if self._armed:
            self.loop.call_later(LONGEST_WAIT_S / 10, self._look)


class UnitQueue:
    """Queues of units for the writer. Many threads put, one takes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._interactive: deque[Pending] = deque()
        self._bulk: deque[Pending] = deque()
        self._lock = threading.Lock()
        self._asleep = False  # the writer waits for a unit
        self._wake = threading.Lock()  # released to wake the writer: cheaper than a condition
        self._wake.acquire()
        self._closed = False

    def put(self, pending: Pending, *, bulk: bool) -> None:
        """Raises Overloaded when the interactive queue is full, StorageError after ``close``."""
        with self._lock:
            if self._closed:
                raise StorageError("The ledger is closed: this process is shutting down. Send the request again.")
            if bulk:
                pending.queued_at = time.monotonic()
                self._bulk.append(pending)
            elif len(self._interactive) < self._limit:
                self._interactive.append(pending)
            else:
                raise Overloaded(
                    f"{self._limit} requests are already waiting for the database; this one was refused. Retry it in a "
                    "second. If this persists, the database's disk is too slow for the traffic: use a faster one, "
                    "or send fewer requests."
                )
            asleep, self._asleep = self._asleep, False
        if asleep:
            self._wake.release()

    def take(self, most: int, seconds: float | None = None) -> list[Pending] | None:
        """Wait for the next batch: up to ``most`` interactive units, or one bulk unit.

        Empty: none came within ``seconds``. None: the queue is closed and no unit is left.
        """
        while True:
            with self._lock:
                if self._interactive or self._bulk:
                    return self._next(most)
                if self._closed:
                    return None
                self._asleep = True
            if self._wake.acquire(timeout=-1 if seconds is None else seconds):
                continue
            with self._lock:
                late, self._asleep = self._asleep, False
            if late:
                return []
            self._wake.acquire()  # a unit came at the last moment: the lock is released already

    def _next(self, most: int) -> list[Pending]:
        waiting, bulk = self._interactive, self._bulk
        if bulk and (not waiting or time.monotonic() - bulk[0].queued_at > _LONGEST_BULK_WAIT_S):
            return [bulk.popleft()]
        if len(waiting) > most:
            return [waiting.popleft() for _ in range(most)]
        taken = list(waiting)
        waiting.clear()
        return taken

    def close(self) -> None:
        """Accept no more units; queued ones can still be taken."""
        with self._lock:
            self._closed = True
            asleep, self._asleep = self._asleep, False
        if asleep:
            self._wake.release()

    def waiting(self) -> tuple[int, int]:
        """Numbers of waiting interactive and bulk units."""
        return len(self._interactive), len(self._bulk)
