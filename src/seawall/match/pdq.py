"""PDQ, the perceptual hash of pictures that platforms exchange, as two matrix products.

PDQ (Facebook, 2019; reference code in C++ under BSD) blurs the luma plane with two passes of a box filter in each
direction, samples 64 × 64 points, takes a 16 × 16 corner of their cosine transform and compares it with its median.
Everything before the median is linear, so blur and sampling fold into one banded matrix for each side:
``hash = sign(D Wr A Wcᵀ Dᵀ - median)``. Equal, bit for bit, to the ``pdqhash`` package on full-size pictures.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

PDQ_RADIUS: Final = 31
"""The largest Hamming distance that usually counts as the same picture."""
PDQ_MIN_QUALITY: Final = 50
"""Below this quality (flat pictures) a hash says nothing and must not match."""

_SAMPLES: Final = 64
_SMALLEST_SIDE: Final = 5
_ROWS_AT_ONCE: Final = 512  # bounds memory for large pictures
_LUMA: Final = np.array([0.299, 0.587, 0.114], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Pdq:
    """A hash of 32 bytes (its hex is the exchange format) and its quality from 0 to 100."""

    hash: bytes
    quality: int


def pdq(rgb: NDArray[np.uint8]) -> Pdq:
    """The hash of an RGB picture of shape (height, width, 3). A side below 5 pixels gives quality 0."""
    height, width, _ = rgb.shape
    if min(height, width) < _SMALLEST_SIDE:
        return Pdq(bytes(32), 0)
    samples = _sample(rgb)
    corner = _cosines() @ samples @ _cosines().T
    median = np.partition(corner.ravel(), 127)[127]  # the lower of the two middle values
    bits = (corner > median).ravel()
    return Pdq(np.packbits(bits[::-1]).tobytes(), _quality(samples))


def _sample(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The blurred luma at 64 × 64 points."""
    height, width, _ = rgb.shape
    rows, columns = _sampler(height), _sampler(width)
    blurred = np.zeros((_SAMPLES, width), dtype=np.float32)
    for first in range(0, height, _ROWS_AT_ONCE):
        band = rgb[first : first + _ROWS_AT_ONCE].astype(np.float32)
        luma = band[..., 0] * _LUMA[0] + band[..., 1] * _LUMA[1] + band[..., 2] * _LUMA[2]
        blurred += rows[:, first : first + _ROWS_AT_ONCE] @ luma
    samples: NDArray[np.float64] = (blurred @ columns.T).astype(np.float64)
    return samples


@functools.lru_cache(64)
def _sampler(side: int) -> NDArray[np.float32]:
    """Two box filters and the choice of 64 points along one side, as a matrix (64, side)."""
    points = ((np.arange(_SAMPLES) + 0.5) * side / _SAMPLES).astype(int)
    matrix = np.zeros((_SAMPLES, side + 1))
    if side == _SAMPLES:
        matrix[np.arange(_SAMPLES), points] = 1
        return matrix[:, :side].astype(np.float32)
    window = (side + 2 * _SAMPLES - 1) // (2 * _SAMPLES)
    ahead = (window + 2) // 2 - 1
    behind = window - 1 - ahead
    at = np.arange(side)
    low, high = np.maximum(at - behind, 0), np.minimum(at + ahead, side - 1)
    share = 1.0 / (high - low + 1)
    for row, point in enumerate(points):
        inner = np.arange(low[point], high[point] + 1)
        weight = share[point] * share[inner]
        np.add.at(matrix[row], low[inner], weight)
        np.add.at(matrix[row], high[inner] + 1, -weight)
    return np.cumsum(matrix, axis=1)[:, :side].astype(np.float32)


@functools.cache
def _cosines() -> NDArray[np.float64]:
    """Rows 1 to 16 of the cosine transform of 64 points."""
    rows, columns = np.arange(1, 17)[:, None], np.arange(_SAMPLES)[None, :]
    matrix: NDArray[np.float64] = np.sqrt(2 / _SAMPLES) * np.cos(np.pi / 2 / _SAMPLES * rows * (2 * columns + 1))
    return matrix


def _quality(samples: NDArray[np.float64]) -> int:
    """How much the picture varies: whole percents of the differences between neighbouring points, summed."""
    steps = [np.trunc(np.diff(samples, axis=axis) * 100 / 255) for axis in (0, 1)]
    return min(100, int(sum(np.abs(step).sum() for step in steps) / 90))
