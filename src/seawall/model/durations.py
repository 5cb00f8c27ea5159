"""Durations as written in files: ``"10m"``, ``"7d"``."""

from __future__ import annotations

import re

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
_PATTERN = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d|w|y)", re.ASCII)

FORM = 'a duration such as "30s", "10m", "12h", "7d", "2w" or "5y"'


def parse_duration(text: str) -> float | None:
    """Seconds, or None when the text is not a duration. A year is 365 days."""
    match = _PATTERN.fullmatch(text.strip())
    return float(match[1]) * _UNITS[match[2]] if match else None


def format_duration(seconds: float) -> str:
    """The shortest exact spelling: 604800 gives ``1w``."""
    if seconds == 0:
        return "0s"
    for unit in ("w", "d", "h", "m", "s", "ms"):
        count = seconds / _UNITS[unit]
        if count >= 1 and count == int(count):
            return f"{int(count)}{unit}"
    return f"{seconds:.3f}s"
