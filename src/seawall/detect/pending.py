"""Answers on their way: what a request waits for, until its deadline."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seawall.model.content import Part
from seawall.model.signals import Answer, Signal, Unknown, UnknownReason


@dataclass(frozen=True, slots=True)
class Findings:
    """What the detectors found, in the order of detectors, then of parts. A promised signal not here is 0."""

    signals: tuple[Signal, ...]
    unknown: tuple[Unknown, ...]


class Ask:
    """One detector asked about some parts; ``answers`` fill up as they come."""

    __slots__ = ("answers", "detector", "parts")

    def __init__(self, detector: str, parts: Sequence[Part], answers: Sequence[Answer] | None = None) -> None:
        self.detector = detector
        self.parts = parts
        self.answers: list[Answer | None] = list(answers) if answers is not None else [None] * len(parts)


class Pending:
    """The answers to one request. Made by ``Runner.start``.

    ``deadline`` is on ``clock``, in seconds; None waits for every answer.
    """

    def __init__(
        self,
        deadline: float | None,
        clock: Callable[[], float],
        hand_over: Callable[[Callable[[], None]], None],
        heal: Callable[[], None],
    ) -> None:
        self.deadline = deadline
        self._clock = clock
        self._hand_over = hand_over  # runs a callback on a thread that is no detector's
        self._heal = heal  # looks for hung detectors
        self._asks: list[Ask] = []
        self._open = 0  # answers still missing
        self._lock = threading.Lock()
        self._complete = threading.Event()
        self._wake: Callable[[], None] | None = None
        self._sealed: Findings | None = None
        self._came_late = False
        self._on_late: Callable[[Findings], None] | None = None

    # ── for whoever asked ──

    def wait(self) -> Findings:
        """Block until every answer is there or the deadline has passed; missing answers are then *unknown*."""
        if self._sealed is None and not self._settled():
            self._complete.wait(self._remaining())
        return self._seal()

    async def wait_async(self) -> Findings:
        """The same from an event loop, which goes on meanwhile."""
        if self._sealed is None and not self._settled():
            loop = asyncio.get_running_loop()
            future: asyncio.Future[None] = loop.create_future()

            def wake() -> None:
                loop.call_soon_threadsafe(_resolve, future)

            with self._lock:
                if self._open:
                    self._wake = wake
                else:
                    future.set_result(None)
            try:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._remaining()):
                        await future
            finally:
                with self._lock:
                    self._wake = None
        return self._seal()

    def on_late(self, callback: Callable[[Findings], None]) -> None:
        """Call ``callback`` once, when the answers that missed the deadline have come, with the complete findings.

        It runs on the runner's own thread for this. It is not called when nothing was late, nor when none of what
        was late ever came.
        """
        with self._lock:
            self._on_late = callback
        self._tell_late()

    # ── for the runner and its lanes ──

    def add(self, ask: Ask) -> None:
        """Wait for this too. Only before the pending leaves ``Runner.start``."""
        with self._lock:
            self._asks.append(ask)
            self._open += ask.answers.count(None)

    def settle(self, ask: Ask, first: int, answers: Sequence[Answer]) -> None:
        """Answers for ``ask.parts[first:]``. A part that already has one keeps it."""
        with self._lock:
            for index, answer in enumerate(answers, first):
                if ask.answers[index] is None:
                    ask.answers[index] = answer
                    self._open -= 1
                    self._came_late |= self._sealed is not None and not isinstance(answer, Unknown)
            if self._open:
                return
            self._complete.set()
            if self._wake is not None:
                self._wake()
        self._tell_late()

    def _settled(self) -> bool:
        with self._lock:
            return self._open == 0

    def _remaining(self) -> float | None:
        return None if self.deadline is None else max(0.0, self.deadline - self._clock())

    def _seal(self) -> Findings:
        with self._lock:
            if self._sealed is None:
                self._sealed = findings(self._asks)
                overdue = self._open > 0
            else:
                overdue = False
        if overdue:
            self._heal()
        return self._sealed

    def _tell_late(self) -> None:
        with self._lock:
            callback = self._on_late
            if callback is None or self._open or not self._came_late:
                return
            self._on_late = None
            complete = findings(self._asks)
        self._hand_over(lambda: callback(complete))


class Answered(Pending):
    """A request that inline detectors alone have answered: there is nothing to wait for, and nothing comes late."""

    def __init__(self, found: Findings) -> None:
        self._found = found

    def wait(self) -> Findings:
        """The findings."""
        return self._found

    async def wait_async(self) -> Findings:
        """The findings."""
        return self._found

    def on_late(self, callback: Callable[[Findings], None]) -> None:
        """Nothing comes late."""


def findings(asks: Sequence[Ask]) -> Findings:
    """All answers so far; a missing one is *unknown* with reason ``deadline``."""
    signals: list[Signal] = []
    unknown: list[Unknown] = []
    for ask in asks:
        for part, answer in zip(ask.parts, ask.answers, strict=True):
            if answer is None:
                unknown.append(Unknown(detector=ask.detector, part=part.path, reason=UnknownReason.DEADLINE))
            elif isinstance(answer, Unknown):
                unknown.append(answer)
            else:
                signals.extend(answer)
    return Findings(tuple(signals), tuple(unknown))


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
