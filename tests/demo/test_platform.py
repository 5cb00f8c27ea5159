"""The simulated platform as a client: what it sends, to a stand-in for the server that answers as Seawall does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from seawall.demo import NoData, PlatformState, run_platform

ALLOW = {
    "decision": "dec_1",
    "item": "it_1",
    "revision": 1,
    "verdict": "allow",
    "actions": [],
    "reasons": [],
    "degraded": False,
    "stage": "pre_publish",
    "unknown": [],
    "fail_mode": None,
}


@dataclass(slots=True)
class StandIn:
    """A server that answers every screening with ``allow``, and sets ``enough`` after ``wanted`` requests."""

    wanted: int
    status: int = 200
    url: str = ""
    requests: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)
    enough: threading.Event = field(default_factory=threading.Event)

    def sent(self, path: str) -> list[dict[str, Any]]:
        return [body for where, body, _ in self.requests if where == path]


@contextmanager
def stand_in(wanted: int, status: int = 200) -> Iterator[StandIn]:
    state = StandIn(wanted, status)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            state.requests.append((self.path, body, self.headers.get("authorization", "")))
            answer = ALLOW if self.path == "/v1/screen" else {"report": "rep_1"}
            if state.status >= 400:
                answer = {"type": "about:blank", "title": "Out of order", "status": state.status, "detail": "…"}
            data = json.dumps(answer).encode()
            self.send_response(state.status if self.path == "/v1/screen" else 201)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            if len(state.requests) >= state.wanted:
                state.enough.set()

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def play(server: StandIn, **options: Any) -> None:
    """Run the platform until the stand-in has had enough."""
    stop = threading.Event()
    platform = threading.Thread(
        target=run_platform, args=(server.url, "sw_key"), kwargs={"seed": 4, "stop": stop, **options}, daemon=True
    )
    platform.start()
    assert server.enough.wait(30)
    stop.set()
    platform.join(30)
    assert not platform.is_alive()


def test_it_posts_with_its_key_and_keeps_the_answers() -> None:
    platform_state = PlatformState()
    with stand_in(wanted=40) as server:
        play(server, platform_state=platform_state, rate=200.0)
    posts = server.sent("/v1/screen")
    assert {key for _, _, key in server.requests} == {"Bearer sw_key"}
    assert {"content_type", "id", "fields", "actor"} <= set(posts[0])
    entries = platform_state.snapshot(limit=1000)["entries"]
    assert {entry["answer"] for entry in entries} == {"allow"}
    assert {entry["key"] for entry in entries} <= {f"{post['content_type']} {post['id']}" for post in posts}


def test_images_travel_as_base64() -> None:
    with stand_in(wanted=60) as server:
        play(server, rate=200.0)
    images = [
        value for post in server.sent("/v1/screen") for value in post["fields"].values() if isinstance(value, dict)
    ]
    assert images
    assert all(set(image) == {"base64"} for image in images)


def test_some_of_what_is_seen_is_reported() -> None:
    with stand_in(wanted=120) as server:
        play(server, rate=200.0)
    reports = server.sent("/v1/reports")
    posted = {(post["content_type"], post["id"]) for post in server.sent("/v1/screen")}
    assert reports
    assert {(report["content_type"], report["id"]) for report in reports} <= posted


def test_a_server_out_of_order_is_waited_out() -> None:
    platform_state = PlatformState()
    with stand_in(wanted=4, status=503) as server:
        play(server, platform_state=platform_state)
    assert platform_state.snapshot()["known"] == 0


def test_a_server_that_is_not_there_is_waited_out(unused_tcp_url: str) -> None:
    stop = threading.Event()
    platform = threading.Thread(
        target=run_platform, args=(unused_tcp_url, "sw_key"), kwargs={"seed": 1, "stop": stop}, daemon=True
    )
    platform.start()
    stop.set()
    platform.join(30)
    assert not platform.is_alive()


@pytest.fixture
def unused_tcp_url() -> str:
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    port = server.server_address[1]
    server.server_close()
    return f"http://127.0.0.1:{port}"


def test_a_folder_without_data_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(NoData):
        run_platform("http://127.0.0.1:1", "sw_key", seed=1, stop=threading.Event(), data_dir=tmp_path)
