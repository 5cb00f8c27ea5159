"""Pools of decoding processes: started when needed, with limits, replaced after a crash, a hang or many requests.

>>> pool = ProcessPool("images", ProcessLimits())
>>> pool.ask("pdq", b"just some text", {"max_pixels": 1_000_000}, dict)
UnreadableMedia(code='not_an_image')
>>> pool.close()
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self, TypeVar

import msgspec
from cachetools import TTLCache

from seawall.media.confine import bare_environment, missing
from seawall.media.protocol import LENGTH, LONGEST_HEAD, WorkerReply, WorkerRequest, pack
from seawall.model.content import Part
from seawall.model.signals import Unknown, UnknownReason

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessLimits:
    """Limits for one file."""

    max_bytes: int = 20 << 20
    seconds: float = 10.0  # wall time including transfer; CPU time likewise
    usual_seconds: float | None = None  # after this time a file no longer holds up others; None: as ``seconds``
    slow_waiting: int = 8  # files that take longer, waiting for their process; more are ``busy``
    nice: int = 0  # added to this process's own: higher gives way to others
    usual_pixels: int | None = None  # to decode, frames and scans included: what takes longer does not hold up others
    memory_bytes: int = 1 << 30  # address space of the whole process
    reply_bytes: int = 64 << 20
    requests: int = 500  # before the process is replaced


@dataclass(frozen=True, slots=True)
class UnreadableMedia:
    """Why a file could not be read.

    Caused by the file: ``not_an_image``, ``not_media``, ``damaged``, ``unknown_codec``, ``too_many_bytes``,
    ``too_many_pixels``, ``too_many_scans``, ``unknown_colours``, ``too_many_streams``, ``too_many_channels``,
    ``too_many_frames``, ``too_long``, ``no_sound``, ``memory_limit``,
    ``time_limit``, ``crashed``, ``reply_limit``; for documents also ``not_a_document``, ``unknown_format``,
    ``unknown_encoding``, ``encrypted``, ``entities``, ``too_many_files``, ``too_many_images``.

    Not caused by the file: ``closed``, ``not_installed``, ``no_start``, ``busy`` (other slow files are being read).
    """

    code: str

    @property
    def is_ours(self) -> bool:
        """Whether the cause is this system and not the file."""
        return self.code in ("closed", "not_installed", "no_start", "busy")

    def about(self, part: Part, detector: str) -> Unknown:
        """The detector's answer about the part in this case."""
        reason = UnknownReason.ERROR if self.is_ours else UnknownReason.UNREADABLE
        if self.code == "busy":
            reason = UnknownReason.OVERLOADED
        return Unknown(detector=detector, part=part.path, reason=reason, detail=self.code)


class ProcessPool:
    """Processes of one family of decoders, at most ``processes`` at a time. Thread-safe; files are queued.

    A file that takes longer than usual (``usual_pixels`` by its header, or ``usual_seconds``) is read in a process of
    low priority beside them, one at a time; ``slow_waiting`` others wait for it as long as a file may take, and further
    ones are given up (``busy``), so that slow files do not hold up others. Who gets ``busy`` asks again later. It is
    remembered for ten minutes which files they were, so that they take no other process again.
    ``close`` ends them; they also end by themselves when this process ends.
    """

    def __init__(
        self, family: str, limits: ProcessLimits, processes: int = 1, *, languages: tuple[str, ...] = ()
    ) -> None:
        """``languages``: of the family ``second_reading``."""
        self.family = family
        self._languages = languages
        self._limits = limits
        self._turn = threading.Semaphore(processes)
        self._processes = processes
        self._slow = threading.Semaphore(1)
        self._slow_files: TTLCache[tuple[str, bytes], None] = TTLCache(_SLOW_FILES, _SLOW_SECONDS)
        self._waiting = self._slow_waiting = 0  # files without a process
        self._lock = threading.Lock()
        self._idle: list[_Child] = []
        self._all: set[_Child] = set()
        self._closed = False
        self._reported = False

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the running processes."""
        with self._lock:
            return tuple(sorted(child.process.pid for child in self._all))

    def start(self) -> None:
        """Start one process now, so that the first file does not wait for it."""
        with self._turn:
            child = self._take(slow=False)
            if child is not None:
                self._give_back(child)

    def ask(
        self, op: str, data: bytes, options: Mapping[str, Any], answer: type[T]
    ) -> tuple[T, tuple[bytes, ...]] | UnreadableMedia:
        """Result of ``op`` for one file: an answer of the given type, and blobs. Never raises because of the file's
        content."""
        if len(data) > self._limits.max_bytes:
            return UnreadableMedia("too_many_bytes")
        with _Place(self) as place:
            outcome: tuple[WorkerReply, tuple[bytes, ...]] | UnreadableMedia = _SLOW
            if not self._is_known_slow(op, data):
                place.wait_for_turn()
                usual = {} if self._limits.usual_pixels is None else {"usual_pixels": self._limits.usual_pixels}
                outcome = self._read(place, WorkerRequest(op, {**options, **usual}, (len(data),)), data)
                if outcome == _SLOW or place.is_slow:
                    self._remember_slow(op, data)
            if outcome == _SLOW:
                if not place.becomes_slow():
                    return UnreadableMedia("busy")
                outcome = self._read(place, WorkerRequest(op, dict(options), (len(data),)), data)
        if isinstance(outcome, UnreadableMedia):
            return outcome
        reply, blobs = outcome
        try:
            return msgspec.json.decode(reply.answer, type=answer), blobs
        except msgspec.MsgspecError:
            return UnreadableMedia("crashed")  # a healthy process does not send this

    def _read(
        self, place: _Place, request: WorkerRequest, data: bytes
    ) -> tuple[WorkerReply, tuple[bytes, ...]] | UnreadableMedia:
        child = self._take(slow=place.is_slow)
        if child is None:
            return UnreadableMedia("closed")
        outcome = self._converse(child, pack(request), data, place)
        if isinstance(outcome, UnreadableMedia) or outcome[0].error is None:
            return outcome
        return UnreadableMedia(outcome[0].error)

    def close(self) -> None:
        """End the processes. Further files are unreadable with code ``closed``; a file being read, with ``crashed``."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            busy = self._all.difference(idle)
        for child in idle:
            self._discard(child)
        for child in busy:
            child.process.kill()  # the thread using it notices and closes its pipes

    def _converse(
        self, child: _Child, request: bytes, data: bytes, place: _Place
    ) -> tuple[WorkerReply, tuple[bytes, ...]] | UnreadableMedia:
        try:
            confinement = child.wait_until_ready()
        except (TimeoutError, OSError, EOFError, msgspec.MsgspecError):
            self._discard(child)
            return UnreadableMedia("no_start")
        if isinstance(confinement, UnreadableMedia):
            self._discard(child)
            return confinement
        self._tell(confinement)
        try:
            child.send(request, data)
            if not place.wait(child):
                self._replace(child)
                return _SLOW
            reply, blobs = child.receive()
        except TimeoutError:
            self._replace(child)
            return UnreadableMedia("time_limit")
        except OverflowError:
            self._replace(child)
            return UnreadableMedia("reply_limit")
        except (OSError, EOFError, msgspec.MsgspecError):
            timed_out = self._replace(child) in _ENDED_BY_TIME
            return UnreadableMedia("time_limit" if timed_out else "crashed")
        if child.served >= self._limits.requests or reply.error == "memory_limit":
            self._replace(child)
        else:
            self._give_back(child)
        return reply, blobs

    def _is_known_slow(self, op: str, data: bytes) -> bool:
        """Whether this file took longer than usual before. Computes its digest only if any file did."""
        with self._lock:
            if not self._slow_files:
                return False
        key = (op, hashlib.sha256(data).digest())
        with self._lock:
            return key in self._slow_files

    def _remember_slow(self, op: str, data: bytes) -> None:
        key = (op, hashlib.sha256(data).digest())
        with self._lock:
            self._slow_files[key] = None

    def _take(self, *, slow: bool) -> _Child | None:
        """An idle process or a fresh one; None once closed."""
        with self._lock:
            for child in [child for child in reversed(self._idle) if child.is_slow is slow]:
                self._idle.remove(child)
                if child.is_alive():
                    return child
                self._all.discard(child)
                child.end()
            return None if self._closed else self._fresh(slow=slow)

    def _fresh(self, *, slow: bool = False) -> _Child:
        child = _Child(self.family, self._limits, self._languages)
        if slow:
            child.slow_down()
        self._all.add(child)
        return child

    def _set_aside(self, child: _Child) -> None:
        """Its file takes longer than usual: give it a low priority, and start another process for usual files."""
        child.slow_down()
        with self._lock:
            if not self._closed and sum(not each.is_slow for each in self._all) < self._processes:
                self._idle.append(self._fresh())

    def _give_back(self, child: _Child) -> None:
        with self._lock:
            spare = child.is_slow and any(each.is_slow for each in self._idle)
            if not self._closed and not spare:
                self._idle.append(child)
                return
        self._discard(child)

    def _discard(self, child: _Child) -> int:
        with self._lock:
            self._all.discard(child)
        return child.end()

    def _replace(self, child: _Child) -> int:
        """End a process and start its replacement now, so that no usual file waits for it. Returns the exit status."""
        status = self._discard(child)
        with self._lock:
            if not self._closed and not child.is_slow:
                self._idle.append(self._fresh())
        return status

    def _tell(self, confinement: tuple[str, ...]) -> None:
        """Log once which measures the system does not permit."""
        absent = missing(confinement)
        if self._reported or not absent:
            return
        self._reported = True
        import structlog  # imported here: slow to load, and on most systems there is nothing to report

        log = structlog.get_logger(__name__)
        log.warning("media_confinement", family=self.family, confinement=list(confinement), not_permitted=list(absent))


class _Place:
    """A file's place in a pool: one of its processes' turns, or the place for one slow file beside them."""

    def __init__(self, pool: ProcessPool) -> None:
        self._pool = pool
        self._held: threading.Semaphore | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._held is not None:
            self._held.release()

    @property
    def is_slow(self) -> bool:
        """Whether it is the place for a slow file."""
        return self._held is self._pool._slow

    def wait_for_turn(self) -> None:
        """Wait for one of the processes."""
        pool = self._pool
        with pool._lock:
            pool._waiting += 1
        pool._turn.acquire()
        with pool._lock:
            pool._waiting -= 1
        self._held = pool._turn

    def becomes_slow(self) -> bool:
        """Change to the place for slow files; False when it is not free in a file's time, or too many wait for it."""
        pool = self._pool
        if self._held is not None:
            self._held.release()
            self._held = None
        with pool._lock:
            if pool._slow_waiting >= pool._limits.slow_waiting:
                return False
            pool._slow_waiting += 1
        if pool._slow.acquire(timeout=pool._limits.seconds):
            self._held = pool._slow
        with pool._lock:
            pool._slow_waiting -= 1
        return self.is_slow

    def wait(self, child: _Child) -> bool:
        """Wait for the reply, in the place for slow files if it takes long; False: others wait, and it is taken."""
        pool, usual = self._pool, self._pool._limits.usual_seconds
        if usual is None or self.is_slow or child.has_answered(usual):
            return True
        # On a busy machine a usual file takes long because of others: it is slow when it computed that long, or when
        # it is not about to answer at all.
        patient_until = time.monotonic() + (_PATIENCE - 1) * usual
        while child.cpu_seconds() < usual and time.monotonic() < patient_until:
            if child.has_answered(_LOOK_SECONDS):
                return True
        while not pool._slow.acquire(timeout=_LOOK_SECONDS):
            if child.has_answered(0.0):
                return True
            if pool._waiting:
                return False
        pool._turn.release()
        self._held = pool._slow
        pool._set_aside(child)
        return True


_SLOW: Final = UnreadableMedia("slow")  # never given to a caller
_SLOW_NICE: Final = 10
_SLOW_FILES: Final = 4_096  # remembered
_SLOW_SECONDS: Final = 600.0
_LOOK_SECONDS: Final = 0.05
_PATIENCE: Final = 4  # times the usual time, for a file whose process does not get to compute
_START_SECONDS: Final = 60.0  # to load the decoders, on a busy machine
_PIECE: Final = 1 << 20
_ENDED_BY_TIME: Final = (-signal.SIGALRM, -signal.SIGPROF, -signal.SIGXCPU)


class _Child:
    """A process and its pipes, which do not block, so that a stalled process is abandoned in time."""

    def __init__(self, family: str, limits: ProcessLimits, languages: tuple[str, ...]) -> None:
        self._limits = limits
        self._ready: tuple[str, ...] | UnreadableMedia | None = None
        self.served = 0
        self.is_slow = False  # it has a low priority, which cannot be taken back
        self._until = 0.0  # when the time of the file being read is over
        self._computed = 0.0  # CPU seconds before the file being read
        config = msgspec.json.encode(
            {
                "family": family,
                "memory_bytes": limits.memory_bytes,
                "seconds": limits.seconds,
                "languages": languages,
            }
        )
        self.process = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
            [sys.executable, "-m", "seawall.media.worker", config.decode()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=bare_environment(),
            bufsize=0,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._to = self.process.stdin.fileno()
        self._from = self.process.stdout.fileno()
        os.set_blocking(self._to, False)
        os.set_blocking(self._from, False)
        self._give_way(limits.nice)

    def slow_down(self) -> None:
        """Give way to other processes from now on."""
        self.is_slow = True
        self._give_way(_SLOW_NICE)

    def _give_way(self, nice: int) -> None:
        with contextlib.suppress(AttributeError, OSError):  # not on every system; or the process has ended
            usual = os.getpriority(os.PRIO_PROCESS, 0)
            os.setpriority(os.PRIO_PROCESS, self.process.pid, min(19, usual + nice))

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def wait_until_ready(self) -> tuple[str, ...] | UnreadableMedia:
        """Its confinement report. Raises as ``receive`` does, or with the reason why it cannot serve."""
        if self._ready is None:
            reply, _ = self._receive(time.monotonic() + _START_SECONDS)
            if reply.error is not None:
                self._ready = UnreadableMedia(reply.error)
            else:
                self._ready = msgspec.json.decode(reply.answer, type=tuple[str, ...])
        return self._ready

    def send(self, request: bytes, data: bytes) -> None:
        """Send a file. Raises ``TimeoutError``, ``OSError``."""
        self.served += 1
        self._until = time.monotonic() + self._limits.seconds
        self._computed = _cpu_seconds(self.process.pid)
        self._send(request, self._until)
        self._send(data, self._until)

    def has_answered(self, seconds: float) -> bool:
        """Wait so long for the reply, at most until the file's time is over."""
        poll = select.poll()
        poll.register(self._from, select.POLLIN)
        return bool(poll.poll(max(0.0, min(seconds, self._until - time.monotonic())) * 1000)) or self.is_over

    def cpu_seconds(self) -> float:
        """How long it computed for the file being read; infinite where the system does not say."""
        computed = _cpu_seconds(self.process.pid)
        return computed - self._computed if math.isfinite(computed) else computed

    @property
    def is_over(self) -> bool:
        """Whether the file's time is over."""
        return time.monotonic() >= self._until

    def receive(self) -> tuple[WorkerReply, tuple[bytes, ...]]:
        """The reply and its blobs.

        Raises ``TimeoutError``, ``EOFError``, ``OSError``, ``MsgspecError``, ``OverflowError`` (a reply too long).
        """
        return self._receive(self._until)

    def end(self) -> int:
        """Kill the process if it is alive, wait for it, and return its exit status."""
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
                rest = rest[os.write(self._to, rest[:_PIECE]) :]

    def _receive(self, until: float) -> tuple[WorkerReply, tuple[bytes, ...]]:
        (length,) = LENGTH.unpack(self._receive_bytes(LENGTH.size, until))
        if length > LONGEST_HEAD:
            raise OverflowError
        reply = msgspec.json.decode(self._receive_bytes(length, until), type=WorkerReply)
        if min(reply.blobs, default=0) < 0 or sum(reply.blobs) > self._limits.reply_bytes:
            raise OverflowError
        return reply, tuple(self._receive_bytes(size, until) for size in reply.blobs)

    def _receive_bytes(self, count: int, until: float) -> bytes:
        received = bytearray()
        while len(received) < count:
            _await(self._from, select.POLLIN, until)
            with contextlib.suppress(BlockingIOError):
                piece = os.read(self._from, min(count - len(received), _PIECE))
                if not piece:
                    raise EOFError("the decoding process ended")
                received += piece
        return bytes(received)


def _cpu_seconds(pid: int) -> float:
    """CPU time of a process; infinite if it has ended, or where processes have no such clock.

    Its clock as Linux numbers them, which is what clock_getcpuclockid(3) returns.
    """
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except (AttributeError, OSError):
        return math.inf


def _await(file: int, event: int, until: float) -> None:
    """Wait until the pipe is ready. Raises ``TimeoutError``."""
    poll = select.poll()
    poll.register(file, event)
    if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
        raise TimeoutError
