"""Sandbox for decoding untrusted images: a separate process that can be killed and has no access to anything.

>>> sandbox = Sandbox()
>>> sandbox.read(b"GIF89a...")
UnreadableMedia(code='not_an_image')
>>> sandbox.close()
"""

from __future__ import annotations

from dataclasses import dataclass

from seawall.media.media import USUAL_PIXELS
from seawall.media.process import ProcessLimits, ProcessPool, UnreadableMedia

HASH_RULE = "full"
"""PDQ of the full-size image, as computed by ``pdqhash`` and python-threatexchange."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageLimits:
    """Limits for one image."""

    max_bytes: int = 20 << 20
    max_pixels: int = 50_000_000
    seconds: float = 5.0  # wall time for one image, sending included
    usual_seconds: float = 1.5  # after this time an image no longer holds up others
    memory_bytes: int = 1 << 30  # address space of the whole process
    images: int = 500  # until the process is replaced


@dataclass(frozen=True, slots=True)
class ImageReading:
    """Measurements of an image: PDQ hash (32 bytes) and quality (0 to 100), displayed size in pixels, format.

    ``frames``: more than 1 in an animation, of which the first was hashed. ``stored``: where EXIF rotates the image,
    the hash of its pixels as stored, which is the hash that programs without EXIF support compute. ``others``: of a
    transparent image, hashed over white, its hashes over black and of its colours without transparency.
    """

    hash: bytes
    quality: int
    width: int
    height: int
    format: str
    frames: int = 1
    stored: bytes | None = None
    others: tuple[bytes, ...] = ()


class Sandbox:
    """Decoding processes, started when needed and replaced when they crash, hang or reach their limit.

    Thread-safe; two images are processed at a time, and a slow one beside them. ``close`` ends the processes; they also
    end when this process does.
    """

    def __init__(self, limits: ImageLimits | None = None) -> None:
        limits = limits or ImageLimits()
        self._options = {"max_pixels": limits.max_pixels}
        self._pool = ProcessPool(
            "images",
            ProcessLimits(
                max_bytes=limits.max_bytes,
                seconds=limits.seconds,
                usual_seconds=limits.usual_seconds,
                usual_pixels=USUAL_PIXELS,
                memory_bytes=limits.memory_bytes,
                requests=limits.images,
                reply_bytes=0,
            ),
            processes=2,
        )

    @property
    def pid(self) -> int | None:
        """The id of a decoding process, or None."""
        return next(iter(self._pool.pids), None)

    def start(self) -> None:
        """Start the process now, so that the first image does not wait for it."""
        self._pool.start()

    def read(self, data: bytes) -> ImageReading | UnreadableMedia:
        """Decode and hash one image within the limits. Never raises because of the image's content."""
        answer = self._pool.ask("pdq", data, self._options, _Measures)
        if isinstance(answer, UnreadableMedia):
            return answer
        found, _ = answer
        return ImageReading(
            hash=bytes.fromhex(found.hash),
            quality=found.quality,
            width=found.width,
            height=found.height,
            format=found.format,
            frames=found.frames,
            stored=None if found.stored is None else bytes.fromhex(found.stored),
            others=tuple(bytes.fromhex(each) for each in found.others),
        )

    def close(self) -> None:
        """End the process. Further images are unreadable with code ``closed``."""
        self._pool.close()


@dataclass(frozen=True, slots=True)
class _Measures:
    hash: str
    quality: int
    width: int
    height: int
    format: str
    frames: int
    stored: str | None
    others: tuple[str, ...]
