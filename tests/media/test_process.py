"""The processes themselves: confined, bounded, replaced, and gone when they should be."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from media.mutants import png_of
from media.samples import encode, noise
from seawall.media import ProcessLimits, ProcessPool, UnreadableMedia, confinement
from seawall.media.confine import bare_environment, missing
from seawall.model import Modality, Part, UnknownReason

OPTIONS = {"max_pixels": 1_000_000_000}
IMAGE = encode(noise(1), "PNG")


def measure(pool: ProcessPool, data: bytes = IMAGE) -> Any:
    return pool.ask("pdq", data, OPTIONS, dict[str, Any])


# ── what a process may do ───────────────────────────────────────────────────────────────────────────────────────────

ESCAPES = """
import ctypes, os, socket, subprocess, sys, threading
from seawall.media.confine import confine, leave_network
print(*confine(1 << 30, 10, leave_network()), sep="\\n", flush=True)

def attempt(name, act):
    try:
        act()
    except BaseException as error:
        print("refused:", name, flush=True)
    else:
        print("ALLOWED:", name, flush=True)

def libc(name, *arguments):
    if getattr(ctypes.CDLL(None), name)(*arguments) < 0:
        raise OSError
attempt("read a file", lambda: open("/etc/hostname"))
attempt("write a file", lambda: open("/tmp/seawall-escape", "w"))
attempt("list a folder", lambda: os.listdir("/"))
attempt("remove a file", lambda: os.unlink("/tmp/seawall-escape"))
attempt("connect", lambda: socket.create_connection(("127.0.0.1", 1), 1))
attempt("open a socket", lambda: socket.socket())
attempt("fork", os.fork)
attempt("run a program", lambda: subprocess.run(["/bin/true"]))
attempt("exec", lambda: os.execv("/bin/true", ["true"]))
attempt("signal another process", lambda: os.kill(os.getppid(), 0))
attempt("memory that can be run", lambda: libc("mprotect", 0, 4096, 4))
attempt("more memory", lambda: bytearray(2 << 30))
attempt("a pipe", os.pipe)
thread = threading.Thread(target=lambda: None); thread.start(); thread.join()
print("threads: still possible", flush=True)
"""


def test_a_confined_process_reaches_nothing(tmp_path: Path) -> None:
    script = tmp_path / "escapes.py"
    script.write_text(ESCAPES)
    outcome = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, env=bare_environment(), timeout=60
    )
    lines = outcome.stdout.splitlines()
    assert lines[-1] == "threads: still possible", outcome.stderr
    if missing(confinement()):
        pytest.skip(f"this system does not permit all of it: {missing(confinement())}")
    assert [line for line in lines if line.startswith("ALLOWED")] == []
    assert len([line for line in lines if line.startswith("refused")]) == 13


def test_it_is_told_how_processes_are_confined() -> None:
    reported = confinement()
    assert {line.partition(":")[0] for line in reported} == {
        "memory",
        "processor time",
        "files",
        "network",
        "system calls",
    }
    assert missing(("memory: limited", "network: NOT limited (EPERM)")) == ("network: NOT limited (EPERM)",)


# ── what happens to it ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_process_that_crashed_is_replaced_at_once() -> None:
    pool = ProcessPool("images", ProcessLimits())
    try:
        pool.start()
        [pid] = pool.pids
        os.kill(pid, signal.SIGKILL)
        measure(pool)
        assert not isinstance(measure(pool), UnreadableMedia)
        assert pid not in pool.pids
    finally:
        pool.close()


def test_one_that_hangs_is_killed_in_time() -> None:
    pool = ProcessPool("images", ProcessLimits(seconds=1))
    try:
        measure(pool)
        [pid] = pool.pids
        os.kill(pid, signal.SIGSTOP)  # hangs as hard as anything can
        assert measure(pool) == UnreadableMedia("time_limit")
        assert not Path(f"/proc/{pid}").exists()
    finally:
        pool.close()


def test_it_ends_itself_when_nobody_waits_for_it() -> None:
    """Even if its owner were gone, a file that takes too long ends it."""
    config = '{"family": "images", "memory_bytes": 4294967296, "seconds": 0.2}'
    bomb = png_of(12_000, 12_000, bytes(12_001 * 12_000))
    head = b'{"op":"pdq","options":{"max_pixels":1000000000},"blobs":[%d]}' % len(bomb)
    process = subprocess.Popen(
        [sys.executable, "-m", "seawall.media.worker", config],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env=bare_environment(),
    )
    assert process.stdin is not None
    with process, process.stdin:
        process.stdin.write(len(head).to_bytes(4, "big") + head + bomb)
        process.stdin.flush()
        assert process.wait(60) in (-signal.SIGALRM, -signal.SIGPROF)


def test_memory_is_limited() -> None:
    pool = ProcessPool("images", ProcessLimits(memory_bytes=400 << 20, seconds=30))
    try:
        assert measure(pool, png_of(12_000, 12_000, bytes(12_001 * 12_000))) == UnreadableMedia("memory_limit")
        assert not isinstance(measure(pool), UnreadableMedia)
    finally:
        pool.close()


def test_an_answer_has_a_limit_too() -> None:
    pool = ProcessPool("images", ProcessLimits(reply_bytes=1_000))
    try:
        frames = encode(noise(1), "GIF", save_all=True, append_images=[noise(2), noise(3)], duration=900)
        options = {**OPTIONS, "max_frames": 10, "longest": 320}
        assert pool.ask("animation", frames, options, dict[str, Any]) == UnreadableMedia("reply_limit")
        assert pool.ask("pdq", IMAGE, OPTIONS, list[int]) == UnreadableMedia("crashed"), (
            "not the answer that was asked for"
        )
    finally:
        pool.close()


def test_files_take_turns_over_several_processes() -> None:
    pool = ProcessPool("images", ProcessLimits(requests=7), processes=2)
    answers: list[Any] = []

    def work() -> None:
        for _ in range(8):
            answers.append(measure(pool))

    try:
        expected = measure(pool)
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == [expected] * 32
        assert len(pool.pids) <= 2
    finally:
        pool.close()


def test_closing_ends_every_process_and_every_wait() -> None:
    pool = ProcessPool("images", ProcessLimits())
    measure(pool)
    pids = pool.pids
    pool.close()
    assert pool.pids == ()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert measure(pool) == UnreadableMedia("closed")


def test_what_is_not_installed_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hidden = tmp_path / "av"
    hidden.mkdir()
    (hidden / "__init__.py").write_text("raise ImportError('not here')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    pool = ProcessPool("videos", ProcessLimits())
    try:
        assert pool.ask("sound", b"x", {"max_seconds": 1}, dict[str, Any]) == UnreadableMedia("not_installed")
        assert UnreadableMedia("not_installed").is_ours
    finally:
        pool.close()


SMALL = encode(noise(1, (64, 48)), "PNG")  # fits into the pipe to a process that is stopped


# ── slow files beside others ────────────────────────────────────────────────────────────────────────────────────────


class Asking(threading.Thread):
    """Asks about the image in a thread of its own."""

    def __init__(self, pool: ProcessPool, data: bytes = SMALL) -> None:
        super().__init__(daemon=True)
        self.pool = pool
        self.data = data
        self.answer: Any = None
        self.asks = threading.Event()
        self.start()

    def run(self) -> None:
        self.asks.set()
        self.answer = measure(self.pool, self.data)


def stalled(pool: ProcessPool) -> int:
    """The process that will read the next file, stopped: that file takes for ever."""
    assert isinstance(measure(pool), tuple), "it has started"
    [pid] = pool.pids
    os.kill(pid, signal.SIGSTOP)
    return pid


def test_a_slow_file_does_not_hold_up_others() -> None:
    pool = ProcessPool("images", ProcessLimits(seconds=20, usual_seconds=0.2), processes=1)
    try:
        pid = stalled(pool)
        slow = Asking(pool)
        slow.asks.wait(20)
        for _ in range(3):
            assert not isinstance(measure(pool), UnreadableMedia), "read beside the slow one"
        assert slow.answer is None
        os.kill(pid, signal.SIGCONT)
        slow.join(20)
        assert not isinstance(slow.answer, UnreadableMedia), "with all the time that a file has"
    finally:
        pool.close()


def test_a_second_slow_file_gives_way_and_is_read_after_the_first() -> None:
    pool = ProcessPool("images", ProcessLimits(seconds=60, usual_seconds=0.2), processes=1)
    try:
        first_pid = stalled(pool)
        first = Asking(pool)
        first.asks.wait(20)
        assert not isinstance(measure(pool), UnreadableMedia)
        [second_pid] = set(pool.pids) - {first_pid}
        os.kill(second_pid, signal.SIGSTOP)
        others = [Asking(pool, encode(noise(seed, (64, 48)), "PNG")) for seed in range(2, 6)]
        late = next_without_answer(others, 3)
        assert late.answer is None, "it met the stopped process, gave way, and waits"
        os.kill(first_pid, signal.SIGCONT)
        for each in (first, late):
            each.join(60)
        assert all(isinstance(each.answer, tuple) for each in (first, *others)), "nothing is lost"
    finally:
        pool.close()


def next_without_answer(asking: list[Asking], answered: int) -> Asking:
    """Wait until so many have their answer; the one that has none."""
    while sum(not each.is_alive() for each in asking) < answered:
        for each in asking:
            each.join(0.05)
    [late] = [each for each in asking if each.is_alive()]
    return late


PHOTO = encode(noise(7, (1_200, 900)), "PNG")  # more pixels than usual, in these tests


def test_slow_files_wait_for_their_own_process_of_low_priority_and_too_many_are_asked_again() -> None:
    limits = ProcessLimits(seconds=60, usual_seconds=30, usual_pixels=1_000_000, slow_waiting=2)
    pool = ProcessPool("images", limits, processes=1)
    try:
        assert isinstance(measure(pool), tuple)
        [usual_pid] = pool.pids
        assert isinstance(measure(pool, PHOTO), tuple), "read, though it is slow"
        [slow_pid] = set(pool.pids) - {usual_pid}
        nice = os.getpriority(os.PRIO_PROCESS, usual_pid)
        assert os.getpriority(os.PRIO_PROCESS, slow_pid) == min(19, nice + 10)
        os.kill(slow_pid, signal.SIGSTOP)
        slow = [Asking(pool, encode(noise(seed, (1_200, 900)), "PNG")) for seed in range(5)]
        busy = [each for each in slow if not each.is_alive()]
        while len(busy) < 2:
            busy = [each for each in slow if each.join(0.05) is None and not each.is_alive()]
        assert [each.answer for each in busy] == [UnreadableMedia("busy")] * 2
        part = Part(path="cover", modality=Modality.IMAGE, field="cover")
        assert busy[0].answer.about(part, "codes").reason is UnknownReason.OVERLOADED, "it is asked again later"
        for _ in range(3):
            assert isinstance(measure(pool), tuple), "usual files go on"
        os.kill(slow_pid, signal.SIGCONT)
        for each in slow:
            each.join(60)
        assert sum(isinstance(each.answer, tuple) for each in slow) == 3
        assert os.getpriority(os.PRIO_PROCESS, usual_pid) == nice
    finally:
        pool.close()


def test_a_file_that_was_slow_takes_no_usual_process_again() -> None:
    pool = ProcessPool("images", ProcessLimits(seconds=60, usual_seconds=0.2), processes=1)
    try:
        pid = stalled(pool)
        slow = Asking(pool)
        slow.asks.wait(20)
        assert isinstance(measure(pool), tuple), "so the first one is known to be slow"
        os.kill(pid, signal.SIGCONT)
        slow.join(20)
        [usual_pid] = set(pool.pids) - {pid}
        os.kill(usual_pid, signal.SIGSTOP)
        assert isinstance(measure(pool, SMALL), tuple), "read by the process for slow files"
    finally:
        pool.close()
