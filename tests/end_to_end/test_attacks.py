"""What an attacker did to a running server, done again: ``seawall serve``, its socket, the shipped policies."""

from __future__ import annotations

import base64
import io
import re
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import numpy as np
import pytest
from PIL import Image

import seawall
from support.processes import SEAWALL, Process, cli, environment
from support.receivers import closed_port

pytestmark = pytest.mark.timeout(300)

MIB = 1 << 20
PATIENT_MS = 60_000  # a deadline that a busy machine keeps too
SHIPPED_CONTENT_TYPES = Path(seawall.__file__).parent / "shipped" / "content_types"
PASSWORD = "a wall against the sea"


@dataclass
class Server:
    """A serving process and its keys, by scope."""

    process: Process
    keys: dict[str, str]

    @property
    def address(self) -> tuple[str, int]:
        url = httpx.URL(self.process.url)
        return url.host, url.port or 80

    def send(self, method: str, path: str, *, key: str = "admin", **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.keys[key]}"} | more.pop("headers", {})
        return httpx.request(method, f"{self.process.url}{path}", headers=headers, timeout=120, **more)

    def screen(self, fields: dict[str, Any], *, id: str, kind: str = "comment", **more: Any) -> httpx.Response:
        asked = {"content_type": kind, "id": id, "actor": {"id": "u-1"}, "fields": fields}
        return self.send("POST", "/v1/screen", json={**asked, "language": "en", "deadline_ms": PATIENT_MS, **more})

    def head(self, method: str, path: str, length: int, *, key: str = "admin") -> bytes:
        authorization = f"Authorization: Bearer {self.keys[key]}\r\n" if key else ""
        return f"{method} {path} HTTP/1.1\r\nHost: x\r\n{authorization}Content-Length: {length}\r\n\r\n".encode()

    def sign_in(self, email: str, password: str, **headers: str) -> int:
        with httpx.Client(base_url=self.process.url, timeout=120) as browser:
            found = re.search(r'name="csrf" value="([^"]+)"', browser.get("/sign-in").text)
            if found is None:
                return 503  # too many strangers at once: the page was refused
            form = {"csrf": found[1], "email": email, "password": password}
            return browser.post("/sign-in", data=form, headers=headers).status_code


def patient_content_types(folder: Path) -> Path:
    """The shipped content types, with 20 seconds before publication: a busy machine is no attack."""
    for file in SHIPPED_CONTENT_TYPES.glob("*.yaml"):
        (folder / file.name).write_text(re.sub(r"budget: \S+", "budget: 20s", file.read_text(), count=1))
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    env = environment(tmp_path_factory.mktemp("attacked"), None) | {
        "SEAWALL_ALLOW_PRIVATE_ENDPOINTS": "no",
        "SEAWALL_CONTENT_TYPES_DIR": str(patient_content_types(tmp_path_factory.mktemp("content_types"))),
    }
    cli(env, "migrate")
    scopes = ("screen", "read", "bank", "admin")
    keys = {scope: cli(env, "key", "create", scope, "--scope", scope).split()[-1] for scope in scopes}
    for name in ("ada", "bob"):
        cli(env, "person", "create", f"{name}@example.org", "--name", name, "--role", "admin", "--password", PASSWORD)
    process = Process(env, "serve", "--port", "0")
    try:
        yield Server(process, keys)
    finally:
        process.stop()


@contextmanager
def connection(server: Server, sent: bytes = b"") -> Iterator[socket.socket]:
    with closing(socket.create_connection(server.address, timeout=120)) as opened:
        opened.sendall(sent)
        yield opened


def answer_of(opened: socket.socket) -> bytes:
    """The beginning of what the server says; empty when it closed without a word."""
    with suppress(ConnectionError):
        return opened.recv(65_536)
    return b""


def picture(seed: int) -> str:
    file = io.BytesIO()
    blocks = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    Image.fromarray(blocks).resize((640, 480), Image.Resampling.BICUBIC).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def still_answers(server: Server, id: str) -> None:
    seen = server.screen({"body": "What a lovely song."}, id=id).json()
    assert (seen["verdict"], seen["degraded"]) == ("allow", False)


def test_a_flood_of_sign_ins_changes_no_verdict(server: Server) -> None:
    abuse = "I will kill you and your family"
    before = server.screen({"body": abuse}, id="abuse").json()
    assert before["verdict"] == "hold"
    with ThreadPoolExecutor(24) as pool:
        flood = [pool.submit(server.sign_in, f"{number}@example.org", "wrong") for number in range(72)]
        for number in range(20):
            seen = server.screen({"body": abuse}, id=f"abuse-{number}").json()
            assert (seen["verdict"], seen["degraded"]) == (before["verdict"], False)
        answers = Counter(one.result() for one in flood)
    assert set(answers) <= {401, 429, 503}
    assert answers[429] + answers[503] > answers[401], "most were refused without checking a password"


def test_a_forwarded_address_that_nobody_trusts_gives_no_new_attempts(server: Server) -> None:
    def attempt(number: int, password: str = "wrong") -> int:
        for _ in range(100):  # while passwords of others are checked, or were wrong a moment ago
            status = server.sign_in("bob@example.org", password, **{"X-Forwarded-For": f"198.51.100.{number}"})
            if status != 503:
                break
        return status

    answers = [attempt(number) for number in range(30)]
    assert answers.count(401) <= 5
    assert answers[-1] == 429
    assert attempt(99, PASSWORD) == 429


def test_header_lines_without_end_are_not_kept(server: Server) -> None:
    lines = b"a: b\r\n" * 10_000
    with connection(server, b"GET / HTTP/1.1\r\nHost: x\r\n") as opened:
        sent = 0
        with suppress(ConnectionError):
            while sent < 64 * MIB:
                opened.sendall(lines)
                sent += len(lines)
        assert sent < 64 * MIB
        assert b" 431 " in answer_of(opened) or answer_of(opened) == b""
    still_answers(server, "after-headers")


def test_heads_that_never_end_are_closed(server: Server) -> None:
    half = [socket.create_connection(server.address, timeout=120) for _ in range(50)]
    try:
        for one in half:
            one.sendall(b"POST /v1/screen HTTP/1.1\r\nHost: x\r\n")
        for one in half:
            assert answer_of(one).startswith(b"HTTP/1.1 408 ")
    finally:
        for one in half:
            one.close()


def test_stalled_uploads_leave_room_for_others(server: Server) -> None:
    head = server.head("POST", "/v1/screen", 64 * MIB)
    with connection(server, head + b"{"), connection(server, head + b"{"), connection(server, head + b"{"):
        padded = base64.b64encode(base64.b64decode(picture(1)) + bytes(2 * MIB)).decode()
        seen = server.screen({"image": {"base64": padded}}, id="large", kind="post")
        assert seen.status_code == 200, seen.text


@pytest.mark.parametrize("path", ["/v1/reports", "/v1/match", "/v1/banks/x/entries", "/v1/screen"])
def test_a_key_without_the_scope_is_refused_before_its_body_is_sent(server: Server, path: str) -> None:
    with connection(server, server.head("POST", path, 16 * MIB - 1, key="read") + b"[{},") as opened:
        assert answer_of(opened).startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize("path", ["/banks/any/entries", "/sign-in"])
def test_a_stranger_uploads_nothing(server: Server, path: str) -> None:
    head = server.head("POST", path, 19 * MIB, key="").replace(
        b"\r\n\r\n", b"\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n"
    )
    with connection(server, head + b"--x\r\n") as opened:
        assert answer_of(opened).split(b" ", 2)[1] in (b"303", b"413", b"429")


def test_slow_pictures_hold_up_nobody_elses(server: Server) -> None:
    frames = [Image.frombytes("P", (3_000, 3_000), bytes([number]) * 9_000_000) for number in range(60)]
    for frame in frames:
        frame.putpalette(bytes(range(256)) * 3)
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    with ThreadPoolExecutor(4) as pool:
        slow = [
            pool.submit(
                server.screen,
                {"image": {"base64": base64.b64encode(file.getvalue() + bytes([number])).decode()}},
                id=f"slow-{number}",
                kind="post",
                deadline_ms=1_000,
                actor={"id": "eve"},
            )
            for number in range(4)
        ]
        for number in range(8):
            fields = {"image": {"base64": picture(10 + number)}}
            seen = server.screen(fields, id=f"usual-{number}", kind="post").json()
            assert [one for one in seen["unknown"] if one["detector"] in ("animation", "codes", "image")] == []
        for one in slow:
            answer = one.result().json()
            assert (answer["verdict"], answer["degraded"]) == ("hold", True), "what was not looked at is not fine"


def test_metrics_without_end_leave_requests_their_connections(server: Server) -> None:
    with ThreadPoolExecutor(40) as pool:
        asked = [pool.submit(httpx.get, f"{server.process.url}/metrics", timeout=120) for _ in range(80)]
        for number in range(10):
            still_answers(server, f"beside-metrics-{number}")
        assert {one.result().status_code for one in asked} == {200}


def test_a_file_that_nobody_can_read_raises_no_lasting_alarm(server: Server) -> None:
    broken = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(500)).decode()
    seen = server.screen({"image": {"base64": broken}}, id="broken", kind="post").json()
    assert (seen["verdict"], seen["degraded"]) == ("hold", True)

    def figure(name: str) -> float:
        found = re.search(rf"^{name} (\S+)$", server.send("GET", "/metrics").text, re.MULTILINE)
        assert found is not None
        return float(found[1])

    until = time.monotonic() + 120
    while figure("seawall_pending_rescreens") and time.monotonic() < until:
        pass  # each answer of the metrics is waited for
    assert (figure("seawall_pending_rescreens"), figure("seawall_rescreen_overdue_seconds")) == (0, 0)
    queues = {case["queue"] for case in server.send("GET", "/v1/cases").json()}
    assert "unreadable" in queues


@pytest.mark.parametrize("url", ["http://192.0.0.192/", "http://[fec0::1]/", "http://[3fff::1]/", "http://2130706433/"])
def test_internal_addresses_are_not_fetched_and_not_told(server: Server, url: str) -> None:
    refused = server.screen({"image": {"url": url}}, id="fetched", kind="post")
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/fields/image")
    assert "127.0.0.1" not in refused.text


def test_ids_methods_and_names(server: Server) -> None:
    for id in ("a\nb", "\n", "x/../y\r\n"):
        assert server.screen({"body": "fine"}, id=id).status_code == 200
        assert server.send("GET", f"/v1/items/comment/{quote(id, safe='')}").json()["id"] == id
    for method in ("GET", "TRACE", "PROPFIND"):
        assert server.send(method, "/v1/nothing").status_code == 404
    assert server.send("TRACE", "/v1/screen").status_code == 405
    item = '{"content_type": "comment", "id": "i", "actor": {"id": "u"}, "fields": {"body": "x"}, "deadline": 5}'
    assert server.send("POST", "/v1/screen", content=item).json()["pointer"] == "/deadline"
    twice = item.replace("deadline", "id").replace(": 5", ': "j"')
    assert "twice" in server.send("POST", "/v1/screen", content=twice).json()["detail"]


def test_clients_that_go_away_are_no_faults_in_the_log(server: Server) -> None:
    for path in ("/v1/screen", "/v1/items", "/v1/reports", "/v1/match", "/v1/banks/x/entries", "/sign-in"):
        for _ in range(5):
            with connection(server, server.head("POST", path, 1_000) + b"{"):
                pass
    still_answers(server, "after-leaving")
    assert [line for line in server.process.lines if '"level": "error"' in line or "Traceback" in line] == []


def test_a_worker_outlasts_a_database_that_is_not_there_yet(tmp_path: Path) -> None:
    env = environment(tmp_path, f"postgresql://nobody@127.0.0.1:{closed_port()}/none")
    worker = subprocess.Popen([*SEAWALL, "worker"], env=env, stderr=subprocess.PIPE, text=True)
    try:
        assert worker.stderr is not None
        said = [worker.stderr.readline() for _ in range(2)]
        assert all("Trying again" in line for line in said), said
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0
    finally:
        worker.kill()
        worker.communicate()
