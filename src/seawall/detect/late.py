"""What callers do with answers that came after the deadline: on a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

_log = logging.getLogger(__name__)


class LateCalls:
    """One thread, started at need, for what callers do with late answers: a detector's thread must not wait on it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._closed = False

    def call(self, action: Callable[[], None]) -> None:
        """Run it soon; once closed, never."""
        with self._lock:
            if self._closed:
                return
            if self._pool is None:
                self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="seawall-late")
            self._pool.submit(_guarded, action)

    def close(self) -> None:
        """Wait for what is running."""
        with self._lock:
            self._closed = True
            pool = self._pool
        if pool is not None:
            pool.shutdown(wait=True)


def _guarded(action: Callable[[], None]) -> None:
    try:
        action()
    except Exception:
        _log.exception("handling a late answer failed")
