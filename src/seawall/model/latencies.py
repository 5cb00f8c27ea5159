"""Histogram of how long something took in this process, with fixed buckets."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import Final

REQUEST_BOUNDS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
STEP_BOUNDS_S: Final = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, *REQUEST_BOUNDS_S, 30.0, 120.0)
"""For steps of a request: an inline detector takes microseconds, the speech of a video minutes."""


class Latencies:
    """Counts by upper bound, and the sum of the seconds.

    Without a lock, which would cost more than the rest: of two that observe at once, one may be lost.
    """

    __slots__ = ("_bounds_s", "_counts", "_sum_s")

    def __init__(self, bounds_s: tuple[float, ...] = STEP_BOUNDS_S) -> None:
        self._bounds_s = bounds_s
        self._counts = [0] * (len(bounds_s) + 1)
        self._sum_s = 0.0

    def observe(self, seconds: float) -> None:
        """Count one. It costs half a microsecond."""
        self._counts[bisect_left(self._bounds_s, seconds)] += 1
        self._sum_s += seconds

    def buckets(self) -> tuple[list[tuple[str, float]], float]:
        """(upper bound, how many up to it), and the sum of the seconds."""
        names = [*(str(bound) for bound in self._bounds_s), "+Inf"]
        return list(zip(names, accumulate(map(float, self._counts)), strict=True)), self._sum_s
