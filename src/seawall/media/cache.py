"""What was read last, kept for a minute: two readers of one video do not decode it twice."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from seawall.media.results import AudioContent, VideoContent, VideoFrame

T = TypeVar("T")

_KEPT_SECONDS: Final = 60.0
_KEPT: Final = 8
_KEPT_BYTES: Final = 256 << 20


@dataclass(slots=True)
class _Entry:
    done: threading.Event = field(default_factory=threading.Event)
    reading: Any = None
    size: int = 0
    until: float = 0.0


class ResultCache:
    """The last readings. Whoever asks for one that is being made waits for it instead of making it again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: OrderedDict[tuple[str, bytes], _Entry] = OrderedDict()

    def get(self, asked: tuple[str, bytes], make: Callable[[], T]) -> T:
        """The reading of this kind and file, made now unless it is there."""
        key = (asked[0], hashlib.sha256(asked[1]).digest())
        with self._lock:
            self._forget()
            entry = self._entries.get(key)
            is_mine = entry is None
            if entry is None:
                entry = self._entries[key] = _Entry()
        if not is_mine:
            entry.done.wait()
            kept: T | None = entry.reading
            return make() if kept is None else kept
        try:
            entry.reading = make()
            entry.size = _size(entry.reading)
            made: T = entry.reading
            return made
        finally:
            entry.until = time.monotonic() + _KEPT_SECONDS
            entry.done.set()
            with self._lock:
                if entry.reading is None or getattr(entry.reading, "is_ours", False):
                    self._entries.pop(key, None)
                self._forget()

    def clear(self) -> None:
        """Forget everything that is finished."""
        with self._lock:
            self._entries = OrderedDict((key, entry) for key, entry in self._entries.items() if not entry.done.is_set())

    def _forget(self) -> None:
        now = time.monotonic()
        finished = [key for key, entry in self._entries.items() if entry.done.is_set()]
        size = sum(self._entries[key].size for key in finished)
        for number, key in enumerate(finished):
            entry = self._entries[key]
            if now > entry.until or len(finished) - number > _KEPT or size > _KEPT_BYTES:
                size -= entry.size
                del self._entries[key]


def _size(reading: object) -> int:
    if isinstance(reading, AudioContent):
        return len(reading.pcm)
    if isinstance(reading, tuple):
        return sum(len(each.jpeg) for each in reading if isinstance(each, VideoFrame))
    if isinstance(reading, VideoContent):
        return sum(len(frame.jpeg) for frame in reading.frames) + (len(reading.sound.pcm) if reading.sound else 0)
    return 0
