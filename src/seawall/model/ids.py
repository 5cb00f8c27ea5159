"""Identifiers: the prefix of a kind, then 32 hexadecimal digits that sort by time."""

from __future__ import annotations

import random
import time


def new_id(prefix: str, at_ms: int | None = None) -> str:
    """A fresh identifier such as ``dec_019ab3…``: 48 bits of milliseconds since 1970, then 80 random bits, in hex.

    Identifiers need not be hard to guess: access is controlled by keys and roles.
    """
    ms = time.time_ns() // 1_000_000 if at_ms is None else at_ms
    return f"{prefix}_{ms << 80 | random.getrandbits(80):032x}"


def now_ms() -> int:
    """Wall-clock time in whole milliseconds since 1970, UTC: the unit of every ``at`` in Seawall."""
    return time.time_ns() // 1_000_000
