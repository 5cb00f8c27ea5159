"""Allow-list of system calls (seccomp) for processes that read hostile bytes.

It has what a decoder needs once loaded: memory, time, its two pipes, its own threads. It excludes opening files,
sockets, other processes, signals to others, changing limits. Refused calls fail with EPERM; the process continues.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from typing import Final

_ARCHITECTURES: Final = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_SECCOMP: Final = (317, 277)  # system call that installs the filter, per architecture

_ALLOWED: Final = {  # name: (number on x86-64, number on arm64), from the kernel's tables
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "fstat": (5, 80),
    "lseek": (8, 62),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "readv": (19, 65),
    "writev": (20, 66),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "nanosleep": (35, 101),
    "setitimer": (38, 103),
    "getpid": (39, 172),
    "exit": (60, 93),
    "uname": (63, 160),
    "gettimeofday": (96, 169),
    "getrusage": (98, 165),
    "sysinfo": (99, 179),
    "times": (100, 153),
    "sigaltstack": (131, 132),
    "gettid": (186, 178),
    "futex": (202, 98),
    "sched_getaffinity": (204, 123),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "exit_group": (231, 94),
    "set_robust_list": (273, 99),
    "getcpu": (309, 168),
    "getrandom": (318, 278),
    "membarrier": (324, 283),
    "rseq": (334, 293),
}
_MMAP: Final = (9, 222)
_MPROTECT: Final = (10, 226)
_CLONE: Final = (56, 220)
_CLONE3: Final = (435, 435)

_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06  # BPF: load a word of the call data; jumps; return
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_AT, _THIRD_AT = 0, 4, 16, 32  # byte offsets into the call data
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_CLONE_THREAD, _PROT_EXEC = 0x10000, 0x4


def refuse_other_calls() -> None:
    """Restrict this process, with all its threads, to the calls above. Raises ``OSError``."""
    machine = _ARCHITECTURES.get(platform.machine())
    if machine is None:
        raise OSError(errno.ENOSYS, f"no list of system calls for {platform.machine()}")
    column, architecture = machine
    program = _program(column, architecture)
    buffer = ctypes.create_string_buffer(program, len(program))
    filters = _Filters(len(program) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.prctl(38, 1, 0, 0, 0))  # PR_SET_NO_NEW_PRIVS
    _check(libc.syscall(_SECCOMP[column], 1, 1, ctypes.byref(filters)))  # a filter, for all threads


class _Filters(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("program", ctypes.c_void_p))


def _program(column: int, architecture: int) -> bytes:
    """The filter: steps of (operation, steps ahead if so, steps ahead if not, operand)."""
    refuse = _step(_RETURN, 0x50000 | errno.EPERM)
    allow = _step(_RETURN, _ALLOW)
    steps = [
        _step(_LOAD, _ARCHITECTURE_AT),
        _step(_EQUAL, architecture, yes=1),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER_AT),
    ]
    for numbers in _ALLOWED.values():
        steps += [_step(_EQUAL, numbers[column], no=1), allow]
    for numbers in (_MMAP, _MPROTECT):  # memory, but not executable memory
        third = _step(_LOAD, _THIRD_AT)
        steps += [_step(_EQUAL, numbers[column], no=4), third, _step(_ANY_BIT, _PROT_EXEC, no=1), refuse, allow]
    first = _step(_LOAD, _FIRST_AT)  # threads, but not processes
    steps += [_step(_EQUAL, _CLONE[column], no=4), first, _step(_ANY_BIT, _CLONE_THREAD, yes=1), refuse, allow]
    steps += [_step(_EQUAL, _CLONE3[column], no=1), _step(_RETURN, 0x50000 | errno.ENOSYS)]  # so that clone is used
    steps.append(refuse)
    return b"".join(steps)


def _step(operation: int, operand: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", operation, yes, no, operand)


def _check(result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, errno.errorcode.get(code, str(code)))
