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
class BlurredFaces:
    """An image as displayed with the faces that were found blurred, and how many. Others may have been missed."""

    faces: int
    image: DisplayedImage


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
class DoubtedLine:
    """A line of text in an image that the recogniser could not read, by its script (``unread``), or is unsure of.

    ``corners``: x and y of each, clockwise from the upper left one of the text. ``box``: around them; a line that was
    read has the same one.
    """

    corners: tuple[float, ...]
    box: Box
    unread: bool

    def __post_init__(self) -> None:
        if len(self.corners) != 8 or not all(abs(each) < 1e6 for each in self.corners):
            raise ValueError("a line has four corners")


@dataclass(frozen=True, slots=True)
class ImageWords:
    """The words in an image, from top to bottom, and lines that were not read or are doubted."""

    lines: tuple[TextLine, ...]
    doubted: tuple[DoubtedLine, ...]

    @property
    def unread(self) -> bool:
        """Whether it has lines of text that were not read, by their script."""
        return any(line.unread for line in self.doubted)


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
    """An audio file: 16 kHz, 16 bits, little-endian: the mix of its channels.

    ``others``: channels that the mix loses or changes, and further tracks, each as long as the mix. ``gaps``: codes of
    what could not be heard. Raises ``ValueError`` when lengths differ.
    """

    pcm: bytes
    others: tuple[bytes, ...] = ()
    gaps: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if any(len(other) != len(self.pcm) for other in self.others):
            raise ValueError("channels of different lengths")

    @property
    def channels(self) -> tuple[bytes, ...]:
        """Everything to listen to: the mix first."""
        return (self.pcm, *self.others)

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.pcm) / 2 / RATE


@dataclass(frozen=True, slots=True)
class VideoContent:
    """A video: sampled frames, kept frames, and its audio. ``width`` is 0 when there is no image.

    ``frames`` also has those of other images of the file, and its cover pictures; ``samples`` are of the image that a
    player shows. ``gaps``: codes of what could not be read.
    """

    seconds: float
    width: int
    height: int
    samples: tuple[HashedFrame, ...]
    frames: tuple[VideoFrame, ...]
    sound: AudioContent | None
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SpeechSegments:
    """A segment of speech in an audio file, in seconds; ``channel`` counts from 0, the mix."""

    start: float
    end: float
    channel: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPassage:
    """A page's text (pages count from 0), or characters ``start`` to ``end`` of a document without pages.

    Without either it is what a document with pages says outside them. ``last``: the page in which it ends, if it runs
    across pages. ``file``: step of the file inside the document, empty for the document itself.
    """

    text: str
    page: int | None = None
    last: int | None = None
    start: int = 0
    end: int = 0
    file: str = ""


@dataclass(frozen=True, slots=True)
class LinkTarget:
    """The target of a link in a document."""

    address: str
    page: int | None
    file: str = ""


@dataclass(frozen=True, slots=True)
class DocumentImage:
    """An image file in a document, and the page that shows it."""

    data: bytes
    page: int | None
    file: str = ""


@dataclass(frozen=True, slots=True)
class EmbeddedFile:
    """A file inside a document: ``file.3``, its name, the file that holds it (empty: the document) and the page."""

    step: str
    within: str
    name: str
    page: int | None


@dataclass(frozen=True, slots=True)
class DocumentContent:
    """Content read from a document and from the files inside it.

    ``across``: what runs from one page or passage into the next. ``gaps``: a code for each thing that could not be
    read, the extractor that may read it from the images, and the file inside the document.
    """

    texts: tuple[TextPassage, ...]
    links: tuple[LinkTarget, ...]
    images: tuple[DocumentImage, ...]
    gaps: tuple[ExtractionGap, ...]
    across: tuple[TextPassage, ...] = ()
    files: tuple[EmbeddedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class MetadataText:
    """A text that a file carries beside its pixels or samples; ``name``: title, comment, subtitle …

    ``start`` and ``end``: seconds, of a subtitle or a chapter. Raises ``ValueError`` when the name is not one.
    """

    name: str
    text: str
    start: float | None = None
    end: float | None = None

    def __post_init__(self) -> None:
        if not self.name.isalpha():
            raise ValueError("a name of other characters than letters")


@dataclass(frozen=True, slots=True)
class ProvenanceRecord:
    """Where a file says that it comes from. Source types are IPTC's words: ``trainedAlgorithmicMedia`` …

    ``manifest``: ``none``, ``valid`` (signature and digests hold), ``broken`` (something does not, see ``codes``),
    ``elsewhere`` (the file refers to one that is not fetched), ``gone`` (it refers to one inside it that is not there).
    ``declared``: source types in the file's own manifest; ``ingredients``: in those of what it was made from;
    ``described``: in its XMP. ``signer`` and ``generator``: as the manifest writes them, which nobody checked.

    Raises ``ValueError`` for other words: the process that read the file may send anything.
    """

    manifest: str
    described: tuple[str, ...] = ()
    declared: tuple[str, ...] = ()
    ingredients: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    signer: str = ""
    generator: str = ""

    def __post_init__(self) -> None:
        if self.manifest not in ("none", "valid", "broken", "elsewhere", "gone"):
            raise ValueError("no state of a manifest")
        types = (*self.described, *self.declared, *self.ingredients)
        if not all(each.isalpha() and each.isascii() and len(each) <= 60 for each in types):
            raise ValueError("no source type")
        if not all(len(each) <= 80 and each.replace(".", "").replace("_", "").isalnum() for each in self.codes):
            raise ValueError("no code")
        if max(len(self.signer), len(self.generator)) > 200:
            raise ValueError("a name that is too long")


@dataclass(frozen=True, slots=True)
class MediaMetadata:
    """Texts and images (encoded, by name: cover, thumbnail) beside a file's pixels or samples.

    ``gaps``: codes of what could not be read.
    """

    texts: tuple[MetadataText, ...] = ()
    images: tuple[tuple[str, bytes], ...] = ()
    gaps: tuple[str, ...] = ()


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


_HEAD: Final = b"RIFF%sWAVEfmt \x10\0\0\0\x01\0%s\x80\x3e\0\0%s%s\x10\0%sdata%s"
_MIX_FIRST: Final = b"mix \0\0\0\0"  # an empty chunk: files of others have their first channel on the left


def to_wav(*channels: bytes) -> bytes:
    """Decoded audio as a WAV file; its channels, the mix first, are of one length."""
    size, count = sum(map(len, channels)), len(channels)
    if count == 1:
        return _head(size, count) + channels[0]
    pcm = bytearray(size)
    for number, channel in enumerate(channels):
        pcm[2 * number :: 2 * count], pcm[2 * number + 1 :: 2 * count] = channel[::2], channel[1::2]
    return _head(size, count) + pcm


def from_wav(data: bytes) -> tuple[bytes, ...] | None:
    """Channels of a file made by ``to_wav``; None for any other file."""
    count = int.from_bytes(data[22:24], "little")
    head = len(_head(0, count))
    pcm = data[head:]
    if count == 0 or len(pcm) % (2 * count) or data[:head] != _head(len(pcm), count):
        return None
    if count == 1:
        return (pcm,)
    channels = [bytearray(len(pcm) // count) for _ in range(count)]
    for number, channel in enumerate(channels):
        channel[::2], channel[1::2] = pcm[2 * number :: 2 * count], pcm[2 * number + 1 :: 2 * count]
    return tuple(map(bytes, channels))


def _head(size: int, count: int) -> bytes:
    marked = _MIX_FIRST if count > 1 else b""
    rate, block = 2 * RATE * count & 0xFFFFFFFF, 2 * count & 0xFFFF
    sizes = [value.to_bytes(4, "little") for value in (size + 36 + len(marked), rate, size)]
    return _HEAD % (sizes[0], count.to_bytes(2, "little"), sizes[1], block.to_bytes(2, "little"), marked, sizes[2])
