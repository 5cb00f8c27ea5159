"""The platform's end of the webhooks: verifies, deduplicates, keeps state, and shows it on one page.

It imports nothing of Seawall's server: this is what a product team would write.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qs

from seawall.demo.page import SCRIPT, STYLE, entries_table, whole_page
from seawall.demo.shelf import Shelf
from seawall.demo.stall import Switch

HOOKS = "/hooks"
_TOLERANCE_S = 300  # Standard Webhooks: older messages may be replays by somebody who listened
_MAX_BODY = 1_000_000


def verify(secrets: tuple[str, ...], headers: Mapping[str, str], body: bytes, now: float) -> str | None:
    """Why a message is not to be believed; None when it is. Signature scheme ``v1`` of Standard Webhooks 1.0."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
        return "webhook-id or webhook-timestamp is missing"
    if abs(now - int(timestamp)) > _TOLERANCE_S:
        return "the timestamp is too far from now"
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    expected = [hmac.new(_key(secret), signed, hashlib.sha256).digest() for secret in secrets]
    for given in headers.get("webhook-signature", "").split():
        version, _, value = given.partition(",")
        try:
            claimed = base64.b64decode(value, validate=True)
        except binascii.Error:
            continue
        if version == "v1" and any(hmac.compare_digest(claimed, good) for good in expected):
            return None
    return "no signature fits"


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix("whsec_"), validate=True)


@dataclass(slots=True)
class Receiver:
    """A running receiver. ``url`` is its page; webhooks go to ``hooks_url``."""

    url: str
    hooks_url: str
    shelf: Shelf
    switch: Switch
    _server: _Server
    _thread: threading.Thread

    def trust(self, secret: str) -> None:
        """Believe messages signed with ``secret`` (``whsec_…``), beside those trusted before."""
        _key(secret)
        self._server.secrets = (*self._server.secrets, secret)

    def stop(self) -> None:
        """Stop listening; returns when the port is free."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def start_receiver(
    port: int, secret: str | None = None, *, shelf: Shelf | None = None, switch: Switch | None = None
) -> Receiver:
    """Listen on 127.0.0.1 (port 0: any free one) in a thread of its own. Raises OSError when the port is taken.

    Until a secret is known (here, or by ``trust``) messages get 503, and Seawall tries again.
    """
    server = _Server(("127.0.0.1", port), _Handler)
    server.shelf = shelf or Shelf()
    server.switch = switch or Switch()
    if secret is not None:
        _key(secret)
        server.secrets = (secret,)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, name="demo-receiver", daemon=True)
    thread.start()
    return Receiver(url, url + HOOKS, server.shelf, server.switch, server, thread)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    secrets: tuple[str, ...] = ()
    shelf: Shelf
    switch: Switch


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "demo-platform"
    sys_version = ""
    timeout = 30

    @property
    def _platform(self) -> _Server:
        return cast(_Server, self.server)

    def do_GET(self) -> None:
        shelf, switch = self._platform.shelf, self._platform.switch
        if self.path == "/":
            self._answer(200, "text/html; charset=utf-8", whole_page(shelf.snapshot(), switch.remaining()))
        elif self.path == "/entries":
            self._answer(200, "text/html; charset=utf-8", entries_table(shelf.snapshot(), switch.remaining()))
        elif self.path == "/state.json":
            state = {**shelf.snapshot(), "stalled_for_s": round(switch.remaining(), 1)}
            self._answer(200, "application/json", json.dumps(state))
        elif self.path == "/page.js":
            self._answer(200, "text/javascript; charset=utf-8", SCRIPT)
        elif self.path == "/page.css":
            self._answer(200, "text/css; charset=utf-8", STYLE)
        else:
            self._answer(404, "text/plain; charset=utf-8", "There is nothing here.\n")

    def do_POST(self) -> None:
        body = self._body()
        if body is None:
            return
        if self.path == HOOKS:
            self._hook(body)
        elif self.path == "/stall":
            self._stall(body)
        else:
            self._answer(404, "text/plain; charset=utf-8", "There is nothing here.\n")

    def _hook(self, body: bytes) -> None:
        platform = self._platform
        if not platform.secrets:
            self._answer(503, "text/plain; charset=utf-8", "Not ready: no secret yet.\n")
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        complaint = verify(platform.secrets, headers, body, time.time())
        if complaint is not None:
            platform.shelf.refuse()
            self._answer(401, "text/plain; charset=utf-8", complaint + "\n")
            return
        try:
            platform.shelf.apply(headers["webhook-id"], _data(body))
        except (ValueError, KeyError, TypeError):
            self._answer(422, "text/plain; charset=utf-8", "Not an enforcement message.\n")
            return
        self._answer(204, "text/plain; charset=utf-8", "")

    def _stall(self, body: bytes) -> None:
        seconds = parse_qs(body.decode("ascii", "replace")).get("seconds", ["20"])[0]
        if not seconds.isdigit():
            self._answer(422, "text/plain; charset=utf-8", "seconds is a whole number.\n")
            return
        if int(seconds):
            self._platform.switch.stall(float(seconds))
        else:
            self._platform.switch.resume()
        self.send_response(303)
        self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _body(self) -> bytes | None:
        length = self.headers.get("content-length", "0")
        if not length.isdigit() or int(length) > _MAX_BODY:
            self.close_connection = True
            self._answer(413, "text/plain; charset=utf-8", "Too large.\n")
            return None
        return self.rfile.read(int(length))

    def _answer(self, status: int, kind: str, text: str) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header(
            "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; "
            "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        )
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if status != 204:
            self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the demo prints its own lines."""


def _data(body: bytes) -> Mapping[str, Any]:
    """The ``data`` of a message. Raises ValueError, KeyError, TypeError when it is not one."""
    message = json.loads(body)
    if not message["type"].startswith("enforcement."):
        raise ValueError("another type of message")
    return cast(Mapping[str, Any], message["data"])
