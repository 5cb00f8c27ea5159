"""Known 256-bit hashes, each with its own radius: exact, in memory, never changed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seawall.match.bits import mix, mix_one, read_hashes
from seawall.match.segments import Probe, build_segment


class HammingIndex:
    """Hashes of 32 bytes, each with the largest distance at which it matches. Immutable.

    For hashes that come and go, or are too many to hold in each process, see ``seawall.match.index``.
    """

    def __init__(self, hashes: Sequence[bytes], radii: Sequence[int]) -> None:
        """Raises ``ValueError`` when a hash is not 32 bytes long, or the lengths differ."""
        if len(hashes) != len(radii):
            raise ValueError(f"{len(hashes)} hashes, {len(radii)} radii")
        self._segment = build_segment(np.arange(len(hashes)), mix(read_hashes(hashes)))
        self._radii = np.asarray(radii, dtype=np.int64)
        self._widest = int(self._radii.max(initial=-1))

    def __len__(self) -> int:
        return len(self._radii)

    def search(self, query: bytes) -> list[tuple[int, int]]:
        """(index, distance) of every entry within its own radius of ``query``, nearest first."""
        if not len(self):
            return []
        rows, distances = self._segment.search(Probe.of(mix_one(query)), self._widest)
        hit = distances <= self._radii[rows]
        found = sorted(zip(distances[hit].tolist(), rows[hit].tolist(), strict=True))
        return [(index, distance) for distance, index in found]
