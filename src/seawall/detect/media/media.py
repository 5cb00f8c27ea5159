"""Reading media: every kind of file through the decoding processes of its family."""

from __future__ import annotations

import hashlib
import importlib.util
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from seawall.detect.media.process import Limits, Pool, Unreadable
from seawall.detect.media.readings import (
    Code,
    Film,
    Frame,
    Line,
    Sample,
    Shown,
    Sound,
    Speech,
    frames_of,
    from_wav,
)

T = TypeVar("T")

NEEDS: Final = {
    "pictures": ("PIL",),
    "codes": ("zxingcpp",),
    "films": ("av",),
    "words": ("rapidocr", "cv2"),
    "speech": ("onnxruntime",),
}
"""The modules each family of decoders needs."""


_PICTURES: Final = Limits()
_FILMS: Final = Limits(max_bytes=256 << 20, seconds=120, memory_bytes=2 << 30, reply_bytes=512 << 20, requests=50)
_WORDS: Final = Limits(seconds=120, memory_bytes=3 << 30, requests=200)
_SPEECH: Final = Limits(max_bytes=512 << 20, seconds=120, memory_bytes=2 << 30, requests=50)


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLimits:
    """What one file may take, by family of decoders, and what is read of it."""

    pictures: Limits = _PICTURES
    films: Limits = _FILMS
    words: Limits = _WORDS
    speech: Limits = _SPEECH
    max_pixels: int = 50_000_000  # of a picture
    max_film_pixels: int = 9_000_000  # of a frame: 4K
    max_seconds: int = 2 * 3_600  # of a film or a recording
    max_frames: int = 120  # kept of a film; at most twice as many when it hides how long it is
    max_animation_frames: int = 24
    longest_side: int = 960  # of a frame handed on, in pixels
    word_score: float = 0.5  # how sure the reader of words must be


class Media:
    """The decoding processes of a host: pictures, films, words, speech. Thread-safe; files take turns by family.

    What was read last is kept for a minute, so that two readers of one film do not decode it twice.
    """

    def __init__(self, limits: MediaLimits | None = None) -> None:
        self.limits = limits or MediaLimits()
        self._pictures = Pool("pictures", self.limits.pictures)
        self._films = Pool("films", self.limits.films)
        self._words = Pool("words", self.limits.words)
        self._speech = Pool("speech", self.limits.speech)
        self._pools = (self._pictures, self._films, self._words, self._speech)
        self._recent = _Recent()

    def codes(self, data: bytes) -> tuple[Code, ...] | Unreadable:
        """QR codes and their relatives in a picture."""
        answer = self._pictures.ask("codes", data, {"max_pixels": self.limits.max_pixels}, tuple[Code, ...])
        return answer if isinstance(answer, Unreadable) else answer[0]

    def words(self, data: bytes) -> tuple[Line, ...] | Unreadable:
        """Lines of words in a picture, from top to bottom. Takes seconds."""
        options = {"max_pixels": self.limits.max_pixels, "score": self.limits.word_score}
        answer = self._words.ask("words", data, options, tuple[Line, ...])
        return answer if isinstance(answer, Unreadable) else answer[0]

    def shown(self, data: bytes, longest: int) -> Shown | Unreadable:
        """A picture's pixels, no longer than that on a side."""
        options = {"max_pixels": self.limits.max_pixels, "longest": longest}
        answer = self._pictures.ask("shown", data, options, _Size)
        if isinstance(answer, Unreadable):
            return answer
        size, blobs = answer
        return _checked(lambda: Shown(size.width, size.height, size.full, *blobs))

    def animation(self, data: bytes) -> tuple[Frame, ...] | Unreadable:
        """Frames of an animated picture that differ from the first, which is the picture itself. Else none."""
        options = {
            "max_pixels": self.limits.max_pixels,
            "max_frames": self.limits.max_animation_frames,
            "longest": self.limits.longest_side,
        }
        answer = self._pictures.ask("animation", data, options, _Frames)
        if isinstance(answer, Unreadable):
            return answer
        found, blobs = answer
        return _checked(lambda: frames_of(tuple(found.samples[1:]), blobs, found.seconds))

    def film(self, data: bytes) -> Film | Unreadable:
        """Frames and sound of a film."""
        return self._recent.get(("film", data), lambda: self._read_film(data))

    def sound(self, data: bytes) -> Sound | Unreadable:
        """The sound of a recording."""
        pcm = from_wav(data)
        if pcm is not None:
            return Sound(pcm) if len(pcm) <= 2 * 16_000 * self.limits.max_seconds else Unreadable("too_long")
        return self._recent.get(("sound", data), lambda: self._read_sound(data))

    def speech(self, data: bytes) -> tuple[Speech, ...] | Unreadable:
        """Where somebody speaks in a recording."""
        return self._recent.get(("speech", data), lambda: self._find_speech(data))

    @property
    def pids(self) -> tuple[int, ...]:
        """The decoding processes there are."""
        return tuple(pid for pool in self._pools for pid in pool.pids)

    def can(self, *families: str) -> bool:
        """Whether what these families need is installed (``NEEDS``)."""
        return all(importlib.util.find_spec(module) is not None for family in families for module in NEEDS[family])

    def start(self) -> None:
        """Start the process for pictures: those are read while somebody waits. The others start at need."""
        self._pictures.start()

    def close(self) -> None:
        """End the processes. Further files are unreadable with code ``closed``."""
        for pool in self._pools:
            pool.close()
        self._recent.clear()

    def _read_film(self, data: bytes) -> Film | Unreadable:
        options = {
            "max_pixels": self.limits.max_film_pixels,
            "max_seconds": self.limits.max_seconds,
            "max_frames": self.limits.max_frames,
            "longest": self.limits.longest_side,
        }
        answer = self._films.ask("film", data, options, _Film)
        if isinstance(answer, Unreadable):
            return answer
        found, (pcm, *blobs) = answer
        return _checked(
            lambda: Film(
                found.seconds,
                found.width,
                found.height,
                found.samples,
                frames_of(found.samples, tuple(blobs), found.seconds),
                Sound(pcm) if pcm else None,
            )
        )

    def _read_sound(self, data: bytes) -> Sound | Unreadable:
        answer = self._films.ask("sound", data, {"max_seconds": self.limits.max_seconds}, dict[str, Any])
        return answer if isinstance(answer, Unreadable) else _checked(lambda: Sound(*answer[1]))

    def _find_speech(self, data: bytes) -> tuple[Speech, ...] | Unreadable:
        sound = self.sound(data)
        if isinstance(sound, Unreadable):
            return sound
        answer = self._speech.ask("speech", sound.pcm, {}, tuple[tuple[float, float], ...])
        return answer if isinstance(answer, Unreadable) else tuple(Speech(*pair) for pair in answer[0])


@dataclass(frozen=True, slots=True)
class _Size:
    width: int
    height: int
    full: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Frames:
    seconds: float
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class _Film(_Frames):
    width: int
    height: int


def _checked(make: Callable[[], T]) -> T | Unreadable:
    """A reading made of an answer whose pieces may not fit: a process that met hostile bytes may say anything."""
    try:
        return make()
    except (ValueError, TypeError):
        return Unreadable("crashed")


_KEPT_SECONDS: Final = 60.0
_KEPT: Final = 8
_KEPT_BYTES: Final = 256 << 20


@dataclass(slots=True)
class _Entry:
    done: threading.Event = field(default_factory=threading.Event)
    reading: Any = None
    size: int = 0
    until: float = 0.0


class _Recent:
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
    if isinstance(reading, Sound):
        return len(reading.pcm)
    if isinstance(reading, Film):
        return sum(len(frame.jpeg) for frame in reading.frames) + (len(reading.sound.pcm) if reading.sound else 0)
    return 0
