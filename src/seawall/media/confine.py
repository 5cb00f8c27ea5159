"""Confinement of decoding processes before they read a file, and a report of what this system supports.

>>> from seawall.media import confinement
>>> for line in confinement():  # doctest: +SKIP
...     print(line)
memory: limited
processor time: limited
files: none can be opened or written
network: cut off (own namespace)
system calls: those of a list only
"""

from __future__ import annotations

import ctypes
import errno
import functools
import json
import os
import signal
import subprocess
import sys

from seawall.media.seccomp import refuse_other_calls

NOT = "NOT limited"
"""Starts the text after the colon in a line about a measure that this system does not permit."""


@functools.cache
def confinement() -> tuple[str, ...]:
    """How decoding processes are confined on this system, one line per measure: ``"network: cut off (…)"``.

    A measure the system does not permit reads ``"network: NOT limited (EPERM)"``. Determined by a trial process; takes
    half a second, once.
    """
    try:
        outcome = subprocess.run(
            [sys.executable, "-m", "seawall.media.confine"],
            capture_output=True,
            timeout=60,
            check=True,
            env=bare_environment(),
        )
        return tuple(json.loads(outcome.stdout))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        return (f"decoding processes: {NOT} (the trial failed: {type(error).__name__})",)


def missing(lines: tuple[str, ...]) -> tuple[str, ...]:
    """The lines about measures that this system does not permit."""
    return tuple(line for line in lines if f": {NOT}" in line)


def bare_environment() -> dict[str, str]:
    """Environment variables without secrets, for a process that reads hostile bytes."""
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }


def leave_network() -> str:
    """Enter a new network namespace without devices. Call before any thread is started. Returns a report line."""
    try:
        unshare = ctypes.CDLL(None, use_errno=True).unshare
    except (AttributeError, OSError):
        return f"network: {NOT} (this system has no namespaces)"
    if unshare(0x10000000 | 0x40000000) == 0:  # CLONE_NEWUSER | CLONE_NEWNET
        return "network: cut off (own namespace)"
    code = ctypes.get_errno()
    return f"network: {NOT} (namespace: {errno.errorcode.get(code, code)})"


def confine(memory_bytes: int, cpu_seconds: float, network: str) -> tuple[str, ...]:
    """Limit memory to ``memory_bytes`` and give up files, sockets and other processes. Call after everything is loaded.

    ``cpu_seconds`` covers the process's whole life. ``network`` is the line from ``leave_network``. Returns one line
    per measure.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    lines = list(_limit_resources(memory_bytes, cpu_seconds))
    try:
        refuse_other_calls()
    except (OSError, AttributeError) as error:
        lines += [network, f"system calls: {NOT} ({error.strerror if isinstance(error, OSError) else error})"]
    else:
        lines += ["network: cut off (no system call for it)" if NOT in network else network]
        lines += ["system calls: those of a list only"]
    return tuple(lines)


def _limit_resources(memory_bytes: int, cpu_seconds: float) -> list[str]:
    try:
        import resource
    except ImportError:
        return [f"{what}: {NOT} (this system has no resource limits)" for what in ("memory", "processor time", "files")]

    def limit(what: str, done: str, *limits: tuple[int, int]) -> str:
        try:
            for kind, value in limits:
                resource.setrlimit(kind, (value, value))
        except (OSError, ValueError) as error:
            return f"{what}: {NOT} ({error})"
        return f"{what}: {done}"

    whole = max(1, int(cpu_seconds))
    return [
        limit("memory", "limited", (resource.RLIMIT_AS, memory_bytes)),
        limit("processor time", "limited", (resource.RLIMIT_CPU, whole)),
        limit(
            "files",
            "none can be opened or written",
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_NOFILE, 3),  # the three standard streams
        ),
    ]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a library's error means that the memory limit was reached."""
    return isinstance(error, MemoryError) or "alloc" in str(error).lower() or "ENOMEM" in str(error)


def _try() -> None:
    """Confine this process and print the report lines."""
    print(json.dumps(confine(1 << 30, 10, leave_network())), flush=True)


if __name__ == "__main__":
    _try()
