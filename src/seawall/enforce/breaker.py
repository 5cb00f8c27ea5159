"""Patience with receivers that do not answer: their deliveries must not keep every worker waiting."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final

OPENS_AFTER: Final = 3
"""Attempts without an answer, one after the other, until a receiver is left alone for a while."""

FIRST_REST_MS: Final = 15_000
LONGEST_REST_MS: Final = 120_000
_PROBE_MS: Final = 30_000  # by then the attempt that feels its way has come to an end, or its worker has


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    rest_ms: int = 0
    until: int = 0  # milliseconds since 1970


class Breaker:
    """For each endpoint, whether it is worth an attempt now. In memory, for one process; threads share it.

    A receiver that answers, whatever it answers, costs little. One that is silent costs a worker fifteen seconds each
    time: after three of those it rests, then one attempt feels its way, and it rests longer or all is as before.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._circuits: dict[str, _Circuit] = {}

    def wait_ms(self, endpoint: str, now: int) -> int:
        """Milliseconds to leave the endpoint alone; 0: go on. Whoever is told 0 must tell ``heard`` or ``silent``."""
        with self._lock:
            circuit = self._circuits.get(endpoint)
            if circuit is None or circuit.failures < OPENS_AFTER:
                return 0
            if now < circuit.until:
                return circuit.until - now
            circuit.until = now + _PROBE_MS  # one goes first, the others wait for what it finds
            return 0

    def heard(self, endpoint: str) -> None:
        """It answered."""
        with self._lock:
            self._circuits.pop(endpoint, None)

    def silent(self, endpoint: str, now: int) -> None:
        """There was no answer."""
        with self._lock:
            circuit = self._circuits.setdefault(endpoint, _Circuit())
            circuit.failures += 1
            if circuit.failures >= OPENS_AFTER:
                circuit.rest_ms = min(2 * circuit.rest_ms or FIRST_REST_MS, LONGEST_REST_MS)
                circuit.until = now + circuit.rest_ms
