"""The spine: everything that happened, once, in order; and the tables that follow from it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, TypeVar, cast

from seawall.model import Event
from seawall.storage import replay
from seawall.storage.batch import WriterLock, writer_lock
from seawall.storage.build import ProjectionBuilder, Rebuild
from seawall.storage.database import Database
from seawall.storage.events import Events
from seawall.storage.projection import LedgerSchema, Projection
from seawall.storage.replay import Progress, Verification
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
        events: Events,
        projections: Sequence[Projection],
        *,
        cached_subjects: int = _CACHED_SUBJECTS,
        lock: WriterLock = writer_lock,
    ) -> None:
        self.database = database
        self.vault = vault
        self.schema = LedgerSchema(events, projections)
        self._builder = ProjectionBuilder(database, self.schema, lock)
        self._writer = Writer(database, vault.master, self.schema, lock, cached_subjects)

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

    def events(self, after: int = 0, limit: int = 500, *, kinds: Sequence[str] | None = None) -> list[Event]:
        """Up to ``limit`` events with a number above ``after``, in order; of some kinds only, if named.

        Raises StorageError.
        """
        with self.database.read() as connection:
            return replay.read_events(connection, self.schema.events, after, limit, kinds)

    def head(self) -> int:
        """The number of the last event, 0 when there is none. Raises StorageError."""
        with self.database.read() as connection:
            return replay.last_seq(connection)

    def verify(self, progress: Progress | None = None) -> Verification:
        """Read every event and check numbering, hashes and readability. Writers go on meanwhile."""
        with self.database.read() as connection:
            return replay.verify(connection, self.schema.events, progress)

    def build(self, progress: Progress | None = None) -> tuple[str, ...]:
        """Build the projections that are new, or newer than the database's, and put them in place; their names.

        Call it before the first commit. Other processes go on writing meanwhile; once the tables are in place, those
        that run older code are refused. Raises StorageError when the database's projections are newer than this code's.
        """
        return self._builder.update(progress)

    def rebuild(self, progress: Progress | None = None) -> Rebuild:
        """Build every projection anew beside its tables, compare, and put it in place, one after the other.

        Writers wait only while the rows of one projection are compared. The new rows are kept whether or not they
        equal the old ones.
        """
        return self._builder.rebuild(progress)

    def close(self) -> None:
        """Commit what is queued and stop the writer. Commits after it raise StorageError."""
        self._writer.close()
