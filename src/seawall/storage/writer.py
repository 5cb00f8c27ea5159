"""Group commit: one thread drains the queues of units; a batch of them shares one transaction and one fsync."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
import time
from collections import defaultdict
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from seawall.model.latencies import Latencies
from seawall.storage.batch import CommitBatch, HotPathSql, WriterLock, read_head
from seawall.storage.database import Database
from seawall.storage.driver import run
from seawall.storage.errors import OutcomeUnknown, StorageError, explain, is_conflict
from seawall.storage.keys import MasterKey
from seawall.storage.projection import LedgerSchema
from seawall.storage.subjects import Subjects
from seawall.storage.transaction import Transaction
from seawall.storage.unit_queue import Pending, UnitQueue

_log = logging.getLogger(__name__)

_LARGEST_BATCH: Final = 512
_LONGEST_STATEMENT_MS: Final = 60_000
_CONFLICTS: Final = 5  # times that a batch is retried after a PostgreSQL conflict
SIGN_EVERY_S: Final = 0.25
"""How long the last events may stay behind the signed head: signing with each batch cost a tenth of a commit."""


class _Spoilt(Exception):
    """A unit failed after it had written to the database, so that its batch cannot be committed.

    Its cause is the unit's own error.
    """


class Writer:
    """The only writing thread of a process. It survives every failure; results are delivered after the commit."""

    def __init__(
        self,
        database: Database,
        master: MasterKey,
        schema: LedgerSchema,
        lock: WriterLock,
        cached_subjects: int,
        queue_limit: int,
        sign_every_s: float,
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
        self._busy_since: float | None = None
        self._sign_every_s = sign_every_s
        self._sign_at = 0.0  # by the monotonic clock; the first batch is signed at once
        self._unsigned = False  # events of this process follow the signed head
        self.latencies = Latencies()  # of batches, from the first unit to the commit
        self._queue = UnitQueue(queue_limit)
        self._thread = threading.Thread(target=self._work, name="seawall-ledger-writer", daemon=True)
        self._thread.start()

    def submit(self, pending: Pending, *, bulk: bool = False) -> None:
        """Queue a unit. Raises Overloaded when the queue is full, StorageError after ``close``."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("a unit of work must not commit another: use its transaction")
        self._queue.put(pending, bulk=bulk)

    def waiting(self) -> tuple[int, int]:
        """Numbers of queued interactive and bulk units."""
        return self._queue.waiting()

    def stalled_s(self) -> float:
        """For how many seconds the writer has been busy with one batch; 0 when it is not."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def close(self) -> None:
        """Finish the queued units, then stop."""
        self._queue.close()
        self._thread.join()

    # -- the writer's thread ----------------------------------------------------------------------------------------

    def _work(self) -> None:
        while (pendings := self._next_batch()) is not None:
            self._busy_since = time.monotonic()
            if pendings:
                self._settle(pendings)
            else:
                self._sign()
            self._busy_since = None
            _deliver(pendings)
        if self._unsigned:
            self._sign()
        self._disconnect()

    def _next_batch(self) -> list[Pending] | None:
        return self._queue.take(_LARGEST_BATCH, self._sign_every_s if self._unsigned else None)

    def _sign(self) -> None:
        """Sign the head in a transaction of its own, while no unit waits. If that fails, the next batch does it."""
        try:
            with self._database.exclusive():
                connection, batch = self._begin()
                try:
                    batch.sign_head()
                    connection.commit()
                except BaseException:
                    self._roll_back(connection)
                    raise
        except Exception as error:
            _log.warning("the ledger's head was not signed: %s", explain(error, self._database.place) or error)
        self._unsigned = False

    def _settle(self, pendings: list[Pending]) -> None:
        """Give every unit its result or error: together if that works, else each half of them."""
        for attempt in range(_CONFLICTS):
            try:
                with self._database.exclusive():
                    return self._attempt(pendings)
            except StorageError as error:  # the database's state, not a unit: smaller batches would fail too
                self._disconnect()
                for pending in pendings:
                    pending.error = type(error)(*error.args)
                    pending.error.__cause__ = error.__cause__
                return None
            except BaseException as raised:
                own = raised.__cause__ if isinstance(raised, _Spoilt) and raised.__cause__ is not None else raised
                if is_conflict(own) and attempt < _CONFLICTS - 1:
                    continue
                if len(pendings) == 1:
                    pendings[0].error = explain(own, self._database.place) or own
                    return None
                break
        # One unit makes the batch fail, and the error does not name it, because what a unit buffered
        # may be flushed with a later one. Halving the batch finds it in few transactions.
        half = len(pendings) // 2
        self._settle(pendings[:half])
        self._settle(pendings[half:])
        return None

    def _attempt(self, pendings: list[Pending]) -> None:
        """Run the units in one transaction and commit it. Raises the error that prevents the whole batch."""
        database = self._database
        connection, batch = self._begin()
        began = time.monotonic()
        try:
            if wanted := [pending.prefetch for pending in pendings if pending.prefetch is not None]:
                batch.prefetch(wanted)
            for pending in pendings:
                self._run(batch, pending)
            batch.flush()
            if sign := batch.appended and began >= self._sign_at:
                batch.sign_head()
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
        ended = time.monotonic()
        self.latencies.observe(ended - began)
        if batch.appended:
            self._unsigned = not sign
            if sign:
                self._sign_at = ended + self._sign_every_s
        for pending in pendings:
            pending.seconds = ended - began

    def _begin(self) -> tuple[Connection, CommitBatch]:
        """Begin a transaction under the writer lock."""
        try:
            connection, (erasures, seq, chain, built) = self._enter()
        except BaseException as error:
            self._disconnect()
            if (storage_error := explain(error, self._database.place)) is not None:
                raise storage_error from error
            raise
        if erasures != self._erasures:
            self._master.require(erasures)
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
            built,
            self._job_numbers,
        )

    def _enter(self) -> tuple[Connection, tuple[str | None, int, bytes, str]]:
        kept = self._connection
        if kept is not None:
            try:
                return kept, self._take_over(kept)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                self._disconnect()  # the server closed the idle connection: try one new connection
        self._connection = self._database.engine.connect()
        if self._database.dialect == "postgresql":
            # A lock or statement that never ends, or this process stopped in mid-transaction, must not stop every
            # writer for good: the caller is told to try again.
            run(self._connection, f"SET statement_timeout = {_LONGEST_STATEMENT_MS}")
            run(self._connection, f"SET idle_in_transaction_session_timeout = {_LONGEST_STATEMENT_MS}")
            self._connection.connection.commit()
        return self._connection, self._take_over(self._connection)

    def _take_over(self, connection: Connection) -> tuple[str | None, int, bytes, str]:
        connection.begin()
        self._lock(connection)
        return read_head(connection, self._sql)

    def _run(self, batch: CommitBatch, pending: Pending) -> None:
        """Run one unit. Its failure does not affect the others, unless some of its writes reached the database."""
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
                "known. Look it up by its id, or send it again with the same idempotency key."
            )
        return explain(error, self._database.place) or error

    def _roll_back(self, connection: Connection) -> None:
        try:
            connection.rollback()
        except Exception:  # the connection is broken; its transaction ends with it
            self._disconnect()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            connection.invalidate()
            connection.close()
        except Exception:  # noqa: S110 - a broken connection may fail to close; it is dropped anyway
            pass


def _deliver(pendings: list[Pending]) -> None:
    """Wake every waiting caller; each event loop is called once for all its units."""
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[Pending]] = defaultdict(list)
    for pending in pendings:
        if pending.loop is None:
            pending.settle()
        else:
            by_loop[pending.loop].append(pending)
    for loop, group in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, group)
        except RuntimeError:  # the loop is closed: no caller waits any more
            continue


def _resolve(pendings: list[Pending]) -> None:
    for pending in pendings:
        pending.resolve()
