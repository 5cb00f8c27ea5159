"""Delay before a request is repeated."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_BACKOFF_S: Final = 8.0


def backoff_s(attempt: int, first_s: float, random: float, retry_after_s: float | None) -> float:
    """Seconds to wait after attempt number ``attempt`` (from 0): doubled each time, up to eight seconds.

    ``random`` in [0, 1) scales the wait from half of it to all of it, so that callers do not retry simultaneously. A
    longer Retry-After of the service takes precedence.
    """
    longest = min(first_s * 2.0**attempt, LONGEST_BACKOFF_S)
    return max(longest * (0.5 + 0.5 * random), retry_after_s or 0.0)


def retry_after(header: str | None, now_s: float) -> float | None:
    """Seconds in a Retry-After header (RFC 9110, 10.2.3: seconds or an HTTP date); None if absent or invalid.

    ``now_s`` is the time in seconds since 1970. The caller must bound the result: a header may contain years.
    """
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    if when.tzinfo is None:  # "-0000", or none at all
        when = when.replace(tzinfo=UTC)
    return max(0.0, when.timestamp() - now_s)
