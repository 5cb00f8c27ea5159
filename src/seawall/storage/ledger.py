"""The spine: everything that happened, once, in order; and the tables that follow from it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, TypeVar, cast

from sqlalchemy import func, select

from seawall.model import Event
from seawall.storage import replay
from seawall.storage.batch import Projection, WriterLock, writer_lock
from seawall.storage.database import Database
from seawall.storage.replay import Progress, Rebuild, Verification
from seawall.storage.tables import event as event  # services read old events by number
from seawall.storage.transaction import Prefetch as Prefetch
from seawall.storage.transaction import Transaction as Transaction
from seawall.storage.vault import Vault
from seawall.storage.writer import Pending, Writer

T = TypeVar("T")

_CACHED_SUBJECTS: Final = 50_000


class Ledger:
    """Append, read, prove, rebuild. Safe for threads and event loops; several processes may share a database.

    Every commit joins the batch of its moment: one transaction, one fsync, answered after it. Under the writer lock
    (SQLite ``BEGIN IMMEDIATE``, PostgreSQL an advisory lock) numbers are given out without gaps and become visible
    in order, so a reader with a cursor never skips an event.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        projections: Sequence[Projection],
        *,
        cached_subjects: int = _CACHED_SUBJECTS,
        lock: WriterLock = writer_lock,
    ) -> None:
        self.database = database
        self.vault = vault
        self.projections = tuple(projections)
        self._lock = lock
        self._writer = Writer(database, vault.master, self.projections, lock, cached_subjects)

    def commit(self, unit: Callable[[Transaction], T], *, prefetch: Prefetch | None = None) -> T:
        """Run ``unit`` in the next batch; return its result once it is durable.

        Raises what the unit raised (nothing of it is kept), or StorageError. A unit may be run more than once.
        """
        pending = Pending(unit, prefetch)
        self._writer.submit(pending)
        return cast(T, pending.wait())

    async def commit_async(self, unit: Callable[[Transaction], T], *, prefetch: Prefetch | None = None) -> T:
        """The same from an event loop. Cancelling the wait does not cancel the commit."""
        pending = Pending(unit, prefetch, asyncio.get_running_loop())
        self._writer.submit(pending)
        assert pending.future is not None, "made with a loop"
        return cast(T, await pending.future)

    def events(self, after: int = 0, limit: int = 500) -> list[Event]:
        """Up to ``limit`` events with a number above ``after``, in order. Raises StorageError."""
        with self.database.read() as connection:
            rows = connection.execute(replay.read_events, {"after": after, "limit": limit}).all()
        return [replay.to_event(row) for row in rows]

    def head(self) -> int:
        """The number of the last event, 0 when there is none. Raises StorageError."""
        with self.database.read() as connection:
            last: int | None = connection.execute(select(func.max(event.c.seq))).scalar()
        return last or 0

    def verify(self, progress: Progress | None = None) -> Verification:
        """Read every event and check numbering, hashes and readability. Writers go on meanwhile."""
        with self.database.read() as connection:
            return replay.verify(connection, progress)

    def rebuild(self, progress: Progress | None = None) -> Rebuild:
        """Drop every projection's rows and replay the ledger, in one transaction. Writers wait meanwhile.

        The new rows are kept whether or not they equal the old ones: so a changed projection migrates.
        """
        with self.database.write() as connection:
            self._lock(connection)
            return replay.rebuild(connection, self.projections, progress)

    def close(self) -> None:
        """Commit what is queued and stop the writer. Commits after it raise StorageError."""
        self._writer.close()
