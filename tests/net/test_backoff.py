"""Waiting before a retry."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.net.backoff import backoff_s, retry_after

NOW = int(datetime(2026, 11, 22, 12, 0, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("٣", None),  # a digit, but not one of the protocol's
        ("0", 0),
        ("120", 120),
        ("9" * 5_000, 999_999_999),
        ("Sun, 22 Nov 2026 12:01:00 GMT", 60),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0),
        ("Sun, 22 Nov 2026 12:01:00", 60),
        ("Sun, 22 Nov 2026 12:01:00 -0000", 60),
        ("Sun, 99 Nov 2026 12:01:00 GMT", None),
    ],
)
def test_retry_after(header: str | None, expected: int | None) -> None:
    assert retry_after(header, NOW) == expected


@given(st.integers(0, 10), st.floats(0, 1, exclude_max=True), st.none() | st.floats(0, 100))
def test_backoff_grows_is_jittered_and_heeds_the_service(attempt: int, random: float, reported: float | None) -> None:
    wait = backoff_s(attempt, 0.25, random, reported)
    longest = min(0.25 * 2**attempt, 8.0)
    assert wait >= (reported or 0.0)
    assert longest / 2 <= wait <= max(longest, reported or 0.0)
