"""PDQ, the perceptual image hash exchanged between platforms, as two banded matrix products.

PDQ (Facebook, 2019; reference code in C++ under BSD) blurs the luma plane with two passes of a box filter in each
direction, samples 64 × 64 points, takes a 16 × 16 corner of their cosine transform and compares it with its median.
Everything before the median is linear, so blur and sampling fold into one matrix per side, each row of which covers
about 1/64 of the image: ``hash = sign(D Wr A Wcᵀ Dᵀ - median)``. Equal, bit for bit, to the ``pdqhash`` package on
full-size photographs. (Where a coefficient equals the median except for rounding, as in drawn patterns of a few
pixels, the two may round differently.)

Exchanges expect the hash of the full-size image, as stored: hashes of images that were scaled down first differ in
some bits. The faster ways to hash (``pdq_of_bytes(…, draft=True)``, ``pdq_luma``) therefore use up a part of the
radius.
"""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

PDQ_RADIUS: Final = 31
"""Default for the largest Hamming distance that counts as the same image."""
PDQ_MIN_QUALITY: Final = 50
"""Below this quality (flat images) a hash carries no information and must not match."""
PDQ_DRAFT_SIDE: Final = 512
"""An image that is decoded at a reduced size keeps at least this many pixels on each side."""

_SAMPLES: Final = 64
_SMALLEST_SIDE: Final = 5
_LUMA: Final = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_LIMITED_RANGE: Final = 255 / 219  # luma of videos ranges from 16 to 235


@dataclass(frozen=True, slots=True)
class Pdq:
    """A hash of 32 bytes (its hex is the exchange format) and its quality from 0 to 100."""

    hash: bytes
    quality: int


_NOTHING: Final = Pdq(bytes(_SAMPLES // 2), 0)


def pdq(rgb: NDArray[np.uint8]) -> Pdq:
    """The hash of an RGB image of shape (height, width, 3). A side below 5 pixels gives quality 0."""
    samples = _sample_rgb(rgb)
    return _NOTHING if samples is None else Pdq(_hash(_transform(samples)), _quality(samples))


def pdq_luma(luma: NDArray[Any], *, limited_range: bool = False) -> Pdq:
    """The hash of an image given by its luma alone, of shape (height, width): a video frame's Y plane.

    ``limited_range``: black is 16 and white 235, as in most videos; else 0 and 255. Luma rounded to whole numbers, as a
    decoder's is, changes the hash by 0 to 6 bits. A side below 5 pixels gives quality 0.
    """
    if min(luma.shape) < _SMALLEST_SIDE:
        return _NOTHING
    samples = _sample(luma)
    return Pdq(_hash(_transform(samples)), _quality(samples * _LIMITED_RANGE if limited_range else samples))


def pdq_of_bytes(data: bytes, *, draft: bool = False) -> Pdq:
    """The hash of an encoded image, as stored (its orientation is ignored). Needs Pillow; trusts the bytes.

    ``draft``: decode a large JPEG at half, a quarter or an eighth of its size, but never below 512 pixels on a side,
    and its luma only; sampled where the full-size image would be. Several times faster, and a few bits away.
    Raises what Pillow raises.
    """
    from PIL import Image  # imported here: slow to load

    with Image.open(io.BytesIO(data)) as image:
        width, height = image.size
        if draft and image.format == "JPEG" and image.mode in ("RGB", "L") and min(width, height) >= _SMALLEST_SIDE:
            image.draft("L", (PDQ_DRAFT_SIDE, PDQ_DRAFT_SIDE))
            samples = _sample(np.asarray(image), (height, width))
            return Pdq(_hash(_transform(samples)), _quality(samples))
        return pdq(np.asarray(image.convert("RGB")))


def _sample_rgb(rgb: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    """The blurred luma at 64 × 64 points; None for an image that is too small."""
    height, width, _ = rgb.shape
    if min(height, width) < _SMALLEST_SIDE:
        return None
    blurred = _blur_rows(rgb.reshape(height, -1), height).reshape(_SAMPLES, width, 3)
    return _blur_columns(blurred @ _LUMA, width)  # luma is linear, so it can be computed last


def _sample(luma: NDArray[Any], size: tuple[int, ...] | None = None) -> NDArray[np.float64]:
    """The blurred luma at 64 × 64 points. ``size``: height and width of the image of which this is a draft."""
    height, width = luma.shape if size is None else size
    return _blur_columns(_blur_rows(luma, height), width)


def _blur_columns(blurred: NDArray[np.float32], width: int) -> NDArray[np.float64]:
    """64 columns of weighted sums over the columns of 64 rows. (Small enough for one call.)"""
    places, weights = _gathered(width, -(-width // blurred.shape[1]), blurred.shape[1])
    sums = weights[:, None, :] @ np.ascontiguousarray(blurred.T)[places]
    samples: NDArray[np.float64] = sums[:, 0].T.astype(np.float64)
    return samples


def _blur_rows(plane: NDArray[Any], side: int) -> NDArray[np.float32]:
    """64 rows of weighted sums over the rows of a plane. (einsum: BLAS would start threads for each.)"""
    sums = np.empty((_SAMPLES, plane.shape[1]), dtype=np.float32)
    for row, (first, weights) in enumerate(_bands(side, -(-side // len(plane)))):
        np.einsum("i,ij->j", weights, plane[first : first + len(weights)].astype(np.float32), out=sums[row])
    return sums


@functools.lru_cache(64)
def _bands(side: int, merged: int = 1) -> tuple[tuple[int, NDArray[np.float32]], ...]:
    """Two box filters and the choice of 64 points along one side: for each point, the first pixel that counts, and
    the weights from there on.

    ``merged``: for an image decoded at a fraction of its size, how many pixels became one.
    """
    if merged > 1:
        return tuple(_folded(first, weights, merged) for first, weights in _bands(side))
    points = ((np.arange(_SAMPLES) + 0.5) * side / _SAMPLES).astype(int)
    if side == _SAMPLES:
        return tuple((point, np.ones(1, dtype=np.float32)) for point in points.tolist())
    window = (side + 2 * _SAMPLES - 1) // (2 * _SAMPLES)
    ahead = (window + 2) // 2 - 1
    behind = window - 1 - ahead
    at = np.arange(side)
    low, high = np.maximum(at - behind, 0), np.minimum(at + ahead, side - 1)
    share = 1.0 / (high - low + 1)
    bands = []
    for point in points.tolist():
        inner = range(low[point], high[point] + 1)
        first = int(low[inner[0]])
        weights = np.zeros(int(high[inner[-1]]) - first + 1)
        for pixel in inner:
            weights[low[pixel] - first : high[pixel] - first + 1] += share[point] * share[pixel]
        bands.append((first, weights.astype(np.float32)))
    return tuple(bands)


@functools.lru_cache(64)
def _gathered(side: int, merged: int, given: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The bands as two arrays (64, length of the longest): which of the given pixels, and their weights."""
    bands = _bands(side, merged)
    longest = max(len(weights) for _, weights in bands)
    places = np.array([np.minimum(first + np.arange(longest), given - 1) for first, _ in bands])
    padded = np.array([np.pad(weights, (0, longest - len(weights))) for _, weights in bands])
    return places, padded


def _folded(first: int, weights: NDArray[np.float32], merged: int) -> tuple[int, NDArray[np.float32]]:
    """A band over pixels that each stand for several: their weights are added."""
    pixels = np.arange(first, first + len(weights)) // merged
    return int(pixels[0]), np.bincount(pixels - pixels[0], weights).astype(np.float32)


def _transform(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """The corner of the cosine transform, 16 × 16, without the mean."""
    return _cosines() @ samples @ _cosines().T


def _hash(corner: NDArray[np.float64]) -> bytes:
    median = np.partition(corner.ravel(), 127)[127]  # the lower of the two middle values
    bits = (corner > median).ravel()
    return np.packbits(bits[::-1]).tobytes()


@functools.cache
def _cosines() -> NDArray[np.float64]:
    """Rows 1 to 16 of the cosine transform of 64 points."""
    rows, columns = np.arange(1, 17)[:, None], np.arange(_SAMPLES)[None, :]
    matrix: NDArray[np.float64] = np.sqrt(2 / _SAMPLES) * np.cos(np.pi / 2 / _SAMPLES * rows * (2 * columns + 1))
    return matrix


def _quality(samples: NDArray[np.float64]) -> int:
    """How much the image varies: whole percentages of the differences between neighbouring points, summed."""
    steps = [np.trunc(np.diff(samples, axis=axis) * 100 / 255) for axis in (0, 1)]
    return min(100, int(sum(np.abs(step).sum() for step in steps) / 90))
