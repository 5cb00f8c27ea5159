"""Circuit breaker: a service that fails repeatedly gets no requests for a while, so that callers do not wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_TRIAL_S: Final = 30.0  # by then the trial request has ended, or its process has


@dataclass(slots=True)
class _Circuit:
    failures: int = 0  # in a row
    rest_s: float = 0.0
    until: float = 0.0


class Breaker:
    """Closed, open, or half-open with one trial request, for each key. In memory, for one process; thread-safe.

    After ``opens_after`` failures in a row the circuit of a key is open for ``first_rest_s`` seconds. Then one trial
    request is sent while others wait for its outcome: a success closes the circuit, a failure opens it for twice as
    long, up to ``longest_rest_s``.
    """

    def __init__(
        self,
        *,
        opens_after: int,
        first_rest_s: float,
        longest_rest_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._opens_after = opens_after
        self._first_rest_s = first_rest_s
        self._longest_rest_s = longest_rest_s
        self._clock = clock
        self._lock = threading.Lock()
        self._circuits: dict[str, _Circuit] = {}

    def wait_s(self, key: str) -> float:
        """Seconds until a request may be made; 0: now. The caller that gets 0 reports ``succeeded`` or ``failed``."""
        with self._lock:
            circuit = self._circuits.get(key)
            if circuit is None or circuit.failures < self._opens_after:
                return 0.0
            now = self._clock()
            if now < circuit.until:
                return min(circuit.until - now, self._longest_rest_s)
            circuit.until = now + _TRIAL_S
            return 0.0

    def succeeded(self, key: str) -> None:
        """The request was answered."""
        with self._lock:
            self._circuits.pop(key, None)

    def failed(self, key: str) -> None:
        """The request was not answered, or the service answered that it is unavailable."""
        with self._lock:
            circuit = self._circuits.setdefault(key, _Circuit())
            circuit.failures += 1
            if circuit.failures >= self._opens_after:
                circuit.rest_s = min(2 * circuit.rest_s or self._first_rest_s, self._longest_rest_s)
                circuit.until = self._clock() + circuit.rest_s

    def is_open(self, key: str) -> bool:
        """Whether requests have to wait."""
        with self._lock:
            circuit = self._circuits.get(key)
            return circuit is not None and circuit.failures >= self._opens_after and self._clock() < circuit.until
