"""Answers on their way: what a request waits for, until its deadline."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

from seawall.detect.asks import Ask, Derivation, Findings, findings
from seawall.detect.remembered import Made
from seawall.model.content import Part
from seawall.model.signals import DetectorResult, ExtractedParts, Unknown


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
        parts: Sequence[Part] = (),
        made: Sequence[Made] = (),
    ) -> None:
        self.deadline = deadline
        self._parts, self._made = parts, made  # may grow while answers come
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

    @property
    def asks(self) -> list[Ask]:
        """What was asked, answered or not."""
        with self._lock:
            return list(self._asks)

    def add(self, ask: Ask) -> None:
        """Wait for this too. Only before the pending leaves ``Runner.start``, or while it is held open."""
        self.add_all((ask,))

    def add_all(self, asks: Iterable[Ask]) -> None:
        """Several at once."""
        with self._lock:
            for ask in asks:
                self._asks.append(ask)
                self._open += ask.answers.count(None)

    @contextlib.contextmanager
    def held_open(self) -> Iterator[None]:
        """Not complete meanwhile, whatever is settled: further asks are on their way."""
        with self._lock:
            self._open += 1
        try:
            yield
        finally:
            self._close(1)

    def settle(self, ask: Ask, first: int, answers: Sequence[DetectorResult | ExtractedParts]) -> None:
        """Answers for ``ask.parts[first:]``. A part that already has one keeps it.

        What was derived counts as answered when the next ones have been asked about it: never is a part neither
        looked at nor unknown.
        """
        if isinstance(ask, Derivation):
            for index, answer in enumerate(answers, first):
                if isinstance(answer, ExtractedParts) and ask.answers[index] is None:
                    ask.grow(ask.parts[index], answer)
        settled = 0
        with self._lock:
            for index, answer in enumerate(answers, first):
                if ask.answers[index] is None:
                    ask.answers[index] = answer
                    settled += 1
                    self._came_late |= self._sealed is not None and not isinstance(answer, Unknown)
            follows = ask.then if None not in ask.answers else None
            if follows is None and not self._count_down(settled):
                return
        if follows is not None:
            follows()  # it may ask further: what was settled counts after that
            self._close(settled)
        else:
            self._tell_late()

    def _close(self, settled: int) -> None:
        with self._lock:
            if not self._count_down(settled):
                return
        self._tell_late()

    def _count_down(self, settled: int) -> bool:
        """Under the lock: that many answers fewer are missing. Whether that was the last one."""
        self._open -= settled
        if self._open:
            return False
        self._complete.set()
        if self._wake is not None:
            self._wake()
        return True

    def _settled(self) -> bool:
        with self._lock:
            return self._open == 0

    def _remaining(self) -> float | None:
        return None if self.deadline is None else max(0.0, self.deadline - self._clock())

    def _seal(self) -> Findings:
        with self._lock:
            if self._sealed is None:
                self._sealed = findings(self._asks, self._parts, self._made)
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
            complete = findings(self._asks, self._parts, self._made)
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


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
