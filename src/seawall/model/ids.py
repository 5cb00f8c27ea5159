"""Identifiers: a kind's prefix, then 26 characters that sort by time."""

from __future__ import annotations

import random
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, lower case
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]


def new_id(prefix: str, at_ms: int | None = None) -> str:
    """A fresh identifier such as ``dec_01k9…``: 48 bits of milliseconds since 1970, then 80 random bits.

    Identifiers need not be hard to guess: what they open is guarded by keys and roles.
    """
    ms = time.time_ns() // 1_000_000 if at_ms is None else at_ms
    number = (ms << 80) | random.getrandbits(80)
    pairs = _PAIRS
    digits = [pairs[(number >> shift) & 1023] for shift in range(120, -1, -10)]
    return f"{prefix}_{''.join(digits)}"


def now_ms() -> int:
    """Wall-clock time in whole milliseconds since 1970, UTC: the unit of every ``at`` in Seawall."""
    return time.time_ns() // 1_000_000
