"""Nearest 256-bit hashes by brute force: exact, and fast enough up to a few hundred thousand entries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class HammingIndex:
    """Hashes of 32 bytes, each with the largest distance at which it matches. Immutable."""

    def __init__(self, hashes: Sequence[bytes], radii: Sequence[int]) -> None:
        """Raises ``ValueError`` when a hash is not 32 bytes long, or the lengths differ."""
        if len(hashes) != len(radii):
            raise ValueError(f"{len(hashes)} hashes, {len(radii)} radii")
        wrong = next((index for index, each in enumerate(hashes) if len(each) != 32), None)
        if wrong is not None:
            raise ValueError(f"hash {wrong} has {len(hashes[wrong])} bytes, not 32")
        words = np.frombuffer(b"".join(hashes), dtype=np.uint64).reshape(-1, 4)
        self._words = np.ascontiguousarray(words.T)  # by word: a scan reads the first halves alone
        self._radii = np.asarray(radii, dtype=np.int64)
        self._widest = int(self._radii.max(initial=-1))

    def __len__(self) -> int:
        return len(self._radii)

    def search(self, query: bytes) -> list[tuple[int, int]]:
        """(index, distance) of every entry within its own radius of ``query``, nearest first."""
        if not len(self):
            return []
        words = np.frombuffer(query, dtype=np.uint64)
        half: NDArray[np.int64] = self._distance(words, slice(0, 2), slice(None))
        near = np.flatnonzero(half <= self._widest)  # the other half can only add to it
        if not len(near):
            return []
        distance = half[near] + self._distance(words, slice(2, 4), near)
        hit = distance <= self._radii[near]
        found = sorted(zip(distance[hit].tolist(), near[hit].tolist(), strict=True))
        return [(index, distance) for distance, index in found]

    def _distance(self, words: NDArray[np.uint64], part: slice, rows: slice | NDArray[np.intp]) -> NDArray[np.int64]:
        different = self._words[part][:, rows] ^ words[part, None]
        total: NDArray[np.int64] = np.bitwise_count(different).sum(axis=0, dtype=np.int64)
        return total
