"""Immutable in-memory index of hashes of one length, each with its own radius; exact."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from seawall.match.hashindex.bits import BITS, Distances, Rows, Words, mix, mix_one, read_hashes
from seawall.match.hashindex.segments import Probe, build_segment

Search: TypeAlias = Callable[[bytes, int], tuple[Rows, Distances]]  # (query, radius): rows and their distances


class HammingIndex:
    """Hashes of ``bits`` (whole bytes), each with the largest distance at which it matches. Immutable.

    Hashes of 256 bits (PDQ) use tables that scale to many thousands; hashes of other lengths are compared one by one.
    For 256-bit hashes that change, or are too many to keep in each process, see ``seawall.match.hashindex.index``.
    """

    def __init__(self, hashes: Sequence[bytes], radii: Sequence[int], bits: int = BITS) -> None:
        """Raises ``ValueError`` when a hash has another length, or the numbers of hashes and radii differ."""
        if len(hashes) != len(radii):
            raise ValueError(f"{len(hashes)} hashes, {len(radii)} radii")
        self.bits = bits
        self._near = _by_tables(hashes) if bits == BITS else _one_by_one(hashes, bits)
        self._radii = np.asarray(radii, dtype=np.int64)
        self._widest = int(self._radii.max(initial=-1))

    def __len__(self) -> int:
        return len(self._radii)

    def search(self, query: bytes) -> list[tuple[int, int]]:
        """(index, distance) of every entry within its own radius of ``query``, nearest first."""
        if not len(self):
            return []
        rows, distances = self._near(query, self._widest)
        hit = distances <= self._radii[rows]
        found = sorted(zip(distances[hit].tolist(), rows[hit].tolist(), strict=True))
        return [(index, distance) for distance, index in found]


def _by_tables(hashes: Sequence[bytes]) -> Search:
    segment = build_segment(np.arange(len(hashes)), mix(read_hashes(hashes)))
    return lambda query, radius: segment.search(Probe.of(mix_one(query)), radius)


def _one_by_one(hashes: Sequence[bytes], bits: int) -> Search:
    words = -(-bits // 64)  # rounded up: zero padding of the last word adds no distance

    def words_of(values: Sequence[bytes]) -> Words:
        wrong = next((index for index, each in enumerate(values) if 8 * len(each) != bits), None)
        if wrong is not None:
            raise ValueError(f"hash {wrong} has {len(values[wrong])} bytes, not {bits // 8}")
        padded = b"".join(each.ljust(8 * words, b"\0") for each in values)
        return np.ascontiguousarray(np.frombuffer(padded, np.uint64).reshape(len(values), words).T)

    known = words_of(hashes)

    def search(query: bytes, radius: int) -> tuple[Rows, Distances]:
        distances = np.zeros(len(hashes), np.uint16)
        for word, asked in zip(known, words_of([query])[:, 0], strict=True):
            distances += np.bitwise_count(word ^ asked)
        rows = (distances <= radius).nonzero()[0]
        return rows, distances[rows].astype(np.int64)

    return search
