"""Logs work that is tried again while it fails: a database that is down would fill the disk with tracebacks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog

_log = structlog.get_logger(__name__)
_EVERY_S: Final = 60.0


class FailureLog:
    """The first failure is logged whole, then one line a minute, then that it works again. For one thread."""

    def __init__(self, event: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._event = event
        self._clock = clock
        self._failures = 0
        self._logged_at = 0.0

    def failed(self, error: Exception) -> None:
        """The work failed once more."""
        self._failures += 1
        now = self._clock()
        if self._failures == 1:
            _log.error(self._event, exc_info=error)
        elif now - self._logged_at >= _EVERY_S:
            _log.error(self._event, failures=self._failures, error=f"{type(error).__name__}: {error}"[:500])
        else:
            return
        self._logged_at = now

    def worked(self) -> None:
        """The work was done."""
        if self._failures:
            _log.info("works again", after=self._event, failures=self._failures)
        self._failures = 0
