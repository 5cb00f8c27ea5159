"""The engine: activities in, numbers out. No database, no clock; the same log gives the same numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

import msgspec

from seawall.counters.conditions import Attributes, Digest, compile_condition
from seawall.counters.latest import AMONG, LAST, Latest
from seawall.counters.tiles import Tiles
from seawall.model import UNKNOWN, UnknownValue
from seawall.model.counters import ACTOR, Condition, CounterFunction, CounterSpec, attributes_in, tile_size

MOST_ENTRIES: Final = 1_000_000
"""Numbers (one for each key and tile) that an engine keeps: about 150 MB."""
_SLACK: Final = 120_000  # a window may end so much before the newest event: clocks of processes differ


class Activity(msgspec.Struct, frozen=True):
    """Something that an account did. ``at``: when it did; ``received``: when it was recorded; milliseconds since 1970.

    ``attributes`` has the account under ``actor``, by its surrogate; see ``Attributes`` for the others.
    """

    name: str
    at: int
    received: int
    attributes: Attributes


class TableSpec(msgspec.Struct, frozen=True):
    """What one table counts; counters that differ in their window only, within one size of tiles, share it.

    ``most``: the activities that are kept of each key, where the latest ones are asked for.
    """

    kind: str
    activity: str
    by: tuple[str, ...]
    value: str
    where: Condition | None
    tile: int
    most: int = 0


_KINDS: Final = {
    CounterFunction.COUNT: "count",
    CounterFunction.RATE: "count",
    CounterFunction.RATIO: "count",
    CounterFunction.DISTINCT: "distinct",
    CounterFunction.SUM: "sum",
    CounterFunction.MAX: "max",
    CounterFunction.CLUSTER_SIZE: "distinct",
    CounterFunction.SINCE_LAST: LAST,
    CounterFunction.AMONG_LAST: AMONG,
}


def tables_of(spec: CounterSpec) -> tuple[TableSpec, ...]:
    """The tables that a counter reads: a ratio two, what is not counted in tiles none."""
    if spec.function not in _KINDS:
        return ()
    table = TableSpec(_KINDS[spec.function], spec.activity, spec.by, spec.value, spec.where, tile_size(spec.within))
    if spec.last:
        table = msgspec.structs.replace(table, most=spec.last + 1)
    if spec.function is CounterFunction.RATIO:
        return table, msgspec.structs.replace(table, where=None)
    return (table,)


def windows_of(specs: Iterable[CounterSpec]) -> dict[TableSpec, int]:
    """The tables that counters read, each with its longest window in milliseconds."""
    windows: dict[TableSpec, int] = {}
    for spec in specs:
        for table in tables_of(spec):
            windows[table] = max(windows.get(table, 0), spec.within)
    return windows


class _Table:
    """Tiles, and how an activity becomes a key and a value."""

    __slots__ = ("by", "spec", "test", "tiles", "value", "window")

    def __init__(self, spec: TableSpec, window: int, digest: Digest) -> None:
        self.spec = spec
        self.window = window
        self.tiles = Latest(spec.kind, spec.tile, spec.most) if spec.most else Tiles(spec.kind, spec.tile)
        self.by = spec.by[0] if len(spec.by) == 1 else spec.by
        self.test: Callable[[Attributes], bool] | None = (
            None if spec.where is None else compile_condition(spec.where, digest)
        )
        self.value = spec.value

    def key(self, attributes: Attributes) -> Any:
        """The key of an activity; None when it lacks a dimension; a frozenset of keys that near-duplicates share."""
        if isinstance(self.by, str):
            return attributes.get(self.by)
        key = tuple([attributes.get(name) for name in self.by])
        return None if None in key else key

    def values(self, attributes: Attributes) -> Sequence[Any]:
        """What the activity adds: nothing when it lacks the value or the condition does not hold."""
        if self.test is not None and not self.test(attributes):
            return (False,) if self.spec.kind == AMONG else ()
        if self.spec.kind == "count":
            return (None,)
        if self.spec.most:
            return (True,)
        value = attributes.get(self.value)
        if self.spec.kind == "distinct":
            return (
                [number_of(one) for one in value]
                if isinstance(value, tuple)
                else (() if value is None else (number_of(value),))
            )
        return (float(value),) if isinstance(value, int | float) and not isinstance(value, bool) else ()


class CounterEngine:
    """Counts activities for the tables of some counters. Not safe for threads."""

    def __init__(self, windows: Mapping[TableSpec, int], digest: Digest, most_entries: int = MOST_ENTRIES) -> None:
        self._digest = digest
        self._most = most_entries
        self._entries = 0
        self._minute = 0
        self._tables: dict[TableSpec, _Table] = {}
        self._by_activity: dict[str, list[_Table]] = {}
        for spec, window in windows.items():
            self._tables[spec] = table = _Table(spec, window, digest)
            self._by_activity.setdefault(spec.activity, []).append(table)

    @property
    def entries(self) -> int:
        """How many numbers are kept."""
        return self._entries

    @property
    def windows(self) -> dict[TableSpec, int]:
        """The tables, with their longest windows."""
        return {spec: table.window for spec, table in self._tables.items()}

    def needs(self) -> dict[str, frozenset[str]]:
        """By activity, the attributes that some table reads."""
        found: dict[str, set[str]] = {}
        for spec in self._tables:
            names = found.setdefault(spec.activity, set())
            names.update(spec.by, *([] if spec.where is None else [attributes_in(spec.where)]))
            if spec.value:
                names.add(spec.value)
        return {activity: frozenset(names) for activity, names in found.items()}

    def apply(self, activities: Iterable[Activity]) -> None:
        """Count activities, in the order of the ledger."""
        by_activity = self._by_activity
        for activity in activities:
            minute = activity.received // 60_000
            if minute > self._minute:
                self._minute = minute
                self._expire(activity.received)
            at, attributes = activity.at, activity.attributes
            for table in by_activity.get(activity.name, ()):
                key = table.key(attributes)
                if key is None or at < activity.received - table.window - table.spec.tile - _SLACK:
                    continue  # no window reaches back to it
                for value in table.values(attributes):
                    for each in key if isinstance(key, frozenset) else (key,):
                        if table.tiles.add(at, each, value):
                            self._entries += 1
                            if self._entries > self._most:
                                self._give_up()

    def _expire(self, now: int) -> None:
        for table in self._tables.values():
            self._entries -= table.tiles.expire(now - table.window - _SLACK)

    def _give_up(self) -> None:
        largest = max(self._tables.values(), key=lambda table: table.tiles.entries)
        self._entries -= largest.tiles.give_up_oldest()

    def read(
        self, spec: CounterSpec, attributes: Attributes, at: int, own: Sequence[Activity] = ()
    ) -> float | UnknownValue | None:
        """A counter's number for the key that these attributes give, at that time; UNKNOWN for want of memory.

        ``own``: activities of the item that is decided, which were counted and do not count. Where nothing is known of
        the key, 0; None for the time since the last of its activities. Raises KeyError for a counter that the engine
        was not made for.
        """
        numbers = [self._number(self._tables[table], spec.within, attributes, at, own) for table in tables_of(spec)]
        if any(number is UNKNOWN for number in numbers):
            return UNKNOWN
        match spec.function:
            case CounterFunction.RATE:
                return float(numbers[0] / (spec.within / 60_000))
            case CounterFunction.RATIO:
                return float(numbers[0] / numbers[1]) if numbers[1] else 0.0
        return numbers[0]  # type: ignore[no-any-return]

    def _number(self, table: _Table, within: int, attributes: Attributes, at: int, own: Sequence[Activity]) -> Any:
        key = table.key(attributes)
        if key is None:
            return None if table.spec.kind == LAST else 0
        if isinstance(key, frozenset):
            totals = [self._total(table, one, within, at, own) for one in sorted(key)]
            return UNKNOWN if any(one is UNKNOWN for one in totals) else max(totals, default=0)
        return self._total(table, key, within, at, own)

    def _total(self, table: _Table, key: Any, within: int, at: int, own: Sequence[Activity]) -> Any:
        mine = [
            (one.at, value)
            for one in own
            if one.name == table.spec.activity and _has(table.key(one.attributes), key)
            for value in table.values(one.attributes)
        ]
        return table.tiles.total(key, at, within, mine)

    def forget(self, actor: str) -> None:
        """Delete what is kept about an account, by its surrogate."""
        for table in self._tables.values():
            if ACTOR in table.spec.by:
                place = table.spec.by.index(ACTOR) if len(table.spec.by) > 1 else None
                self._entries -= table.tiles.forget(actor, place)

    # -- snapshots and growth ------------------------------------------------------------------------------------

    def adopt(self, other: CounterEngine) -> None:
        """Take the tables of another engine that has counted the same log up to the same event."""
        for spec, table in other._tables.items():
            known = self._tables.get(spec)
            if known is not None:
                self._by_activity[spec.activity].remove(known)
                self._entries -= known.tiles.entries
            self._tables[spec] = table
            self._by_activity.setdefault(spec.activity, []).append(table)
            self._entries += table.tiles.entries
        self._minute = max(self._minute, other._minute)
        while self._entries > self._most:
            self._give_up()

    def keep_only(self, windows: Mapping[TableSpec, int]) -> None:
        """Drop the tables that are not in ``windows``, and the part of each that no window needs any more."""
        for spec in [spec for spec in self._tables if spec not in windows]:
            table = self._tables.pop(spec)
            self._by_activity[spec.activity].remove(table)
            self._entries -= table.tiles.entries
        for spec, table in self._tables.items():
            table.window = min(table.window, windows[spec])

    def copy(self) -> CounterEngine:
        """An engine with the same numbers, which shares nothing that changes."""
        copied = CounterEngine(self.windows, self._digest, self._most)
        copied._entries, copied._minute = self._entries, self._minute
        for spec, table in self._tables.items():
            by_number = {
                number: {
                    key: value.copy() if isinstance(value, dict | list | bytearray) else value
                    for key, value in bucket.items()
                }
                for number, bucket in table.tiles.by_number.items()
            }
            copied._tables[spec].tiles.load(table.tiles.floor, by_number)
        return copied

    def snapshot(self) -> list[Any]:
        """Everything counted, as lists, numbers and texts."""
        return [
            self._minute,
            [
                [
                    msgspec.to_builtins(spec),
                    table.window,
                    table.tiles.floor,
                    [
                        [number, [[key, _copy(spec.kind, value)] for key, value in bucket.items()]]
                        for number, bucket in table.tiles.by_number.items()
                    ],
                ]
                for spec, table in self._tables.items()
            ],
        ]

    @classmethod
    def restore(cls, state: Any, digest: Digest, most_entries: int = MOST_ENTRIES) -> CounterEngine:
        """The engine of a snapshot, after it went through an encoding. Raises ValueError, msgspec.ValidationError."""
        minute, tables = state
        engine = cls({_spec(spec): window for spec, window, _, _ in tables}, digest, most_entries)
        engine._minute = minute
        for raw, _, floor, buckets in tables:
            spec = _spec(raw)
            tiles = engine._tables[spec].tiles
            by_number = {
                number: {_hashable(key): _value(spec.kind, value) for key, value in entries}
                for number, entries in buckets
            }
            tiles.load(floor, by_number)
            engine._entries += tiles.entries
        return engine


def _has(found: Any, key: Any) -> bool:
    return key in found if isinstance(found, frozenset) else found == key


def number_of(value: str | float) -> int:
    """A value as an evenly spread 64-bit number: a digest as it is, a surrogate or a number by its hash."""
    if isinstance(value, str) and "_" not in value:
        return int(value[:16], 16)
    text = value if isinstance(value, str) else repr(float(value))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def _copy(kind: str, value: Any) -> Any:
    """A tile's value as it is encoded: distinct values as pairs, sums as texts, since they may exceed 64 bits."""
    if kind == "sum":
        return str(value)
    if isinstance(value, dict):
        return [[one, times] for one, times in value.items()]
    return bytes(value) if isinstance(value, bytearray) else value


def _value(kind: str, value: Any) -> Any:
    if kind == "sum":
        return int(value)
    if kind == "max":
        return tuple(value)
    if kind == "distinct" and isinstance(value, list):
        return dict(value)
    return bytearray(value) if isinstance(value, bytes) else value


def _hashable(value: Any) -> Any:
    return tuple(map(_hashable, value)) if isinstance(value, list | tuple) else value


def _spec(raw: Any) -> TableSpec:
    found = msgspec.convert({**raw, "where": None}, TableSpec)
    return msgspec.structs.replace(found, where=_hashable(raw["where"]))
