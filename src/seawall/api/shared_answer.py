"""An answer that many callers share: ``/healthz`` and ``/metrics`` cost the same however often they are asked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


def in_own_thread(compute: Callable[[], T]) -> Callable[[], Awaitable[T]]:
    """``compute`` in a thread of its own, so that it takes none from requests."""
    thread = ThreadPoolExecutor(1, "seawall-shared")

    async def computed() -> T:
        return await asyncio.get_running_loop().run_in_executor(thread, compute)

    return computed


class SharedAnswer(Generic[T]):
    """Computes an answer once for all who wait for it, and gives it again for ``keep_s``.

    One that begins while another is computed is given the next one, so that nobody gets an answer older than
    ``keep_s`` at the time of asking. Event loop only.
    """

    def __init__(
        self, compute: Callable[[], Awaitable[T]], *, keep_s: float = 0.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._compute = compute
        self._keep_s = keep_s
        self._clock = clock
        self._made_at = float("-inf")
        self._answer: T | None = None
        self._running: asyncio.Future[T] | None = None
        self._next: asyncio.Future[T] | None = None

    async def get(self) -> T:
        """The answer. Raises what ``compute`` raises."""
        if self._answer is not None and self._clock() - self._made_at <= self._keep_s:
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
            self._answer, self._made_at = answer, asked_at
            return answer
        finally:
            if self._running is me:
                self._running = None
