"""Media by address, and limits of what is held in memory at once."""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seawall.api import media
from seawall.api.errors import ApiProblem
from seawall.api.media import InFlight
from seawall.net.client import Fetched, FetchError
from seawall.screen import media_bytes
from support.api import Client, problem, serving


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
    app = client.house.app
    assert media_bytes(app.vault, app.blobs, answer.json()["item"], 1, "image") == ("image", image)


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


def test_more_at_once_than_there_is_room_for_is_turned_away(tmp_path: Path) -> None:
    room = InFlight(100)
    with room.hold(150):  # alone, anything is let in: its own limit was checked before
        with pytest.raises(ApiProblem) as turned_away, room.hold(1):
            pass
        assert (turned_away.value.status, turned_away.value.retry_after_s) == (503, 1)
    with room.hold(60), room.hold(40):
        assert room.held == 100
    assert room.held == 0
