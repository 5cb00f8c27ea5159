"""Chromaprint fingerprints, computed by a program that the operator installs: ``fpcalc`` or a suitable ``ffmpeg``.

The program receives samples decoded by a confined process, never the file itself, and runs under limits.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

RATE: Final = 16_000
"""Sample rate of fingerprinted audio; one channel, 16 bits, little-endian."""
REMEDY: Final = (
    "no program for audio fingerprints: install fpcalc (Debian: libchromaprint-tools, macOS: brew install chromaprint) "
    "or an ffmpeg built with chromaprint"
)

_MEMORY: Final = 512 << 20  # address space of the program
_LEAST_SECONDS: Final = 10.0
_MIN_AUDIO_S: Final = 3.0
_TIMES_REAL: Final = 50  # seconds of sound processed per second, even on a busy machine


class FingerprintError(Exception):
    """The program failed; the message is a code for engineers."""


@dataclass(frozen=True, slots=True)
class Fingerprinter:
    """A fingerprinting program: its path, and ``fpcalc`` or ``ffmpeg``."""

    path: str
    kind: str

    def items(self, pcm: bytes, speed: float = 1.0) -> NDArray[np.uint32]:
        """The sub-fingerprints of samples (``RATE``, one channel, int16): eight per second; none in less than 3 s.

        ``speed`` other than 1: of the same sound played so many times as fast, with its pitch raised. Raises
        ``FingerprintError``.
        """
        if len(pcm) < 2 * RATE * speed * _MIN_AUDIO_S:
            return np.zeros(0, np.uint32)  # too short: the programs would fail
        rate = str(round(RATE * speed))
        if self.kind == "fpcalc":
            form = ("-format", "s16le", "-rate", rate, "-channels", "1")
            return _from_json(*self._run([*form, "-length", "0", "-raw", "-json", "-"], pcm))
        form = ("-f", "s16le", "-ar", rate, "-ac", "1")
        output, status = self._run(
            ["-hide_banner", "-loglevel", "error", *form, "-i", "pipe:0", *_AS_RAW, "pipe:1"], pcm
        )
        if status or len(output) % 4:
            raise FingerprintError(f"ffmpeg:{status}")
        return np.frombuffer(output, "<u4").astype(np.uint32)

    def _run(self, arguments: list[str], pcm: bytes) -> tuple[bytes, int]:
        seconds = max(_LEAST_SECONDS, len(pcm) / 2 / RATE / _TIMES_REAL)
        try:
            with subprocess.Popen(  # noqa: S603 (a fixed program, no shell)
                [self.path, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"LC_ALL": "C"},
                cwd="/",
            ) as process:
                _limit(process.pid, seconds)
                try:
                    output, _ = process.communicate(pcm, timeout=seconds)
                except BaseException:
                    process.kill()
                    raise
        except subprocess.TimeoutExpired as error:
            raise FingerprintError("time_limit") from error
        except OSError as error:
            raise FingerprintError(f"{self.kind}:{type(error).__name__}") from error
        return output, process.returncode


def find_fingerprinter(path: str | None = None) -> Fingerprinter | None:
    """The program at ``path``, or the first suitable one that is installed; None without one."""
    for name in ("fpcalc", "ffmpeg") if path is None else (path,):
        found = shutil.which(name)
        if found is None:
            continue
        if "fpcalc" in Path(found).name:
            return Fingerprinter(found, "fpcalc")
        if _can_fingerprint(found):
            return Fingerprinter(found, "ffmpeg")
    return None


_AS_RAW: Final = ("-f", "chromaprint", "-fp_format", "raw")


def _can_fingerprint(ffmpeg: str) -> bool:
    try:
        listed = subprocess.run(  # noqa: S603 (a fixed program, no shell)
            [ffmpeg, "-hide_banner", "-muxers"], capture_output=True, timeout=_LEAST_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return b"chromaprint" in listed.stdout


def _from_json(output: bytes, status: int) -> NDArray[np.uint32]:
    # fpcalc 1.5 ends with status 3 at the end of a pipe, having read all of it
    if status not in (0, 3):
        raise FingerprintError(f"fpcalc:{status}")
    try:
        return np.array(json.loads(output or b"{}").get("fingerprint", []), np.uint32)
    except (ValueError, AttributeError, OverflowError) as error:
        raise FingerprintError("fpcalc:output") from error


def _limit(pid: int, seconds: float) -> None:
    """Limit memory and processor time and disable core files before it reads anything, where the system supports it."""
    try:
        import resource

        limit = resource.prlimit
    except (ImportError, AttributeError):
        return
    try:
        limit(pid, resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        limit(pid, resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 1))
        limit(pid, resource.RLIMIT_CORE, (0, 0))
        limit(pid, resource.RLIMIT_FSIZE, (0, 0))
    except ProcessLookupError:  # it has ended already; its status is checked later
        return
