"""The ledger: the append-only log of all events in order, and the projections derived from it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Final, TypeVar, cast

from seawall.model import Event
from seawall.model.latencies import Latencies
from seawall.storage import replay
from seawall.storage.batch import WriterLock, writer_lock
from seawall.storage.build import ProjectionBuilder, Rebuild
from seawall.storage.database import Database
from seawall.storage.events import Events
from seawall.storage.projection import LedgerSchema, Projection
from seawall.storage.replay import LedgerHead, Progress, Verification
from seawall.storage.tables import event as event  # services read old events by number
from seawall.storage.transaction import Prefetch as Prefetch
from seawall.storage.transaction import Transaction as Transaction
from seawall.storage.unit_queue import CommitWaits, OnLate, Pending
from seawall.storage.vault import Vault
from seawall.storage.writer import SIGN_EVERY_S, Writer

T = TypeVar("T")
R = TypeVar("R")

_CACHED_SUBJECTS: Final = 50_000
_QUEUE_LIMIT: Final = 4_096  # interactive units that may wait: a few seconds of work
_FIRST_CHUNK: Final = 100
_CHUNK_S: Final = 0.04  # target time of a chunk of bulk work in the writer: the longest that other units wait for it
_PAUSE: Final = 0.25  # of a chunk's time


class Ledger:
    """Appends, reads, verifies and rebuilds. Safe for threads and event loops; several processes may share a database.

    Concurrent commits share a batch: one transaction, one fsync, and the callers return after it. Under the writer lock
    (SQLite ``BEGIN IMMEDIATE``, PostgreSQL an advisory lock) numbers are assigned without gaps and become visible
    in order, so a reader with a cursor never skips an event.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        events: Events,
        projections: Sequence[Projection],
        *,
        cached_subjects: int = _CACHED_SUBJECTS,
        lock: WriterLock = writer_lock,
        queue_limit: int = _QUEUE_LIMIT,
        sign_every_s: float = SIGN_EVERY_S,
    ) -> None:
        self.database = database
        self.vault = vault
        self.schema = LedgerSchema(events, projections)
        self._waits: CommitWaits | None = None
        self._builder = ProjectionBuilder(database, self.schema, lock)
        self._writer = Writer(database, vault.master, self.schema, lock, cached_subjects, queue_limit, sign_every_s)

    def commit(self, unit: Callable[[Transaction], T], *, prefetch: Prefetch | None = None, bulk: bool = False) -> T:
        """Run ``unit`` in the next batch; return its result once it is durable.

        Raises what the unit raised (nothing of it is kept), or StorageError: Overloaded when too many units wait. A
        unit may be run more than once. ``bulk``: yields to interactive units, up to some seconds; for work that no
        caller waits for.
        """
        pending = Pending(unit, prefetch)
        self._writer.submit(pending, bulk=bulk)
        return cast(T, pending.wait())

    def commit_chunks(
        self, rows: Sequence[R], unit: Callable[[Transaction, Sequence[R]], T]
    ) -> Iterator[tuple[int, T]]:
        """Commit bulk work in chunks of about 40 ms; yield after each the rows done and what ``unit`` returned.

        Each chunk is durable as a whole before the next begins; its size is adapted to the time of the last one.
        Raises as ``commit`` does; earlier chunks stay. The pause after each chunk is for other processes, which SQLite
        does not queue for its lock: without a pause their writes were refused after half a second.
        """
        done, size = 0, _FIRST_CHUNK
        while done < len(rows):
            chunk = rows[done : done + size]
            pending = Pending(partial(_on_chunk, unit, chunk), None)
            self._writer.submit(pending, bulk=True)
            result = cast(T, pending.wait())
            done += len(chunk)
            size = next_chunk_size(len(chunk), pending.seconds)
            yield done, result
            if done < len(rows):
                time.sleep(_PAUSE * pending.seconds)

    async def commit_async(self, unit: Callable[[Transaction], T], *, prefetch: Prefetch | None = None) -> T:
        """The same from an event loop. Cancelling the wait does not cancel the commit."""
        pending = Pending(unit, prefetch, asyncio.get_running_loop())
        self._writer.submit(pending)
        assert pending.future is not None, "made with a loop"
        return cast(T, await pending.future)

    async def commit_within(
        self,
        unit: Callable[[Transaction], T],
        seconds: float | None,
        on_late: OnLate,
        *,
        prefetch: Prefetch | None = None,
    ) -> T:
        """The same, but raises CommitDelayed after ``seconds``; then ``on_late`` gets the outcome in this event loop.

        It is not called if the wait is cancelled. ``seconds`` None: about ten.
        """
        loop = asyncio.get_running_loop()
        pending = Pending(unit, prefetch, loop)
        pending.on_late = on_late
        assert pending.future is not None, "made with a loop"
        self._writer.submit(pending)
        if seconds is None:
            waits = self._waits
            if waits is None or waits.loop is not loop:
                waits = self._waits = CommitWaits(loop, self.database.place)
            waits.add(pending)
            return cast(T, await pending.future)
        timer = loop.call_later(seconds, pending.expire, self.database.place, seconds)
        try:
            return cast(T, await pending.future)
        finally:
            timer.cancel()

    def commit_later(self, unit: Callable[[Transaction], object], on_late: OnLate, *, prefetch: Prefetch) -> None:
        """Commit a unit that nobody waits for; ``on_late`` gets the outcome in the calling event loop."""
        pending = Pending(unit, prefetch, asyncio.get_running_loop())
        pending.on_late = on_late
        assert pending.future is not None, "made with a loop"
        pending.future.set_result(None)
        self._writer.submit(pending)

    def events(self, after: int = 0, limit: int = 500, *, kinds: Sequence[str] | None = None) -> list[Event]:
        """Up to ``limit`` events with a number above ``after``, in order; only of ``kinds``, if given.

        Raises StorageError.
        """
        with self.database.read() as connection:
            return replay.read_events(connection, self.schema.events, after, limit, kinds)

    def events_at(self, seqs: Iterable[int]) -> list[Event]:
        """The events with these numbers, in order. Raises StorageError."""
        with self.database.read() as connection:
            return replay.events_at(connection, self.schema.events, seqs)

    def head(self) -> int:
        """The number of the last event, 0 when there is none. Raises StorageError."""
        with self.database.read() as connection:
            return replay.last_seq(connection)

    def signed_head(self) -> LedgerHead | None:
        """The signed head, to be kept outside the database; None before the first event of this release.

        Events of the last quarter of a second may follow it; ``close`` signs them.
        """
        with self.database.read() as connection:
            return replay.signed_head(connection)

    def verify(self, progress: Progress | None = None, *, expected: LedgerHead | None = None) -> Verification:
        """Read every event and check numbering, hashes, readability and heads. Does not block writers."""
        with self.database.read() as connection:
            return replay.verify(connection, self.schema.events, progress, self.vault.master, expected)

    def build(self, progress: Progress | None = None) -> tuple[str, ...]:
        """Build the projections that are new, or newer than the database's, and swap them in; return their names.

        Call it before the first commit. Other processes can write meanwhile; once the tables are swapped in, those
        that run older code are refused. Raises StorageError when the database's projections are newer than this code's.
        """
        return self._builder.update(progress)

    def rebuild(self, progress: Progress | None = None) -> Rebuild:
        """Rebuild every projection beside its tables, compare, and swap it in, one after the other.

        Writers wait only while the rows of one projection are compared. The new rows are kept whether or not they
        equal the old ones.
        """
        return self._builder.rebuild(progress)

    def waiting(self) -> tuple[int, int]:
        """Numbers of interactive and bulk units waiting for this process's writer."""
        return self._writer.waiting()

    @property
    def commit_latencies(self) -> Latencies:
        """How long this process's commits took, each of all units that waited."""
        return self._writer.latencies

    def stalled_s(self) -> float:
        """For how many seconds this process's writer has been busy with one batch; 0 when it is not."""
        return self._writer.stalled_s()

    def close(self) -> None:
        """Commit the queued units and stop the writer. Later commits raise StorageError."""
        self._writer.close()


def next_chunk_size(rows: int, seconds: float) -> int:
    """Rows of the next chunk, after ``rows`` took ``seconds``: at most twice as many, at least one."""
    return max(1, min(2 * rows, int(rows * _CHUNK_S / max(seconds, 1e-6))))


def _on_chunk(unit: Callable[[Transaction, Sequence[R]], T], chunk: Sequence[R], tx: Transaction) -> T:
    return unit(tx, chunk)
