"""Slows the guessing of passwords down: failures are counted per (email, address) and per address."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable


class Throttle:
    """Counts failures in a sliding window, in this process. Bounded: the oldest keys are forgotten first.

    ``per_pair`` failures for one email from one address, or ``per_address`` failures from one address, close
    the door to it until the oldest of them is ``window_s`` old. Others are not locked out of their account.
    """

    def __init__(
        self,
        *,
        per_pair: int = 5,
        per_address: int = 50,
        window_s: float = 15 * 60,
        keys: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = (per_pair, per_address)
        self._window_s = window_s
        self._keys = keys
        self._clock = clock
        self._failures: OrderedDict[tuple[str, str], list[float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, email: str, address: str) -> float:
        """Seconds until this email may be tried from this address; 0: now."""
        with self._lock:
            now = self._clock()
            return max(self._wait(key, limit, now) for key, limit in self._counted(email, address))

    def failed(self, email: str, address: str) -> None:
        """A sign-in failed."""
        with self._lock:
            now = self._clock()
            for key, limit in self._counted(email, address):
                self._failures[key] = [*self._failures.get(key, ()), now][-limit:]
                self._failures.move_to_end(key)
            while len(self._failures) > self._keys:
                self._failures.popitem(last=False)

    def succeeded(self, email: str, address: str) -> None:
        """A sign-in succeeded: this pair starts afresh."""
        with self._lock:
            self._failures.pop((email.casefold(), address), None)

    def _counted(self, email: str, address: str) -> tuple[tuple[tuple[str, str], int], ...]:
        pair, alone = self._limits
        return (((email.casefold(), address), pair), (("", address), alone))

    def _wait(self, key: tuple[str, str], limit: int, now: float) -> float:
        recent = [at for at in self._failures.get(key, ()) if now - at < self._window_s]
        return max(0.0, recent[0] + self._window_s - now) if len(recent) >= limit else 0.0
