"""Access to one database, SQLite or PostgreSQL, through the same few calls."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final, Literal

from sqlalchemy import URL, Connection, Engine, MetaData, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from seawall.storage.driver import run
from seawall.storage.errors import StorageError, explain

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Every table of Seawall. A component's ``tables.py`` adds its own; the migrations create them all."""


# A server that is gone is noticed within half a minute, not after the kernel's two hours. The URL may say otherwise.
_TIMEOUTS: Final = {
    "connect_timeout": 5,  # seconds
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,  # milliseconds
}
_POOL_TIMEOUT_S: Final = 10


class Database:
    """A database and its connections. Safe to share between threads; one for each process.

    ``engine`` is for writers: on SQLite its transactions begin with ``BEGIN IMMEDIATE``.
    """

    def __init__(self, engine: Engine, reader: Engine, place: str) -> None:
        self.engine = engine
        self.place = place
        self.dialect: Literal["sqlite", "postgresql"] = "sqlite" if engine.dialect.name == "sqlite" else "postgresql"
        self._reader = reader
        self._exclusive = _OneWriter() if self.dialect == "sqlite" else nullcontext()

    @property
    def file(self) -> Path | None:
        """The SQLite file; None on a server."""
        name = self.engine.url.database
        return Path(name) if self.dialect == "sqlite" and name else None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A read-only connection that sees one unchanging snapshot. Raises StorageError."""
        with self.explained(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction for operational rows, outside the ledger: committed at the end, rolled back on an exception.

        Raises StorageError. Rows that belong to an event are written by ``Ledger.commit`` instead.
        """
        with self.explained(), self.exclusive(), self.engine.begin() as connection:
            yield connection

    def exclusive(self) -> AbstractContextManager[None]:
        """Exclude this process's other SQLite writers; no effect on PostgreSQL, which orders writers itself."""
        return self._exclusive

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn a driver's error about the database's state into a StorageError; other errors propagate."""
        try:
            yield
        except PoolTimeout as error:
            raise StorageError("Every connection to the database is in use. Try again in a moment.") from error
        except (DBAPIError, sqlite3.Error) as error:
            if (storage_error := explain(error, self.place)) is not None:
                raise storage_error from error
            raise

    def close(self) -> None:
        """Close every connection that is not in use."""
        self._reader.dispose()
        self.engine.dispose()


class _OneWriter(AbstractContextManager[None]):
    """Threads that write to one SQLite file queue here, in order, instead of polling the file's lock.

    A class, because a generator's context costs each commit four times as much.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: int | None = None  # that has it

    def __enter__(self) -> None:
        me = threading.get_ident()
        if self._thread == me:
            raise RuntimeError("this thread is already in a write transaction: use that one")
        self._lock.acquire()
        self._thread = me

    def __exit__(self, *_: object) -> None:
        self._thread = None
        self._lock.release()


def open_database(url: str, *, busy_timeout_ms: int = 10_000) -> Database:
    """Open ``sqlite:////absolute/file.db`` or ``postgresql://user:password@host/name``.

    ``busy_timeout_ms``: how long a SQLite writer waits for another process before "locked". Raises StorageError.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StorageError(
            "The database URL is not valid. Write sqlite:////absolute/file.db or postgresql://user@host/name."
        ) from error
    match parsed.get_backend_name():
        case "sqlite":
            return _open_sqlite(parsed, busy_timeout_ms)
        case "postgresql" | "postgres":
            return _open_postgresql(parsed)
        case other:
            raise StorageError(f"Databases of kind {other!r} are not supported. Use sqlite:// or postgresql://.")


def _open_sqlite(url: URL, busy_timeout_ms: int) -> Database:
    if not url.database or url.database == ":memory:":
        raise StorageError("Seawall needs a database file. Write sqlite:////absolute/file.db.")
    if not (folder := Path(url.database).parent).is_dir():
        raise StorageError(f"The folder {folder} for the database does not exist. Create it first.")
    url = url.set(drivername="sqlite+pysqlite")
    place = url.database or ""

    def engine(begin: str, *pragmas: str) -> Engine:
        # isolation_level None: the driver begins no transactions of its own; the listener below does.
        made = create_engine(
            url,
            connect_args={"isolation_level": None, "timeout": busy_timeout_ms / 1000},
            pool_size=8,
            max_overflow=32,
            hide_parameters=True,  # errors are logged; parameters may be personal
        )

        @event.listens_for(made, "connect")
        def configure(connection: sqlite3.Connection, _record: Any) -> None:
            for pragma in pragmas:
                _set_pragma(connection, pragma, time.monotonic() + busy_timeout_ms / 1000)

        @event.listens_for(made, "begin")
        def begin_transaction(connection: Connection) -> None:
            run(connection, begin)

        return made

    writer = engine(
        "BEGIN IMMEDIATE",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "cache_size=-65536",  # KiB: the indexes' inner pages stay in memory
        "wal_autocheckpoint=4000",  # pages (16 MB): pages written again and again are copied back once
        "secure_delete=FAST",  # zeroes deleted data, such as destroyed keys, on pages that are rewritten anyway
    )
    return Database(writer, engine("BEGIN", "query_only=ON"), place)


def _set_pragma(connection: sqlite3.Connection, pragma: str, until: float) -> None:
    """Set it, again and again while the database is locked: to change the journal mode SQLite does not wait itself."""
    while True:
        try:
            connection.execute(f"PRAGMA {pragma}")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _open_postgresql(url: URL) -> Database:
    url = url.set(drivername="postgresql+psycopg")
    timeouts = {name: value for name, value in _TIMEOUTS.items() if name not in url.query}
    # READ COMMITTED whatever the server's default: the writer must see what was committed while it waited for its lock.
    writer = create_engine(
        url,
        connect_args=timeouts,
        pool_pre_ping=True,
        pool_size=8,
        max_overflow=16,
        pool_timeout=_POOL_TIMEOUT_S,
        isolation_level="READ COMMITTED",
        hide_parameters=True,
    )
    reader = writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return Database(writer, reader, url.render_as_string(hide_password=True))
