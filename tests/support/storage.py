"""What the storage tests and their child processes share: opened storage, and two projections of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sqlalchemy import BigInteger, Column, Connection, Integer, MetaData, Table, Text, insert

from seawall.enforce.events import EnforcementApplied
from seawall.model import Event, ItemRef
from seawall.model.events import ContentViewed, DecisionMade, EventBody, ReportReceived, SubjectErased
from seawall.storage import Database, Events, EventSpec, Jobs, Ledger, Vault, open_database
from seawall.storage.upsert import upsert

_metadata = MetaData()

seen = Table(
    "test_seen",
    _metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("item", Text, nullable=False),
)
tally = Table(
    "test_tally",
    _metadata,
    Column("item", Text, primary_key=True),
    Column("views", Integer, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Seen:
    """One row an event."""

    name: ClassVar[str] = "seen"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (ContentViewed, ReportReceived)
    tables: tuple[Table, ...] = (seen,)

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        rows = [
            {"seq": event.seq, "kind": event.kind, "item": event.body.item.ref}
            for event in events
            if isinstance(event.body, ContentViewed | ReportReceived)
        ]
        if rows:
            conn.execute(insert(self.tables[0]), rows)


@dataclass(frozen=True, slots=True)
class Tally:
    """One row an item, counting."""

    name: ClassVar[str] = "tally"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (ContentViewed,)
    tables: tuple[Table, ...] = (tally,)

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        rows: dict[str, dict[str, object]] = {}
        for event in events:
            if isinstance(event.body, ContentViewed):
                row = rows.setdefault(event.body.item.ref, {"item": event.body.item.ref, "views": 0})
                row["views"] = int(str(row["views"])) + 1
                row["last_seq"] = event.seq
        if rows:
            upsert(conn, self.tables[0], list(rows.values()), add=("views",))


PROJECTIONS = (Seen(), Tally())
EVENTS = Events(
    (
        EventSpec("content.viewed", ContentViewed),
        EventSpec("report.received", ReportReceived),
        EventSpec("decision.made", DecisionMade),
        EventSpec("enforcement.applied", EnforcementApplied),
        EventSpec("subject.erased", SubjectErased),
    )
)


def view(item: str = "it_1", person: str = "per_1") -> EventBody:
    """The smallest event."""
    return ContentViewed(person=person, item=ItemRef("comment", item, 1), page="case")


@dataclass(frozen=True, slots=True)
class Storage:
    """Everything opened on one database."""

    url: str
    database: Database
    vault: Vault
    ledger: Ledger
    jobs: Jobs


@contextmanager
def opened(url: str, folder: Path, **options: object) -> Iterator[Storage]:
    """Open a database with the test's projections, as a process would."""
    database = open_database(url, busy_timeout_ms=500)
    with database.write() as connection:
        _metadata.create_all(connection)
    vault = Vault.open_in(database, folder, environ={})
    options.setdefault("sign_every_s", 0)  # tests look at the head after each commit
    ledger = Ledger(database, vault, EVENTS, PROJECTIONS, **options)  # type: ignore[arg-type]
    ledger.build()
    try:
        yield Storage(url, database, vault, ledger, Jobs(database))
    finally:
        ledger.close()
        database.close()
