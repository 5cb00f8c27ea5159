"""The platform's webhook receiver: verifies, deduplicates, stores the state, and shows it on one page.

It uses only the client library, as a product team would.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, TypeAlias, cast
from urllib.parse import parse_qs, urlencode

from seawall.client import SeawallError, WebhookError, verify_webhook
from seawall.demo.hanging_detector import HangSwitch
from seawall.demo.page import SCRIPT, STYLE, OwnComment, entries_table, whole_page
from seawall.demo.platform_state import PlatformState

WEBHOOKS = "/webhooks"
WriteComment: TypeAlias = Callable[[str], tuple[str, str]]
"""Text → the comment's id and Seawall's verdict. Raises SeawallError."""
_LONGEST_COMMENT = 2_000
_MAX_BODY = 1_000_000


@dataclass(slots=True)
class WebhookServer:
    """A running receiver; a context manager that stops it. ``url`` is its page; messages go to ``webhooks_url``."""

    url: str
    webhooks_url: str
    platform_state: PlatformState
    switch: HangSwitch
    _server: _Server
    _thread: threading.Thread

    def use_secret(self, secret: str) -> None:
        """Accept messages signed with ``secret`` (``whsec_…``), besides those accepted before."""
        self._server.secrets = (*self._server.secrets, secret)

    def let_visitors_write(self, write: WriteComment, console_url: str) -> None:
        """Show a form in which a visitor writes a comment of their own, and lead them to Seawall's page about it."""
        self._server.write, self._server.console_url = write, console_url

    def stop(self) -> None:
        """Stop listening; returns when the port is free."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start_receiver(
    port: int = 0,
    secret: str | None = None,
    *,
    platform_state: PlatformState | None = None,
    switch: HangSwitch | None = None,
) -> WebhookServer:
    """Listen on 127.0.0.1 (port 0: any free one) in another thread. Raises OSError when the port is taken.

    Until a secret is set (here, or by ``use_secret``) messages get 503, and Seawall retries.
    """
    server = _Server(("127.0.0.1", port), _Handler)
    server.platform_state = platform_state or PlatformState()
    server.switch = switch or HangSwitch()
    server.secrets = () if secret is None else (secret,)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="demo-receiver", daemon=True)
    thread.start()
    return WebhookServer(url, url + WEBHOOKS, server.platform_state, server.switch, server, thread)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    secrets: tuple[str, ...] = ()
    platform_state: PlatformState
    switch: HangSwitch
    write: WriteComment | None = None
    console_url = ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "demo-platform"
    sys_version = ""
    timeout = 30

    @property
    def _platform(self) -> _Server:
        return cast(_Server, self.server)

    def do_GET(self) -> None:
        platform_state, switch = self._platform.platform_state, self._platform.switch
        path, _, query = self.path.partition("?")
        if path == "/":
            said = self._said({name: values[0] for name, values in parse_qs(query).items()})
            page = whole_page(platform_state.snapshot(), switch.remaining(), said)
            self._answer(200, "text/html; charset=utf-8", page)
        elif self.path == "/entries":
            self._answer(200, "text/html; charset=utf-8", entries_table(platform_state.snapshot(), switch.remaining()))
        elif self.path == "/state.json":
            state = {**platform_state.snapshot(), "stalled_for_s": round(switch.remaining(), 1)}
            self._answer(200, "application/json", json.dumps(state))
        elif self.path == "/page.js":
            self._answer(200, "text/javascript; charset=utf-8", SCRIPT)
        elif self.path == "/page.css":
            self._answer(200, "text/css; charset=utf-8", STYLE)
        else:
            self._answer(404, "text/plain; charset=utf-8", "Not found.\n")

    def do_POST(self) -> None:
        body = self._body()
        if body is None:
            return
        if self.path == WEBHOOKS:
            self._hook(body)
        elif self.path == "/hang":
            self._hang(body)
        elif self.path == "/comments":
            self._comment(body)
        else:
            self._answer(404, "text/plain; charset=utf-8", "Not found.\n")

    def _hook(self, body: bytes) -> None:
        platform = self._platform
        if not platform.secrets:
            self._answer(503, "text/plain; charset=utf-8", "Not ready: no secret yet.\n")
            return
        try:
            message = verify_webhook(dict(self.headers.items()), body, platform.secrets)
        except WebhookError as error:
            platform.platform_state.refuse()
            self._answer(401, "text/plain; charset=utf-8", f"{error}\n")
            return
        if not message.type.startswith("enforcement."):  # to a reporter: a real platform sends it by e-mail
            self._answer(204, "text/plain; charset=utf-8", "")
            return
        try:
            platform.platform_state.apply(message.id, message.data)
        except (KeyError, TypeError):
            self._answer(422, "text/plain; charset=utf-8", "Not about an enforcement.\n")
            return
        self._answer(204, "text/plain; charset=utf-8", "")

    def _hang(self, body: bytes) -> None:
        seconds = parse_qs(body.decode("ascii", "replace")).get("seconds", ["20"])[0]
        if not seconds.isdigit():
            self._answer(422, "text/plain; charset=utf-8", "seconds must be a whole number.\n")
            return
        if int(seconds):
            self._platform.switch.hang(float(seconds))
        else:
            self._platform.switch.resume()
        self._see("/")

    def _said(self, query: Mapping[str, str]) -> OwnComment | None:
        """The form for a comment, and what became of the last one; None until the server takes comments."""
        if self._platform.write is None:
            return None
        link = f"{self._platform.console_url}/find?{urlencode({'type': 'comment', 'id': query.get('id', '')})}"
        return OwnComment(verdict=query.get("verdict", ""), link=link if "id" in query else "")

    def _comment(self, body: bytes) -> None:
        text = parse_qs(body.decode("utf-8", "replace")).get("text", [""])[0].strip()[:_LONGEST_COMMENT]
        write = self._platform.write
        if not text or write is None:
            self._see("/")
            return
        try:
            comment, verdict = write(text)
        except SeawallError as error:
            self._answer(502, "text/plain; charset=utf-8", f"Seawall did not take it: {error}\n")
            return
        self._see("/?" + urlencode({"id": comment, "verdict": verdict}))

    def _see(self, where: str) -> None:
        self.send_response(303)
        self.send_header("Location", where)
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
        """Silent: the demo prints its own lines."""
