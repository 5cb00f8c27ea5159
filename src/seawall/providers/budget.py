"""Budget of a provider: calls per minute and cost per day. Kept in memory per process; a restart resets it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

_DAY_S = 86_400
_MINUTE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Usage of a budget, today in UTC."""

    calls: int
    cost: float
    refused: int


class Budget:
    """Allows at most ``per_minute`` calls in any sixty seconds, and ``cost_per_day`` in a day. Thread-safe.

    ``clock`` gives seconds since 1970. The unit of cost is the operator's own.
    """

    def __init__(
        self,
        *,
        per_minute: int | None = None,
        cost_per_call: float = 0.0,
        cost_per_day: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._per_minute = per_minute
        self._cost = cost_per_call
        self._most = cost_per_day
        self._clock = clock
        self._lock = threading.Lock()
        self._recent: deque[float] = deque()
        self._day = -1
        self._calls = 0
        self._refused = 0

    def take(self) -> bool:
        """Whether one more call is allowed; if so it is counted."""
        with self._lock:
            now = self._clock()
            self._turn(now)
            while self._recent and self._recent[0] <= now - _MINUTE_S:
                self._recent.popleft()
            full = self._per_minute is not None and len(self._recent) >= self._per_minute
            expensive = self._most is not None and (self._calls + 1) * self._cost > self._most + 1e-9
            if full or expensive:
                self._refused += 1
                return False
            if self._per_minute is not None:
                self._recent.append(now)
            self._calls += 1
            return True

    def spent(self) -> Spent:
        """Current usage."""
        with self._lock:
            self._turn(self._clock())
            return Spent(calls=self._calls, cost=self._calls * self._cost, refused=self._refused)

    def _turn(self, now: float) -> None:
        day = int(now // _DAY_S)
        if day != self._day:
            self._day, self._calls, self._refused = day, 0, 0
