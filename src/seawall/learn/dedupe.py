"""Near-duplicate detection, to keep test texts out of the training data.

Two texts are near-duplicates when the cosine of their sets of character 4-grams is at least ``NEAR`` (0.85), after
undoing evasion and dropping everything but letters, digits and symbols. Candidates are found by MinHash and banding
(Broder 1997): 32 bands of 3 hashes find a pair of Jaccard similarity 0.74 (what cosine 0.85 means for sets of equal
size) with a probability of 1 - (1 - 0.74**3)**32 > 0.999 999, and each candidate is then measured exactly.

Emoji are kept: in some sets a single emoji decides the label.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seawall.content.normalise import normalise
from seawall.detectors.text.model.hashing import MAX_LENGTH, Substrings, code_points, mix

NEAR = 0.85
_GRAM = 4
_BANDS, _ROWS = 32, 3
_LONGEST = 20_000  # characters of a text that are compared

Shingles = NDArray[np.uint64]


def canonical(text: str) -> str:
    """The form in which texts are compared: free of evasion, no punctuation, single spaces, emoji kept."""
    shown = normalise(text[:_LONGEST]).text
    kept = "".join(c if c.isalnum() or unicodedata.category(c) in ("So", "Sk") else " " for c in shown)
    return " ".join(kept.split())


def digest(text: str) -> int:
    """A 64-bit digest of a canonical text, for manifests that must not contain texts."""
    return int.from_bytes(hashlib.blake2b(canonical(text).encode("utf-8", "surrogatepass"), digest_size=8).digest())


def shingles(canonical_text: str) -> Shingles:
    """The distinct hashed character 4-grams of a canonical text, sorted; for a shorter text, the text itself."""
    codes = code_points(f" {canonical_text} ")[: MAX_LENGTH - 1]
    if len(codes) <= _GRAM:
        return Substrings(codes).hash(np.zeros(1, dtype=np.int64), np.full(1, len(codes), dtype=np.int64))
    at = np.arange(len(codes) - _GRAM + 1)
    return np.unique(Substrings(codes).hash(at, at + _GRAM))


def similarity(left: Shingles, right: Shingles) -> float:
    """Cosine of two sets: shared / sqrt(size × size)."""
    shared = len(np.intersect1d(left, right, assume_unique=True))
    return float(shared / (len(left) * len(right)) ** 0.5)


def _bands(sets: Sequence[Shingles]) -> NDArray[np.uint64]:
    """One row per text, one key per band: texts that share a key are candidates."""
    lengths = np.array([len(one) for one in sets], dtype=np.int64)
    joined = np.concatenate(sets) if sets else np.zeros(0, dtype=np.uint64)
    offsets = np.concatenate(([0], np.cumsum(lengths)[:-1])) if sets else np.zeros(0, dtype=np.int64)
    keys = np.empty((len(sets), _BANDS), dtype=np.uint64)
    for band in range(_BANDS):
        key = np.full(len(sets), band, dtype=np.uint64)
        for row in range(_ROWS):
            seed = np.uint64((band * _ROWS + row + 1) * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF)
            key = mix(key) + np.minimum.reduceat(mix(joined ^ seed), offsets)
        keys[:, band] = key
    return keys


@dataclass(frozen=True, slots=True, eq=False)
class DuplicateIndex:
    """An index that recognises texts and their near-duplicates."""

    digests: frozenset[int]
    sets: tuple[Shingles, ...]
    keys: NDArray[np.uint64]  # sorted keys of each band, one row per band
    order: NDArray[np.int64]  # the text of each sorted key

    @classmethod
    def of(cls, texts: Sequence[str]) -> DuplicateIndex:
        """Index these texts; repetitions are stored once."""
        forms = sorted({canonical(text) for text in texts})
        sets = tuple(shingles(form) for form in forms)
        keys = _bands(sets)
        order = np.argsort(keys, axis=0, kind="stable").T.copy()
        return cls(
            digests=frozenset(digest(form) for form in forms),
            sets=sets,
            keys=np.take_along_axis(keys, order.T, axis=0).T.copy(),
            order=order,
        )

    def matches(self, texts: Sequence[str], near: float = NEAR) -> NDArray[np.bool_]:
        """For each text, whether it equals an indexed one or is a near-duplicate (cosine at least ``near``)."""
        forms = [canonical(text) for text in texts]
        sets = [shingles(form) for form in forms]
        found = np.array([digest(form) in self.digests for form in forms], dtype=bool)
        if not self.sets:
            return found
        for start in range(0, len(texts), 4096):
            chunk = slice(start, start + 4096)
            found[chunk] |= self._near(sets[chunk], near)
        return found

    def _near(self, sets: Sequence[Shingles], near: float) -> NDArray[np.bool_]:
        found = np.zeros(len(sets), dtype=bool)
        keys = _bands(sets)
        tried: set[tuple[int, int]] = set()
        for band in range(_BANDS):
            low = np.searchsorted(self.keys[band], keys[:, band], side="left")
            high = np.searchsorted(self.keys[band], keys[:, band], side="right")
            for text in np.flatnonzero((high > low) & ~found).tolist():
                for other in self.order[band, low[text] : high[text]]:
                    pair = (text, int(other))
                    if pair in tried:
                        continue
                    tried.add(pair)
                    if similarity(sets[text], self.sets[int(other)]) >= near:
                        found[text] = True
                        break
        return found


def clusters(texts: Sequence[str], near: float = NEAR) -> NDArray[np.int64]:
    """A number per text, equal for texts linked by near-duplicates (directly or through others)."""
    sets = [shingles(canonical(text)) for text in texts]
    keys = _bands(sets)
    root = list(range(len(texts)))

    def find(one: int) -> int:
        while root[one] != one:
            root[one] = root[root[one]]
            one = root[one]
        return one

    for band in range(_BANDS):
        order = np.argsort(keys[:, band], kind="stable")
        for here, there in zip(order[:-1].tolist(), order[1:].tolist(), strict=True):
            if keys[here, band] != keys[there, band]:
                continue
            a, b = find(here), find(there)
            if a != b and similarity(sets[here], sets[there]) >= near:
                root[max(a, b)] = min(a, b)
    return np.unique([find(one) for one in range(len(texts))], return_inverse=True)[1].astype(np.int64)
