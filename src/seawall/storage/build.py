"""Builds projections from the ledger beside the running ones, then swaps them in.

A projection that is new, or whose version is higher than the database's, is filled into tables of its own
(``<table>__building``) while reads and writes go on. Its events are read by cursor and written in short
transactions, each of which moves the build's cursor; so an interrupted build continues where it stopped, and
processes that start together share the work. At the end, under the writer lock, the last events are applied and the
tables replace the old ones, in one transaction. Until then the old tables are not touched.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Final

import msgspec
import psycopg
import structlog
from sqlalchemy import Connection, Table, delete, insert, select, update
from sqlalchemy.exc import DBAPIError

from seawall.storage.batch import WriterLock
from seawall.storage.database import Database
from seawall.storage.errors import StorageError
from seawall.storage.projection import LedgerSchema, Projection, on_tables
from seawall.storage.replay import Progress, last_seq, read_events
from seawall.storage.swapping import create_beside, replace_table, table_beside
from seawall.storage.tables import projection_build as build_table
from seawall.storage.tables import projection_state as state_table

_log = structlog.get_logger(__name__)

_CHUNK: Final = 500  # events in one transaction: SQLite's other writers wait for it
_LOCK_KEY: Final = 0x5EA_3A13  # processes that begin a build together do so one after the other
_SWAP_ATTEMPTS: Final = 60
_SWAP_PAUSE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class RebuiltTable:
    """A projection table before and after a rebuild: row count and SHA-256 of its rows in primary-key order."""

    projection: str
    table: str
    rows_before: int
    rows_after: int
    digest_before: str
    digest_after: str

    @property
    def equal(self) -> bool:
        """Whether the rebuilt table is the same, byte for byte."""
        return self.digest_before == self.digest_after


@dataclass(frozen=True, slots=True)
class Rebuild:
    """Result of a rebuild."""

    events: int
    tables: tuple[RebuiltTable, ...]

    @property
    def equal(self) -> bool:
        """Whether every table is the same as before."""
        return all(table.equal for table in self.tables)


@dataclass(frozen=True, slots=True)
class ProjectionBuilder:
    """Builds projections of one database."""

    database: Database
    schema: LedgerSchema
    lock: WriterLock

    def update(self, progress: Progress | None = None) -> tuple[str, ...]:
        """Build new projections and new versions; return their names. Raises StorageError if newer code built one."""
        with self.database.read() as connection:
            versions = _versions(connection)
        for projection in self.schema.projections:
            if (found := versions.get(projection.name, 0)) > projection.version:
                raise StorageError(
                    f"The projection {projection.name!r} is at version {found} in {self.database.place}, and this "
                    f"code has version {projection.version}: newer code built it. Upgrade Seawall."
                )
        wanted = [one for one in self.schema.projections if versions.get(one.name) != one.version]
        if not wanted or self._begin_empty(wanted):
            return tuple(one.name for one in wanted)
        for index, projection in enumerate(wanted):
            _log.info("building a projection", projection=projection.name, version=projection.version)
            self._build(projection, fresh=False, compare=False, progress=_part(progress, index, len(wanted)))
            _log.info("projection built", projection=projection.name, version=projection.version)
        return tuple(one.name for one in wanted)

    def rebuild(self, progress: Progress | None = None) -> Rebuild:
        """Build every projection from the first event on, compare old rows with new ones, and keep the new ones."""
        tables: list[RebuiltTable] = []
        seq = 0
        for index, projection in enumerate(self.schema.projections):
            part = _part(progress, index, len(self.schema.projections))
            seq, compared = self._build(projection, fresh=True, compare=True, progress=part)
            tables += compared
        return Rebuild(seq, tuple(tables))

    def _begin_empty(self, wanted: list[Projection]) -> bool:
        """If there are no events yet, mark the projections as built, with empty tables. Whether it did."""
        with self.database.write() as connection:
            self.lock(connection)
            if last_seq(connection) > 0:
                return False
            for projection in wanted:
                outdated = projection.name in _versions(connection)
                for table in projection.tables:
                    if outdated:
                        table.drop(connection, checkfirst=True)
                    table.create(connection, checkfirst=True)
                _set_version(connection, projection, 0)
        return True

    # -- one projection ---------------------------------------------------------------------------------------------

    def _build(
        self, projection: Projection, *, fresh: bool, compare: bool, progress: Progress | None
    ) -> tuple[int, list[RebuiltTable]]:
        """Fill tables beside the running ones, then swap them in; return the last event and the comparison."""
        dialect = self.database.dialect
        beside = on_tables(projection, [table_beside(table, dialect) for table in projection.tables])
        token, seq = self._begin(projection, fresh=fresh)
        while (step := self._chunk(beside, token, seq)) is not None:
            upto, total = step
            if upto == seq:
                break
            seq = upto
            if progress is not None:
                progress(seq, total)
        finish = partial(self._finish, projection, beside, token, compare=compare)
        done = None if step is None else self._without_waiting_for_readers(finish)
        if done is None:
            return self._done_by_another(projection), []
        if progress is not None:
            progress(done[0], done[0])
        return done

    def _begin(self, projection: Projection, *, fresh: bool) -> tuple[str, int]:
        """Token and cursor of the build in progress, or of a new one with empty tables."""
        with self.database.write() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})")
            row = connection.execute(select(build_table).where(build_table.c.name == projection.name)).first()
            if row is not None and row.version > projection.version:
                raise StorageError(
                    f"Version {row.version} of the projection {projection.name!r} is being built by newer code; this "
                    f"code has version {projection.version}. Upgrade Seawall."
                )
            if row is not None and row.version == projection.version and not fresh:
                return row.token, row.seq
            for table in projection.tables:
                create_beside(connection, table)
            token = os.urandom(8).hex()
            connection.execute(delete(build_table).where(build_table.c.name == projection.name))
            values = {"name": projection.name, "version": projection.version, "token": token, "seq": 0}
            connection.execute(insert(build_table).values(values))
        return token, 0

    def _chunk(self, beside: Projection, token: str, after: int) -> tuple[int, int] | None:
        """Apply the next events; return cursor and last event. None: another process restarted the build."""
        kinds = self.schema.kinds_for(beside)
        with self.database.read() as connection:
            total = last_seq(connection)
            events = read_events(connection, self.schema.events, after, _CHUNK, kinds)
        upto = events[-1].seq if len(events) == _CHUNK else total
        with self.database.write() as connection:
            found = _cursor(connection, beside.name, token)
            if found is None:
                return None
            if found != after:  # another process applied these
                return found, total
            if upto > after:
                _move(connection, beside.name, token, upto)
                if events:
                    beside.apply(connection, events)
        return upto, total

    def _finish(
        self, projection: Projection, beside: Projection, token: str, *, compare: bool
    ) -> tuple[int, list[RebuiltTable]] | None:
        """Apply the remaining events, compare if asked, and swap, in one transaction under the writer lock."""
        kinds = self.schema.kinds_for(projection)
        with self.database.write() as connection:
            self.lock(connection)
            seq = _cursor(connection, projection.name, token)
            if seq is None:
                return None
            while events := read_events(connection, self.schema.events, seq, _CHUNK, kinds):
                beside.apply(connection, events)
                seq = events[-1].seq
            seq = last_seq(connection)
            tables = list(zip(projection.tables, beside.tables, strict=True))
            compared = [_compared(connection, projection.name, old, new) for old, new in tables] if compare else []
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SET LOCAL lock_timeout = '1s'")
            for table, _ in tables:
                replace_table(connection, table)
            _set_version(connection, projection, seq)
            connection.execute(delete(build_table).where(build_table.c.name == projection.name))
        return seq, compared

    def _without_waiting_for_readers(
        self, finish: Callable[[], tuple[int, list[RebuiltTable]] | None]
    ) -> tuple[int, list[RebuiltTable]] | None:
        """Retry the swap: on PostgreSQL a long read of a table blocks it, and writers must not wait for that read."""
        for attempt in range(_SWAP_ATTEMPTS):
            try:
                return finish()
            except StorageError as error:
                if attempt == _SWAP_ATTEMPTS - 1 or not _is_lock_timeout(error):
                    raise
                _pause()
        raise AssertionError("unreachable")

    def _done_by_another(self, projection: Projection) -> int:
        with self.database.read() as connection:
            row = connection.execute(select(state_table).where(state_table.c.name == projection.name)).first()
        if row is None or row.version != projection.version:
            raise StorageError(
                f"Another process restarted the build of the projection {projection.name!r}. Try again when it is done."
            )
        return int(row.seq)


def _pause() -> None:
    time.sleep(_SWAP_PAUSE_S)


def _part(progress: Progress | None, index: int, parts: int) -> Progress | None:
    """Progress within one of several passes over the ledger."""
    if progress is None:
        return None
    return lambda done, total: progress(index * total + done, parts * total)


def _versions(connection: Connection) -> dict[str, int]:
    return {row.name: row.version for row in connection.execute(select(state_table))}


def _set_version(connection: Connection, projection: Projection, seq: int) -> None:
    connection.execute(delete(state_table).where(state_table.c.name == projection.name))
    values = {"name": projection.name, "version": projection.version, "seq": seq}
    connection.execute(insert(state_table).values(values))


def _cursor(connection: Connection, name: str, token: str) -> int | None:
    query = select(build_table.c.seq).where(build_table.c.name == name, build_table.c.token == token)
    return connection.execute(query.with_for_update()).scalar()


def _move(connection: Connection, name: str, token: str, seq: int) -> None:
    mine = (build_table.c.name == name) & (build_table.c.token == token)
    connection.execute(update(build_table).where(mine).values(seq=seq))


def _compared(connection: Connection, projection: str, old: Table, new: Table) -> RebuiltTable:
    (rows_before, before), (rows_after, after) = _digest(connection, old), _digest(connection, new)
    return RebuiltTable(projection, old.name, rows_before, rows_after, before, after)


def _digest(connection: Connection, table: Table) -> tuple[int, str]:
    """Number of rows, and SHA-256 over each row as MessagePack, in primary-key order."""
    encode = msgspec.msgpack.Encoder().encode
    digest, count = sha256(), 0
    streamed = select(table).order_by(*table.primary_key).execution_options(stream_results=True, yield_per=2000)
    with connection.execute(streamed) as result:
        for row in result:
            digest.update(encode(tuple(row)))
            count += 1
    return count, digest.hexdigest()


def _is_lock_timeout(error: StorageError) -> bool:
    cause = error.__cause__
    return isinstance(cause, DBAPIError) and isinstance(cause.orig, psycopg.errors.LockNotAvailable)
