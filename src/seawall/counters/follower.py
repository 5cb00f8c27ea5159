"""The counters of one process: they follow the ledger and answer what rules ask.

In memory: a snapshot and the tail of the ledger. Every process follows by itself. A counter that a new bundle needs is
built from the ledger beside the others, in the background, and joins them once it has counted as far; until then it is
unknown, as all are while the tail has not been read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog
from sqlalchemy import Connection, bindparam, func, select

from seawall.counters.activities import activities_of, attributes_of, read_counted, text_digest
from seawall.counters.engine import Activity, CounterEngine, tables_of, windows_of
from seawall.counters.snapshots import load_snapshot, save_snapshot
from seawall.counters.strikes import strikes_of
from seawall.model import UNKNOWN, FeatureValue, Item, SubjectErased, Unknown, UnknownReason, UnknownValue, now_ms
from seawall.model.counters import ACTOR, COUNTERS, DECIDED, POSITION, CounterFunction, CounterSpec
from seawall.model.stored_items import FirstRevisions
from seawall.policy import Bundle, Feature
from seawall.storage import Database, Ledger, StorageError, Vault
from seawall.storage.ledger import event as event_table
from seawall.storage.tables import subject

_log = structlog.get_logger(__name__)

_CHUNK: Final = 500  # events read at once
_SLICE_S: Final = 0.25  # of a call of ``refresh``: other services wait for it
_READ_SLICE_S: Final = 0.05  # for the tail, before a read
_LOCK_S: Final = 0.05  # that a read waits for another one
_STALE_S: Final = 10.0  # since the end of the ledger was last reached: then counters are unknown
_SAVE_EVERY_S: Final = 600.0
_SAVE_AFTER: Final = 5_000  # events
_MARGIN_MS: Final = 3_600_000  # clocks of processes that write to one ledger differ

# Why a counter is unknown: codes, which the console says in the reader's language.
_BEHIND: Final = "behind_the_ledger"
_BUILDING: Final = "history_is_read"
_MEMORY: Final = "out_of_memory"
_SILENT: Final = "no_database"
_LATE: Final = "deadline"


class CounterReading(msgspec.Struct, frozen=True):
    """What the counters of a content type's rules say of one item.

    ``position``: the event up to which was counted; 0 when none of them is counted in tiles.
    """

    values: Mapping[str, FeatureValue]
    position: int
    unknown: tuple[Unknown, ...] = ()


class Counters:
    """Counts for the bundle in force. Safe for threads."""

    def __init__(
        self,
        *,
        database: Database,
        ledger: Ledger,
        vault: Vault,
        file: Path,
        in_force: Callable[[], Bundle | None],
        first_revisions: Callable[[], FirstRevisions],
        strikes: Callable[[Connection, str, CounterSpec, int], float] = strikes_of,
        most_entries: int,
    ) -> None:
        self._database, self._ledger, self._vault = database, ledger, vault
        self._file = file
        self._in_force = in_force
        self._first_revisions = first_revisions
        self._strikes = strikes
        self._most = most_entries
        self._bundle = ""  # the hash of the bundle whose counters are kept
        self._engine = CounterEngine({}, self._digest, most_entries)
        self._position: int | None = None  # None: nothing was read yet
        self._reached = -_STALE_S  # when the end of the ledger was last reached
        self._building: tuple[CounterEngine, int] | None = None
        self._saved = (0.0, 0)  # when, and up to which event
        self._must_save = False  # an account was erased since
        self._lock = threading.Lock()  # of the engine and its position
        self._refreshing = threading.Lock()  # of the rest

    def _digest(self, text: str) -> str:
        return text_digest(self._vault, text)

    @property
    def position(self) -> int:
        """The number of the event up to which was counted."""
        return self._position or 0

    # -- following -----------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Count what is new, and for some time what a new bundle needs of the past. Raises StorageError."""
        bundle = self._in_force()
        if bundle is None or not self._refreshing.acquire(blocking=False):
            return
        try:
            until = time.monotonic() + _SLICE_S
            self._adapt(bundle)
            if not self._engine.windows and self._building is None:
                return
            with self._database.read() as connection:
                self._follow(connection, until)
            self._build(until)
            self._save_when_due()
        finally:
            self._refreshing.release()

    def _adapt(self, bundle: Bundle) -> None:
        """Keep what the bundle's counters need, and begin to build what is missing."""
        if bundle.hash == self._bundle:
            return
        windows = windows_of(spec for program in bundle.programs for spec in map(_spec, program.counters))
        with self._lock:
            if windows and self._position is None:
                self._restore()
            self._engine.keep_only(windows)
            held = self._engine.windows
            if windows and not held:
                self._position = self._ledger.head()  # what is built has to come as far
        missing = {table: window for table, window in windows.items() if held.get(table, 0) < window}
        self._building = None
        if missing:
            begin = self._event_before(now_ms() - max(missing.values()) - max(one.tile for one in missing))
            self._building = CounterEngine(missing, self._digest, self._most), min(begin, self.position)
        self._bundle = bundle.hash

    def _restore(self) -> None:
        """Begin with the snapshot if it is one of this ledger, else with the end of the ledger."""
        with self._database.read() as connection:
            head = _head(connection)
            found = load_snapshot(self._file, self._vault, self._digest, self._most)
            if found is not None and found[0].event == _id_of(connection, found[0].position):
                self._engine, self._position = found[1], found[0].position
            else:
                self._position = head
        self._saved = (time.monotonic(), self._position)

    def _event_before(self, at: int) -> int:
        """The number of an event before all those of that time or later; numbers follow time."""
        at -= _MARGIN_MS
        with self._database.read() as connection:
            low, high = 0, _head(connection)
            while low < high:
                middle = (low + high + 1) // 2
                when = connection.execute(select(event_table.c.at).where(event_table.c.seq == middle)).scalar_one()
                low, high = (middle, high) if when < at else (low, middle - 1)
        return low

    def _follow(self, connection: Connection, until: float, wait_s: float = -1) -> None:
        """Count the tail of the ledger, until then; not at all when another thread holds the lock for ``wait_s``."""
        is_behind = True
        while is_behind and self._lock.acquire(timeout=wait_s):
            try:
                is_behind = not self._follow_chunk(connection) and time.monotonic() < until
            finally:
                self._lock.release()

    def _follow_chunk(self, connection: Connection) -> bool:
        """Count the next events; whether the end of the ledger was reached. Under the lock."""
        assert self._position is not None
        head = _head(connection)
        if head > self._position:
            self._position = self._count(connection, self._engine, self._position, head)
        if self._position < head:
            return False
        self._reached = time.monotonic()
        return True

    def _build(self, until: float) -> None:
        """Count the past for a new bundle, until then; join the counters when it has counted as far."""
        while self._building is not None:
            engine, position = self._building
            with self._lock:
                assert self._position is not None
                head = self._position
                if position == head:
                    self._engine.adopt(engine)
                    self._building = None
                    self._must_save = True
                    return
            if time.monotonic() > until:
                return
            with self._database.read() as connection:
                self._building = engine, self._count(connection, engine, position, head)

    def _count(self, connection: Connection, engine: CounterEngine, after: int, upto: int) -> int:
        """Count the next events, at most up to ``upto``; return the number up to which was counted."""
        needs = engine.needs()
        events, reached = read_counted(connection, self._ledger.schema.events, needs, after, upto, _CHUNK)
        batch: list[Activity] = []
        fields_of = self._first_revisions().fields_of
        # All is read before anything is counted: a chunk that cannot be read is counted later, and once.
        for one in list(activities_of(connection, events, needs, self._vault, fields_of)):
            if isinstance(one, SubjectErased):
                engine.apply(batch)
                batch = []
                engine.forget(one.subject)
                self._must_save = True
            else:
                batch.append(one)
        engine.apply(batch)
        return reached

    # -- snapshots -----------------------------------------------------------------------------------------------

    def _save_when_due(self) -> None:
        when, upto = self._saved
        behind = self.position - upto
        if self._must_save or behind >= _SAVE_AFTER or (behind and time.monotonic() - when > _SAVE_EVERY_S):
            self._save()

    def _save(self) -> None:
        with self._lock:
            engine, position = self._engine.copy(), self._position
        if position is None:
            return
        with self._database.read() as connection:
            event = _id_of(connection, position)
        self._saved, self._must_save = (time.monotonic(), position), False
        try:
            save_snapshot(self._file, self._vault, position, event, engine)
        except OSError as error:
            _log.warning("the counters' snapshot was not saved; the next start counts more", error=str(error))

    def close(self) -> None:
        """Save a snapshot, if that saves the next start much work."""
        with self._refreshing:
            if self._engine.windows and self.position - self._saved[1] >= _SAVE_AFTER:
                try:
                    self._save()
                except StorageError as error:
                    _log.warning("the counters' snapshot was not saved; the next start counts more", error=str(error))

    # -- reading -------------------------------------------------------------------------------------------------

    def read(
        self, features: Sequence[Feature], item: Item, known: Mapping[str, FeatureValue] | None = None
    ) -> CounterReading:
        """The counters as they stand before the item: it does not count itself, also when it is edited or rescreened.

        ``known``: values that an earlier decision about the same revision has read; they are kept.
        """
        kept = {feature.name: known[feature.name] for feature in features if known and feature.name in known}
        wanted = [feature for feature in features if feature.name not in kept]
        if not wanted:
            counted = None if known is None else known.get(POSITION)
            return CounterReading(kept, counted if isinstance(counted, int) else 0)
        try:
            return self._read(wanted, item, kept)
        except StorageError:
            return unread(features, _SILENT, kept)

    def _read(self, wanted: Sequence[Feature], item: Item, kept: Mapping[str, FeatureValue]) -> CounterReading:
        counted = [feature for feature in wanted if tables_of(_spec(feature))]
        values, missing = dict(kept), set[str]()
        with self._database.read() as connection:
            if counted and self._position is not None:
                self._follow(connection, time.monotonic() + _READ_SLICE_S, _LOCK_S)
            at = now_ms()
            actor, ref = self._refs(connection, item)
            for feature in wanted:
                if feature not in counted:
                    values[feature.name] = self._stored(connection, _spec(feature), actor, at)
            own = () if ref is None or not counted else self._own(connection, ref)
        attributes: dict[str, Any] = {} if actor is None else {ACTOR: actor}
        names = {name for feature in counted for name in _spec(feature).by} - {ACTOR}
        attributes |= attributes_of(item.fields, names, self._vault)
        with self._lock:
            position = self.position if counted else 0
            mine = [activity for counted_at, activity in own if counted_at <= position]
            for feature in counted:
                found = self._counted(_spec(feature), attributes, at, mine)
                if isinstance(found, str):
                    missing.add(found)
                    values[feature.name] = UNKNOWN
                else:
                    values[feature.name] = found
        return CounterReading(values, position, tuple(map(_unknown, sorted(missing))))

    def _stored(self, connection: Connection, spec: CounterSpec, actor: str | None, at: int) -> float:
        """A number that the database has; 0 for an account that was never met."""
        if actor is None:
            return 0.0
        if spec.function is CounterFunction.FIRST_SEEN:
            return max(at - met_at(actor), 0) / 1000
        return self._strikes(connection, actor, spec, at)

    def _counted(
        self, spec: CounterSpec, attributes: Mapping[str, Any], at: int, own: Sequence[Activity]
    ) -> float | str | None:
        """A number that was counted, None where absent, or why it is unknown; under the lock."""
        windows = self._engine.windows
        if any(windows.get(table, 0) < spec.within for table in tables_of(spec)):
            return _BUILDING
        if time.monotonic() - self._reached > _STALE_S:
            return _BEHIND
        found = self._engine.read(spec, attributes, at, own)
        return _MEMORY if isinstance(found, UnknownValue) else found

    def _refs(self, connection: Connection, item: Item) -> tuple[str | None, str | None]:
        """The surrogates of the item's account and of the item, where they are known."""
        lookup = self._vault.master.lookup
        of_item = lookup(f"item:{item.content_type}", item.id)
        of_actor = None if item.actor is None else lookup("account", item.actor)
        found = {
            bytes(row.lookup): row.ref for row in connection.execute(_REFS, {"lookups": [of_item, of_actor or of_item]})
        }
        return (None if of_actor is None else found.get(of_actor)), found.get(of_item)

    def _own(self, connection: Connection, ref: str) -> Sequence[tuple[int, Activity]]:
        """The activities by which a known item was counted, each with the number of its event."""
        revisions = self._first_revisions()
        with self._lock:
            needs = self._engine.needs()
        reads_decisions = any(name.startswith(DECIDED) for name in needs)
        events = [revisions.submission(ref), revisions.first_decision(ref) if reads_decisions else None]
        return [
            (event.seq, one)
            for event in events
            if event is not None
            for one in activities_of(connection, [event], needs, self._vault, revisions.fields_of)
            if isinstance(one, Activity)
        ]


def unread(
    features: Sequence[Feature], why: str = _LATE, kept: Mapping[str, FeatureValue] | None = None
) -> CounterReading:
    """A reading in which all counters are unknown, but for those ``kept``."""
    return CounterReading({feature.name: UNKNOWN for feature in features} | dict(kept or {}), 0, (_unknown(why),))


def met_at(ref: str) -> int:
    """When Seawall first met a subject, which its surrogate says (see ``model.new_id``): milliseconds since 1970."""
    return int(ref.partition("_")[2][:12], 16)


def _unknown(why: str) -> Unknown:
    return Unknown(detector=COUNTERS, part="history", reason=UnknownReason.UNCOUNTED, detail=why)


def _spec(feature: Feature) -> CounterSpec:
    assert feature.counter is not None, "only features that read history are asked for"
    return feature.counter


def _head(connection: Connection) -> int:
    return connection.execute(_HEAD).scalar() or 0


def _id_of(connection: Connection, seq: int) -> str:
    return connection.execute(select(event_table.c.id).where(event_table.c.seq == seq)).scalar() or ""


# Made once: they run before every decision that reads counters.
_HEAD: Final = select(func.max(event_table.c.seq))
_REFS: Final = select(subject.c.ref, subject.c.lookup).where(subject.c.lookup.in_(bindparam("lookups", expanding=True)))
