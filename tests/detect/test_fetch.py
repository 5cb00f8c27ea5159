"""Fetching through the guard: from a real server that may lie, lead astray, or never end."""

from __future__ import annotations

import gzip
import http.server
import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.detect.fetch import FetchedFile, FetchError, fetch, public_addresses
from seawall.model.addresses import is_public

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


def allowing(host: str, port: int) -> Sequence[str]:
    """Stands in for the public internet: every name leads to the server on this machine."""
    return ("127.0.0.1",)


def refused(url: str, **options: Any) -> FetchError:
    with pytest.raises(FetchError) as caught:
        fetch(url, **{"resolver": allowing, "seconds": 5, **options})
    assert str(caught.value).endswith((".", "?", ":"))
    return caught.value


def test_a_file_is_fetched_under_its_name(server: Server) -> None:
    url = server.gives("/a.png", b"pixels", content_type="Image/PNG; charset=x")
    assert fetch(url, resolver=allowing) == FetchedFile(data=b"pixels", content_type="image/png", final_url=url)
    assert server.asked == [("/a.png", f"files.example:{server.port}")]


def test_redirects_are_followed_three_times_and_each_is_checked(server: Server) -> None:
    server.gives("/0", b"there")
    for number in range(1, 5):
        server.gives(f"/{number}", b"", 302, location=f"/{number - 1}")
    base = f"http://files.example:{server.port}"
    assert fetch(f"{base}/3", resolver=allowing).final_url == f"{base}/0"
    assert refused(f"{base}/4").code == "too_many_redirects"

    def only_files(host: str, port: int) -> Sequence[str]:
        return allowing(host, port) if host == "files.example" else public_addresses(host, port)

    for location, code in (
        ("http://127.0.0.1:1/admin", "not_public"),
        ("http://[::ffff:169.254.169.254]/", "not_public"),
        ("//localhost/", "not_public"),
        ("file:///etc/passwd", "bad_url"),
        ("gopher://files.example/", "bad_url"),
        ("http://user:secret@files.example/", "bad_url"),
    ):
        server.gives("/astray", b"", 307, location=location)
        assert refused(f"{base}/astray", resolver=only_files).code == code


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


@given(st.ip_addresses(v=4))
def test_an_address_hidden_in_another_is_as_public_as_itself(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    for hidden in (
        ipaddress.IPv6Address(0xFFFF << 32 | number),  # mapped
        ipaddress.IPv6Address(number),  # compatible
        ipaddress.IPv6Address((0x64FF9B << 96) | number),  # NAT64
        ipaddress.IPv6Address((0x2002 << 112) | (number << 80)),  # 6to4
    ):
        assert is_public(str(hidden)) <= is_public(str(address))


def answers(*addresses: str) -> Any:
    return lambda host, port, **_: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]


def test_a_name_with_one_private_address_is_refused() -> None:
    with pytest.raises(FetchError) as caught:
        public_addresses("files.example", 80, answers("93.184.215.14", "10.0.0.1"))
    assert caught.value.code == "not_public"
    assert public_addresses("files.example", 80, answers("93.184.215.14")) == ("93.184.215.14",)


def test_the_connection_goes_to_the_address_that_was_checked(server: Server) -> None:
    """A name that changes its mind between the check and the connection is asked only once."""
    asked: list[str] = []

    def once(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ("127.0.0.1",)

    fetch(server.gives("/", b"x"), resolver=once)
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
    assert fetch(server.gives("/", bytes(1_000)), max_bytes=1_000, resolver=allowing).data == bytes(1_000)


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

    def never(host: str, port: int) -> Sequence[str]:
        stuck.wait(30)
        return ()

    assert refused("http://files.example/", seconds=0.2, resolver=never).code == "time_limit"
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

    def nowhere(host: str, port: int, **_: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(FetchError) as caught:
        public_addresses("no.such.example", 80, nowhere)
    assert caught.value.code == "does_not_resolve"
