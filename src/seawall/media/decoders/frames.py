"""Selects the frames of a video or animation to keep: few, without long gaps, without duplicates."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seawall.match.pdq import Pdq
from seawall.media.decoders.operation import DecodeRefused

_GLANCE: Final = 32  # points per side of the sample used to detect a cut
_CUT: Final = 20.0  # mean difference of grey levels between a frame and the one before
_CELLS: Final = 64
_SAME: Final = 12  # largest difference in any cell between frames that are equal to every detector
_NEAR, _NEAR_BITS = 32, 6  # the same allowing for noise, if the hashes match as well
_QUALITY: Final = 80  # JPEG quality


@dataclass(frozen=True, slots=True)
class FrameSample:
    """An examined frame: time, hash, and whether it was kept."""

    seconds: float
    hash: str
    quality: int
    kept: bool


@dataclass(frozen=True, slots=True)
class FrameThumbnail:
    """A frame as a small file, with its width and height."""

    jpeg: bytes
    size: tuple[int, int]


class FrameChooser:
    """Selects at least one frame per second (longer videos: evenly spaced, ``most`` in total), key frames and cuts.

    Frames come in order: ``wants`` decides whether to examine one, ``add`` whether to keep it. It counts frames as well
    as seconds, so false time stamps do not mislead it. Raises ``DecodeRefused`` when a video has too many frames.
    """

    def __init__(self, seconds: float, frames: int, most: int) -> None:
        self.interval = max(1.0, 2 * seconds / most)
        rate = frames / seconds if seconds > 0 else 25.0
        self._every = max(math.ceil(rate), math.ceil(2 * frames / most))
        self._most = most
        self._cuts_left = most // 2
        self._last_seconds = -math.inf
        self._last_count = 0
        self._glance: NDArray[np.float32] | None = None
        self._kept: list[tuple[Pdq, NDArray[np.int16]]] = []
        self.samples: list[FrameSample] = []

    def wants(self, seconds: float, count: int, is_key: bool, luma: NDArray[np.uint8]) -> bool:
        """Whether to examine the ``count``-th frame, at ``seconds``. ``luma``: (height, width)."""
        height, width = luma.shape
        glance = luma[:: max(1, height // _GLANCE), :: max(1, width // _GLANCE)].astype(np.float32)
        since = seconds - self._last_seconds
        wanted = since >= self.interval or count - self._last_count >= self._every
        wanted |= is_key and since >= self.interval / 2
        before, self._glance = self._glance, glance
        if not wanted and self._cuts_left:
            wanted = before is None or before.shape != glance.shape or float(np.abs(before - glance).mean()) > _CUT
            self._cuts_left -= wanted
        if wanted:
            self._last_seconds, self._last_count = seconds, count
        return wanted

    def add(self, seconds: float, found: Pdq, grey: Image.Image) -> bool:
        """Record a frame; returns whether to keep it: no earlier one looks the same. ``grey``: mode L, any size."""
        cells = np.asarray(grey.resize((_CELLS, _CELLS), Image.Resampling.BOX)).astype(np.int16)
        kept = not any(_is_same(found, cells, *other) for other in self._kept)
        self.samples.append(FrameSample(seconds, found.hash.hex(), found.quality, kept))
        if kept:
            if len(self._kept) >= 2 * self._most:
                raise DecodeRefused("too_many_frames")
            self._kept.append((found, cells))
        return kept


def to_jpeg(image: Image.Image, longest: int) -> FrameThumbnail:
    """A frame as a small file; its longer side has at most ``longest`` pixels."""
    image.thumbnail((longest, longest), Image.Resampling.BOX, reducing_gap=None)
    encoded = io.BytesIO()
    image.save(encoded, "JPEG", quality=_QUALITY)
    return FrameThumbnail(encoded.getvalue(), image.size)


def _is_same(found: Pdq, cells: NDArray[np.int16], other: Pdq, other_cells: NDArray[np.int16]) -> bool:
    largest = int(np.abs(cells - other_cells).max())
    if largest <= _SAME:
        return True
    apart = (int.from_bytes(found.hash) ^ int.from_bytes(other.hash)).bit_count()
    return largest <= _NEAR and apart <= _NEAR_BITS
