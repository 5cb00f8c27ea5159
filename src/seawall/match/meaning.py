"""Texts by meaning: the cosine of embeddings, compared exactly.

The index knows nothing of the encoder: embeddings have any dimension, and those of one index come from one version of
one encoder.

>>> import numpy as np
>>> from seawall.match.entries import BankEntry
>>> examples = [BankEntry(bank="b", id="e1", kind="meaning", value="see you", threshold=90)]
>>> index = MeaningIndex(examples, np.array([[1.0, 0.0]], np.float32))
>>> [(entry.id, round(alike, 2)) for entry, alike in index.search(np.array([0.95, 0.31], np.float32))]
[('e1', 0.95)]
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from seawall.match.entries import MEANING_PERCENT, BankEntry

Embeddings = NDArray[np.float32]

_MOST_OF_A_BANK: Final = 10
"""Examples of one bank that one text may match: many say nearly the same, and each match is recorded."""


class MeaningIndex:
    """Embeddings of examples, each with the cosine from which a text matches. Immutable; 1.5 kB per example at 384."""

    def __init__(self, entries: Sequence[BankEntry], embeddings: Embeddings) -> None:
        """``embeddings``: one row of length 1 per entry. Raises ``ValueError`` when the numbers differ."""
        if len(entries) != len(embeddings):
            raise ValueError(f"{len(entries)} examples, {len(embeddings)} embeddings")
        self._entries = tuple(entries)
        self.banks = frozenset(entry.bank for entry in entries)
        self._embeddings = np.ascontiguousarray(embeddings, np.float32)
        self._least = np.array([least_cosine(entry.threshold) for entry in entries], np.float32)

    def __len__(self) -> int:
        return len(self._entries)

    def search(self, embedding: Embeddings) -> list[tuple[BankEntry, float]]:
        """The nearest examples of each bank that are near enough, with their cosine, nearest first."""
        if not self._entries:
            return []
        alike = self._embeddings @ np.asarray(embedding, np.float32)
        near = np.flatnonzero(alike >= self._least)
        found: list[tuple[BankEntry, float]] = []
        taken: Counter[str] = Counter()
        for row in near[np.argsort(-alike[near], kind="stable")].tolist():
            entry = self._entries[row]
            if taken[entry.bank] < _MOST_OF_A_BANK:
                taken[entry.bank] += 1
                found.append((entry, float(alike[row])))
        return found


def least_cosine(threshold: int | None) -> float:
    """The cosine from which a text matches an example of this threshold; a text always matches itself."""
    return (MEANING_PERCENT if threshold is None else threshold) / 100 - 1e-4
