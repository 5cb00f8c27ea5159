"""Near-duplicate texts: MinHash over character 5-grams, with banding to look up candidates.

The share of 5-grams that two texts have in common (their Jaccard similarity) is estimated from 128 minima, with a
standard error of at most 0.044. 42 bands of 3 minima find a pair of similarity 0.5 in 99.6 of 100 cases, one of 0.7
practically always (Broder 1997; Leskovec, Rajaraman, Ullman: Mining of Massive Datasets, 3.4).

>>> first = "win a free holiday in the sun, write to this number today"
>>> clusters([first, "how is the weather in Ghent?", first.replace("today", "now")], threshold=0.7)
[0, 1, 0]
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from seawall.match.entries import words_of
from seawall.match.phrases import PlainView, TextView

NEAR_TEXT_PERCENT: Final = 70
"""Default percentage of common 5-grams from which a text counts as a variant of another."""

Signature = NDArray[np.uint32]

_GRAM: Final = 5
_MINIMA: Final = 128
_ROWS: Final = 3  # of a band
_BANDS: Final = _MINIMA // _ROWS
_BLOCK: Final = 8_192  # 5-grams hashed at once: bounds memory
_LONGEST: Final = 20_000  # characters of a text that are read

_chance = np.random.default_rng(0x5EA3A11)  # fixed seed: signatures are stored
_FACTORS: Final = _chance.integers(0, 1 << 32, (_MINIMA, 1), dtype=np.uint32) | np.uint32(1)
_SHIFTS: Final = _chance.integers(0, 1 << 32, (_MINIMA, 1), dtype=np.uint32)
_POWERS: Final = _chance.integers(0, 1 << 64, _GRAM, dtype=np.uint64) | np.uint64(1)
_BAND_FACTORS: Final = _chance.integers(0, 1 << 64, (_BANDS, _ROWS), dtype=np.uint64) | np.uint64(1)
_BAND_SALT: Final = _chance.integers(0, 1 << 64, _BANDS, dtype=np.uint64)


def minhash(text: str) -> Signature:
    """The 128 minima of a text, read word by word with single spaces between. 512 bytes."""
    grams = _grams(" ".join(word[0] for word in words_of(text[:_LONGEST])))
    least = np.full(_MINIMA, 0xFFFFFFFF, np.uint32)
    for first in range(0, len(grams), _BLOCK):
        mixed = grams[first : first + _BLOCK] * _FACTORS + _SHIFTS
        np.minimum(least, mixed.min(axis=1), out=least)
    return least


def similarity(one: Signature, other: Signature) -> float:
    """The estimated Jaccard similarity of two texts' 5-grams, 0 to 1."""
    return float(np.mean(one == other))


class NearTextIndex:
    """Signatures of many texts, each with the similarity from which it matches. Immutable; about 1 kB per text."""

    def __init__(self, signatures: Sequence[Signature], least: Sequence[float]) -> None:
        """``least``: one limit per text, 0.5 to 1. Raises ``ValueError`` when the lengths differ."""
        if len(signatures) != len(least):
            raise ValueError(f"{len(signatures)} signatures, {len(least)} limits")
        self._signatures = np.array(signatures, np.uint32).reshape(-1, _MINIMA)
        self._least = np.asarray(least, np.float64)
        keys = np.array([_band_keys(each) for each in self._signatures], np.uint64).reshape(-1)
        order = np.argsort(keys, kind="stable")
        self._keys = keys[order]
        self._owners = (order // _BANDS).astype(np.uint32)

    def __len__(self) -> int:
        return len(self._least)

    def search(self, query: Signature) -> list[tuple[int, float]]:
        """(index, estimated similarity) of every text that is similar enough, nearest first."""
        if not len(self):
            return []
        keys = np.sort(_band_keys(query))
        first, last = np.searchsorted(self._keys, keys, "left"), np.searchsorted(self._keys, keys, "right")
        spans = [self._owners[low:high] for low, high in zip(first, last, strict=True) if low < high]
        if not spans:
            return []
        owners = np.unique(np.concatenate(spans))
        near = (self._signatures[owners] == query).mean(axis=1)
        hit = near >= self._least[owners] - 1e-9
        found = sorted(zip((-near[hit]).tolist(), owners[hit].tolist(), strict=True))
        return [(index, -negative) for negative, index in found]


def clusters(texts: Sequence[str], threshold: float, read: Callable[[str], TextView] = PlainView.of) -> list[int]:
    """For each text the position of its cluster's representative: the first text at least ``threshold`` similar to it.

    Every member is similar to its representative (not merely to another member), so a judgement on the representative
    applies to its members. ``threshold`` is an estimated similarity, 0.5 to 1; texts without words stay alone. ``read``
    is the normaliser used for the texts elsewhere (``seawall.content.normalise``). Raises ``ValueError``.
    """
    if not 0.5 <= threshold <= 1:
        raise ValueError(f"threshold is {threshold}; similarities from 0.5 to 1 can be found")
    same: dict[str, int] = {}
    leaders: dict[int, list[int]] = defaultdict(list)  # band key → representatives
    signatures: dict[int, Signature] = {}
    found = []
    for position, text in enumerate(texts):
        words = " ".join(word[0] for word in words_of(read(text).text))
        leader = same.get(words) if words else position
        if leader is None:
            signature = minhash(words)
            keys = _band_keys(signature).tolist()
            leader = _nearest(signature, {each for key in keys for each in leaders.get(key, ())}, signatures, threshold)
            if leader is None:
                leader = position
                signatures[position] = signature
                for key in keys:
                    leaders[key].append(position)
        same.setdefault(words, leader)
        found.append(leader)
    return found


def _nearest(
    signature: Signature, candidates: set[int], signatures: dict[int, Signature], threshold: float
) -> int | None:
    near = [(-similarity(signature, signatures[each]), each) for each in candidates]
    best = min(near, default=None)
    return None if best is None or -best[0] < threshold - 1e-9 else best[1]


def _grams(words: str) -> NDArray[np.uint32]:
    """The distinct hashes of all 5-grams; for a shorter text, the hash of the text."""
    codes = np.frombuffer(words.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    if len(codes) < _GRAM:
        codes = np.pad(codes, (0, _GRAM - len(codes)))
    windows = np.lib.stride_tricks.sliding_window_view(codes, _GRAM)
    mixed = (windows * _POWERS).sum(axis=1, dtype=np.uint64)
    mixed ^= mixed >> np.uint64(31)  # the finaliser of SplitMix64, shortened
    mixed *= np.uint64(0x94D049BB133111EB)
    return np.unique((mixed >> np.uint64(32)).astype(np.uint32))


def _band_keys(signature: Signature) -> NDArray[np.uint64]:
    rows = signature[: _BANDS * _ROWS].reshape(_BANDS, _ROWS).astype(np.uint64)
    keys: NDArray[np.uint64] = (rows * _BAND_FACTORS).sum(axis=1, dtype=np.uint64) ^ _BAND_SALT
    return keys
