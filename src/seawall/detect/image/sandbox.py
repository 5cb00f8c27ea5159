"""Decoding hostile pictures in a process of its own, which can be killed and cannot reach anything.

>>> sandbox = Sandbox()
>>> sandbox.read(b"GIF89a...")
Unreadable(code='not_an_image')
>>> sandbox.close()
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageLimits:
    """What one picture may take."""

    max_bytes: int = 20 << 20
    max_pixels: int = 50_000_000
    seconds: float = 5.0  # wall time for one picture, sending included
    memory_bytes: int = 1 << 30  # address space of the whole process
    images: int = 500  # before a fresh process takes over


@dataclass(frozen=True, slots=True)
class ImageReading:
    """A decoded picture's measures: its PDQ hash (32 bytes) and quality (0 to 100), its size in pixels, its format."""

    hash: bytes
    quality: int
    width: int
    height: int
    format: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a picture could not be read.

    ``not_an_image``, ``damaged``, ``too_many_bytes``, ``too_many_pixels``, ``memory_limit``, ``time_limit``,
    ``crashed``, ``closed``.
    """

    code: str


class Sandbox:
    """One decoding process, started at the first picture and replaced when it crashes, hangs or grows old.

    Thread-safe; pictures take turns. ``close`` ends the process; it also ends by itself when this one does.
    """

    def __init__(self, limits: ImageLimits | None = None) -> None:
        self._limits = limits or ImageLimits()
        self._lock = threading.Lock()
        self._child: _Child | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The decoding process, when there is one."""
        child = self._child
        return None if child is None else child.process.pid

    def start(self) -> None:
        """Start the process now, so that the first picture does not wait for it."""
        with self._lock:
            if self._child is None and not self._closed:
                self._child = _Child(self._limits)

    def read(self, data: bytes) -> ImageReading | Unreadable:
        """Decode and hash one picture within the limits. Never raises for what the bytes hold."""
        if len(data) > self._limits.max_bytes:
            return Unreadable("too_many_bytes")
        with self._lock:
            if self._closed:
                return Unreadable("closed")
            child = self._child
            if child is None or not child.is_alive():
                child = self._replace()
            try:
                reply = child.exchange(data)
            except TimeoutError:
                self._replace()
                return Unreadable("time_limit")
            except (OSError, EOFError, ValueError):
                ended_by_alarm = child.end() == -signal.SIGALRM
                self._replace()
                return Unreadable("time_limit" if ended_by_alarm else "crashed")
            if child.served >= self._limits.images or reply.get("error") == "memory_limit":
                self._replace()
        if "error" in reply:
            return Unreadable(str(reply["error"]))
        return ImageReading(
            hash=bytes.fromhex(reply["hash"]),
            quality=reply["quality"],
            width=reply["width"],
            height=reply["height"],
            format=reply["format"],
        )

    def close(self) -> None:
        """End the process. Further pictures are unreadable with code ``closed``."""
        with self._lock:
            self._closed = True
            if self._child is not None:
                self._child.end()
                self._child = None

    def _replace(self) -> _Child:
        if self._child is not None:
            self._child.end()
        self._child = _Child(self._limits)
        return self._child


_START_SECONDS = 30.0  # to load the decoders, on a busy machine


class _Child:
    """A worker process and the conversation with it. Pipes do not block: a worker that stalls is left in time."""

    def __init__(self, limits: ImageLimits) -> None:
        self._limits = limits
        self._ready = False
        self.served = 0
        arguments = (limits.memory_bytes, limits.max_pixels, limits.seconds)
        self.process = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
            [sys.executable, "-m", "seawall.detect.image.worker", *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={  # no secrets for a process that reads hostile bytes
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                "OPENBLAS_NUM_THREADS": "1",
                "OMP_NUM_THREADS": "1",
            },
            bufsize=0,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._to = self.process.stdin.fileno()
        self._from = self.process.stdout.fileno()
        os.set_blocking(self._to, False)
        os.set_blocking(self._from, False)

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def exchange(self, data: bytes) -> dict[str, Any]:
        """Send a picture, get its reply. Raises ``TimeoutError``, ``EOFError``, ``OSError``, ``ValueError``."""
        if not self._ready:
            self._receive(time.monotonic() + _START_SECONDS)
            self._ready = True
        self.served += 1
        until = time.monotonic() + self._limits.seconds
        self._send(struct.pack(">I", len(data)) + data, until)
        return self._receive(until)

    def end(self) -> int:
        """Kill it if it still lives, wait for it, and give its exit status."""
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        return self.process.wait()

    def _send(self, message: bytes, until: float) -> None:
        rest = memoryview(message)
        while rest:
            _await(self._to, select.POLLOUT, until)
            with contextlib.suppress(BlockingIOError):
                rest = rest[os.write(self._to, rest[: 1 << 20]) :]

    def _receive(self, until: float) -> dict[str, Any]:
        (length,) = struct.unpack(">I", self._receive_bytes(4, until))
        reply = json.loads(self._receive_bytes(min(length, _LONGEST_REPLY), until))
        if not isinstance(reply, dict):
            raise ValueError("the reply is no object")
        return reply

    def _receive_bytes(self, count: int, until: float) -> bytes:
        received = b""
        while len(received) < count:
            _await(self._from, select.POLLIN, until)
            with contextlib.suppress(BlockingIOError):
                chunk = os.read(self._from, count - len(received))
                if not chunk:
                    raise EOFError("the decoding process ended")
                received += chunk
        return received


_LONGEST_REPLY = 4_096


def _await(file: int, event: int, until: float) -> None:
    """Wait until the pipe can be used. Raises ``TimeoutError``."""
    poll = select.poll()
    poll.register(file, event)
    if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
        raise TimeoutError
