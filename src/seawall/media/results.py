"""Results of decoding a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from seawall.model.signals import ExtractionGap

RATE: Final = 16_000
"""Sample rate of decoded audio: one channel, 16 bits, little-endian."""
Box = tuple[int, int, int, int]
"""Left, top, right, bottom: pixels of the image as a viewer shows it."""


@dataclass(frozen=True, slots=True)
class DisplayedImage:
    """An image as displayed, scaled down: RGB, row by row. ``full``: width and height before scaling.

    Raises ``ValueError`` when the number of pixels does not match the size.
    """

    width: int
    height: int
    full: tuple[int, int]
    rgb: bytes

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1 or len(self.rgb) != 3 * self.width * self.height or min(self.full) < 1:
            raise ValueError("the number of pixels does not match the size")


@dataclass(frozen=True, slots=True)
class DecodedCode:
    """A decoded QR code or other barcode."""

    text: str
    kind: str
    box: Box


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of text in an image; ``score``: confidence of the recognition, 0 to 1."""

    text: str
    score: float
    box: Box


@dataclass(frozen=True, slots=True)
class HashedFrame:
    """A frame that was hashed (PDQ, hex; quality 0 to 100): at least one per second, key frames, cuts.

    ``kept``: it differs from every earlier frame.
    """

    seconds: float
    hash: str
    quality: int
    kept: bool


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """A frame that differs from every earlier one: a scaled JPEG, and the PDQ of its full size.

    ``size``: width and height of the JPEG. Raises ``ValueError`` when it has no pixels.
    """

    start: float  # seconds
    end: float  # start of the next one
    jpeg: bytes
    hash: bytes
    quality: int
    size: tuple[int, int]

    def __post_init__(self) -> None:
        if min(self.size) < 1:
            raise ValueError("a frame without pixels")


@dataclass(frozen=True, slots=True)
class AudioContent:
    """An audio file: 16 kHz, one channel, 16 bits, little-endian."""

    pcm: bytes

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.pcm) / 2 / RATE


@dataclass(frozen=True, slots=True)
class VideoContent:
    """A video: sampled frames, kept frames, and its audio. ``width`` is 0 when there is no image."""

    seconds: float
    width: int
    height: int
    samples: tuple[HashedFrame, ...]
    frames: tuple[VideoFrame, ...]
    sound: AudioContent | None


@dataclass(frozen=True, slots=True)
class SpeechSegments:
    """A segment of speech in an audio file, in seconds."""

    start: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPassage:
    """A page's text (pages count from 0), or characters ``start`` to ``end`` of a document without pages.

    Without either it is what a document with pages says outside them.
    """

    text: str
    page: int | None = None
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class LinkTarget:
    """The target of a link in a document."""

    address: str
    page: int | None


@dataclass(frozen=True, slots=True)
class DocumentContent:
    """Content read from a document. ``images``: file and page of each.

    ``gaps``: a code for each thing that could not be read, and the extractor that may read it from the images.
    """

    texts: tuple[TextPassage, ...]
    links: tuple[LinkTarget, ...]
    images: tuple[tuple[bytes, int | None], ...]
    gaps: tuple[ExtractionGap, ...]


def frames_of(
    samples: tuple[HashedFrame, ...], blobs: tuple[bytes, ...], sizes: tuple[tuple[int, int], ...], end: float
) -> tuple[VideoFrame, ...]:
    """The kept samples with their files. Raises ``ValueError`` when the counts differ."""
    kept = [sample for sample in samples if sample.kept]
    ends = [*(sample.seconds for sample in kept[1:]), max(end, kept[-1].seconds)] if kept else []
    return tuple(
        VideoFrame(sample.seconds, until, jpeg, bytes.fromhex(sample.hash), sample.quality, size)
        for sample, until, jpeg, size in zip(kept, ends, blobs, sizes, strict=True)
    )


_HEAD: Final = b"RIFF%sWAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\x00\x7d\0\0\x02\0\x10\0data%s"


def to_wav(pcm: bytes) -> bytes:
    """Decoded audio as a WAV file."""
    return _HEAD % ((len(pcm) + 36).to_bytes(4, "little"), len(pcm).to_bytes(4, "little")) + pcm


def from_wav(data: bytes) -> bytes | None:
    """Audio of a file made by ``to_wav``; None for any other file."""
    pcm = data[44:]
    return pcm if len(pcm) % 2 == 0 and data[:44] == to_wav(pcm)[:44] else None
