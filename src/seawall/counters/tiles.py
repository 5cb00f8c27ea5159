"""Tiles: numbers by tile of time and by key, so that a window is the sum of its tiles and forgetting is one deletion.

A tile maps keys to one number each: a count, a sum in millionths, the two largest values, or distinct values. What is
added commutes, so late activities give the same numbers as timely ones.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Final, TypeAlias

from seawall.counters import hyperloglog
from seawall.model import UNKNOWN

Key: TypeAlias = Hashable
Bucket: TypeAlias = dict[Any, Any]

MOST_EXACT: Final = 64
"""Distinct values of one key and tile that are told apart exactly; beyond, they are estimated."""
_UNIT: Final = 1_000_000  # sums are whole millionths: they do not depend on the order of adding


def add_count(bucket: Bucket, key: Key, value: Any) -> bool:
    """Count one more; whether the key is new in the tile."""
    held = bucket.get(key, 0)
    bucket[key] = held + 1
    return not held


def add_sum(bucket: Bucket, key: Key, value: float) -> bool:
    """Add a number."""
    is_new = key not in bucket
    bucket[key] = bucket.get(key, 0) + round(value * _UNIT)
    return is_new


def add_max(bucket: Bucket, key: Key, value: float) -> bool:
    """Keep the two largest: one of them may belong to the item that is being decided, which does not count itself."""
    held = bucket.get(key, ())
    bucket[key] = tuple(sorted((*held, value), reverse=True)[:2])
    return not held


def add_distinct(bucket: Bucket, key: Key, value: int) -> bool:
    """Add a value: alone as itself, then with its multiplicity, beyond ``MOST_EXACT`` in a HyperLogLog."""
    held = bucket.get(key)
    if held is None:
        bucket[key] = value
        return True
    if isinstance(held, bytearray):
        hyperloglog.add(held, value)
        return False
    if isinstance(held, int):
        held = bucket[key] = {held: 1}
    held[value] = held.get(value, 0) + 1
    if len(held) > MOST_EXACT:
        bucket[key] = hyperloglog.of(held)
    return False


def count_of(held: Sequence[int], own: Sequence[Any]) -> int:
    """The window's count without the own activities."""
    return sum(held) - len(own)


def sum_of(held: Sequence[int], own: Sequence[float]) -> float:
    """The window's sum without the own activities."""
    return (sum(held) - sum(round(value * _UNIT) for value in own)) / _UNIT


def max_of(held: Sequence[tuple[float, ...]], own: Sequence[float]) -> float:
    """The window's largest value without the own activities; 0 when there is none."""
    values = sorted((value for pair in held for value in pair), reverse=True)
    for value in own:
        if value in values:
            values.remove(value)
    return values[0] if values else 0.0


def distinct_of(held: Iterable[Any], own: Sequence[int]) -> int:
    """The number of distinct values in the window; own activities are taken out while it is exact."""
    values: dict[int, int] = {}
    registers: bytearray | None = None
    for one in held:
        if isinstance(one, bytearray):
            registers = registers or hyperloglog.empty()
            hyperloglog.merge(registers, one)
        elif isinstance(one, int):
            values[one] = values.get(one, 0) + 1
        else:
            for value, times in one.items():
                values[value] = values.get(value, 0) + times
    if registers is not None:
        for value in values:
            hyperloglog.add(registers, value)
        return hyperloglog.estimate(registers)
    for value in own:
        values[value] = values.get(value, 0) - 1
    return sum(1 for times in values.values() if times > 0)


KINDS: Final = {
    "count": (add_count, count_of),
    "sum": (add_sum, sum_of),
    "max": (add_max, max_of),
    "distinct": (add_distinct, distinct_of),
}
"""By kind of tile: how an activity is added, and how the tiles of a window become one number."""


class Tiles:
    """The tiles of one table: by number of the tile, then by key. ``floor``: tiles below it were given up."""

    __slots__ = ("_add", "_total", "by_number", "entries", "floor", "size")

    def __init__(self, kind: str, size: int) -> None:
        self._add, self._total = KINDS[kind]
        self.size = size
        self.by_number: dict[int, Bucket] = {}
        self.entries = 0
        self.floor = 0

    def load(self, floor: int, by_number: dict[int, Bucket]) -> None:
        """Take what a snapshot or another table holds."""
        self.floor, self.by_number = floor, by_number
        self.entries = sum(map(len, by_number.values()))

    def add(self, at: int, key: Key, value: Any) -> bool:
        """Add an activity of that time; whether it needed a new entry."""
        number = at // self.size
        if number < self.floor:
            return False
        bucket = self.by_number.get(number)
        if bucket is None:
            bucket = self.by_number[number] = {}
        is_new = self._add(bucket, key, value)
        self.entries += is_new
        return is_new

    def total(self, key: Key, at: int, within: int, own: Sequence[tuple[int, Any]]) -> Any:
        """The number over the window of ``within`` ms that ends at ``at``; UNKNOWN when tiles of it were given up.

        ``own``: time and value of activities that were added and do not count.
        """
        first, last = (at - within) // self.size, at // self.size
        if first < self.floor:
            return UNKNOWN
        by_number = self.by_number
        held = []
        for number in range(first, last + 1) if last - first < len(by_number) else sorted(by_number):
            if first <= number <= last and number in by_number:
                one = by_number[number].get(key)
                if one is not None:
                    held.append(one)
        mine = [value for when, value in own if first <= when // self.size <= last]
        return self._total(held, mine)  # type: ignore[operator]

    def expire(self, before: int) -> int:
        """Delete the tiles that end before that time; how many entries they had."""
        gone = [number for number in self.by_number if (number + 1) * self.size <= before]
        freed = sum(len(self.by_number.pop(number)) for number in gone)
        self.entries -= freed
        return freed

    def give_up_oldest(self) -> int:
        """Delete the oldest tile, which a window may still need: for want of memory."""
        oldest = min(self.by_number)
        freed = len(self.by_number.pop(oldest))
        self.floor = oldest + 1
        self.entries -= freed
        return freed

    def forget(self, name: Hashable, place: int | None) -> int:
        """Delete what is kept about a name: of keys of one dimension, or at that place of keys of several."""
        freed = 0
        for bucket in self.by_number.values():
            gone = [name] if place is None else [key for key in bucket if key[place] == name]
            freed += sum(bucket.pop(key, None) is not None for key in gone)
        self.entries -= freed
        return freed
