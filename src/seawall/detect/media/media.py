"""Reading media: every kind of file through the decoding processes of its family."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from seawall.detect.media.process import Limits, Pool, Unreadable
from seawall.detect.media.readings import (
    Code,
    Document,
    Film,
    Frame,
    Line,
    Passage,
    Sample,
    Shown,
    Sound,
    Speech,
    Target,
    frames_of,
    from_wav,
)
from seawall.detect.media.recent import Recent
from seawall.model.signals import Gap

T = TypeVar("T")

NEEDS: Final = {
    "pictures": ("PIL",),
    "codes": ("zxingcpp",),
    "films": ("av",),
    "words": ("rapidocr", "cv2"),
    "speech": ("onnxruntime",),
    "documents": (),  # PDFs need pypdf; without it the others are read
}
"""The modules each family of decoders needs."""


_PICTURES: Final = Limits()
_FILMS: Final = Limits(max_bytes=256 << 20, seconds=120, memory_bytes=2 << 30, reply_bytes=512 << 20, requests=50)
_WORDS: Final = Limits(seconds=120, memory_bytes=3 << 30, requests=200)
_DOCUMENTS: Final = Limits(seconds=30, requests=200)
_SPEECH: Final = Limits(max_bytes=512 << 20, seconds=120, memory_bytes=2 << 30, requests=50)


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLimits:
    """What one file may take, by family of decoders, and what is read of it."""

    pictures: Limits = _PICTURES
    films: Limits = _FILMS
    words: Limits = _WORDS
    speech: Limits = _SPEECH
    documents: Limits = _DOCUMENTS
    max_pixels: int = 50_000_000  # of a picture
    max_film_pixels: int = 9_000_000  # of a frame: 4K
    max_seconds: int = 2 * 3_600  # of a film or a recording
    max_frames: int = 120  # kept of a film; at most twice as many when it hides how long it is
    max_animation_frames: int = 24
    longest_side: int = 960  # of a frame handed on, in pixels
    word_score: float = 0.5  # how sure the reader of words must be
    max_pages: int = 300  # of a document
    max_characters: int = 400_000
    max_pictures: int = 40  # in a document
    max_unpacked: int = 100 << 20  # bytes of the files in a document


class Media:
    """The decoding processes of a host, a family each: pictures, films, words, speech, documents. Thread-safe.

    Files take turns by family. What was read last is kept for a minute, so that two readers of one film do not decode
    it twice.
    """

    def __init__(self, limits: MediaLimits | None = None) -> None:
        self.limits = limits or MediaLimits()
        self._pictures = Pool("pictures", self.limits.pictures)
        self._films = Pool("films", self.limits.films)
        self._words = Pool("words", self.limits.words)
        self._speech = Pool("speech", self.limits.speech)
        self._documents = Pool("documents", self.limits.documents)
        self._pools = (self._pictures, self._films, self._words, self._speech, self._documents)
        self._recent = Recent()

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
        return self._recent.get(("animation", data), lambda: self._read_animation(data))

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

    def document(self, data: bytes) -> Document | Unreadable:
        """Texts, link targets and pictures of a document."""
        options = {
            "max_pages": self.limits.max_pages,
            "max_characters": self.limits.max_characters,
            "max_pictures": self.limits.max_pictures,
            "max_pixels": self.limits.max_pixels,
            "max_bytes": self.limits.max_unpacked,
        }
        answer = self._documents.ask("document", data, options, _Document)
        if isinstance(answer, Unreadable):
            return answer
        found, files = answer
        return _checked(
            lambda: Document(found.texts, found.links, tuple(zip(files, found.pictures, strict=True)), found.gaps)
        )

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

    def _read_animation(self, data: bytes) -> tuple[Frame, ...] | Unreadable:
        options = {
            "max_pixels": self.limits.max_pixels,
            "max_frames": self.limits.max_animation_frames,
            "longest": self.limits.longest_side,
        }
        answer = self._pictures.ask("animation", data, options, _Frames)
        if isinstance(answer, Unreadable):
            return answer
        found, blobs = answer
        return _checked(lambda: frames_of(tuple(found.samples[1:]), blobs, found.sizes, found.seconds))

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
                frames_of(found.samples, tuple(blobs), found.sizes, found.seconds),
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
    sizes: tuple[tuple[int, int], ...]  # of the frames that were kept, as handed on


@dataclass(frozen=True, slots=True)
class _Film(_Frames):
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class _Document:
    texts: tuple[Passage, ...]
    links: tuple[Target, ...]
    pictures: tuple[int | None, ...]  # pages
    gaps: tuple[Gap, ...]


def _checked(make: Callable[[], T]) -> T | Unreadable:
    """A reading made of an answer whose pieces may not fit: a process that met hostile bytes may say anything."""
    try:
        return make()
    except (ValueError, TypeError):
        return Unreadable("crashed")
