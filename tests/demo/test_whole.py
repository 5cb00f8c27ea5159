"""The whole demo in one process: server, worker, receiver, platform, and the detector that hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from seawall import access, enforce
from seawall.app import App, migrate, open_app
from seawall.cli.serve import asgi
from seawall.client import Seawall
from seawall.demo import HangingDetector, HangSwitch, WebhookServer, run_platform, seed_banks, sources, start_receiver
from seawall.demo.platform import screen_post
from seawall.demo.posts import DemoPost, posts
from seawall.publish import add_entries
from seawall.settings import Settings
from seawall.worker import Worker

pytestmark = pytest.mark.timeout(300)


@contextmanager
def rig(folder: Path) -> Iterator[tuple[App, str, str, WebhookServer, HangSwitch]]:
    """Everything but the platform, as ``seawall demo`` starts it: app, address, key, receiver, switch."""
    switch = HangSwitch()
    settings = Settings.from_env({}, data_dir=folder, allow_private_endpoints="yes")
    migrate(settings)
    with (
        open_app(settings, extra_detectors=[HangingDetector(switch)]) as app,
        start_receiver(switch=switch) as receiver,
    ):
        app.publish(sources(), by="test")
        for bank, entries in seed_banks().items():
            add_entries(app.ledger, bank, entries, "test")
        app.banks.refresh()
        key = access.create_key(app.ledger, "platform", ["screen", "report", "read"])
        made = enforce.add_endpoint(app.ledger, app.vault, url=receiver.webhooks_url, allow_private=True)
        receiver.use_secret(made.secret)
        with Worker(app), served(app) as url:
            yield app, url, key, receiver, switch


@contextmanager
def served(app: App) -> Iterator[str]:
    server = uvicorn.Server(
        uvicorn.Config(asgi(app), port=0, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """What the condition gives as soon as it holds; fails when it does not come to that."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        threading.Event().wait(0.05)
    raise AssertionError("it did not come to that")


def entry(receiver: WebhookServer, key: str) -> dict[str, Any]:
    entries = httpx.get(receiver.url + "/state.json").json()["entries"]
    return next((each for each in entries if each["key"] == key), {})


def test_the_platform_posts_and_is_told_what_to_do(tmp_path: Path) -> None:
    with rig(tmp_path) as (app, url, key, receiver, _):
        stop = threading.Event()
        options = {"seed": 1, "stop": stop, "rate": 20.0, "platform_state": receiver.platform_state}
        platform = threading.Thread(target=run_platform, args=(url, key), kwargs=options, daemon=True)
        platform.start()
        until(lambda: receiver.platform_state.snapshot()["known"] >= 60)
        until(
            lambda: (
                receiver.platform_state.snapshot()["removed"] >= 1 and receiver.platform_state.snapshot()["held"] >= 3
            )
        )
        stop.set()
        platform.join(30)
        assert receiver.platform_state.refused == 0
        assert app.ledger.verify().ok


def test_a_detector_that_hangs_costs_neither_the_deadline_nor_the_outcome(tmp_path: Path) -> None:
    with rig(tmp_path) as (_, url, key, receiver, switch), Seawall(url, key) as client:
        client.screen("comment", "warm-up", {"body": "hello"}, actor="u", language="en", deadline_ms=5_000)
        switch.hang(20)
        answer = client.screen(
            "comment", "c-1", {"body": "ask the gardener about tulips"}, actor="u", language="en", deadline_ms=1_000
        )
        assert (answer.verdict, answer.degraded) == ("allow", True)
        assert "demo-second-opinion" in {each["detector"] for each in answer.unknown}  # a busy machine adds others
        other = client.screen(
            "playlist", "p-1", {"title": "slow jams", "track_count": 9}, actor="u", language="en", deadline_ms=1_000
        )
        assert (other.verdict, other.degraded) == ("allow", False)
        switch.resume()
        until(lambda: entry(receiver, "comment c-1").get("state") == "held")
        assert client.item("comment", "c-1")["verdict"] == "hold"


def test_the_image_in_the_bank_is_found_again_however_it_was_changed(tmp_path: Path) -> None:
    with rig(tmp_path) as (_, url, key, _, _), Seawall(url, key) as client:
        stream = (post for post in posts(1, 1_795_000_000_000) if not post.edits)
        known = (post for post in stream if post.scene == "known-cover-playlist")
        for post in (next(known) for _ in range(3)):
            screen_post(client, post)  # the first image may be late: then it is held, and decided when it was read
            found = until(partial(in_force, client, post, "block"))
            rules = {(reason["policy"], reason["rule"]) for reason in client.decision(found["decision"])["reasons"]}
            assert ("known-content", "blocked-image") in rules


def in_force(client: Seawall, post: DemoPost, verdict: str) -> Mapping[str, Any] | None:
    item = client.item(post.content_type, post.id)
    return item if item["verdict"] == verdict else None
