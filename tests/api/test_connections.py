"""Limits on connections: heads without end, clients that are slow, more of them than there is room for."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from seawall.api import connections
from seawall.api.connections import (
    BODY_SECONDS,
    HEAD_SECONDS,
    LINGER_SECONDS,
    MAX_HEAD,
    MIN_BODY_RATE,
    BoundedHttpProtocol,
    ConnectionServer,
)
from seawall.api.settings import metrics_token, proxies
from seawall.cli.serve import _server
from seawall.settings import Settings, SettingsError

GET = b"GET / HTTP/1.1\r\nHost: x\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"


class House:
    """A served application that reads the body and says how long it was; an answer of its own may come first."""

    def __init__(self) -> None:
        self.state = ServerState()
        self.port = 0
        self.gone = 0
        self.early = False
        self.received = asyncio.Condition()
        self.bytes = 0
        self.writers: list[asyncio.StreamWriter] = []
        self.config = uvicorn.Config(
            self.app, log_level="error", http=BoundedHttpProtocol, lifespan="off", interface="asgi3"
        )
        self.config.load()

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        size, more = 0, not self.early
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.gone += 1
                return
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
            async with self.received:
                self.bytes = size
                self.received.notify_all()
        text = str(size).encode()
        headers = [(b"content-length", str(len(text)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": text})

    def made(self) -> BoundedHttpProtocol:
        return BoundedHttpProtocol(config=self.config, server_state=self.state, app_state={})

    def connection(self) -> BoundedHttpProtocol:
        (one,) = self.state.connections
        assert isinstance(one, BoundedHttpProtocol)
        return one

    def check(self, seconds: float) -> None:
        """As the server does, when that time has passed."""
        now = asyncio.get_running_loop().time() + seconds
        for one in list(self.state.connections):
            assert isinstance(one, BoundedHttpProtocol)
            one.check(now, seconds)

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        before = len(self.state.connections)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        while len(self.state.connections) == before:
            await asyncio.sleep(0)
        return reader, writer

    async def got(self, size: int) -> None:
        async with self.received:
            await self.received.wait_for(lambda: self.bytes >= size)


@asynccontextmanager
async def served() -> AsyncIterator[House]:
    house = House()
    server = await asyncio.get_running_loop().create_server(house.made, "127.0.0.1", 0)
    house.port = server.sockets[0].getsockname()[1]
    try:
        yield house
    finally:
        server.close()
        for one in list(house.state.connections):
            one.transport.abort()
        for writer in house.writers:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
        await server.wait_closed()


def run(story: Callable[[House], Awaitable[None]]) -> None:
    async def told() -> None:
        async with served() as house:
            await asyncio.wait_for(story(house), 30)

    asyncio.run(told())


async def send_all(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Send what the server takes; it may close while we send."""
    try:
        for at in range(0, len(data), 65536):
            writer.write(data[at : at + 65536])
            await writer.drain()
    except ConnectionError:
        pass


async def last_words(reader: asyncio.StreamReader) -> bytes:
    """Everything until the server closes; empty when the close overtook the words."""
    try:
        return await reader.read()
    except ConnectionError:
        return b""


ENDLESS = {
    "header lines": GET + b"a: b\r\n" * 400_000,
    "a header line": GET + b"a: " + b"b" * 2_000_000,
    "a header name": GET + b"a" * 2_000_000,
    "a URL": b"GET /" + b"a" * 2_000_000,
    "empty lines": b"\r\n" * 1_000_000,
    "trailers": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
    + b"a: b\r\n" * 400_000,
    "a trailer": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\na: " + b"b" * 2_000_000,
    "a chunk extension": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"b" * 2_000_000,
}


@pytest.mark.parametrize("what", ENDLESS)
def test_what_has_no_end_ends_at_the_limit(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fed = [0]
    parse = HttpToolsProtocol.data_received

    def counted(self: Any, data: bytes) -> None:
        fed[0] += len(data)
        parse(self, data)

    monkeypatch.setattr(HttpToolsProtocol, "data_received", counted)

    async def story(house: House) -> None:
        reader, writer = await house.open()
        await send_all(writer, ENDLESS[what])
        said = await last_words(reader)
        assert b"431" in said.splitlines()[0] if said else True
        assert fed[0] <= 20 * MAX_HEAD, "the parser was given more than the limit"
        while house.state.connections:
            await asyncio.sleep(0)

    run(story)


def test_a_head_below_the_limit_is_fine_and_one_above_is_told() -> None:
    async def story(house: House) -> None:
        reader, writer = await house.open()
        for _ in range(3):  # on one connection: what came before does not count
            writer.write(GET + b"a: " + b"b" * (MAX_HEAD - 100) + b"\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            assert await reader.readexactly(1) == b"0"
        writer.write(POST % 5 + b"hello")
        assert (await reader.readuntil(b"\r\n\r\n5")).startswith(b"HTTP/1.1 200")
        writer.write(GET + b"a: " + b"b" * (2 * MAX_HEAD + 1))
        said = await last_words(reader)
        if said:
            head, body = said.split(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 431 ")
            assert b"application/problem+json" in head
            assert json.loads(body)["status"] == 431

    run(story)


def test_pipelined_requests_and_small_chunks_are_fine() -> None:
    async def story(house: House) -> None:
        reader, writer = await house.open()
        writer.write((GET + b"\r\n") * 5_000)
        for _ in range(5_000):
            assert (await reader.readuntil(b"\r\n\r\n0")).startswith(b"HTTP/1.1 200")
        chunks = b"1\r\nx\r\n" * 60_000
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n60000")).startswith(b"HTTP/1.1 200")

    run(story)


@pytest.mark.parametrize("sent", [b"", b"G", GET, GET + b"a: "])
def test_a_head_that_does_not_come_is_not_waited_for(sent: bytes) -> None:
    async def story(house: House) -> None:
        reader, writer = await house.open()
        connection = house.connection()
        writer.write(sent)
        while sent and not connection.headers and connection._reads != "head":
            await asyncio.sleep(0)
        house.check(HEAD_SECONDS - 1)
        assert not connection.transport.is_closing()
        house.check(HEAD_SECONDS + 1)
        said = await reader.read()
        assert said.startswith(b"HTTP/1.1 408 ") if sent else said == b""

    run(story)


def test_a_body_must_come_at_a_rate() -> None:
    async def story(house: House) -> None:
        reader, writer = await house.open()
        writer.write(POST % 10_000_000 + b"x" * 100)
        await house.got(100)
        house.check(BODY_SECONDS)
        fast_reader, fast_writer = await house.open()
        fast_writer.write(POST % 60_000 + b"x" * 50_000)
        await house.got(50_000)
        house.check(1.0)
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
        assert house.gone == 1
        house.check(BODY_SECONDS + 50_000 / MIN_BODY_RATE - 2)
        fast_writer.write(b"x" * 10_000)
        assert (await fast_reader.readuntil(b"60000")).startswith(b"HTTP/1.1 200")

    run(story)


def test_whoever_goes_on_sending_after_the_answer_is_cut_off() -> None:
    async def story(house: House) -> None:
        house.early = True
        reader, writer = await house.open()
        writer.write(POST % 10_000_000)
        assert (await reader.readuntil(b"\r\n\r\n0")).startswith(b"HTTP/1.1 200")
        connection = house.connection()
        house.check(1.0)  # uvicorn's time for idle connections runs
        assert not connection.transport.is_closing()
        writer.write(b"x" * 1000)
        while connection.timeout_keep_alive_task is not None:
            await asyncio.sleep(0)
        house.check(LINGER_SECONDS - 1)
        house.check(2.0)
        assert await last_words(reader) == b""

    run(story)


def test_a_full_house_makes_room_by_closing_who_waits_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 3)

    async def story(house: House) -> None:
        working, working_writer = await house.open()
        working_writer.write(POST % 10)
        working_writer.write(b"x")
        await house.got(1)
        served_one, served_writer = await house.open()
        served_writer.write(GET + b"\r\n")
        await served_one.readuntil(b"\r\n\r\n0")
        silent, silent_writer = await house.open()
        silent_writer.write(b"GET")
        _, writer = await asyncio.open_connection("127.0.0.1", house.port)
        house.writers.append(writer)
        assert await last_words(silent) == b""
        working_writer.write(b"x" * 9)
        assert (await working.readuntil(b"\r\n\r\n10")).startswith(b"HTTP/1.1 200")
        served_writer.write(GET + b"\r\n")
        await served_one.readuntil(b"\r\n\r\n0")

    run(story)


def test_the_server_checks_its_connections() -> None:
    async def story(house: House) -> None:
        reader, _ = await house.open()
        server = ConnectionServer(house.config)
        server.server_state = house.state
        connection = house.connection()
        assert connection._head_since is not None
        connection._head_since -= HEAD_SECONDS + 1
        assert await server.on_tick(10) is False
        assert await reader.read() == b""

    run(story)


async def _who(scope: Any, receive: Any, send: Any) -> None:
    await send({"client": scope["client"][0], "scheme": scope["scheme"]})


def _client_of(trusted: tuple[str, ...], forwarded: bytes) -> dict[str, str]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = _server(_who, listening, trusted).config  # type: ignore[arg-type]
    config.load()
    found: list[dict[str, str]] = []

    async def send(message: Any) -> None:
        found.append(message)

    headers = [(b"x-forwarded-for", forwarded), (b"x-forwarded-proto", b"https")]
    scope = {"type": "http", "client": ("127.0.0.1", 1), "scheme": "http", "headers": headers}
    asyncio.run(config.loaded_app(scope, None, send))
    return found[0]


def test_forwarded_addresses_are_believed_from_trusted_proxies_only() -> None:
    assert _client_of((), b"198.51.100.7") == {"client": "127.0.0.1", "scheme": "http"}
    assert _client_of(("10.0.0.1",), b"198.51.100.7") == {"client": "127.0.0.1", "scheme": "http"}
    assert _client_of(("127.0.0.0/8",), b"198.51.100.7") == {"client": "198.51.100.7", "scheme": "https"}
    # what the client itself wrote stands to the left of what the proxy saw
    assert _client_of(("127.0.0.1",), b"203.0.113.9, 198.51.100.7")["client"] == "198.51.100.7"


@pytest.mark.parametrize("value", ["*", "proxy.internal", "10.0.0.1/24", "10.0.0.5, x", "::1%eth0/3"])
def test_a_trusted_proxy_is_an_address_or_a_network(value: str, tmp_path: Any) -> None:
    settings = Settings.from_env({"SEAWALL_TRUSTED_PROXIES": value}, data_dir=tmp_path)
    with pytest.raises(SettingsError, match="SEAWALL_TRUSTED_PROXIES"):
        proxies(settings)
    fine = Settings.from_env({"SEAWALL_TRUSTED_PROXIES": "10.0.0.5, 10.1.0.0/16, fd00::/8"}, data_dir=tmp_path)
    assert proxies(fine) == ("10.0.0.5", "10.1.0.0/16", "fd00::/8")


@pytest.mark.parametrize("value", ["", " ", "short", "x" * 15, "é" * 20, "a b\n" * 8])
def test_a_token_of_the_metrics_that_is_easily_guessed_is_refused(value: str, tmp_path: Any) -> None:
    with pytest.raises(SettingsError, match="SEAWALL_METRICS_TOKEN"):
        metrics_token(Settings.from_env({"SEAWALL_METRICS_TOKEN": value}, data_dir=tmp_path))
    assert metrics_token(Settings.from_env({}, data_dir=tmp_path)) is None
    assert metrics_token(Settings.from_env({"SEAWALL_METRICS_TOKEN": "x" * 16}, data_dir=tmp_path)) == "x" * 16
