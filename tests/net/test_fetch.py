"""Fetching through the guard: from a real server that may lie, lead astray, or never end."""

from __future__ import annotations

import gzip
import http.server
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from seawall.net import client
from seawall.net.addresses import resolve
from seawall.net.client import Fetched, FetchError, fetch

Serve = Callable[[http.server.BaseHTTPRequestHandler], None]


class Server:
    """Answers each path with a function; remembers what it was asked."""

    def __init__(self) -> None:
        self.paths: dict[str, Serve] = {}
        self.asked: list[tuple[str, str | None]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, self.headers["host"]))
                outer.paths[self.path](self)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def gives(self, path: str, body: bytes, status: int = 200, **headers: str) -> str:
        def serve(handler: http.server.BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in {"content_length": str(len(body)), **headers}.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.end_headers()
            handler.wfile.write(body)

        self.paths[path] = serve
        return f"http://files.example:{self.port}{path}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def allowing(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
    """A resolver for which every name is the server on this machine."""
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


def get(url: str, **options: Any) -> Fetched:
    return fetch(url, **{"getaddrinfo": allowing, "allow_private": True, "seconds": 5, **options})


def refused(url: str, **options: Any) -> FetchError:
    with pytest.raises(FetchError) as caught:
        get(url, **options)
    assert str(caught.value).endswith((".", "?", ":"))
    return caught.value


def test_a_file_is_fetched_under_its_name(server: Server) -> None:
    url = server.gives("/a.png", b"pixels", content_type="Image/PNG; charset=x")
    assert get(url) == Fetched(data=b"pixels", content_type="image/png", final_url=url)
    assert server.asked == [("/a.png", f"files.example:{server.port}")]


def test_redirects_are_followed_three_times_and_each_is_checked(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.gives("/0", b"there")
    for number in range(1, 5):
        server.gives(f"/{number}", b"", 302, location=f"/{number - 1}")
    base = f"http://files.example:{server.port}"
    assert get(f"{base}/3").final_url == f"{base}/0"
    assert refused(f"{base}/4").code == "too_many_redirects"

    def only_files(host: str, port: int, **options: Any) -> tuple[str, ...]:
        return ("127.0.0.1",) if host == "files.example" else resolve(host, port, **options)

    monkeypatch.setattr(client, "resolve", only_files)
    for location, code in (
        ("http://127.0.0.1:1/admin", "not_public"),
        ("http://[::ffff:169.254.169.254]/", "not_public"),
        ("//localhost/", "not_public"),
        ("file:///etc/passwd", "bad_url"),
        ("gopher://files.example/", "bad_url"),
        ("http://user:secret@files.example/", "bad_url"),
    ):
        server.gives("/astray", b"", 307, location=location)
        assert refused(f"{base}/astray", allow_private=False, getaddrinfo=socket.getaddrinfo).code == code


@pytest.mark.parametrize(
    "url",
    [
        "",
        "files.example",
        "ftp://files.example/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "http:///path",
        "http://user@files.example/",
        "http://files.example\\@10.0.0.1/",
        "http://files.example/a b",
        "http://files.example/\r\nhost: other",
        "http://files.example:99999/",
        "http://" + "a" * 3_000,
    ],
)
def test_what_is_no_plain_url_is_refused(url: str) -> None:
    assert refused(url).code == "bad_url"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "2130706433",  # 127.0.0.1 as one number
        "0x7f.1",
        "0",
        "localhost",
        "10.0.0.1",
        "172.31.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "100.100.100.200",  # where one cloud keeps its metadata
        "169.254.169.254",  # and where most do
        "168.63.129.16",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[ff02::1]",
        "[::ffff:10.0.0.1]",
        "[::10.0.0.1]",
        "[64:ff9b::a00:1]",
        "[64:ff9b:1::a00:1]",
        "[2002:a00:1::]",
    ],
)
def test_addresses_that_are_not_public_are_refused(host: str) -> None:
    with pytest.raises(FetchError) as caught:
        fetch(f"http://{host}/", seconds=5)
    assert caught.value.code in ("not_public", "bad_url", "does_not_resolve")


def test_the_connection_goes_to_the_address_that_was_checked(server: Server) -> None:
    """A name that changes its mind between the check and the connection is asked only once."""
    asked: list[str] = []

    def once(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        asked.append(host)
        return allowing(host, port)

    get(server.gives("/", b"x"), getaddrinfo=once)
    assert asked == ["files.example"]


def test_too_much_is_refused_whether_announced_or_not(server: Server) -> None:
    assert refused(server.gives("/", bytes(2_000)), max_bytes=1_000).code == "too_many_bytes"

    def unending(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(bytes(10_000))
        except OSError:
            return

    server.paths["/"] = unending
    assert refused(f"http://files.example:{server.port}/", max_bytes=100_000).code == "too_many_bytes"
    assert get(server.gives("/", bytes(1_000)), max_bytes=1_000).data == bytes(1_000)


def test_what_takes_too_long_is_left(server: Server) -> None:
    release = threading.Event()

    def drip(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while not release.wait(0.02):
                handler.wfile.write(b".")
        except OSError:
            return

    server.paths["/"] = drip
    started = time.monotonic()
    assert refused(f"http://files.example:{server.port}/", seconds=0.5).code == "time_limit"
    server.paths["/"] = lambda handler: (release.wait(30), None)[1]
    assert refused(f"http://files.example:{server.port}/", seconds=0.5).code == "time_limit"
    stuck = threading.Event()

    def never(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        stuck.wait(30)
        return []

    assert refused("http://files.example/", seconds=0.2, getaddrinfo=never).code == "time_limit"
    stuck.set()
    release.set()
    assert time.monotonic() - started < 25, "none of the three was waited for"


def test_compression_is_refused(server: Server) -> None:
    bomb = gzip.compress(bytes(10_000_000))
    assert refused(server.gives("/", bomb, content_encoding="gzip")).code == "compressed"


def test_other_failures_have_their_codes(server: Server) -> None:
    assert refused(server.gives("/", b"", 404)).code == "status"
    server.paths["/odd"] = lambda handler: (handler.wfile.write(b"not HTTP at all\r\n\r\n"), None)[1]
    assert refused(f"http://files.example:{server.port}/odd").code == "protocol"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert refused(f"http://files.example:{free.getsockname()[1]}/").code == "connect"
    assert refused(f"https://files.example:{server.port}/").code == "tls"
