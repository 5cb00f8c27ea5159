"""Settings of the counters component."""

from __future__ import annotations

from dataclasses import dataclass

from seawall.counters.engine import MOST_ENTRIES


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterSettings:
    """``counters_entries``: numbers that each process keeps in memory, about 150 bytes each."""

    counters_entries: int = MOST_ENTRIES
