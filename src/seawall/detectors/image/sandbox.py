"""Measuring hostile images in a process of its own, which can be killed and cannot reach anything.

>>> sandbox = Sandbox()
>>> sandbox.read(b"GIF89a...")
Unreadable(code='not_an_image')
>>> sandbox.close()
"""

from __future__ import annotations

from dataclasses import dataclass

from seawall.media.process import ProcessLimits, ProcessPool, UnreadableMedia

HASH_RULE = "full"
"""PDQ of the image at its full size, as ``pdqhash`` and python-threatexchange compute it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageLimits:
    """What one image may take."""

    max_bytes: int = 20 << 20
    max_pixels: int = 50_000_000
    seconds: float = 5.0  # wall time for one image, sending included
    memory_bytes: int = 1 << 30  # address space of the whole process
    images: int = 500  # before a fresh process takes over


@dataclass(frozen=True, slots=True)
class ImageReading:
    """An image's measures: PDQ hash (32 bytes) and quality (0 to 100), size in pixels as a viewer shows it, format.

    ``frames``: more than 1 in an animation, of which the first was hashed. ``stored``: where EXIF turns the image,
    the hash of its pixels as stored, which is what programs that ignore EXIF have in their lists.
    """

    hash: bytes
    quality: int
    width: int
    height: int
    format: str
    frames: int = 1
    stored: bytes | None = None


class Sandbox:
    """One decoding process, started at the first image and replaced when it crashes, hangs or grows old.

    Thread-safe; images take turns. ``close`` ends the process; it also ends by itself when this one does.
    """

    def __init__(self, limits: ImageLimits | None = None) -> None:
        limits = limits or ImageLimits()
        self._options = {"max_pixels": limits.max_pixels}
        self._pool = ProcessPool(
            "images",
            ProcessLimits(
                max_bytes=limits.max_bytes,
                seconds=limits.seconds,
                memory_bytes=limits.memory_bytes,
                requests=limits.images,
                reply_bytes=0,
            ),
        )

    @property
    def pid(self) -> int | None:
        """The decoding process, when there is one."""
        return next(iter(self._pool.pids), None)

    def start(self) -> None:
        """Start the process now, so that the first image does not wait for it."""
        self._pool.start()

    def read(self, data: bytes) -> ImageReading | UnreadableMedia:
        """Decode and hash one image within the limits. Never raises for what the bytes hold."""
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
