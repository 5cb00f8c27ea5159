"""The latest activities of each key: their times, whether a condition held for each, and nothing older than a window.

Keys stand in tiles by the day of their newest activity, so that forgetting is one deletion. Of each key one activity
more than asked for is kept, since one of them may be of the item that is decided, which does not count.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Hashable, Sequence
from typing import Any, Final

from seawall.model import UNKNOWN

LAST: Final = "last"
AMONG: Final = "among"


class Latest:
    """The latest activities of one table. An activity is one number: twice its time, plus 1 where the condition held.

    The same interface as ``Tiles``; ``entries`` counts activities.
    """

    __slots__ = ("_held", "_kind", "_span", "by_number", "entries", "floor", "most", "size")

    def __init__(self, kind: str, size: int, most: int) -> None:
        self._kind = kind
        self.size = size
        self.most = most
        self.by_number: dict[int, dict[Any, list[int]]] = {}
        self._held: dict[Any, list[int]] = {}  # the same lists by key alone
        self._span = 2 * size  # of a tile, in the numbers of activities
        self.entries = 0
        self.floor = 0

    def load(self, floor: int, by_number: dict[int, dict[Any, Any]]) -> None:
        """Take what a snapshot or another table holds."""
        self.floor, self.by_number = floor, by_number
        self._held = {key: held for bucket in by_number.values() for key, held in bucket.items()}
        self.entries = sum(map(len, self._held.values()))

    def add(self, at: int, key: Hashable, value: Any) -> bool:
        """Add an activity in the order of time, however late; whether it needed a new entry."""
        code, held = 2 * at + bool(value), self._held.get(key)
        if held is None:
            if at // self.size < self.floor:
                return False
            self._put(key, [code])
            self.entries += 1
            return True
        number = held[-1] // self._span
        insort(held, code)
        grew = len(held) <= self.most
        if not grew:
            del held[0]
        if held[-1] // self._span != number:
            self._take(number, key)
            self._put(key, held)
        self.entries += grew
        return grew

    def _put(self, key: Hashable, held: list[int]) -> None:
        self._held[key] = held
        self.by_number.setdefault(held[-1] // self._span, {})[key] = held

    def _take(self, number: int, key: Hashable) -> None:
        bucket = self.by_number[number]
        del bucket[key], self._held[key]
        if not bucket:
            del self.by_number[number]

    def total(self, key: Hashable, at: int, within: int, own: Sequence[tuple[int, Any]]) -> Any:
        """The answer for a key at a time; UNKNOWN when activities were given up that it may need.

        ``LAST``: seconds since the latest activity, None when there was none. ``AMONG``: for how many of the latest the
        condition held. ``own``: time and value of activities that were added and do not count.
        """
        since = 2 * (at - within)
        left = [code for code in self._held.get(key, ()) if code >= since]
        for when, value in own:
            code = 2 * when + bool(value)
            if code in left:
                left.remove(code)
        wanted = self.most - 1
        if len(left) < wanted and self.floor * self.size > at - within:
            return UNKNOWN
        if self._kind == AMONG:
            return sum(code & 1 for code in left[-wanted:])
        return max(at - left[-1] // 2, 0) / 1000 if left else None

    def expire(self, before: int) -> int:
        """Delete the keys whose newest activity lies in tiles that end before that time; how many entries they had."""
        return sum(self._drop(number) for number in [n for n in self.by_number if (n + 1) * self.size <= before])

    def give_up_oldest(self) -> int:
        """Delete the keys that did nothing for longest, which a rule may still ask about: for want of memory."""
        oldest = min(self.by_number)
        self.floor = oldest + 1
        return self._drop(oldest)

    def _drop(self, number: int) -> int:
        bucket = self.by_number.pop(number)
        for key in bucket:
            del self._held[key]
        freed = sum(map(len, bucket.values()))
        self.entries -= freed
        return freed

    def forget(self, name: Hashable, place: int | None) -> int:
        """Delete what is kept about a name: of keys of one dimension, or at that place of keys of several."""
        freed = 0
        for key in [key for key in self._held if (key if place is None else key[place]) == name]:
            held = self._held[key]
            freed += len(held)
            self._take(held[-1] // self._span, key)
        self.entries -= freed
        return freed
