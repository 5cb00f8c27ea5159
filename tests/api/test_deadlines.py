"""A request's deadline is kept whatever the database does, and what was answered ahead of its record gets recorded.

The database does not commit here until the test has its answers: an answer that waited for it would never come.
"""

from __future__ import annotations

import asyncio
import base64
import io
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from sqlalchemy import make_url, select, text

from seawall import api as api_app
from seawall import enforce, review, screen
from seawall.access import Keys
from seawall.api.answer_limit import AnswerLimit
from seawall.enforce.tables import delivery, enforcement
from seawall.model import Action
from seawall.review.tables import case
from seawall.screen.journal import FAILED_SUFFIX, AnswerJournal
from seawall.storage import Database, open_database
from support.api import Client, item, problem, serving
from support.processes import Process, cli, environment

_HOLD_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""
_WAITS_S = 60


@contextmanager
def locked(url: str) -> Iterator[None]:
    """SQLite's write lock is held by another process."""
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD_LOCK, str(make_url(url).database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    assert holder.stdout.readline().strip() == "locked"
    try:
        yield
    finally:
        holder.stdin.close()
        holder.wait()
        holder.stdout.close()


@contextmanager
def frozen(url: str) -> Iterator[None]:
    """The processes of the PostgreSQL server that serve this database are stopped."""
    other = open_database(url)
    pids = _backends(other)
    other.close()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def _backends(database: Database) -> list[int]:
    query = text("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
    with database.read() as connection:
        return list(connection.execute(query).scalars())


Hinder = Callable[[str], AbstractContextManager[None]]


@pytest.fixture
def hindered(request: pytest.FixtureRequest, database_url: str) -> Hinder:
    """Stops the database from committing."""
    if database_url.startswith("sqlite"):
        return locked
    database = open_database(database_url)
    try:
        with database.read() as connection:
            os.kill(int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()), 0)
    except (ProcessLookupError, PermissionError):
        pytest.skip("the PostgreSQL server runs elsewhere: its processes cannot be stopped")
    finally:
        database.close()
    return frozen


@pytest.fixture
def client(database_url: str, tmp_path: Path) -> Iterator[Client]:
    with serving(tmp_path, database_url) as made:
        yield made
        made.rig.gore.go_on.set()
        made.rig.assert_rebuilds()


@asynccontextmanager
async def http(client: Client) -> AsyncIterator[httpx.AsyncClient]:
    """One event loop for several requests, as in a server."""
    transport = httpx.ASGITransport(client.asgi, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {client.keys['admin']}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://api.test", headers=headers, timeout=None
    ) as made:
        yield made


async def eventually(holds: Callable[[], Awaitable[Any]]) -> Any:
    for _ in range(100 * _WAITS_S):
        if found := await holds():
            return found
        await asyncio.sleep(0.01)
    raise AssertionError("it never came true")


@pytest.mark.parametrize(("kind", "verdict"), [("note", "allow"), ("letter", "hold"), ("poster", "block")])
def test_the_answer_comes_by_the_deadline_and_its_record_follows(
    client: Client, database_url: str, hindered: Hinder, kind: str, verdict: str
) -> None:
    rig = client.rig
    client.asgi = api_app.build(rig.app, Keys(rig.app.database, ttl_s=0.0))  # the key is looked up at every request
    enforce.add_endpoint(rig.app.ledger, rig.app.vault, url="http://127.0.0.1:9/", allow_private=True)
    asked = item("fine", kind=kind, deadline_ms=50)

    async def go() -> None:
        async with http(client) as api:
            assert (await api.post("/v1/screen", json=item("first", id="n-0"))).status_code == 200
            with hindered(database_url):
                got = await api.post("/v1/screen", json=asked, headers={"Idempotency-Key": "k"})
                assert got.status_code == 200, got.text
                answer = got.json()
                assert (answer["verdict"], answer["degraded"], answer["recorded"]) == (verdict, True, False)
                assert (answer["provisional"], answer["item"], answer["revision"]) == (True, "", 0)
                known_bad = await api.post("/v1/screen", json=item("you fool", id="n-2", kind=kind, deadline_ms=50))
                assert known_bad.json()["verdict"] == "block"  # what the rules know is not given up for the fail mode
                sick = await api.get("/healthz")
                assert (sick.status_code, sick.json()["title"]) == (503, "Commits do not happen")
                assert sick.headers["retry-after"] == "1"

            async def recorded() -> bool:
                found = await api.get(f"/v1/decisions/{answer['decision']}")
                return found.status_code == 200 and found.json()["verdict"] == verdict

            await eventually(recorded)
            await eventually(lambda: _is(api, f"/v1/decisions/{known_bad.json()['decision']}"))
            again = await api.post("/v1/screen", json=asked, headers={"Idempotency-Key": "k"})
            assert again.json()["recorded"] is True
            assert (await api.get("/healthz")).status_code == 200

    asyncio.run(go())
    rig.work("rescreen")  # with every answer, and the platform is told
    assert all(row["verdict"] == "allow" for row in [_head(rig, kind, "n-1")])
    changes = [row["change"] for row in rig.rows(select(delivery).order_by(delivery.c.seq))]
    assert ("reversed" in changes) is (verdict != "allow")


async def _is(api: httpx.AsyncClient, path: str) -> bool:
    return (await api.get(path)).status_code == 200


def _head(rig: Any, kind: str, id: str) -> dict[str, Any]:
    ref = rig.app.vault.find(f"item:{kind}", id)
    with rig.app.database.write() as connection:
        connection.exec_driver_sql("UPDATE job SET due_at = 0 WHERE kind = 'rescreen'")
    rig.work("rescreen")
    found: dict[str, Any] = rig.head(ref)
    return found


def test_answers_and_items_say_what_is_still_to_come(sqlite_url: str, tmp_path: Path) -> None:
    with serving(tmp_path, sqlite_url, "rude", "gore", "deep") as client:
        seen = client.screen("fine").json()  # the slow detector is asked after publication
        assert (seen["pending"], seen["provisional"], seen["degraded"]) == (["thinker"], True, False)
        state = client.send("GET", "/v1/items/note/n-1").json()
        assert (state["pending"], state["provisional"]) == (["thinker"], True)
        client.rig.work("rescreen")
        state = client.send("GET", "/v1/items/note/n-1").json()
        assert (state["pending"], state["provisional"], state["degraded"]) == ([], False, False)
        failed = client.screen("crash", id="n-2").json()
        assert (failed["provisional"], failed["pending"]) == (True, ["gore", "thinker"])
        assert client.send("POST", "/v1/items", json={"items": [item("later", id="n-3")]}).status_code == 202
        assert client.send("GET", "/v1/items/note/n-3").json()["provisional"] is True


def test_without_a_deadline_the_answer_is_503_and_not_silence(
    client: Client, database_url: str, hindered: Hinder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seawall.storage.unit_queue.LONGEST_WAIT_S", 0.2)

    async def go() -> None:
        async with http(client) as api:
            assert (await api.post("/v1/screen", json=item("first", id="n-0"))).status_code == 200
            with hindered(database_url):
                got = await api.post("/v1/screen", json=item("fine"), headers={"Idempotency-Key": "k"})
                assert (got.status_code, got.headers["retry-after"]) == (503, "1")
                assert "Nothing was recorded" not in got.text  # it is queued: nobody knows yet
                many = await api.post("/v1/items", json={"items": [item("fine", id="n-3")]})
                assert many.status_code == 503
            again = await api.post("/v1/screen", json=item("fine"), headers={"Idempotency-Key": "k"})
            assert again.status_code in (200, 503)

            async def answered() -> bool:
                got = await api.post("/v1/screen", json=item("fine"), headers={"Idempotency-Key": "k"})
                return got.status_code == 200 and got.json()["recorded"]

            await eventually(answered)

    asyncio.run(go())
    ref = client.rig.app.vault.find("item:note", "n-1")
    assert ref is not None
    assert len(client.rig.decisions(ref)) == 1


def test_what_was_answered_is_recorded_when_the_process_stops(sqlite_url: str, tmp_path: Path) -> None:
    answer: dict[str, Any] = {}
    with serving(tmp_path, sqlite_url) as client:

        async def go() -> None:
            async with http(client) as api:
                with locked(sqlite_url):
                    got = await api.post("/v1/screen", json=item("fine", kind="letter", deadline_ms=50))
                    answer.update(got.json())

        asyncio.run(go())
        assert answer["recorded"] is False
    with serving(tmp_path, sqlite_url) as client:
        assert client.send("GET", f"/v1/decisions/{answer['decision']}").json()["verdict"] == "hold"


def _encoded(seed: int = 0) -> str:
    blocks = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(blocks).resize((320, 240), Image.Resampling.BICUBIC).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def test_an_item_with_media_keeps_its_deadline_when_the_database_does_not_even_read(
    client: Client, database_url: str, hindered: Hinder
) -> None:
    asked = item("look", kind="letter", deadline_ms=400)
    asked["fields"]["image"] = {"base64": _encoded()}

    async def go() -> None:
        async with http(client) as api:
            first = {**asked, "id": "n-0", "deadline_ms": None}
            assert (await api.post("/v1/screen", json=first)).status_code == 200
            with hindered(database_url):
                for number in range(6):  # more than there are threads for reading
                    asked["id"] = f"n-{number}"  # n-0 is known already
                    got = await api.post("/v1/screen", json=asked, headers={"Idempotency-Key": f"k-{number}"})
                    answer = got.json()
                    assert (got.status_code, answer["recorded"]) == (200, False), got.text
                    assert (answer["verdict"], answer["degraded"]) == ("hold", True)
            await eventually(lambda: _is(api, f"/v1/decisions/{answer['decision']}"))

    asyncio.run(go())


@pytest.mark.timeout(600)
def test_an_answer_ahead_of_its_record_survives_kill_9(database_url: str, hindered: Hinder, tmp_path: Path) -> None:
    env = environment(tmp_path, database_url)
    key = cli(env, "key", "create", "load", "--scope", "screen", "--scope", "read")
    secret = "the-password-is-swordfish"
    comment = {"content_type": "comment", "id": "c-1", "fields": {"body": f"hello {secret}"}, "actor": {"id": "u-1"}}
    shown = {"body": secret, "image": {"base64": _encoded(3)}}
    post = {"content_type": "post", "id": "p-1", "fields": shown, "actor": {"id": "u-1"}}
    headers = {"Authorization": f"Bearer {key}"}
    server = Process(env, "serve", "--port", "0")
    with httpx.Client(base_url=server.url, headers=headers, timeout=60) as api:
        warm = {**comment, "id": "c-0"}
        assert api.post("/v1/screen", json=warm).status_code == 200
        with hindered(database_url):
            answers = [
                api.post("/v1/screen", json={**asked, "deadline_ms": 1500}, headers={"Idempotency-Key": asked["id"]})
                for asked in (comment, post)
            ]
            assert [answer.json().get("recorded") for answer in answers] == [False, False], answers
            server.kill()
    journal = tmp_path / "unrecorded"
    left = b"".join(path.read_bytes() for path in journal.iterdir())
    assert left
    assert secret.encode() not in left
    for _ in range(2):  # the second start finds nothing more to do
        server = Process(env, "serve", "--port", "0")
        try:
            with httpx.Client(base_url=server.url, headers=headers, timeout=60) as api:
                for asked, answer in zip((comment, post), answers, strict=True):
                    recorded = api.get(f"/v1/decisions/{answer.json()['decision']}")
                    assert recorded.status_code == 200, recorded.text
                    assert recorded.json()["verdict"] == answer.json()["verdict"]
                    state = api.get(f"/v1/items/{asked['content_type']}/{asked['id']}").json()
                    assert state["revision"] == 1
                    assert [one["id"] for one in state["decisions"]].count(answer.json()["decision"]) == 1
                    again = api.post(
                        "/v1/screen", json={**asked, "deadline_ms": 1500}, headers={"Idempotency-Key": asked["id"]}
                    )
                    assert again.json()["recorded"] is True
        finally:
            server.stop()
    assert [path.name for path in journal.iterdir()] == []
    assert "events verified" in cli(env, "ledger", "verify")


@pytest.mark.parametrize("edited", [False, True])
def test_what_a_journal_has_is_recorded_once_and_never_over_a_later_revision(
    sqlite_url: str, tmp_path: Path, edited: bool
) -> None:
    folder, kept, answer = tmp_path / "data" / "unrecorded", {}, {}
    with serving(tmp_path, sqlite_url) as client:

        async def go() -> None:
            async with http(client) as api:
                with locked(sqlite_url):
                    got = await api.post("/v1/screen", json=item("fine", kind="letter", deadline_ms=200))
                    answer.update(got.json())
                    kept.update({path: path.read_bytes() for path in folder.iterdir()})
                await eventually(lambda: _is(api, f"/v1/decisions/{answer['decision']}"))

        asyncio.run(go())
        ref = client.rig.app.vault.find("item:letter", "n-1")
        assert ref is not None
        if edited:
            assert client.screen("another text", kind="letter").json()["revision"] == 2
        decisions = client.rig.decisions(ref)
    assert list(folder.iterdir()) == []
    ((path, content),) = kept.items()
    path.write_bytes(content)  # as if the process had been killed after the record, and before it emptied the journal
    with serving(tmp_path, sqlite_url) as client:
        assert client.rig.decisions(ref) == decisions
        assert client.rig.head(ref)["revision"] == (2 if edited else 1)
        assert list(folder.iterdir()) == []


def test_a_journal_with_an_entry_that_cannot_be_recorded_is_kept_and_stops_no_start(
    sqlite_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "data" / "unrecorded"
    with serving(tmp_path, sqlite_url) as client:
        journal = AnswerJournal(folder, client.rig.app.vault)
        assert journal.add(b"not an entry").result(30) == 0
        journal.close()
    for _ in range(2):
        with serving(tmp_path, sqlite_url) as client:
            assert client.screen("fine").status_code == 200
        assert [path.suffix for path in folder.iterdir()] == [FAILED_SUFFIX]


def test_an_answer_is_not_recorded_over_content_that_came_after_it(sqlite_url: str, tmp_path: Path) -> None:
    """The process was killed before the record; another server screened an edit before this one started again."""
    folder, answer, kept = tmp_path / "data" / "unrecorded", {}, {}
    copy = tmp_path / "copy.db"
    with serving(tmp_path, sqlite_url) as client:
        assert client.screen("first", kind="letter").json()["revision"] == 1

        async def go() -> None:
            async with http(client) as api:
                with locked(sqlite_url):
                    got = await api.post("/v1/screen", json=item("second", kind="letter", deadline_ms=200))
                    answer.update(got.json())
                    kept.update({path: path.read_bytes() for path in folder.iterdir()})
                    with sqlite3.connect(str(make_url(sqlite_url).database)) as before:
                        before.execute("VACUUM INTO ?", (str(copy),))  # the database as the killed process left it

        asyncio.run(go())
    with serving(tmp_path, f"sqlite:///{copy}") as client:
        assert client.send("GET", f"/v1/decisions/{answer['decision']}").status_code == 404
        third = client.screen("third", kind="letter").json()
        assert third["revision"] == 2
    ((path, content),) = kept.items()
    path.write_bytes(content)
    with serving(tmp_path, f"sqlite:///{copy}") as client:
        ref = client.rig.app.vault.find("item:letter", "n-1")
        assert ref is not None
        head = client.rig.head(ref)
        assert (head["revision"], head["decision"]) == (2, third["decision"])
        assert list(folder.iterdir()) == []


def test_a_platform_that_was_told_less_than_a_person_decided_is_told_again(sqlite_url: str, tmp_path: Path) -> None:
    with serving(tmp_path, sqlite_url, "rude") as client:
        app = client.rig.app
        enforce.add_endpoint(app.ledger, app.vault, url="http://127.0.0.1:9/", allow_private=True)
        client.screen("you fool")
        (found,) = client.rig.rows(select(case))
        review.take(app.database, found["id"], "per_1")
        rulebook = review.Rulebook(content_types=app.bundle.content_types, harms={"rude": "harassment"})
        removal = review.ReviewAnswer(
            answer=review.VIOLATES, policy="rude", actions=(Action("remove"),), reason="clear_violation"
        )
        review.submit_review(app.ledger, rulebook, found["id"], "per_1", removal, find_item=screen.status_of)
        sent = len(client.rig.rows(select(delivery)))

        async def go() -> None:
            async with http(client) as api:
                with locked(sqlite_url):
                    got = await api.post("/v1/screen", json=item("a friendly edit", deadline_ms=50))
                    assert (got.json()["verdict"], got.json()["recorded"]) == (
                        "allow",
                        False,
                    )  # nobody could look it up
                await eventually(lambda: _is(api, f"/v1/decisions/{got.json()['decision']}"))
                recorded = (await api.get(f"/v1/decisions/{got.json()['decision']}")).json()
                assert recorded["verdict"] == "hold"

                async def told() -> bool:
                    return len(client.rig.rows(select(delivery))) > sent

                await eventually(told)

        asyncio.run(go())
        (enforced,) = client.rig.rows(select(enforcement).where(enforcement.c.kind == "remove"))
        again = client.rig.rows(select(delivery).order_by(delivery.c.seq))[sent:]
        assert {(row["change"], row["enforcement"]) for row in again} == {("applied", enforced["id"])}
        client.rig.assert_rebuilds()


def test_a_route_without_a_deadline_answers_while_the_database_does_not(
    client: Client, database_url: str, hindered: Hinder
) -> None:
    """The limit answers in the route's place; what was asked is done once the database goes on."""
    app = client.rig.app
    client.asgi = AnswerLimit(api_app.build(app, Keys(app.database)), seconds=0.5, most=2)
    client.screen(id="n-1")
    report = {"content_type": "note", "id": "n-1", "reporter": "r-1", "note": "It is rude."}

    async def go() -> None:
        async with http(client) as api:
            with hindered(database_url):
                asked = [api.post("/v1/reports", json=report), api.post("/v1/reports", json=report)]
                for got in await asyncio.gather(*asked):
                    assert "It may still be carried out" in problem(got, 503)["remedy"]
                assert problem(await api.get("/v1/items/note/n-1"), 503)["title"] == "The database does not answer"

            async def is_answered() -> bool:
                return (await api.get("/v1/items/note/n-1")).status_code == 200

            await eventually(is_answered)

    asyncio.run(go())
