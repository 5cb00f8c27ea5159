"""Password hashing with argon2id; the hash holds parameters and salt."""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import select
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Final

from argon2 import PasswordHasher

from seawall.access.errors import SignInBusy
from seawall.media.confine import bare_environment

# OWASP's password storage cheat sheet names 19 MiB, two passes, one thread among its minima for argon2id.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
MIN_LENGTH: Final = 10
MAX_LENGTH: Final = 1024
_SECONDS: Final = 20.0  # for one check, on a machine whose processors are all taken
_SCRIPT: Final = Path(__file__).with_name("hashing_process.py")


def hash_password(password: str) -> str:
    """``$argon2id$v=19$m=…,t=…,p=…$salt$key``."""
    return _HASHER.hash(_bounded(password))


def verify_password(password: str, stored: str) -> bool:
    """Whether ``password`` is the one that ``stored`` was made from. Takes equal time for right and wrong ones.

    One at a time, in a process of low priority: anybody can ask for it. Raises ValueError when ``stored`` is no argon2
    hash, SignInBusy when there is no answer in time.
    """
    fits = _checker().check({"stored": stored, "password": _bounded(password).hex()})
    if fits is None:
        raise ValueError("A stored password is no argon2 hash. Give the person a new password.")
    return fits


def is_outdated(stored: str) -> bool:
    """Whether a hash was made with other parameters than those in use; if so, callers hash the password again."""
    return _HASHER.check_needs_rehash(stored)


@functools.cache
def dummy() -> str:
    """A hash to check for unknown emails, so that response times do not reveal who has an account."""
    return hash_password(os.urandom(16).hex())


@functools.cache
def warm_up() -> None:
    """Start the process that checks passwords: starting one stops every thread for a moment."""
    with contextlib.suppress(SignInBusy):  # the first sign-in tries again, and says so
        verify_password("", dummy())


def _bounded(password: str) -> bytes:
    """The password as bytes, cut to ``MAX_LENGTH`` characters so that the work is bounded."""
    return password[:MAX_LENGTH].encode("utf-8", "surrogatepass")


@functools.cache
def _checker() -> _PasswordChecker:
    checker = _PasswordChecker()
    atexit.register(checker.close)
    return checker


class _PasswordChecker:
    """The process that checks passwords: started when needed, and again when it ended. Thread-safe.

    Not a thread of low priority: one that holds the interpreter's lock while others take the processor stops everybody.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def check(self, asked: dict[str, str]) -> bool | None:
        """The answer. Raises SignInBusy when the process does not start, ends, or takes too long."""
        with self._lock:
            try:
                return self._answer(json.dumps(asked).encode() + b"\n")
            except (OSError, EOFError, ValueError) as error:
                self._end()
                raise SignInBusy from error

    def close(self) -> None:
        """End the process. The next check starts another one."""
        with self._lock:
            self._end()

    def _answer(self, line: bytes) -> bool | None:
        process = self._process
        if process is None or process.poll() is not None:
            self._end()
            process = self._process = subprocess.Popen(  # noqa: S603 (our own interpreter and script)
                [sys.executable, "-P", str(_SCRIPT)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=bare_environment(),
            )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(line)
        process.stdin.flush()
        answer: bool | None = json.loads(_line(process.stdout))
        return answer

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        process.wait()


def _line(answers: IO[bytes]) -> bytes:
    """The next line. Raises EOFError, TimeoutError (an OSError)."""
    poll = select.poll()
    poll.register(answers, select.POLLIN)
    if not poll.poll(_SECONDS * 1000):
        raise TimeoutError("the password was not checked in time")
    line = answers.readline()
    if not line:
        raise EOFError("the process that checks passwords ended")
    return line
