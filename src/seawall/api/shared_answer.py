"""An answer that many callers share: ``/healthz`` and ``/metrics`` cost the same however often they are asked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from secrets import randbelow
from typing import Final, Generic, TypeVar

T = TypeVar("T")

AT_ONCE: Final = 5
"""Times that a kept answer is given at once: as many as watch a server, and few enough to cost it nothing."""


def in_own_thread(compute: Callable[[], T]) -> Callable[[], Awaitable[T]]:
    """``compute`` in a thread of its own, so that it takes none from requests."""
    thread = ThreadPoolExecutor(1, "seawall-shared")

    async def computed() -> T:
        return await asyncio.get_running_loop().run_in_executor(thread, compute)

    return computed


class SharedAnswer(Generic[T]):
    """Computes an answer once for all who wait for it, and gives it again for ``keep_s``.

    One that begins while another is computed is given the next one, so that nobody gets an answer older than
    ``keep_s`` at the time of asking. Those who ask more than ``AT_ONCE`` times meanwhile wait for a later one, up
    to twice ``keep_s``: otherwise clients who ask without a pause would take the event loop from requests. For use in
    an event loop only.
    """

    def __init__(
        self,
        compute: Callable[[], Awaitable[T]],
        *,
        keep_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._compute = compute
        self._keep_s = keep_s
        self._clock = clock
        self._sleep = sleep
        self._made_at = float("-inf")
        self._given = 0
        self._answer: T | None = None
        self._running: asyncio.Future[T] | None = None
        self._next: asyncio.Future[T] | None = None

    async def get(self) -> T:
        """The answer. Raises what ``compute`` raises."""
        asked_at = self._clock()
        if self._answer is not None and asked_at - self._made_at <= self._keep_s:
            self._given += 1
            if self._given <= AT_ONCE:
                return self._answer
            # Not all at the same moment.
            await self._sleep(self._made_at + self._keep_s - asked_at + self._keep_s * randbelow(1_000) / 1_000)
            if self._made_at > asked_at:
                return self._answer
        loop = asyncio.get_running_loop()
        if self._running is None or self._running.get_loop() is not loop:
            self._running, self._next = asyncio.ensure_future(self._made()), None
            return await asyncio.shield(self._running)
        if self._next is None:
            self._next = asyncio.ensure_future(self._after(self._running))
        return await asyncio.shield(self._next)

    async def _after(self, running: asyncio.Future[T]) -> T:
        await asyncio.wait([running])
        return await self._made()

    async def _made(self) -> T:
        me = asyncio.current_task()
        self._running, self._next = me, None
        asked_at = self._clock()
        try:
            answer = await self._compute()
            self._answer, self._made_at, self._given = answer, asked_at, 0
            return answer
        finally:
            if self._running is me:
                self._running = None
