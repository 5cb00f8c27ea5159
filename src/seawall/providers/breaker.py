"""Leaving a service alone that fails again and again, so that nobody waits for it in vain."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

OPENS_AFTER: Final = 5
"""Failures one after the other until the service rests."""

FIRST_REST_S: Final = 10.0
LONGEST_REST_S: Final = 300.0


class Breaker:
    """Closed, open, or letting one call feel its way. In memory, for one process; threads share it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._rest_s = 0.0
        self._until = 0.0

    def allows(self) -> bool:
        """Whether to try now. After the rest one call goes first; the others wait for what it finds."""
        with self._lock:
            if self._failures < OPENS_AFTER:
                return True
            now = self._clock()
            if now < self._until:
                return False
            self._until = now + self._rest_s  # by then the one that goes first has come to an end
            return True

    def worked(self) -> None:
        """The service answered."""
        with self._lock:
            self._failures, self._rest_s = 0, 0.0

    def failed(self) -> None:
        """It did not, or said that it cannot."""
        with self._lock:
            self._failures += 1
            if self._failures >= OPENS_AFTER:
                self._rest_s = min(2 * self._rest_s or FIRST_REST_S, LONGEST_REST_S)
                self._until = self._clock() + self._rest_s

    @property
    def is_open(self) -> bool:
        """Whether the service rests."""
        with self._lock:
            return self._failures >= OPENS_AFTER and self._clock() < self._until
