"""Media by address, and limits of what is held in memory at once."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import event

from seawall import api
from seawall.api import media
from seawall.api.errors import ApiProblem
from seawall.api.in_flight import InFlight
from seawall.net.client import Fetched, FetchError
from seawall.policy import PolicySource
from seawall.publish import Sources
from seawall.screen import media_bytes
from support.api import Client, problem, serving
from support.app import POLICIES


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with serving(tmp_path_factory.mktemp("api"), None, "rude", "known") as made:
        yield made


def asked(value: Any, id: str = "m-1") -> dict[str, Any]:
    fields = {"body": "with an image", "image": value}
    return {"content_type": "note", "id": id, "fields": fields, "actor": {"id": "a-1"}}


def test_what_stands_at_an_address_is_screened_and_kept(
    client: Client, monkeypatch: pytest.MonkeyPatch, image: bytes
) -> None:
    threads: list[str] = []

    def fetched(url: str, *, max_bytes: int, seconds: float) -> Fetched:
        threads.append(threading.current_thread().name)
        assert (url, max_bytes) == ("https://images.example/1", 20 << 20)
        return Fetched(data=image, content_type="image/png", final_url=url)

    monkeypatch.setattr(media, "fetch", fetched)
    answer = client.screen(asked({"url": "https://images.example/1"}))
    assert answer.status_code == 200
    assert threads[0] != threading.main_thread().name
    app = client.rig.app
    assert media_bytes(app.vault, app.blobs, answer.json()["item"], 1, "image") == ("image", image)


def test_a_content_type_that_is_withdrawn_while_media_are_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, image: bytes
) -> None:
    with serving(tmp_path, None, "rude") as client:
        app = client.rig.app

        def withdraw(url: str, **_: Any) -> Fetched:
            types = tuple(one for one in app.bundle.content_types.values() if one.name != "note")
            rude = POLICIES["rude"].replace("[note, letter", "[letter").replace("note:", "letter:")
            app.publish(Sources(policies=(PolicySource(path="rude.yaml", text=rude),), content_types=types), by="tests")
            return Fetched(data=image, content_type="image/png", final_url=url)

        monkeypatch.setattr(media, "fetch", withdraw)
        answer = client.screen(asked({"url": "https://images.example/1"}))
        assert (answer.status_code, answer.json()["verdict"]) == (200, "allow")
        assert problem(client.screen("hello"), 422)["title"] == "Unknown content type"


@pytest.fixture
def image() -> bytes:
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.effect_noise((64, 64), 40).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x.png",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/x.png",
        "file:///etc/passwd",
        "gopher://example.com/",
        "not an address",
        "",
        7,
        None,
        ["https://example.com/"],
    ],
)
def test_an_address_where_seawall_does_not_go(client: Client, url: Any) -> None:
    refusal = problem(client.screen(asked({"url": url})), 422)
    assert refusal["pointer"] == "/fields/image"
    assert refusal["remedy"]


def test_the_reason_why_nothing_came_is_told(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(url: str, **_: Any) -> Fetched:
        raise FetchError("status", "https://images.example/2 answers 404.")

    monkeypatch.setattr(media, "fetch", refuses)
    refusal = problem(client.screen(asked({"url": "https://images.example/2"})), 422)
    assert "answers 404" in refusal["detail"]
    assert "base64" in refusal["remedy"]


def test_batches_name_the_item_whose_address_is_bad(client: Client) -> None:
    good = {"content_type": "note", "id": "m-2", "fields": {"body": "hello"}, "actor": {"id": "a-1"}}
    bad = asked({"url": "http://10.0.0.1/x"}, id="m-3")
    refusal = problem(client.send("POST", "/v1/items", json={"items": [good, bad]}), 422)
    assert refusal["pointer"] == "/items/1/fields/image"


@pytest.mark.parametrize("extra", [{}, {"base64": "aGk="}, {"size": 3}])
def test_an_address_alone_is_an_address(client: Client, extra: dict[str, Any]) -> None:
    value = {"url": "http://127.0.0.1/", **extra}
    assert problem(client.screen(asked(value)), 422)["pointer"] == "/fields/image"


def test_a_large_request_is_screened_like_a_small_one(client: Client, image: bytes) -> None:
    padded = image + b"\0" * 2_000_000
    answer = client.screen(asked({"base64": b64encode(padded).decode()}, id="m-4"))
    assert answer.status_code == 200, answer.text


def test_more_at_once_than_the_limit_is_refused() -> None:
    total = InFlight(100)
    with total.hold() as alone:
        alone.add(150)  # alone, any size is taken: its own limit was checked before
        with total.hold() as other, pytest.raises(ApiProblem) as refused:
            other.add(1)
        assert (refused.value.status, refused.value.retry_after_s) == (503, 1)
    with total.hold() as one, total.hold() as two:
        one.add(60)
        two.raise_to(40)
        two.raise_to(30)
        assert total.held == 100
    assert total.held == 0


class Upload:
    """A request over ASGI whose body comes piece by piece, without a declared length."""

    def __init__(self, client: Client, path: str) -> None:
        self._pieces: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._sent: list[Any] = []
        key = client.keys["admin"].encode()
        scope = {"type": "http", "http_version": "1.1", "method": "POST", "path": path, "raw_path": path.encode()}
        scope |= {"query_string": b"", "headers": [(b"authorization", b"Bearer " + key)], "scheme": "http"}
        scope |= {"server": ("api.test", 80), "client": ("127.0.0.1", 1), "root_path": ""}
        self._answer = asyncio.ensure_future(client.asgi(scope, self._pieces.get, self._keep))

    async def _keep(self, message: Any) -> None:
        self._sent.append(message)

    async def send(self, data: bytes, *, last: bool = False) -> None:
        """One piece; returns when it was read."""
        await self._pieces.put({"type": "http.request", "body": data, "more_body": not last})
        while not self._pieces.empty() and not self._answer.done():
            await asyncio.sleep(0)

    async def answer(self) -> tuple[int, dict[str, Any]]:
        """Status and body."""
        await self._answer
        return self._sent[0]["status"], msgspec.json.decode(self._sent[1]["body"])


def test_bodies_without_a_length_are_counted(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["seawall.api.screening"], "_MOST_IN_FLIGHT", 3 << 20)
    limited = Client(client.rig, api.build(client.rig.app), client.keys)

    async def crowd() -> None:
        first, second = Upload(limited, "/v1/screen"), Upload(limited, "/v1/items")
        await first.send(b" " * (2 << 20))
        await second.send(b" " * (1 << 19))  # small yet
        await second.send(b" " * (1 << 20))
        status, refusal = await second.answer()
        assert (status, refusal["title"]) == (503, "Too much media at once")
        await first.send(msgspec.json.encode(asked(None, id="m-10")), last=True)
        status, _ = await first.answer()
        assert status == 200
        third = Upload(limited, "/v1/screen")  # what was held was given back
        await third.send(b" " * (2 << 20) + msgspec.json.encode(asked(None, id="m-11")), last=True)
        assert (await third.answer())[0] == 200

    asyncio.run(crowd())


def test_fetched_media_are_counted_and_given_back(
    client: Client, monkeypatch: pytest.MonkeyPatch, image: bytes
) -> None:
    monkeypatch.setattr(sys.modules["seawall.api.screening"], "_MOST_IN_FLIGHT", 3 << 20)
    limited = Client(client.rig, api.build(client.rig.app), client.keys)
    padded = image + bytes(2 << 20)

    def fetched(url: str, **_: Any) -> Fetched:
        return Fetched(data=padded, content_type="image/png", final_url=url)

    monkeypatch.setattr(media, "fetch", fetched)

    async def crowd() -> None:
        large, fetching = Upload(limited, "/v1/screen"), Upload(limited, "/v1/screen")
        await large.send(b" " * (2 << 20))
        await fetching.send(msgspec.json.encode(asked({"url": "https://images.example/1"}, id="m-12")), last=True)
        status, refusal = await fetching.answer()
        assert (status, refusal["title"]) == (503, "Too much media at once")
        await large.send(msgspec.json.encode(asked(None, id="m-13")), last=True)
        assert (await large.answer())[0] == 200
        for number in range(2):  # one after the other
            again = Upload(limited, "/v1/screen")
            await again.send(
                msgspec.json.encode(asked({"url": "https://images.example/1"}, id=f"m-14-{number}")), last=True
            )
            assert (await again.answer())[0] == 200

    asyncio.run(crowd())


@pytest.mark.parametrize("path", ["/v1/screen", "/v1/items"])
def test_a_request_may_name_four_addresses(client: Client, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    def fetched(url: str, **_: Any) -> Fetched:
        raise AssertionError("nothing is fetched")

    monkeypatch.setattr(media, "fetch", fetched)
    many = [asked({"url": f"https://images.example/{n}"}, id=f"m-{n}") for n in range(5)]
    if path == "/v1/items":
        refusal = problem(client.send("POST", path, json={"items": many}), 422)
        assert refusal["pointer"] == "/items/4/fields/image"
        assert "5 addresses" in refusal["detail"]


def stored(client: Client) -> int:
    """How many blobs there are beside those of bundles."""
    return sum(1 for file in (client.rig.app.settings.data_dir / "blobs").rglob("*") if file.is_file())


def test_only_new_content_leaves_blobs(client: Client, image: bytes) -> None:
    before = stored(client)
    body = asked({"base64": b64encode(image).decode()}, id="m-20")
    answers = [client.screen(body, headers={"Idempotency-Key": "blobs-1"}) for _ in range(5)]
    assert {answer.text for answer in answers} == {answers[0].text}
    assert stored(client) == before + 1
    for _ in range(3):  # without a key: the same content is no new revision
        assert client.screen(body).json()["revision"] == 1
        assert client.send("POST", "/v1/items", json={"items": [body]}).status_code == 202
    assert stored(client) == before + 1
    edited = asked({"base64": b64encode(image + b"edited").decode()}, id="m-20")
    problem(client.screen(edited, headers={"Idempotency-Key": "blobs-1"}), 409)
    assert stored(client) == before + 1
    assert client.screen(edited).json()["revision"] == 2
    assert client.screen(body).json()["revision"] == 3  # the old content again: its key is sealed for its revision
    assert stored(client) == before + 3
    app = client.rig.app
    for revision, data in ((1, image), (2, image + b"edited"), (3, image)):
        assert media_bytes(app.vault, app.blobs, answers[0].json()["item"], revision, "image") == ("image", data)


def test_the_same_request_several_times_at_once_leaves_one_blob(client: Client, image: bytes) -> None:
    before = stored(client)
    body = asked({"base64": b64encode(image).decode()}, id="m-30")

    async def together() -> list[httpx.Response]:
        transport = httpx.ASGITransport(client.asgi)
        headers = {"Authorization": f"Bearer {client.keys['admin']}", "Idempotency-Key": "blobs-2"}
        async with httpx.AsyncClient(transport=transport, base_url="http://api.test", headers=headers) as http:
            return await asyncio.gather(*(http.post("/v1/screen", json=body) for _ in range(6)))

    answers = asyncio.run(together())
    assert {answer.text for answer in answers} == {answers[0].text}
    assert stored(client) == before + 1


def test_what_could_not_be_recorded_leaves_no_blob(client: Client, image: bytes) -> None:
    before = stored(client)
    app = client.rig.app

    def unavailable(*_: Any) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    event.listen(app.database.engine, "commit", unavailable)
    try:
        failed = client.screen(asked({"base64": b64encode(image).decode()}, id="m-40"))
    finally:
        event.remove(app.database.engine, "commit", unavailable)
    assert failed.status_code >= 500
    assert stored(client) == before
