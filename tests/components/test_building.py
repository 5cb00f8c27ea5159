"""Projections are built beside the running ones and swapped, while others write; a follower's effects happen once."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Connection, Index, Integer, MetaData, Table, Text, inspect, select

from seawall.app import COMPONENTS, open_storage
from seawall.model import Event, EventBody
from seawall.settings import Settings
from seawall.storage import (
    Blobs,
    Database,
    Events,
    EventSpec,
    Jobs,
    Ledger,
    StorageError,
    Transaction,
    Vault,
    open_database,
)
from seawall.storage import metadata as shipped_tables
from seawall.storage.component import Follower, ServiceContext
from seawall.storage.following import follow
from seawall.storage.tables import follower_state, projection_build
from seawall.storage.upsert import upsert

_metadata = MetaData(naming_convention={"pk": "pk_%(table_name)s", "uq": "uq_%(table_name)s_%(column_0_name)s"})
counted = Table(
    "test_counted",
    _metadata,
    Column("name", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("mark", Text, unique=True),
    Index("ix_test_counted_number", "number"),
)
effects = Table("test_effects", _metadata, Column("seq", Integer, primary_key=True, autoincrement=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    """A name was ticked."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tocked:
    """Something else."""

    name: str


EVENTS = Events((EventSpec("test.ticked", Ticked), EventSpec("test.tocked", Tocked)))


@dataclass(frozen=True, slots=True)
class Ticks:
    """How often each name was ticked."""

    name: ClassVar[str] = "test_ticks"
    version: ClassVar[int] = 1
    factor: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (Ticked,)
    tables: tuple[Table, ...] = (counted,)

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        """Count."""
        rows: dict[str, dict[str, Any]] = {}
        for event in events:
            assert isinstance(event.body, Ticked), "it is given nothing else"
            name = event.body.name
            row = rows.setdefault(name, {"name": name, "number": 0, "mark": f"m-{name}"})
            row["number"] += self.factor
        upsert(conn, self.tables[0], list(rows.values()), add=("number",))


@dataclass(frozen=True, slots=True)
class DoubleTicks(Ticks):
    """The next version."""

    version: ClassVar[int] = 2
    factor: ClassVar[int] = 2


@dataclass(slots=True)
class Crash(Exception):
    """The process ends here."""


@contextmanager
def opened(url: str, folder: Path, projection: Ticks, *, build: bool = True) -> Iterator[tuple[Database, Ledger]]:
    """A ledger with one projection, as a process has it."""
    database = open_database(url)
    ledger = Ledger(database, Vault.open_in(database, folder, environ={}), EVENTS, (projection,))
    try:
        if build:
            ledger.build()
        yield database, ledger
    finally:
        ledger.close()
        database.close()


def tick(ledger: Ledger, *names: str) -> None:
    def unit(tx: Transaction) -> None:
        for name in names:
            tx.append(Ticked(name=name))
            tx.append(Tocked(name=name))

    ledger.commit(unit)


def numbers(database: Database) -> dict[str, int]:
    with database.read() as connection:
        return {row.name: row.number for row in connection.execute(select(counted))}


def names_of_indexes(database: Database) -> set[str | None]:
    with database.read() as connection:
        connection.execute(select(counted.c.name)).all()  # SQLite's pragmas alone do not notice a new schema
        found = inspect(connection)
        return {
            *(index["name"] for index in found.get_indexes("test_counted")),
            *(one["name"] for one in found.get_unique_constraints("test_counted")),
            found.get_pk_constraint("test_counted")["name"],
        }


NAMES = {"ix_test_counted_number", "uq_test_counted_mark", "pk_test_counted"}


def test_a_new_version_takes_the_place_of_the_old_one(database_url: str, tmp_path: Path) -> None:
    with opened(database_url, tmp_path, Ticks()) as (database, old):
        tick(old, "a", "b", "a")
        before = names_of_indexes(database)
        with opened(database_url, tmp_path, DoubleTicks()) as (_, new):
            assert numbers(database) == {"a": 4, "b": 2}
            tick(new, "a")
            assert numbers(database) == {"a": 6, "b": 2}
            assert new.rebuild().equal
            assert names_of_indexes(database) == before == NAMES
            with pytest.raises(StorageError, match=r"test_ticks.*version 2 in the database and 1 in this process"):
                tick(old, "a")
            assert new.verify().ok
    with pytest.raises(StorageError, match="newer code built it"), opened(database_url, tmp_path, Ticks()):
        pass


def test_writers_go_on_while_a_projection_is_built(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seawall.storage.build._CHUNK", 5)
    with opened(database_url, tmp_path, Ticks()) as (database, old):
        tick(old, *"abcdefghij" * 3)
        written: list[str] = []

        def write(done: int, total: int) -> None:  # between the chunks, and until the build has almost caught up
            if len(written) < 20:
                tick(old, "z")
                written.append("z")

        with opened(database_url, tmp_path, DoubleTicks(), build=False) as (_, new):
            assert new.build(write) == ("test_ticks",)
            assert len(written) >= 6
            assert numbers(database) == {**dict.fromkeys("abcdefghij", 6), "z": 2 * len(written)}
            assert new.rebuild().equal


@pytest.mark.parametrize("chunks", [1, 3])
def test_a_build_that_was_interrupted_goes_on(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunks: int
) -> None:
    monkeypatch.setattr("seawall.storage.build._CHUNK", 5)
    with opened(database_url, tmp_path, Ticks()) as (database, old):
        tick(old, *"abcdefghij" * 3)
        reported: list[int] = []

        def crash(done: int, total: int) -> None:
            reported.append(done)
            if len(reported) == chunks:
                raise Crash

        with opened(database_url, tmp_path, DoubleTicks(), build=False) as (_, new), pytest.raises(Crash):
            new.build(crash)
        assert numbers(database) == dict.fromkeys("abcdefghij", 3)  # the running tables are as they were
        tick(old, "a")
        assert numbers(database)["a"] == 4
        with database.read() as connection:
            assert connection.execute(select(projection_build.c.seq)).scalar_one() == reported[-1]
        with opened(database_url, tmp_path, DoubleTicks(), build=False) as (_, new):
            again: list[int] = []
            new.build(lambda done, total: again.append(done))
            assert again[0] > reported[-1]
            assert numbers(database) == {**dict.fromkeys("abcdefghij", 6), "a": 8}


def test_a_swap_that_fails_leaves_everything_as_it_was(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(database_url, tmp_path, Ticks()) as (database, old):
        tick(old, "a", "b")
        with monkeypatch.context() as patched, opened(database_url, tmp_path, DoubleTicks(), build=False) as (_, new):

            def crash(connection: Connection, projection: object, seq: int) -> None:
                raise Crash

            patched.setattr("seawall.storage.build._set_version", crash)  # after the tables were renamed
            with pytest.raises(Crash):
                new.build()
        assert numbers(database) == {"a": 1, "b": 1}
        tick(old, "a")
        with opened(database_url, tmp_path, DoubleTicks()):
            assert numbers(database) == {"a": 4, "b": 2}


def test_processes_that_start_together_share_a_build(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seawall.storage.build._CHUNK", 3)
    with opened(database_url, tmp_path, Ticks()) as (database, old):
        tick(old, *"abcdefghij" * 3)
        failures: list[BaseException] = []

        def start() -> None:
            try:
                with opened(database_url, tmp_path, DoubleTicks()):
                    pass
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=start) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert numbers(database) == dict.fromkeys("abcdefghij", 6)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=st.lists(st.sampled_from("abc"), max_size=12),
    meanwhile=st.lists(st.sampled_from("abcd"), max_size=6),
    chunk=st.integers(1, 5),
)
def test_whatever_is_written_meanwhile_is_counted_once(
    sqlite_url: str, before: list[str], meanwhile: list[str], chunk: int
) -> None:
    with (
        tempfile.TemporaryDirectory() as name,
        pytest.MonkeyPatch.context() as patched,
    ):
        folder = Path(name)
        url = f"sqlite:///{shutil.copy(sqlite_url.removeprefix('sqlite:///'), folder)}"
        patched.setattr("seawall.storage.build._CHUNK", chunk)
        with opened(url, folder, Ticks()) as (database, old):
            for each in before:
                tick(old, each)
            written: list[str] = []

            def write(done: int, total: int) -> None:
                if len(written) < len(meanwhile):  # a write makes another chunk, so all come before the swap
                    tick(old, meanwhile[len(written)])
                    written.append(meanwhile[len(written)])

            with opened(url, folder, DoubleTicks(), build=False) as (_, new):
                new.build(write)
                assert numbers(database) == counts(before + written, 2)
                assert new.rebuild().equal
                assert new.verify().ok


def counts(names: Sequence[str], factor: int) -> dict[str, int]:
    return {name: factor * times for name, times in Counter(names).items()}


def test_a_long_read_keeps_no_writer_waiting(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = threading.Event()
    monkeypatch.setattr("seawall.storage.build._pause", lambda: refused.set())
    with opened(postgres_url, tmp_path, Ticks()) as (database, old):
        tick(old, "a")
        with opened(postgres_url, tmp_path, DoubleTicks(), build=False) as (_, new):
            building = threading.Thread(target=new.build)
            with database.read() as reader:
                assert reader.execute(select(counted.c.number)).scalar_one() == 1
                building.start()
                assert refused.wait(60)  # the tables could not be put in place
                tick(old, "a")
            building.join()
            assert numbers(database) == {"a": 4}


def test_the_shipped_tables_keep_their_names_through_a_rebuild(database_url: str, tmp_path: Path) -> None:
    chosen = Settings(data_dir=tmp_path, database_url=database_url)
    with open_storage(chosen, COMPONENTS) as store:
        assert store.ledger.rebuild().equal
        with store.database.read() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, shipped_tables) == []


# -- followers -------------------------------------------------------------------------------------------------------


@contextmanager
def following(url: str, folder: Path) -> Iterator[ServiceContext]:
    """What followers work with; the table of their effects is made."""
    with opened(url, folder, Ticks()) as (database, ledger):
        with database.write() as connection:
            effects.create(connection, checkfirst=True)
        yield ServiceContext(
            settings=Settings(data_dir=folder, database_url=url),
            database=database,
            ledger=ledger,
            vault=ledger.vault,
            jobs=Jobs(database),
            blobs=Blobs.memory(),
        )


def record(context: ServiceContext, events: Sequence[Event]) -> Callable[[Transaction], None]:
    """One row an event: a second time would fail."""
    seqs = [event.seq for event in events]

    def unit(tx: Transaction) -> None:
        for seq in seqs:
            tx.execute(effects.insert().values(seq=seq))

    return unit


FOLLOWER = Follower(name="test_follower", handles=(Ticked,), step=record)


def seen(context: ServiceContext) -> list[int]:
    with context.database.read() as connection:
        return list(connection.execute(select(effects.c.seq).order_by(effects.c.seq)).scalars())


def test_a_follower_sees_what_it_handles_once(database_url: str, tmp_path: Path) -> None:
    with following(database_url, tmp_path) as context:
        tick(context.ledger, "a", "b")
        assert follow(context, FOLLOWER, "one")
        assert not follow(context, FOLLOWER, "one")
        assert seen(context) == [1, 3]
        tick(context.ledger, "c")
        assert not follow(context, FOLLOWER, "two")  # another process leads
        assert follow(context, FOLLOWER, "one")
        assert seen(context) == [1, 3, 5]


def test_two_processes_that_take_the_same_step_have_one_effect(database_url: str, tmp_path: Path) -> None:
    with following(database_url, tmp_path) as context:
        tick(context.ledger, "a", "b")

        def overtaken(inner: ServiceContext, events: Sequence[Event]) -> Callable[[Transaction], None]:
            assert follow(context, FOLLOWER, "two")  # while "one" prepares its step, "two" does the same
            return record(inner, events)

        assert not follow(context, replace(FOLLOWER, step=overtaken), "one")
        assert seen(context) == [1, 3]


def test_a_step_that_fails_is_taken_again(database_url: str, tmp_path: Path) -> None:
    with following(database_url, tmp_path) as context:
        tick(context.ledger, "a")

        def fails(inner: ServiceContext, events: Sequence[Event]) -> Callable[[Transaction], None]:
            def unit(tx: Transaction) -> None:
                record(inner, events)(tx)
                raise Crash

            return unit

        with pytest.raises(Crash):
            follow(context, replace(FOLLOWER, step=fails), "one")
        assert seen(context) == []
        assert follow(context, FOLLOWER, "one")
        assert seen(context) == [1]


def test_a_new_version_begins_at_the_start_or_at_the_end(database_url: str, tmp_path: Path) -> None:
    with following(database_url, tmp_path) as context:
        tick(context.ledger, "a")
        assert follow(context, FOLLOWER, "one")
        with context.database.write() as connection:
            connection.execute(effects.delete())
        assert follow(context, replace(FOLLOWER, version=2), "one")
        assert seen(context) == [1]
        late = replace(FOLLOWER, name="late", from_start=False)
        follow(context, late, "one")
        tick(context.ledger, "b")
        with context.database.write() as connection:
            connection.execute(effects.delete())
        assert follow(context, late, "one")
        assert seen(context) == [3]
        with context.database.read() as connection:
            states = {row.name: row.version for row in connection.execute(select(follower_state))}
        assert states == {"test_follower": 2, "late": 1}
