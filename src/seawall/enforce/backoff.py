"""When a failed delivery is tried again."""

from __future__ import annotations

from typing import Final

_SECOND: Final = 1_000
_MINUTE: Final = 60 * _SECOND
_HOUR: Final = 60 * _MINUTE

WAITS_MS: Final = (
    5 * _SECOND,
    30 * _SECOND,
    2 * _MINUTE,
    10 * _MINUTE,
    30 * _MINUTE,
    1 * _HOUR,
    2 * _HOUR,
    4 * _HOUR,
    8 * _HOUR,
    8 * _HOUR,
    8 * _HOUR,
)
"""Milliseconds between attempts: twelve attempts over 31.7 hours, more than a day whatever the jitter does."""

LONGEST_MS: Final = WAITS_MS[-1]
_JITTER: Final = 0.2  # of the wait, either way: a receiver that comes back is not met by everybody at once


def wait_ms(attempt: int, *, random: float, retry_after_s: float | None = None) -> int | None:
    """Milliseconds to wait after failed attempt number ``attempt`` (from 1); None: give up.

    ``random`` is in [0, 1). A receiver's Retry-After may lengthen the wait, to eight hours at most; it may not
    shorten it, or a day of patience would be used up in a minute.
    """
    if attempt > len(WAITS_MS):
        return None
    wait = int(WAITS_MS[attempt - 1] * (1 - _JITTER + 2 * _JITTER * random))
    return max(wait, int(min((retry_after_s or 0) * _SECOND, LONGEST_MS)))
