"""Decodes media: each kind of file goes to the decoding processes of its family."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from seawall.media.cache import ResultCache
from seawall.media.channels import with_channel
from seawall.media.process import ProcessLimits, ProcessPool, UnreadableMedia
from seawall.media.results import (
    AudioContent,
    BlurredFaces,
    Box,
    DecodedCode,
    DisplayedImage,
    DocumentContent,
    DocumentImage,
    DoubtedLine,
    EmbeddedFile,
    HashedFrame,
    ImageWords,
    LinkTarget,
    MediaMetadata,
    MetadataText,
    ProvenanceRecord,
    SpeechSegments,
    TextLine,
    TextPassage,
    VideoContent,
    VideoFrame,
    frames_of,
    from_wav,
)
from seawall.media.signatures import may_state_provenance
from seawall.model.signals import ExtractionGap

T = TypeVar("T")

NEEDS: Final = {
    "images": ("PIL",),
    "codes": ("zxingcpp",),
    "videos": ("av",),
    "words": ("rapidocr", "cv2"),
    "second_reading": (),  # Tesseract's library
    "speech": ("onnxruntime",),
    "documents": (),  # PDFs need pypdf; without it the other formats are read
    "provenance": (),  # manifests need c2pa; without it XMP is read
}
"""The modules each family of decoders needs."""


USUAL_PIXELS: Final = 30_000_000
"""An image of up to so many pixels, frames included, is decoded in well under a second."""
_LATER: Final = 5  # nice: these take seconds of a processor, and no caller waits for them
_IMAGES: Final = ProcessLimits(usual_seconds=1.5, usual_pixels=USUAL_PIXELS)
_VIDEOS: Final = ProcessLimits(
    max_bytes=256 << 20,
    seconds=120,
    usual_seconds=15,
    slow_waiting=1,
    nice=_LATER,
    memory_bytes=2 << 30,
    reply_bytes=512 << 20,
    requests=50,
)
_WORDS: Final = ProcessLimits(
    seconds=120, usual_seconds=15, slow_waiting=1, nice=_LATER, memory_bytes=3 << 30, requests=200
)
_SECOND_READING: Final = ProcessLimits(
    seconds=60, usual_seconds=10, slow_waiting=1, nice=_LATER, memory_bytes=2 << 30, reply_bytes=0, requests=200
)
_DOCUMENTS: Final = ProcessLimits(seconds=30, usual_seconds=3, requests=200)
_SPEECH: Final = ProcessLimits(
    max_bytes=512 << 20,
    seconds=120,
    usual_seconds=15,
    slow_waiting=1,
    nice=_LATER,
    memory_bytes=2 << 30,
    requests=50,
)
_PROVENANCE: Final = ProcessLimits(
    max_bytes=256 << 20, seconds=20, usual_seconds=2, memory_bytes=2 << 30, reply_bytes=0, requests=200
)
_PROCESSES: Final = 2  # of a family in which one file may take much longer than others
_CORES: Final = os.cpu_count() or 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLimits:
    """Limits for one file, by family of decoders, and settings of what is read."""

    images: ProcessLimits = _IMAGES
    videos: ProcessLimits = _VIDEOS
    words: ProcessLimits = _WORDS
    second_reading: ProcessLimits = _SECOND_READING
    speech: ProcessLimits = _SPEECH
    documents: ProcessLimits = _DOCUMENTS
    provenance: ProcessLimits = _PROVENANCE
    max_pixels: int = 50_000_000  # of an image
    max_video_pixels: int = 9_000_000  # of a frame: 4K
    max_seconds: int = 2 * 3_600  # of a video or an audio file
    max_frames: int = 120  # kept of a video; up to twice as many when it hides its duration
    max_animation_frames: int = 24
    longest_side: int = 960  # of an extracted frame, in pixels
    word_score: float = 0.5  # minimum confidence of recognised text
    ocr_languages: tuple[str, ...] = ()  # that Tesseract reads, by its names; none: it is not asked
    max_pages: int = 300  # of a document
    max_characters: int = 400_000
    max_images: int = 40  # in a document
    max_unpacked: int = 100 << 20  # bytes of the files in a document


class Media:
    """Decoding processes of a host, by family: images, videos, text, speech, documents. Thread-safe.

    Files are queued per family; a slow one holds up others for a short time only (``ProcessPool``). Recent results are
    cached for a minute, so that two readers of one video do not decode it twice.
    """

    def __init__(self, limits: MediaLimits | None = None) -> None:
        self.limits = limits or MediaLimits()
        self._images = ProcessPool("images", self.limits.images, _PROCESSES)
        self._videos = ProcessPool("videos", self.limits.videos, _PROCESSES)
        # Each takes a whole processor; text recognition up to 550 MB, speech detection up to 200 MB.
        more = _PROCESSES if _CORES > _PROCESSES else 1
        self._words = ProcessPool("words", self.limits.words, more)
        self._second_reading = ProcessPool(
            "second_reading", self.limits.second_reading, languages=self.limits.ocr_languages
        )
        self._speech = ProcessPool("speech", self.limits.speech, more)
        self._documents = ProcessPool("documents", self.limits.documents, _PROCESSES)
        self._provenance = ProcessPool("provenance", self.limits.provenance)
        self._pools = (
            self._images,
            self._videos,
            self._words,
            self._second_reading,
            self._speech,
            self._documents,
            self._provenance,
        )
        self._recent = ResultCache()

    def codes(self, data: bytes) -> tuple[DecodedCode, ...] | UnreadableMedia:
        """QR codes and other barcodes in an image."""
        answer = self._images.ask("codes", data, {"max_pixels": self.limits.max_pixels}, tuple[DecodedCode, ...])
        return answer if isinstance(answer, UnreadableMedia) else answer[0]

    def words(self, data: bytes) -> ImageWords | UnreadableMedia:
        """Lines of text in an image, from top to bottom, and those that were not read or are doubted. Takes seconds."""
        options = {"max_pixels": self.limits.max_pixels, "score": self.limits.word_score}
        answer = self._words.ask("words", data, options, ImageWords)
        return answer if isinstance(answer, UnreadableMedia) else answer[0]

    def words_again(self, data: bytes, doubted: Sequence[DoubtedLine]) -> dict[Box, TextLine] | UnreadableMedia:
        """What Tesseract reads in these lines of an image, by their boxes, in the scripts of ``ocr_languages``."""
        options = {
            "max_pixels": self.limits.max_pixels,
            "corners": [line.corners for line in doubted],
            "unread": [line.unread for line in doubted],
            "seconds": self.limits.second_reading.seconds / 2,
        }
        answer = self._second_reading.ask("lines", data, options, tuple[_Reading, ...])
        if isinstance(answer, UnreadableMedia):
            return answer
        boxes = [line.box for line in doubted]
        readings = answer[0]
        if not all(0 <= each.line < len(boxes) for each in readings):
            return UnreadableMedia("crashed")
        return {boxes[each.line]: TextLine(each.text, each.score, boxes[each.line]) for each in readings}

    def shown(self, data: bytes, longest: int) -> DisplayedImage | UnreadableMedia:
        """The pixels of an image, scaled down to at most ``longest`` on each side."""
        options = {"max_pixels": self.limits.max_pixels, "longest": longest}
        answer = self._images.ask("shown", data, options, _Size)
        if isinstance(answer, UnreadableMedia):
            return answer
        size, blobs = answer
        return _checked(lambda: DisplayedImage(size.width, size.height, size.full, *blobs))

    def blurred_faces(self, data: bytes, longest: int) -> BlurredFaces | UnreadableMedia:
        """The pixels of an image, scaled down to at most ``longest`` on each side, with blurred faces."""
        return self._recent.get((f"blurred_faces {longest}", data), lambda: self._blur_faces(data, longest))

    def squares(self, data: bytes, side: int, crop: int) -> tuple[bytes, ...] | UnreadableMedia:
        """An image as a classifier reads it: squeezed to ``side``, its middle ``crop`` by ``crop`` pixels, RGB.

        One raster, or several of a transparent image: over white, over black, and its colours alone.
        """
        options = {"max_pixels": self.limits.max_pixels, "side": side, "crop": crop}
        answer = self._images.ask("squares", data, options, int)
        if isinstance(answer, UnreadableMedia):
            return answer
        rasters = answer[1]
        if not rasters or any(len(raster) != 3 * crop * crop for raster in rasters):
            return UnreadableMedia("crashed")
        return rasters

    def size(self, data: bytes) -> tuple[int, int] | UnreadableMedia:
        """Width and height of an image as a viewer shows it, from its header alone."""
        answer = self._images.ask("size", data, {"max_pixels": self.limits.max_pixels}, tuple[int, int])
        return answer if isinstance(answer, UnreadableMedia) else answer[0]

    def animation(self, data: bytes) -> tuple[VideoFrame, ...] | UnreadableMedia:
        """Frames of an animated image that differ from its first frame (the image itself); otherwise none."""
        return self._recent.get(("animation", data), lambda: self._read_animation(data))

    def image_metadata(self, data: bytes) -> MediaMetadata | UnreadableMedia:
        """Texts in an image file, and its thumbnails that show something else."""
        answer = self._images.ask("metadata", data, {"max_pixels": self.limits.max_pixels}, _Metadata)
        return _metadata_of(answer)

    def media_metadata(self, data: bytes, *, covers: bool) -> MediaMetadata | UnreadableMedia:
        """Tags, titles of chapters and subtitles of an audio file or video; its ``covers`` if wanted."""
        return _metadata_of(self._videos.ask("metadata", data, {"covers": covers}, _Metadata))

    def video(self, data: bytes) -> VideoContent | UnreadableMedia:
        """Frames and audio of a video."""
        return self._recent.get(("video", data), lambda: self._read_video(data))

    def sound(self, data: bytes) -> AudioContent | UnreadableMedia:
        """The decoded samples of an audio file."""
        channels = from_wav(data)
        if channels is not None:
            if len(channels[0]) > 2 * 16_000 * self.limits.max_seconds:
                return UnreadableMedia("too_long")
            return AudioContent(channels[0], channels[1:])
        return self._recent.get(("sound", data), lambda: self._read_sound(data))

    def speech(self, data: bytes) -> tuple[SpeechSegments, ...] | UnreadableMedia:
        """Segments with speech in an audio file."""
        return self._recent.get(("speech", data), lambda: self._find_speech(data))

    def document(self, data: bytes) -> DocumentContent | UnreadableMedia:
        """Texts, link targets and images of a document."""
        options = {
            "max_pages": self.limits.max_pages,
            "max_characters": self.limits.max_characters,
            "max_images": self.limits.max_images,
            "max_pixels": self.limits.max_pixels,
            "max_bytes": self.limits.max_unpacked,
        }
        answer = self._documents.ask("document", data, options, _Document)
        if isinstance(answer, UnreadableMedia):
            return answer
        found, files = answer
        return _checked(
            lambda: DocumentContent(
                found.texts,
                found.links,
                tuple(DocumentImage(data, at.page, at.file) for data, at in zip(files, found.images, strict=True)),
                found.gaps,
                found.across,
                found.files,
            )
        )

    def provenance(self, data: bytes) -> ProvenanceRecord | UnreadableMedia:
        """Where a file says that it comes from. One that says nothing needs no process."""
        if not may_state_provenance(data):
            return ProvenanceRecord("none")
        return self._recent.get(("provenance", data), lambda: self._read_provenance(data))

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the running decoding processes."""
        return tuple(pid for pool in self._pools for pid in pool.pids)

    def can(self, *families: str) -> bool:
        """Whether the packages these families need are installed (``NEEDS``)."""
        return all(importlib.util.find_spec(module) is not None for family in families for module in NEEDS[family])

    def start(self) -> None:
        """Start the process for images, because callers wait for those. The others start when needed."""
        self._images.start()

    def close(self) -> None:
        """End the processes. Further files are unreadable with code ``closed``."""
        for pool in self._pools:
            pool.close()
        self._recent.clear()

    def _blur_faces(self, data: bytes, longest: int) -> BlurredFaces | UnreadableMedia:
        options = {"max_pixels": self.limits.max_pixels, "longest": longest}
        answer = self._images.ask("blurred_faces", data, options, _Faces)
        if isinstance(answer, UnreadableMedia):
            return answer
        found, blobs = answer
        return _checked(
            lambda: BlurredFaces(found.faces, DisplayedImage(found.width, found.height, found.full, *blobs))
        )

    def _read_animation(self, data: bytes) -> tuple[VideoFrame, ...] | UnreadableMedia:
        options = {
            "max_pixels": self.limits.max_pixels,
            "max_frames": self.limits.max_animation_frames,
            "longest": self.limits.longest_side,
        }
        answer = self._images.ask("animation", data, options, _Frames)
        if isinstance(answer, UnreadableMedia):
            return answer
        found, blobs = answer
        return _checked(lambda: frames_of(tuple(found.samples[1:]), blobs, found.sizes, found.seconds))

    def _read_video(self, data: bytes) -> VideoContent | UnreadableMedia:
        options = {
            "max_pixels": self.limits.max_video_pixels,
            "max_seconds": self.limits.max_seconds,
            "max_frames": self.limits.max_frames,
            "longest": self.limits.longest_side,
        }
        answer = self._videos.ask("video", data, options, _Video)
        if isinstance(answer, UnreadableMedia):
            return answer
        found, blobs = answer
        return _checked(lambda: _video_of(found, blobs))

    def _read_sound(self, data: bytes) -> AudioContent | UnreadableMedia:
        answer = self._videos.ask("sound", data, {"max_seconds": self.limits.max_seconds}, _Sound)
        if isinstance(answer, UnreadableMedia):
            return answer
        found, channels = answer
        return _checked(lambda: AudioContent(channels[0], channels[1:], found.gaps))

    def _read_provenance(self, data: bytes) -> ProvenanceRecord | UnreadableMedia:
        answer = self._provenance.ask("provenance", data, {}, ProvenanceRecord)
        return answer if isinstance(answer, UnreadableMedia) else answer[0]

    def _find_speech(self, data: bytes) -> tuple[SpeechSegments, ...] | UnreadableMedia:
        sound = self.sound(data)
        if isinstance(sound, UnreadableMedia):
            return sound
        found: list[SpeechSegments] = []
        for number, channel in enumerate(sound.channels):
            answer = self._speech.ask("speech", channel, {}, tuple[tuple[float, float], ...])
            if isinstance(answer, UnreadableMedia):
                return answer
            segments = [SpeechSegments(start, end, number) for start, end in answer[0]]
            found = with_channel(found, segments, sound.channels)
        return tuple(found)


@dataclass(frozen=True, slots=True)
class _Reading:
    line: int
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class _Size:
    width: int
    height: int
    full: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Faces(_Size):
    faces: int


@dataclass(frozen=True, slots=True)
class _Frames:
    seconds: float
    samples: tuple[HashedFrame, ...]
    sizes: tuple[tuple[int, int], ...]  # of the kept frames, as extracted


@dataclass(frozen=True, slots=True)
class _OtherImage:
    samples: tuple[HashedFrame, ...]
    sizes: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Video(_Frames):
    width: int
    height: int
    more: tuple[_OtherImage, ...]
    channels: int
    gaps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Sound:
    gaps: tuple[str, ...]


def _video_of(found: _Video, blobs: tuple[bytes, ...]) -> VideoContent:
    channels, rest = blobs[: found.channels], list(blobs[found.channels :])
    frames: list[VideoFrame] = []
    for samples, sizes in ((found.samples, found.sizes), *((image.samples, image.sizes) for image in found.more)):
        mine, rest = rest[: len(sizes)], rest[len(sizes) :]
        frames += frames_of(samples, tuple(mine), sizes, found.seconds)
    if rest:
        raise ValueError("more files than frames")
    sound = AudioContent(channels[0], channels[1:]) if channels and channels[0] else None
    return VideoContent(found.seconds, found.width, found.height, found.samples, tuple(frames), sound, found.gaps)


@dataclass(frozen=True, slots=True)
class _Metadata:
    texts: tuple[MetadataText, ...]
    images: tuple[str, ...]
    gaps: tuple[str, ...]


def _metadata_of(answer: tuple[_Metadata, tuple[bytes, ...]] | UnreadableMedia) -> MediaMetadata | UnreadableMedia:
    if isinstance(answer, UnreadableMedia):
        return answer
    found, files = answer
    return _checked(lambda: MediaMetadata(found.texts, tuple(zip(found.images, files, strict=True)), found.gaps))


@dataclass(frozen=True, slots=True)
class _ImagePlace:
    page: int | None
    file: str


@dataclass(frozen=True, slots=True)
class _Document:
    texts: tuple[TextPassage, ...]
    across: tuple[TextPassage, ...]
    links: tuple[LinkTarget, ...]
    images: tuple[_ImagePlace, ...]
    files: tuple[EmbeddedFile, ...]
    gaps: tuple[ExtractionGap, ...]


def _checked(make: Callable[[], T]) -> T | UnreadableMedia:
    """Build a result from a reply and check it: a process that read hostile bytes may send anything."""
    try:
        return make()
    except (ValueError, TypeError):
        return UnreadableMedia("crashed")
