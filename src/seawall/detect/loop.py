"""Thread with an event loop, for waiting work that needs deadlines and cancellation."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Final, TypeVar

import structlog

_log = structlog.get_logger(__name__)
_T = TypeVar("_T")
_CLOSE_S: Final = 2.0


class LoopThread:
    """A thread that runs an event loop, started when needed."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, work: Coroutine[Any, Any, _T]) -> Future[_T]:
        """Run in the loop; after ``close`` the future is cancelled."""
        with self._lock:
            if self._closed:
                work.close()
                future: Future[_T] = Future()
                future.cancel()
                future.set_running_or_notify_cancel()
                return future
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name=f"seawall-calls-{self._name}", daemon=True
                )
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(work, self._loop)

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run in the loop and wait. Raises RuntimeError after ``close``."""
        if self._closed:
            work.close()
            raise RuntimeError("closed")
        return self.submit(work).result()

    def close(self, last: Callable[[], Coroutine[Any, Any, None]], *, grace_s: float = 0.0) -> None:
        """Give running work some time to end, cancel it, run ``last``, end the thread."""
        with self._lock:
            self._closed = True
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return

        async def end() -> None:
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            if others and grace_s:
                await asyncio.wait(others, timeout=grace_s)
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await last()

        try:
            asyncio.run_coroutine_threadsafe(end(), loop).result(_CLOSE_S + grace_s)
        except TimeoutError:
            _log.warning("calls did not end in time", service=self._name)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_CLOSE_S)
        if not thread.is_alive():
            loop.close()
