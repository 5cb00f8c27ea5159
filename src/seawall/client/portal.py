"""An event loop in a background thread, which gives synchronous code the asynchronous client's hard deadlines."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Portal:
    """Runs coroutines for other threads. Its thread starts with the first call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result. Raises what it raises; RuntimeError when the portal is closed."""
        try:
            loop = self._started()
        except RuntimeError:
            coroutine.close()
            raise
        waiting = asyncio.run_coroutine_threadsafe(coroutine, loop)
        try:
            return waiting.result()
        except BaseException:  # a KeyboardInterrupt here must cancel the call in the loop's thread
            waiting.cancel()
            raise

    @property
    def started(self) -> bool:
        """Whether any call was made."""
        return self._loop is not None

    def close(self) -> None:
        """Stop the loop and its thread. Calls in progress are cancelled."""
        with self._lock:
            self._closed = True
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None:
            return
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._closed:
                raise RuntimeError("this client is closed")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=_serve, args=(self._loop,), name="seawall-client", daemon=True)
                self._thread.start()
            return self._loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
