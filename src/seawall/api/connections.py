"""Limits on connections: the size of a request's head, its time, the rate of its body, and the number of connections.

Uvicorn's own protocol has none of them: one connection without a key could fill the memory with header lines, and a
thousand that send nothing could shut everybody out. ``ConnectionServer`` looks at all connections once a second, so
that a request costs no timer of its own.
"""

from __future__ import annotations

import resource
from enum import StrEnum
from typing import Any, Final

import msgspec
import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

MAX_HEAD: Final = 32 * 1024  # bytes of a request's line and headers; also of its trailers
HEAD_SECONDS: Final = 10.0  # from the connection, or the first byte of a further request, to the end of the head
BODY_SECONDS: Final = 15.0  # after that, a body must have come at MIN_BODY_RATE
MIN_BODY_RATE: Final = 16 * 1024  # bytes in a second, on average
LINGER_SECONDS: Final = 5.0  # that a client may go on to send a body after it was answered
WRITE_SECONDS: Final = 60.0  # that a client may take none of its answer
MAX_CONNECTIONS: Final = 1_000

_encode = msgspec.json.Encoder().encode


class _Reads(StrEnum):
    """What a connection reads at the moment."""

    NOTHING = "nothing"
    HEAD = "head"
    BODY = "body"


class BoundedHttpProtocol(HttpToolsProtocol):
    """Uvicorn's protocol with those limits. Event loop only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reads = _Reads.NOTHING
        self._without_progress = 0  # bytes since a head began or ended, or some of a body came
        self._head_since: float | None = None  # since when this waits for a head; None from its end to the next
        self._body_bytes = 0
        self._body_seconds = 0.0  # in which the server was ready to read
        self._stuck_seconds = 0.0  # in which the client took nothing, or sent on after it was answered

    def connection_made(self, transport: Any) -> None:
        """Start the time of the first head; when there are too many connections, close another one."""
        super().connection_made(transport)
        self._head_since = self.loop.time()
        if len(self.connections) > max_connections():
            _close_one_that_waits(self)

    def data_received(self, data: bytes) -> None:
        """Parse what came; while a head is incomplete, no more than ``MAX_HEAD`` bytes at once."""
        while data and not self.transport.is_closing():
            piece = data if self._reads is _Reads.BODY else data[:MAX_HEAD]
            data = data[len(piece) :]
            self._without_progress += len(piece)
            super().data_received(piece)
            if self._without_progress > MAX_HEAD:
                self._end(431, f"The line and the headers of a request may have {MAX_HEAD} bytes.")

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._reads = _Reads.HEAD
        self._without_progress = 0
        self._head_since = self.loop.time()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is complete: the application is called."""
        self._reads = _Reads.BODY
        self._without_progress = self._body_bytes = 0
        self._body_seconds = 0.0
        self._head_since = None
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some of the body."""
        self._without_progress = 0
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The whole request has come."""
        self._reads = _Reads.NOTHING
        super().on_message_complete()

    def check(self, now: float, passed: float) -> None:
        """Close the connection when its client is too slow. ``passed``: seconds since the last check."""
        if (longest_s := self._stuck_limit()) is not None:
            self._stuck_seconds += passed
            if self._stuck_seconds > longest_s:
                self.transport.abort()
            return
        self._stuck_seconds = 0.0
        if self._head_since is not None:
            if now - self._head_since > HEAD_SECONDS:
                self._end(408, f"The head of a request must come within {HEAD_SECONDS:.0f} seconds.")
        elif self._reads is _Reads.BODY and not self.flow.read_paused:
            self._body_seconds += passed
            if self._body_bytes < MIN_BODY_RATE * (self._body_seconds - BODY_SECONDS):
                self._end(408, f"A body must come at {MIN_BODY_RATE} bytes a second or more.")

    def waits(self) -> tuple[bool, float] | None:
        """None while a request is handled. Else a sort key: connections that never sent one first, the oldest first."""
        if self.cycle is not None and not self.cycle.response_complete:
            return None
        return self.cycle is not None, self._head_since or 0.0

    def _stuck_limit(self) -> float | None:
        """Seconds that the client may stay as it is: it takes nothing, or sends what nobody asked for; else None."""
        if self.transport.is_closing():
            return LINGER_SECONDS
        if self.flow.write_paused:
            return WRITE_SECONDS
        answered = self.cycle is not None and self.cycle.response_complete and not self.pipeline
        is_idle = self.timeout_keep_alive_task is not None  # uvicorn closes it
        return LINGER_SECONDS if answered and self._head_since is None and not is_idle else None

    def _end(self, status: int, detail: str) -> None:
        """Close the connection; say why, if this request's answer has not begun and no other one's is due."""
        if self.transport.is_closing():
            return
        cycle = self.cycle if self.cycle is not None and not self.cycle.response_complete else None
        expected = self._reads is _Reads.HEAD if cycle is None else self._reads is _Reads.BODY
        if expected and not self.pipeline and (cycle is None or not cycle.response_started):
            title = STATUS_LINE[status].decode("ascii").strip().split(" ", 2)[2]
            body = _encode({"type": "about:blank", "title": title, "status": status, "detail": detail})
            head = b"content-type: application/problem+json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
            self.transport.write(STATUS_LINE[status] + head % len(body) + body)
        if cycle is not None:
            cycle.disconnected = True  # the application is told that its client is gone
            cycle.message_event.set()
        self.transport.close()


class ConnectionServer(uvicorn.Server):
    """Uvicorn's server; closes connections whose clients are too slow."""

    _checked_at = 0.0

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second; checks all connections once a second."""
        if counter % 10 == 0:
            self.check_connections()
        return await super().on_tick(counter)

    def check_connections(self) -> None:
        """Close the connections that exceed a limit of time."""
        connections = [one for one in self.server_state.connections if isinstance(one, BoundedHttpProtocol)]
        if not connections:
            return
        now = connections[0].loop.time()
        passed = min(now - self._checked_at, 2.0)  # a server that was stopped itself blames nobody
        self._checked_at = now
        for connection in connections:
            connection.check(now, passed)


def max_connections() -> int:
    """The most connections at once: no more than three quarters of the files that this process may open."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS if files == resource.RLIM_INFINITY else min(MAX_CONNECTIONS, files * 3 // 4)


def _close_one_that_waits(newest: BoundedHttpProtocol) -> None:
    """Close a connection on which no request is handled, or else the newest."""
    others = [one for one in newest.connections if isinstance(one, BoundedHttpProtocol) and one is not newest]
    waiting = [(key, number) for number, one in enumerate(others) if (key := one.waits()) is not None]
    (others[min(waiting)[1]] if waiting else newest).transport.abort()
