"""A database that does not take or give: 503 with the remedy, nothing half-written, and life goes on."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Pool, event, text

from seawall.storage import Overloaded, Transaction
from support.api import Client, item, problem, serving

ENTRY = {"kind": "text", "value": "one two three four", "source": "staff"}
WRITES: list[tuple[str, Any]] = [
    ("/v1/screen", item("you fool", id="n-2")),
    ("/v1/items", {"items": [item("you fool", id="n-3")]}),
    ("/v1/reports", {"content_type": "note", "id": "n-1"}),
    ("/v1/banks/blocked-texts/entries", {"entries": [ENTRY]}),
]


def _assert_refused_then_fine(
    client: Client,
    hinder: Callable[[], Any],
    mend: Callable[[], Any],
    says: str,
    writes: list[tuple[str, Any]] = WRITES,
) -> None:
    ledger = client.rig.app.ledger
    assert client.screen("hello").status_code == 200
    before = ledger.head()
    hinder()
    for path, body in writes:
        response = client.send("POST", path, json=body, headers={"Idempotency-Key": path})
        found = problem(response, 503)
        assert says in found["detail"]
        assert "idempotency key" in found["remedy"]
        assert response.headers["retry-after"] == "1"
    assert client.send("GET", "/v1/items/note/n-1").json()["verdict"] == "allow"  # reading goes on
    mend()
    assert ledger.head() == before
    problem(client.send("GET", "/v1/items/note/n-2"), 404)
    for path, body in writes:
        assert client.send("POST", path, json=body, headers={"Idempotency-Key": path}).is_success
    client.rig.assert_rebuilds()


@contextmanager
def impatient(url: str, folder: Path) -> Iterator[tuple[Client, list[str]]]:
    """A served house that does not wait for locks; a list of pragmas that its writer's next connection gets."""
    pragmas: list[str] = []

    def shorten(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA busy_timeout = 20")

    def set_them(connection: sqlite3.Connection, *_: object) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    event.listen(Pool, "connect", shorten)
    try:
        with serving(folder, url) as client:
            event.listen(client.rig.app.database.engine, "checkout", set_them)
            yield client, pragmas
    finally:
        event.remove(Pool, "connect", shorten)


def _renew(client: Client) -> None:
    """Have the writer open a new connection, as it does after any failure of the database."""
    other = sqlite3.connect(client.rig.app.database.place, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    problem(client.screen("hello"), 503)
    other.execute("ROLLBACK")
    other.close()


def test_a_locked_database(sqlite_url: str, tmp_path: Path) -> None:
    with impatient(sqlite_url, tmp_path) as (client, _):
        other = sqlite3.connect(client.rig.app.database.place, isolation_level=None)
        _assert_refused_then_fine(
            client, lambda: other.execute("BEGIN IMMEDIATE"), lambda: other.execute("ROLLBACK"), "is locked"
        )
        other.close()


def test_a_read_only_database(sqlite_url: str, tmp_path: Path) -> None:
    with impatient(sqlite_url, tmp_path) as (client, pragmas):

        def hinder() -> None:
            pragmas[:] = ["query_only = ON"]
            _renew(client)

        def mend() -> None:
            pragmas[:] = ["query_only = OFF"]

        _assert_refused_then_fine(client, hinder, mend, "is read-only")


def test_a_full_disk(sqlite_url: str, tmp_path: Path) -> None:
    with impatient(sqlite_url, tmp_path) as (client, pragmas):

        def hinder() -> None:
            # SQLite's own limit on pages gives the very error of a full disk, in the middle of a transaction.
            with client.rig.app.database.read() as connection:
                pages = connection.execute(text("PRAGMA page_count")).scalar_one()
            pragmas[:] = [f"max_page_count = {pages}"]
            _renew(client)

        def mend() -> None:
            pragmas[:] = ["max_page_count = 1000000"]

        many = {"items": [item("hello " * 300, id=f"m-{number}") for number in range(300)]}
        _assert_refused_then_fine(client, hinder, mend, "is full", [("/v1/items", many)])


def test_a_server_that_is_gone(postgres_url: str, tmp_path: Path) -> None:
    with serving(tmp_path, postgres_url) as client:
        engine = client.rig.app.database.engine
        down = [False]

        def refuse(*_: Any) -> None:
            if down[0]:
                import psycopg

                raise psycopg.OperationalError("connection refused")

        event.listen(engine, "do_connect", refuse)
        with engine.connect() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        engine.dispose()
        down[0] = True
        for method, path, body in (
            ("POST", "/v1/screen", item()),
            ("GET", "/v1/cases", None),
            ("GET", "/healthz", None),
            ("GET", "/metrics", None),
        ):
            found = problem(client.send(method, path, json=body), 503)
            assert "cannot be reached" in found["detail"]
        down[0] = False
        assert client.screen("hello").status_code == 200
        assert client.send("GET", "/metrics").status_code == 200


def test_more_requests_than_the_database_can_take(database_url: str, tmp_path: Path) -> None:
    running, go_on = threading.Event(), threading.Event()

    def slow(tx: Transaction) -> None:
        running.set()
        assert go_on.wait(60)

    with serving(tmp_path, database_url) as client, ThreadPoolExecutor(1) as pool:
        ledger = client.rig.app.ledger

        async def fill() -> None:
            """Queue units that do nothing, until one is refused."""
            waiting: list[asyncio.Future[None]] = []
            while not (waiting and waiting[-1].done()):
                waiting.append(asyncio.ensure_future(ledger.commit_async(lambda tx: None)))
                await asyncio.sleep(0)
            with pytest.raises(Overloaded):
                waiting.pop().result()
            await asyncio.to_thread(refused)
            go_on.set()
            await asyncio.gather(*waiting)

        def refused() -> None:
            for path, body in WRITES:
                response = client.send("POST", path, json=body, headers={"Idempotency-Key": path})
                found = problem(response, 503)
                assert "waiting for the database" in found["detail"]
                assert "same idempotency key" in found["remedy"]
                assert response.headers["retry-after"] == "1"
            assert 'seawall_writer_queue{queue="interactive"} 4096' in client.send("GET", "/metrics").text

        assert client.screen("hello").status_code == 200
        before = ledger.head()
        busy = pool.submit(ledger.commit, slow)
        assert running.wait(60)
        asyncio.run(fill())
        busy.result()
        assert ledger.head() == before
        for path, body in WRITES:
            assert client.send("POST", path, json=body, headers={"Idempotency-Key": path}).is_success


def test_nothing_is_published_yet(sqlite_url: str, tmp_path: Path) -> None:
    from seawall import access, api
    from support.app import opened

    with opened(tmp_path, sqlite_url, publish=False) as rig:
        client = Client(rig, api.build(rig.app))
        client.keys["admin"] = access.create_key(rig.app.ledger, "admin", ["admin"])
        for response in (client.screen("hello"), client.send("GET", "/healthz", key=None)):
            assert "seawall policy publish" in problem(response, 503)["detail"]


def test_a_fault_of_ours_tells_nothing(sqlite_url: str, tmp_path: Path) -> None:
    with serving(tmp_path, sqlite_url) as client:
        answer = client.screen("marker-text, you fool").json()
        with client.rig.app.database.write() as connection:
            for name in connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
                connection.execute(text(f"DROP TRIGGER {name}"))
            connection.execute(text("UPDATE event SET body = :body WHERE kind = 'decision.made'"), {"body": b"{}"})
        found = problem(client.send("GET", f"/v1/decisions/{answer['decision']}"), 500)
        assert found["detail"] == "The request failed; the error was logged."
