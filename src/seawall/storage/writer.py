"""Group commit: one thread drains a queue of units; a batch of them shares one transaction and one fsync."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections import defaultdict
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from seawall.storage.batch import CommitBatch, HotPathSql, WriterLock, read_head
from seawall.storage.database import Database
from seawall.storage.errors import OutcomeUnknown, StorageError, explain, is_conflict
from seawall.storage.keys import MasterKey
from seawall.storage.projection import LedgerSchema
from seawall.storage.subjects import Subjects
from seawall.storage.transaction import Prefetch, Transaction

Unit = Callable[[Transaction], Any]

_LARGEST_BATCH: Final = 512
_CONFLICTS: Final = 5  # times that PostgreSQL may ask to run one unit again


class Pending:
    """A unit in the queue, and where its outcome goes: to a waiting thread, or to a future of an event loop."""

    __slots__ = ("_arrived", "error", "future", "loop", "prefetch", "result", "unit")

    def __init__(self, unit: Unit, prefetch: Prefetch | None, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self.unit = unit
        self.prefetch = prefetch
        self.loop = loop
        self.future = None if loop is None else loop.create_future()
        self.result: Any = None
        self.error: BaseException | None = None
        self._arrived = threading.Lock()  # a bare lock is the cheapest event there is
        if loop is None:
            self._arrived.acquire()

    def wait(self) -> Any:
        """Block until the outcome is there: return it or raise it."""
        self._arrived.acquire()
        if self.error is not None:
            raise self.error
        return self.result

    def settle(self) -> None:
        """In the writer's thread: wake the waiting thread."""
        self._arrived.release()

    def resolve(self) -> None:
        """In the loop's thread: resolve the future, unless whoever waited for it was cancelled."""
        future = self.future
        if future is None or future.done():
            return
        if self.error is not None:
            future.set_exception(self.error)
        else:
            future.set_result(self.result)


class _Spoilt(Exception):
    """A unit failed after it had touched the database, so that nobody's work can be committed with it.

    Its cause is the unit's own error.
    """


class Writer:
    """The one writing thread of a process. It survives every failure; nothing is answered before its commit."""

    def __init__(
        self,
        database: Database,
        master: MasterKey,
        schema: LedgerSchema,
        lock: WriterLock,
        cached_subjects: int,
    ) -> None:
        self._database = database
        self._master = master
        self._schema = schema
        self._lock = lock
        self._sql = HotPathSql(database.dialect)
        self._subjects = Subjects(master, cached_subjects)
        self._erasures: str | None = None
        self._job_numbers = itertools.count()
        self._connection: Connection | None = None
        self._queue: SimpleQueue[Pending | None] = SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="seawall-ledger-writer", daemon=True)
        self._thread.start()

    def submit(self, pending: Pending) -> None:
        """Queue a unit. Raises StorageError after ``close``."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("a unit of work must not commit another: use its transaction")
        with self._gate:
            if self._closed:
                raise StorageError("The ledger is closed: this process is shutting down. Send the request again.")
            self._queue.put(pending)

    def close(self) -> None:
        """Finish what is queued, then stop."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    # -- the writer's thread ----------------------------------------------------------------------------------------

    def _work(self) -> None:
        open_ = True
        while open_:
            pendings, open_ = self._next()
            if pendings:
                self._settle(pendings)
                _deliver(pendings)
        self._disconnect()

    def _next(self) -> tuple[list[Pending], bool]:
        """Wait for a unit, then take whatever else is there; and whether more may follow."""
        first = self._queue.get()
        if first is None:
            return [], False
        taken = [first]
        try:
            while len(taken) < _LARGEST_BATCH:
                another = self._queue.get_nowait()
                if another is None:
                    return taken, False
                taken.append(another)
        except Empty:
            pass
        return taken, True

    def _settle(self, pendings: list[Pending]) -> None:
        """Give every unit its outcome: together if that works, else one by one."""
        for attempt in range(_CONFLICTS):
            try:
                with self._database.exclusive():
                    return self._attempt(pendings)
            except StorageError as error:  # the database's state, not a unit's fault: no use in trying one by one
                self._disconnect()
                for pending in pendings:
                    pending.error = type(error)(*error.args)
                    pending.error.__cause__ = error.__cause__
                return None
            except BaseException as raised:
                if len(pendings) > 1:
                    break
                own = raised.__cause__ if isinstance(raised, _Spoilt) and raised.__cause__ is not None else raised
                if not is_conflict(own) or attempt == _CONFLICTS - 1:
                    pendings[0].error = explain(own, self._database.place) or own
                    return None
        for pending in pendings:
            self._settle([pending])
        return None

    def _attempt(self, pendings: list[Pending]) -> None:
        """Run the units in one transaction and commit it. Raises whatever keeps the whole batch from committing."""
        database = self._database
        connection, batch = self._begin()
        try:
            batch.prefetch([pending.prefetch for pending in pendings if pending.prefetch is not None])
            for pending in pendings:
                self._run(batch, pending)
            batch.flush()
        except BaseException as error:
            batch.undo()
            self._roll_back(connection)
            if not isinstance(error, _Spoilt) and (storage_error := explain(error, database.place)) is not None:
                raise storage_error from error
            raise
        try:
            connection.commit()
        except BaseException as error:
            batch.undo()
            self._roll_back(connection)
            raise self._failed_commit(error) from error

    def _begin(self) -> tuple[Connection, CommitBatch]:
        """A transaction under the writer lock."""
        try:
            connection, (erasures, seq, chain) = self._enter()
        except BaseException as error:
            self._disconnect()
            if (storage_error := explain(error, self._database.place)) is not None:
                raise storage_error from error
            raise
        if erasures != self._erasures:
            self._subjects.clear()
            self._erasures = erasures
        self._subjects.trim()
        return connection, CommitBatch(
            connection,
            self._sql,
            self._subjects,
            self._master,
            self._schema,
            (seq, chain),
            self._job_numbers,
        )

    def _enter(self) -> tuple[Connection, tuple[str | None, int, bytes]]:
        kept = self._connection
        if kept is not None:
            try:
                return kept, self._take_over(kept)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                self._disconnect()  # the server went away while we were idle: one new connection
        self._connection = self._database.engine.connect()
        return self._connection, self._take_over(self._connection)

    def _take_over(self, connection: Connection) -> tuple[str | None, int, bytes]:
        connection.begin()
        self._lock(connection)
        return read_head(connection, self._sql)

    def _run(self, batch: CommitBatch, pending: Pending) -> None:
        """Run one unit. Its own failure stays its own, unless the database has seen some of it."""
        pending.error = pending.result = None
        transaction = Transaction(batch)
        try:
            pending.result = pending.unit(transaction)
        except BaseException as error:
            transaction.drop()
            if transaction.failure is None and not transaction.dirty:
                pending.error = error
                return
            raise _Spoilt from error
        if transaction.failure is not None:
            raise _Spoilt from transaction.failure
        batch.absorb(transaction)

    def _failed_commit(self, error: BaseException) -> BaseException:
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            return OutcomeUnknown(
                f"The connection to {self._database.place} broke while committing; whether the work is durable is not "
                "known. Ask for it by its id, or send it again with the same idempotency key."
            )
        return explain(error, self._database.place) or error

    def _roll_back(self, connection: Connection) -> None:
        try:
            connection.rollback()
        except Exception:  # the connection is beyond use; its transaction dies with it
            self._disconnect()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            connection.invalidate()
            connection.close()
        except Exception:  # noqa: S110 - a broken connection may refuse to close; it is dropped all the same
            pass


def _deliver(pendings: list[Pending]) -> None:
    """Wake every waiter; an event loop is called once for all its units."""
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[Pending]] = defaultdict(list)
    for pending in pendings:
        if pending.loop is None:
            pending.settle()
        else:
            by_loop[pending.loop].append(pending)
    for loop, group in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, group)
        except RuntimeError:  # the loop is closed: nobody waits any more
            continue


def _resolve(pendings: list[Pending]) -> None:
    for pending in pendings:
        pending.resolve()
