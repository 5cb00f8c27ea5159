"""256-bit hashes as columns of 64-bit words: reading, mixing bits, and comparing one hash with all.

Many hashes are an array (4, n) of ``uint64``: each word of all hashes is contiguous, so that a scan reads the first
two words of every hash, and the other two only where those are near.

Bits are *mixed* by a fixed permutation before they are stored. It leaves distances unchanged and spreads the bits
that PDQ hashes of similar images share, so that every part of the hash is equally informative.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

BITS: Final = 256
BYTES: Final = BITS // 8
WORDS: Final = 4

Words: TypeAlias = NDArray[np.uint64]
Rows: TypeAlias = NDArray[np.integer]
Distances: TypeAlias = NDArray[np.int64]

_BLOCK: Final = 4096  # hashes mixed at once
_EACH: Final = np.arange(BYTES)


def read_hashes(hashes: Sequence[bytes] | NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Hashes as an array (n, 4). Raises ``ValueError`` when one is not 32 bytes long."""
    if isinstance(hashes, np.ndarray):
        if hashes.dtype != np.uint64 or hashes.ndim != 2 or hashes.shape[1] != WORDS:
            raise ValueError(f"hashes are {hashes.dtype} of shape {hashes.shape}, not uint64 of shape (n, {WORDS})")
        return np.ascontiguousarray(hashes)
    wrong = next((index for index, each in enumerate(hashes) if len(each) != BYTES), None)
    if wrong is not None:
        raise ValueError(f"hash {wrong} has {len(hashes[wrong])} bytes, not {BYTES}")
    return np.frombuffer(b"".join(hashes), dtype=np.uint64).reshape(-1, WORDS)


def mix(hashes: NDArray[np.uint64]) -> Words:
    """Hashes of shape (n, 4) with their bits permuted, as columns (4, n)."""
    octets = hashes.view(np.uint8).reshape(-1, BYTES)
    mixed = np.empty((WORDS, len(octets)), dtype=np.uint64)
    table = _mixed_bytes()
    for first in range(0, len(octets), _BLOCK):
        block = octets[first : first + _BLOCK]
        mixed[:, first : first + _BLOCK] = np.bitwise_xor.reduce(table[_EACH, block], axis=1).T
    return mixed


def mix_one(value: bytes) -> NDArray[np.uint64]:
    """One hash with its bits permuted, as four words. Raises ``ValueError`` when it is not 32 bytes long."""
    if len(value) != BYTES:
        raise ValueError(f"the hash has {len(value)} bytes, not {BYTES}")
    mixed: NDArray[np.uint64] = np.bitwise_xor.reduce(
        _mixed_bytes()[_EACH, np.frombuffer(value, dtype=np.uint8)], axis=0
    )
    return mixed


def scan(words: Words, query: NDArray[np.uint64], radius: int) -> tuple[Rows, Distances]:
    """Rows within ``radius`` of ``query`` and their distances, in order of rows, by comparing every hash."""
    half = np.bitwise_count(words[0] ^ query[0])
    half += np.bitwise_count(words[1] ^ query[1])
    near = (half <= radius).nonzero()[0]  # the other half can only increase the distance
    return within(words, near, half[near], query, radius)


def within(
    words: Words, near: Rows, half: NDArray[np.uint8], query: NDArray[np.uint64], radius: int
) -> tuple[Rows, Distances]:
    """Of the rows ``near``, whose first two words differ in ``half`` bits, those within ``radius``."""
    if not len(near):
        return near, _NONE
    distances = half.astype(np.int64)
    for word in (2, 3):
        distances += np.bitwise_count(words[word].take(near) ^ query[word])
    hit = distances <= radius
    return near[hit], distances[hit]


_NONE: Final[Distances] = np.empty(0, dtype=np.int64)


@functools.cache
def _mixed_bytes() -> NDArray[np.uint64]:
    """The permutation by byte: at [position, value], the four words that this byte alone would give.

    The order is derived from digests, so it is the same everywhere and must never change: files hold mixed hashes.
    """
    order = sorted(range(BITS), key=lambda bit: hashlib.sha256(b"seawall mixes bit %d" % bit).digest())
    octets = np.zeros((BYTES, 256, BYTES), dtype=np.uint8)
    for place in range(BYTES):
        octets[place, :, place] = np.arange(256)
    return np.packbits(np.unpackbits(octets, axis=2)[..., order], axis=2).view(np.uint64)
