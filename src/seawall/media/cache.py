"""Cache of decoding results, kept for a minute, so that two detectors of one video do not decode it twice."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from cachetools import TTLCache

from seawall.media.results import AudioContent, VideoContent, VideoFrame

T = TypeVar("T")

_KEPT_SECONDS: Final = 60.0
_KEPT: Final = 8
_KEPT_BYTES: Final = 256 << 20


@dataclass(slots=True)
class _Made:
    """A result that is being computed or is finished."""

    done: threading.Event = field(default_factory=threading.Event)
    reading: Any = None


class ResultCache:
    """Cache of recent results. A caller that asks for a result being computed waits for it instead of computing it
    again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._making: dict[tuple[str, bytes], _Made] = {}
        self._kept: TTLCache[tuple[str, bytes], Any] = TTLCache(_KEPT_BYTES, _KEPT_SECONDS, getsizeof=_weight)

    def get(self, asked: tuple[str, bytes], make: Callable[[], T]) -> T:
        """The result of this kind for this file; computed by ``make`` unless cached."""
        key = (asked[0], hashlib.sha256(asked[1]).digest())
        with self._lock:
            kept: T | None = self._kept.get(key)
            if kept is not None:
                return kept
            made = self._making.get(key)
            is_mine = made is None
            if made is None:
                made = self._making[key] = _Made()
        if not is_mine:
            made.done.wait()
            found: T | None = made.reading
            return make() if found is None else found
        try:
            reading = make()
            made.reading = reading
            return reading
        finally:
            made.done.set()
            with self._lock:
                del self._making[key]
                if made.reading is not None and not getattr(made.reading, "is_ours", False):
                    with suppress(ValueError):  # larger than the whole cache
                        self._kept[key] = made.reading

    def clear(self) -> None:
        """Remove all finished results."""
        with self._lock:
            self._kept.clear()


def _weight(reading: object) -> int:
    """Weight in bytes, chosen so that the cache exceeds neither ``_KEPT_BYTES`` bytes nor ``_KEPT`` results."""
    return max(_size(reading), _KEPT_BYTES // _KEPT)


def _size(reading: object) -> int:
    if isinstance(reading, AudioContent):
        return sum(map(len, reading.channels))
    if isinstance(reading, tuple):
        return sum(len(each.jpeg) for each in reading if isinstance(each, VideoFrame))
    if isinstance(reading, VideoContent):
        return sum(len(frame.jpeg) for frame in reading.frames) + _size(reading.sound)
    return 0
