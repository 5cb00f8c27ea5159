"""Which frames of a video or an animation to keep: few, none missed for long, none twice."""

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

_GLANCE: Final = 32  # points on each side by which a cut is noticed
_CUT: Final = 20.0  # mean difference of grey levels between a frame and the one before
_CELLS: Final = 64
_SAME: Final = 12  # largest difference in any cell of a frame that is the same to every detector
_NEAR, _NEAR_BITS = 32, 6  # the same allowing for noise, if the hashes agree as well
_QUALITY: Final = 80  # of JPEG


@dataclass(frozen=True, slots=True)
class FrameSample:
    """A frame that was looked at: when, its hash, and whether it was kept."""

    seconds: float
    hash: str
    quality: int
    kept: bool


@dataclass(frozen=True, slots=True)
class FrameThumbnail:
    """A frame as a small file, and its width and height there."""

    jpeg: bytes
    size: tuple[int, int]


class FrameChooser:
    """Chooses at least a frame each second (longer videos: at even distances, ``most`` in all), key frames and cuts.

    Frames come in order: ``wants`` says whether to look closely, ``add`` whether to keep. Counting frames as well as
    seconds, it is not misled by time stamps that lie. Raises ``DecodeRefused`` when a video holds too many.
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
        """Whether the ``count``-th frame, at ``seconds``, deserves a closer look. ``luma``: (height, width)."""
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
        """Note a frame; whether to keep it: no earlier one looks the same. ``grey``: mode L, any size."""
        cells = np.asarray(grey.resize((_CELLS, _CELLS), Image.Resampling.BOX)).astype(np.int16)
        kept = not any(_is_same(found, cells, *other) for other in self._kept)
        self.samples.append(FrameSample(seconds, found.hash.hex(), found.quality, kept))
        if kept:
            if len(self._kept) >= 2 * self._most:
                raise DecodeRefused("too_many_frames")
            self._kept.append((found, cells))
        return kept


def to_jpeg(image: Image.Image, longest: int) -> FrameThumbnail:
    """A frame as a small file. ``longest``: pixels of its longer side at most."""
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
