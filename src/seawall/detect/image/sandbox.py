"""Decoding hostile pictures in a process of its own, which can be killed and cannot reach anything.

    >>> sandbox = Sandbox()
    >>> sandbox.read(b"GIF89a...")
    Unreadable(code='damaged')
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
        self._process: subprocess.Popen[bytes] | None = None
        self._served = 0
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The decoding process, when there is one."""
        process = self._process
        return None if process is None else process.pid

    def start(self) -> None:
        """Start the process now, so that the first picture does not wait for it (a quarter of a second)."""
        with self._lock:
            if self._process is None and not self._closed:
                self._process = self._spawn()

    def read(self, data: bytes) -> ImageReading | Unreadable:
        """Decode and hash one picture within the limits. Never raises for what the bytes hold."""
        if len(data) > self._limits.max_bytes:
            return Unreadable("too_many_bytes")
        with self._lock:
            if self._closed:
                return Unreadable("closed")
            process = self._ready_process()
            try:
                reply = self._exchange(process, data)
            except TimeoutError:
                self._replace()
                return Unreadable("time_limit")
            except (OSError, EOFError, ValueError):
                return Unreadable(self._replace())
            self._served += 1
            if self._served >= self._limits.images or reply.get("error") == "memory_limit":
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
            self._end()

    # ── under the lock ──

    def _ready_process(self) -> subprocess.Popen[bytes]:
        process = self._process
        if process is not None and process.poll() is not None:
            self._end()
            process = None
        if process is None:
            process = self._process = self._spawn()
        if self._served == 0:
            self._await_ready(process)
        return process

    def _spawn(self) -> subprocess.Popen[bytes]:
        self._served = 0
        limits = self._limits
        arguments = (limits.memory_bytes, limits.max_pixels, limits.seconds)
        process = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
            [sys.executable, "-m", "seawall.detect.image.worker", *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={  # no secrets for a process that reads hostile bytes
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                "OPENBLAS_NUM_THREADS": "1",
                "OMP_NUM_THREADS": "1",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            bufsize=0,
        )
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
        return process
