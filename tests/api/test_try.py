"""POST /v1/try: an item under the bundle in force and a draft, without a record."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from seawall.screen.trying import TRIES_PER_MINUTE
from support.api import Client, problem, serving
from support.app import POLICIES
from support.traces import kept_by

STRICTER = POLICIES["rude"].replace("rudeness >= 0.5", "rudeness >= 0.2").replace("do: [hold]", "do: [demote]")


@pytest.fixture
def open_client(tmp_path: Path, database_url: str) -> Iterator[Client]:
    with serving(tmp_path, database_url) as made:
        made.rig.gore.go_on.set()
        yield made


def ask(client: Client, body: str = "you fool", *, key: str | None = "read", **more: Any) -> httpx.Response:
    asked = {"content_type": "note", "fields": {"body": body}} | more
    return client.send("POST", "/v1/try", key=key, json=asked)


def test_what_comes_out_and_that_nothing_is_kept(open_client: Client) -> None:
    ask(open_client)  # the key was used once: that is written
    before = kept_by(open_client.rig.app)
    picture = io.BytesIO()
    Image.new("RGB", (40, 40), "red").save(picture, "PNG")
    media = {"image": {"base64": base64.b64encode(picture.getvalue()).decode()}}
    answer = ask(open_client, fields={"body": "a silly thing", **media}, policies=[STRICTER])
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert [each["what"] for each in found["differences"]] == ["verdict", "actions"]
    assert (found["in_force"]["verdict"], found["draft"]["verdict"]) == ("hold", "allow")
    assert found["in_force"]["rules"][0]["rule"] == "likely"
    assert found["signals"][0]["name"] == "rudeness"
    assert kept_by(open_client.rig.app) == before


def test_mistakes_are_told_with_their_place(client: Client) -> None:
    assert problem(ask(client, key=None), 401)
    assert "read" in problem(ask(client, key="screen"), 403)["detail"]
    wrong = problem(ask(client, fields={"bodi": "x"}), 422)
    assert (wrong["pointer"], wrong["remedy"]) == ("/fields/bodi", "did you mean body?")
    assert problem(ask(client, content_type="nothing"), 422)["pointer"] == "/content_type"
    draft = problem(ask(client, policies=[POLICIES["rude"].replace("rudeness >= 0.5", "rudenes >= 0.5")]), 422)
    assert draft["pointer"] == "/policies"
    assert "policies/0:13:11: unknown name 'rudenes'" in draft["detail"]
    assert problem(ask(client, policies=["x: [" * 1000]), 422)["title"] == "The draft cannot be used"
    assert problem(ask(client, policies=["x" * 70_000]), 422)["pointer"] == "/policies/0"


def test_too_many_tries_are_refused_with_the_time_to_wait(open_client: Client) -> None:
    for _ in range(TRIES_PER_MINUTE):
        assert ask(open_client).status_code == 200
    refused = ask(open_client)
    assert "At most 20 items a minute" in problem(refused, 429)["detail"]
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert ask(open_client, key="admin").status_code in (200, 403)
