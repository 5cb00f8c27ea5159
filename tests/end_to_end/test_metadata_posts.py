"""Posts whose files say something beside their pixels and samples, with the shipped policies."""

from __future__ import annotations

import re
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from media.mutants import segment
from media.samples import encode, noise, subtitled, tagged
from support.processes import Process, cli, environment

pytestmark = pytest.mark.timeout(600)
PATIENCE_S = 240
THREAT = "I will kill you tonight"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder: Path = tmp_path_factory.mktemp("metadata")
    env = environment(folder, f"sqlite:///{folder / 'seawall.db'}")
    cli(env, "migrate")
    made = cli(env, "key", "create", "test", "--scope", "screen", "--scope", "read")
    key = re.search(r"sw_\S+", made)
    assert key is not None
    running = Process(env, "serve", "--port", "0")
    with httpx.Client(base_url=running.url, headers={"Authorization": f"Bearer {key[0]}"}, timeout=60) as client:
        yield client
    running.stop()


def commented(text: str) -> bytes:
    jpeg = encode(noise(3), "JPEG")
    return jpeg[:2] + segment(0xFE, text.encode()) + jpeg[2:]


def looked_at(server: httpx.Client, id: str, **media: bytes) -> dict[str, Any]:
    """The decision once everything was looked at."""
    fields: dict[str, Any] = {name: {"base64": b64encode(data).decode()} for name, data in media.items()}
    asked = {"content_type": "post", "id": id, "fields": {"body": "have a nice day", **fields}, "actor": {"id": "a-1"}}
    answer = server.post("/v1/screen", json=asked)
    assert answer.status_code == 200, answer.text
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        state = server.get(f"/v1/items/post/{id}").json()
        made = server.get(f"/v1/decisions/{state['decision']}").json()
        decision: dict[str, Any] = made.get("decision", made)
        if not any(unknown["reason"] in ("later", "deadline", "overloaded") for unknown in decision["unknown"]):
            return decision
        time.sleep(0.5)
    raise AssertionError(f"not everything was looked at: {decision['unknown']}")


SRT = f"1\n00:00:00,300 --> 00:00:01,000\n{THREAT}\n"


@pytest.mark.parametrize(
    ("media", "part"),
    [
        ({"image": commented(THREAT)}, "image>metadata.comment"),
        ({"voice": tagged("mp3", "mp3", {"title": "Rain", "lyrics": THREAT})}, "voice>metadata.lyrics"),
        ({"clip": subtitled(SRT)}, "clip>subtitle.0"),
    ],
)
def test_a_threat_is_held_and_explained_with_its_place(
    server: httpx.Client, media: dict[str, bytes], part: str
) -> None:
    decision = looked_at(server, f"threat-{next(iter(media))}", **media)
    assert decision["verdict"] == "hold", decision
    assert part in {signal["part"] for signal in decision["signals"] if signal["name"] == "threat_terms"}


@pytest.mark.parametrize(
    "media",
    [
        {"image": commented("Photo by A. Miller, June 2024")},
        {
            "voice": tagged(
                "mp3", "mp3", {"title": "Time to Pretend", "artist": "MGMT", "date": "2007", "track": "1/10"}
            )
        },
        {"clip": subtitled(SRT.replace(THREAT, "Good morning, it is a nice day"), title="Holiday by the sea")},
    ],
)
def test_an_ordinary_file_is_allowed_and_nothing_is_unknown(server: httpx.Client, media: dict[str, bytes]) -> None:
    decision = looked_at(server, f"ordinary-{next(iter(media))}", **media)
    assert decision["verdict"] == "allow", decision
    assert [each for each in decision["unknown"] if "metadata" in each["part"] + each["detector"]] == []
