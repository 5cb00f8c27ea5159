"""Answers to one request as they arrive; a caller waits for them until its deadline."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import structlog

from seawall.detect.detector_queue import DetectorQueue
from seawall.detect.extraction import Extraction
from seawall.detect.extraction_cache import CachedExtraction
from seawall.detect.findings import MISSED_DEADLINE, DetectorCall, ExtractorCall, Findings, findings
from seawall.model.content import Part
from seawall.model.signals import DetectorResult, ExtractedParts, Signal, Thresholds, Unknown, UnknownReason

_log = structlog.get_logger(__name__)
_MOST_LATE: Final = 256  # queued callbacks
_MOST_LATE_BYTES: Final = 256 * 1024 * 1024  # of media held by them

_ALREADY: Final[Future[None]] = Future()
_ALREADY.set_result(None)


class DetectorRun:
    """Answers to one request. Made by ``Runner.start``.

    ``deadline`` is on ``clock``, in seconds; None waits for every answer. ``complete`` is done when every answer is in,
    late ones included. The scheduler changes the calls (``calls`` to ``made``) while it holds ``lock``, so that at
    every moment each part that a detector reads is answered, skipped, or counts as missing. Foreign code is never
    called with the lock held.
    """

    def __init__(
        self,
        deadline: float | None,
        clock: Callable[[], float],
        late_results: LateResults,
        on_overdue: Callable[[], None] = lambda: None,
        extraction: Extraction | None = None,
        *,
        account: str = "",
        thresholds: Thresholds | None = None,
        found: Findings | None = None,
    ) -> None:
        """``on_overdue`` is called when the deadline was missed. ``found``: everything is answered already."""
        self.deadline = deadline
        self.account = account
        self.thresholds = thresholds
        self._clock = clock
        self._late_results = late_results
        self._on_overdue = on_overdue
        self._extraction = extraction
        self.lock = threading.Lock()
        self.calls: list[DetectorCall] = []
        self.extractor_calls: list[ExtractorCall] = []
        self.parts: list[Part] = []
        self.notes: list[Signal | Unknown] = []  # known without a detector
        self.made: list[CachedExtraction] = []
        self._missing = MISSED_DEADLINE
        self._open = 1  # awaited replies and coroutines, and ``Runner.start``
        self.complete: Future[None] = Future() if found is None else _ALREADY
        self._findings = found
        self._came_late = False
        self._on_late: Callable[[Findings], None] | None = None

    # ── for the caller ──

    def wait(self) -> Findings:
        """Block until every answer is in or the deadline has passed; missing answers are then *unknown*."""
        if self._findings is None and not self.complete.done():
            with contextlib.suppress(TimeoutError):
                self.complete.result(self._remaining())
        return self._freeze()

    async def wait_async(self) -> Findings:
        """Like ``wait``, without blocking the event loop."""
        if self._findings is None and not self.complete.done():
            await asyncio.wait((asyncio.wrap_future(self.complete),), timeout=self._remaining())
        return self._freeze()

    def so_far(self) -> Findings:
        """What is known at this moment; missing answers are *unknown*. The run goes on."""
        with self.lock:
            return self._findings or self._so_far()

    def on_late(self, callback: Callable[[Findings], None]) -> None:
        """Call ``callback`` once with the complete findings, when the answers that missed the deadline are in.

        It runs on the runner's thread for late results. It is not called when nothing was late, when no late answer
        ever came, or when too many other callbacks wait, so it must not be the only way to a complete result.
        """
        with self.lock:
            self._on_late = callback
        self._tell_late()

    # ── for the scheduler ──

    def send(self, call: DetectorCall, queue: DetectorQueue) -> None:
        """Queue a call, in batches."""
        parts = call.unanswered
        for first in range(0, len(parts), queue.batch_size):
            batch = parts[first : first + queue.batch_size]
            reply = queue.call(batch, self.deadline, self.account, self.thresholds)
            call.replies.append(reply)
            with self.lock:
                self._open += 1
            reply.add_done_callback(partial(self._replied, call, first))

    def settle(self, call: DetectorCall, first: int, answers: Sequence[DetectorResult]) -> None:
        """Answers for ``call.parts[first:]``."""
        with self.lock:
            call.answers[first : first + len(answers)] = answers
            self.note_late(answers)

    def note_late(self, answers: Sequence[DetectorResult | ExtractedParts]) -> None:
        """Record, with the lock held, whether an answer missed the deadline."""
        if self._findings is not None and not all(isinstance(answer, Unknown) for answer in answers):
            self._came_late = True

    def follow(self, work: Future[None]) -> None:
        """Stay incomplete until this is done, because it may make further calls."""
        with self.lock:
            self._open += 1
        work.add_done_callback(self._followed)

    def started(self) -> None:
        """All immediate calls were made."""
        self._release()

    # ── internal ──

    def _replied(self, call: DetectorCall, first: int, reply: Future[list[Any]]) -> None:
        self.settle(call, first, reply.result())
        self._release()

    def _followed(self, future: Future[None]) -> None:
        error = None
        if future.cancelled():
            self._missing = (UnknownReason.OVERLOADED, "closing")
        elif (error := future.exception()) is not None:
            self._missing = (UnknownReason.ERROR, "evaluation failed")
        self._release()  # before anything that may fail: a caller may wait without a deadline
        if error is not None:
            _log.error("evaluation failed", exc_info=error)

    def _release(self) -> None:
        with self.lock:
            self._open -= 1
            if self._open:
                return
        self._tell_late()  # first, because once it is complete the runner may be closed
        self.complete.set_result(None)

    def _remaining(self) -> float | None:
        return None if self.deadline is None else max(0.0, self.deadline - self._clock())

    def _freeze(self) -> Findings:
        overdue = False
        with self.lock:
            if self._findings is None:
                self._findings = self._so_far()
                overdue = self._open > 0
            found = self._findings
        if overdue:
            self._on_overdue()
        return found

    def _tell_late(self) -> None:
        with self.lock:
            callback = self._on_late
            if callback is None or self._open or not self._came_late:
                return
            self._on_late = None
            complete = self._so_far()
        self._late_results.call(callback, complete)

    def _so_far(self) -> Findings:
        lost: list[Unknown] = []
        for call in self.extractor_calls:
            if self._extraction is not None and not isinstance(call.answer, ExtractedParts):
                answer = call.answer
                reason, detail = self._missing if answer is None else (answer.reason, answer.detail)
                lost += self._extraction.lost(call.extractor, call.part, reason, detail)
        return findings(self.calls, lost, self.notes, self.parts, self.made, self._missing)


class LateResults:
    """Runs callbacks for results that arrive after the deadline, on one background thread started when needed.

    Holds a bounded number of callbacks and of media bytes; further ones are dropped.
    """

    def __init__(self, most: int = _MOST_LATE, most_bytes: int = _MOST_LATE_BYTES) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="seawall-late")
        self._lock = threading.Lock()
        self._waiting = self._bytes = 0
        self._closed = False

    def call(self, callback: Callable[[Findings], None], found: Findings) -> None:
        """Run it soon; after ``close``, never."""
        size = sum(len(part.data) for part in found.parts if part.data is not None)
        with self._lock:
            if self._closed:
                return
            fits = self._waiting < self._most and (not self._waiting or self._bytes + size <= self._most_bytes)
            if fits:
                self._waiting += 1
                self._bytes += size
                self._pool.submit(self._run, callback, found, size)
        if not fits:
            _log.warning("late result dropped: too many wait")

    def close(self) -> None:
        """Wait for running and queued callbacks."""
        with self._lock:
            self._closed = True
        self._pool.shutdown(wait=True)

    def _run(self, callback: Callable[[Findings], None], found: Findings, size: int) -> None:
        try:
            callback(found)
        except Exception:
            _log.exception("callback for a late result failed")
        finally:
            with self._lock:
                self._waiting -= 1
                self._bytes -= size
