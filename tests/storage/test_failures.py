"""What goes wrong with a database: a sentence with a remedy to every caller, nothing half-written, and life goes on."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event as listen
from sqlalchemy import select, text

from databases import MIGRATIONS, migrated
from seawall.storage import (
    Events,
    Ledger,
    OutcomeUnknown,
    StorageError,
    Transaction,
    Vault,
    open_database,
    require_schema,
)
from seawall.storage.tables import state
from support.storage import Storage, opened, view


def _try_several(storage: Storage, count: int = 5) -> list[Any]:
    """Commit several units at once; what each got."""

    def unit(tx: Transaction) -> None:
        tx.append(view())
        tx.subject("account", "a")

    async def together() -> list[Any]:
        return await asyncio.gather(*(storage.ledger.commit_async(unit) for _ in range(count)), return_exceptions=True)

    return asyncio.run(together())


def _assert_refused_then_fine(storage: Storage, hinder: Callable[[], Any], mend: Callable[[], Any], says: str) -> None:
    storage.ledger.commit(lambda tx: tx.append(view()))
    hinder()
    outcomes = _try_several(storage)
    assert {type(outcome) for outcome in outcomes} == {StorageError}
    assert all(says in str(outcome) for outcome in outcomes), outcomes[0]
    mend()
    assert _try_several(storage) == [None] * 5
    assert storage.ledger.head() == 6
    assert storage.ledger.verify().ok
    assert storage.ledger.rebuild().equal
    assert storage.vault.find("account", "a") is not None


def test_a_locked_database(sqlite_storage: Storage) -> None:
    other = sqlite3.connect(sqlite_storage.database.place, isolation_level=None)
    _assert_refused_then_fine(
        sqlite_storage,
        lambda: other.execute("BEGIN IMMEDIATE"),
        lambda: other.execute("ROLLBACK"),
        "is locked by another process",
    )
    other.close()


def test_a_full_disk(sqlite_url: str, tmp_path: Path) -> None:
    # SQLite's own limit on pages gives the very error of a full disk, in the middle of a transaction.
    limit: list[str] = []
    with opened(sqlite_url, tmp_path) as storage:
        listen.listen(storage.database.engine, "checkout", lambda c, *_: [c.execute(pragma) for pragma in limit])
        storage.ledger.commit(lambda tx: tx.append(view()))

        def too_much(tx: Transaction) -> None:
            ref = tx.subject("account", "a")
            tx.seal(ref, "note", bytes(500_000))
            tx.append(view())

        with storage.database.read() as connection:
            pages = connection.execute(text("PRAGMA page_count")).scalar_one()
        limit.append(f"PRAGMA max_page_count = {pages + 20}")
        _renew(storage)
        with pytest.raises(StorageError, match=r"disk that holds .* is full"):
            storage.ledger.commit(too_much)
        assert storage.vault.find("account", "a") is None
        limit[:] = ["PRAGMA max_page_count = 1000000"]
        storage.ledger.commit(too_much)
        assert storage.ledger.head() == 2
        assert storage.ledger.verify().ok


def _renew(storage: Storage) -> None:
    """Have the writer open a new connection, as it does after any failure of the database."""
    other = sqlite3.connect(storage.database.place, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError):
        storage.ledger.commit(lambda tx: None)
    other.execute("ROLLBACK")
    other.close()


def test_a_read_only_database(sqlite_url: str, tmp_path: Path) -> None:
    mode = ["PRAGMA query_only = ON"]
    with opened(sqlite_url, tmp_path) as storage:
        listen.listen(storage.database.engine, "checkout", lambda c, *_: [c.execute(pragma) for pragma in mode])
        outcomes = _try_several(storage)
        assert {type(outcome) for outcome in outcomes} == {StorageError}
        assert "is read-only" in str(outcomes[0])
        mode[:] = ["PRAGMA query_only = OFF"]
        assert _try_several(storage) == [None] * 5
        assert storage.ledger.verify().events == 5


def test_a_read_only_server(postgres_url: str, tmp_path: Path) -> None:
    with opened(postgres_url, tmp_path) as storage:

        def set_default(value: str) -> None:
            with storage.database.write() as connection:
                connection.execute(text("SET TRANSACTION READ WRITE"))
                name = connection.execute(text("SELECT current_database()")).scalar_one()
                connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = {value}"))
                connection.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
                )

        _assert_refused_then_fine(storage, lambda: set_default("on"), lambda: set_default("off"), "is read-only")


def _terminate_others(storage: Storage) -> None:
    with storage.database.write() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )


def test_a_connection_that_died_while_idle_is_replaced(postgres_url: str, tmp_path: Path) -> None:
    with opened(postgres_url, tmp_path) as storage:
        storage.ledger.commit(lambda tx: tx.append(view()))
        _terminate_others(storage)
        storage.ledger.commit(lambda tx: tx.append(view()))
        assert storage.ledger.head() == 2


def test_a_connection_that_dies_in_mid_transaction(postgres_url: str, tmp_path: Path) -> None:
    with opened(postgres_url, tmp_path) as storage:

        def cut(tx: Transaction) -> None:
            tx.append(view("it_lost"))
            tx.execute(select(state))
            _terminate_others(storage)
            tx.execute(select(state))

        with pytest.raises(StorageError, match="cannot be reached"):
            storage.ledger.commit(cut)
        storage.ledger.commit(lambda tx: tx.append(view()))
        assert [found.body for found in storage.ledger.events()] == [view()]


def test_a_connection_that_dies_while_committing(postgres_url: str, tmp_path: Path) -> None:
    with opened(postgres_url, tmp_path) as storage:
        with storage.database.write() as connection:
            connection.execute(
                text(
                    "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS "
                    "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$"
                )
            )
            connection.execute(
                text(
                    "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON event DEFERRABLE INITIALLY DEFERRED "
                    "FOR EACH ROW EXECUTE FUNCTION die()"
                )
            )
        with pytest.raises(OutcomeUnknown, match="not known"):
            storage.ledger.commit(lambda tx: tx.append(view("it_perhaps")))
        with storage.database.write() as connection:
            connection.execute(text("DROP TRIGGER die ON event"))
        storage.ledger.commit(lambda tx: tx.append(view()))
        assert storage.ledger.verify().ok


def test_a_unit_runs_again_when_postgresql_saw_a_deadlock(postgres_url: str, tmp_path: Path) -> None:
    runs = []

    def unlucky(tx: Transaction) -> None:
        runs.append(1)
        tx.append(view())
        if len(runs) < 3:
            tx.execute(text("DO $$ BEGIN RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01'; END $$"))

    with opened(postgres_url, tmp_path) as storage:
        storage.ledger.commit(unlucky)
        assert (len(runs), storage.ledger.head()) == (3, 1)


def test_a_database_that_was_not_migrated(empty_database_url: str, tmp_path: Path) -> None:
    database = open_database(empty_database_url)
    with pytest.raises(StorageError, match="Run 'seawall migrate'"):
        Vault.open_in(database, tmp_path, environ={})
    migrated(empty_database_url)
    ledger = Ledger(database, Vault.open_in(database, tmp_path, environ={}), Events(()), ())
    assert ledger.commit(lambda tx: 1) == 1
    ledger.close()
    database.close()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "not valid"),
        ("mysql://localhost/x", "not supported"),
        ("sqlite://", "needs a database file"),
        ("sqlite:////nowhere/at/all/seawall.db", "does not exist"),
    ],
)
def test_urls_that_cannot_be_opened(url: str, says: str) -> None:
    with pytest.raises(StorageError, match=says):
        open_database(url)


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    database = open_database(f"postgresql://nobody:secret@/none?host={tmp_path}")
    with pytest.raises(StorageError, match="cannot be reached") as caught:
        require_schema(database, MIGRATIONS)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes\n" * 100)
    database = open_database(f"sqlite:///{path}")
    with pytest.raises(StorageError, match="not a SQLite database"):
        require_schema(database, MIGRATIONS)
    assert path.read_text().startswith("these are my notes")


def test_readers_cannot_write(storage: Storage) -> None:
    with pytest.raises(StorageError, match="read-only"), storage.database.read() as connection:
        connection.execute(state.insert().values(name="x", value="y"))


def test_a_reader_sees_one_snapshot(storage: Storage) -> None:
    storage.ledger.commit(lambda tx: tx.append(view()))
    with storage.database.read() as connection:
        count = text("SELECT count(*) FROM event")
        before = connection.execute(count).scalar()
        storage.ledger.commit(lambda tx: tx.append(view()))
        assert connection.execute(count).scalar() == before == 1


def test_a_pool_without_a_free_connection_is_a_failure_of_the_database(sqlite_url: str) -> None:
    database = open_database(sqlite_url)
    database._reader.pool._timeout = 0  # type: ignore[attr-defined]
    with ExitStack() as held:
        for _ in range(40):
            held.enter_context(database.read())
        with pytest.raises(StorageError, match="connection to the database is in use"), database.read():
            pass
    database.close()
