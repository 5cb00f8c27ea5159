"""Windows of speech that are read already, kept on disk, so that reading goes on after a kill or at the next attempt.

A long episode takes minutes to read, and nothing of it is recorded before all of it is. What a window says is personal,
and the folder knows no items. So a window is encrypted with a key that is made of its own samples: nobody reads it
without the recording, and with the recording everything that was kept of it is erased. Whoever has the same recording
can tell that it was read here. A window is removed after ``DAYS``.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from seawall.media.transcribe import Utterance

DAYS: Final = 2
_NONCE: Final = 12  # bytes, random: two processes may read one window
_SWEEP_S: Final = 3_600.0  # between removals
_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class ReadWindow:
    """What was heard in a window; None: in a language that is not read. ``cpu_s``: processor seconds that it took."""

    heard: tuple[Utterance, ...] | None
    cpu_s: float


class KeptWindows:
    """Windows in a folder, by their samples, the engine's version and the declared language. Thread-safe.

    A window that cannot be read or written counts as not kept. ``folder`` is made at the first write.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._swept = 0.0

    def get(self, version: str, language: str | None, pcm: bytes) -> ReadWindow | None:
        """The window, if it is kept."""
        name, key = _name_and_key(version, language, pcm)
        try:
            sealed = (self._folder / name).read_bytes()
            return _DECODER.decode(AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], name.encode()))
        except (OSError, InvalidTag, ValueError):  # ValueError: too short; msgspec's errors are ones
            return None

    def put(self, version: str, language: str | None, pcm: bytes, window: ReadWindow) -> None:
        """Keep a window, and remove old ones now and then."""
        name, key = _name_and_key(version, language, pcm)
        nonce = secrets.token_bytes(_NONCE)
        sealed = nonce + AESGCM(key).encrypt(nonce, msgspec.json.encode(window), name.encode())
        partial = self._folder / f"{name}.{secrets.token_hex(8)}"
        with contextlib.suppress(OSError):  # a full disk: the window is read again
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            partial.write_bytes(sealed)
            partial.replace(self._folder / name)  # whole or not at all, however the process ends
        self._sweep()

    def _sweep(self) -> None:
        now = time.time()
        if now - self._swept < _SWEEP_S:
            return
        self._swept = now
        with contextlib.suppress(OSError):
            for path in self._folder.iterdir():
                with contextlib.suppress(OSError):
                    if path.stat().st_mtime < now - DAYS * _DAY_S:
                        path.unlink()


_DECODER = msgspec.json.Decoder(ReadWindow)


def _name_and_key(version: str, language: str | None, pcm: bytes) -> tuple[str, bytes]:
    """A file's name and key: neither tells the other, and both need the samples."""
    content = hashlib.sha256(f"{version}\n{language or ''}\n".encode() + pcm).digest()
    return hashlib.sha256(b"name" + content).hexdigest(), hashlib.sha256(b"key" + content).digest()
