"""Audio index over Chromaprint sub-fingerprints: finds an audio file again from a clip, with noise, at a low bit rate.

A fingerprint is a sequence of 32-bit items, about eight per second; each describes how the notes change over the 2.6
seconds that follow. The index sorts the items of all audio files by their upper 28 bits. Query items found there vote
for an audio file and an offset; where votes agree, the two sequences are aligned and compared bit by bit.
Modelled on the matcher of Chromaprint (Lalinský, MIT) and AcoustID's candidate search.

>>> import numpy as np
>>> walk = np.random.default_rng(1).integers(0, 1 << 32, 800, dtype=np.uint32)  # an audio file of 99 seconds
>>> [match] = AudioIndex([walk]).search(walk[200:300])
>>> match.recording, match.error, match.start_s, round(match.at_s, 1)
(0, 0.0, 0.0, 24.8)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from seawall.match.entries import LEAST_ITEMS

ITEM_S: Final = 1365 / 11025
"""Seconds from one item to the next (Chromaprint's hop at its 11,025 samples a second)."""
WINDOW_S: Final = (4096 + 19 * 1365) / 11025
"""Seconds of sound that one item covers."""
AUDIO_ERROR: Final = 35
"""Default for the largest percentage of differing bits within one audio file; unrelated ones differ in 50."""

Items = NDArray[np.uint32]

_KEY_SHIFT: Final = 4  # the lower 4 bits are the least stable
_COMMON: Final = 4_000  # an item that occurs more often (silence, a held tone) is ignored
_LEAST_VOTES: Final = 2
_MANY_VOTES: Final = 4
_CLEAR: Final = 0.2  # share of differing bits up to which few equal items suffice
_MONOTONOUS: Final = 0.3  # share of differing bits between any two moments: 0.15 to 0.27 in noise, 0.32 to 0.5 in music
_OWN_SHARE: Final = 0.6  # of that share, up to which monotonous sound counts as the same
_SHIFTS: Final = 7
_MOST_PLACES: Final = 48  # places compared bit by bit for one query
_PLACES_EACH: Final = 6  # of these, places in one audio file
_OFFSET_BITS: Final = 40


@dataclass(frozen=True, slots=True)
class AudioMatch:
    """Recording number ``recording`` found in the query from ``start_s`` to ``end_s``, at ``at_s`` of the audio file.

    ``error`` is the share of bits that differ.
    """

    audio: int
    error: float
    start_s: float
    end_s: float
    at_s: float


class AudioIndex:
    """Fingerprints of many audio files, each with the largest share of differing bits at which it matches. Immutable.

    12 bytes per item: 350 MB for 1,000 hours. ``save`` writes plain arrays; ``open`` maps them, so that all processes
    of a machine share one copy.
    """

    def __init__(self, audio_files: Sequence[Items], errors: Sequence[float] | None = None) -> None:
        """``errors``: one limit per recording, 0 to 0.4 (0.35). Raises ``ValueError`` when the lengths differ."""
        limits = np.full(len(audio_files), AUDIO_ERROR / 100) if errors is None else np.asarray(errors, np.float64)
        if len(limits) != len(audio_files):
            raise ValueError(f"{len(audio_files)} audio files, {len(limits)} limits")
        starts = np.zeros(len(audio_files) + 1, np.int64)
        np.cumsum([len(items) for items in audio_files], out=starts[1:])
        items = np.concatenate([np.asarray(each, np.uint32) for each in audio_files] or [np.zeros(0, np.uint32)])
        order = np.argsort(items >> _KEY_SHIFT, kind="stable").astype(np.uint32)
        self._take(items, starts, limits, order, items[order] >> _KEY_SHIFT)

    def _take(self, items: Items, starts: Any, limits: Any, order: Any, keys: Any) -> None:
        self._items, self._starts, self._limits = items, starts, limits
        self._order, self._keys = order, keys

    def __len__(self) -> int:
        return len(self._limits)

    @property
    def items(self) -> int:
        """The number of sub-fingerprints of all audio files."""
        return len(self._items)

    def save(self, folder: Path) -> None:
        """Write the arrays into a folder, which is created."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in _ARRAYS:
            np.save(folder / f"{name}.npy", getattr(self, f"_{name}"), allow_pickle=False)

    @classmethod
    def open(cls, folder: Path) -> AudioIndex:
        """Map what ``save`` wrote. Raises ``OSError`` or ``ValueError`` when it is missing or incomplete."""
        index = cls.__new__(cls)
        mapped = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _ARRAYS}
        if not len(mapped["items"]) == len(mapped["order"]) == len(mapped["keys"]) == mapped["starts"][-1]:
            raise ValueError(f"the audio index in {folder} is incomplete: its arrays differ in length")
        index._take(**mapped)
        return index

    def search(self, query: Items) -> list[AudioMatch]:
        """Audio files found in the query, those with the fewest differing bits first.

        A query of less than ``LEAST_ITEMS`` items (7 s) matches nothing.
        """
        query = np.ascontiguousarray(query, np.uint32)
        if len(query) < LEAST_ITEMS or not self.items:
            return []
        audio_files, offsets, at = self._votes(query)
        places = self._places(audio_files, offsets)
        best: dict[int, list[AudioMatch]] = {}
        for audio, offset in places:
            mine = (audio_files == audio) & (np.abs(offsets - offset) <= 1)
            for match in self._compare(query, audio, offset, at[mine]):
                _keep(best.setdefault(audio, []), match)
        return sorted((match for each in best.values() for match in each), key=lambda match: match.error)

    def _votes(self, query: Items) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """For each occurrence of a query item: the audio file, the offset in it, the position in the query."""
        keys, which = np.unique(query >> _KEY_SHIFT, return_inverse=True)  # sorted: neighbours share cache lines
        ends = [np.asarray(np.searchsorted(self._keys, keys, side)) for side in _SIDES]
        first, last = (end[which] for end in ends)
        found = last - first
        found[found > _COMMON] = 0
        at = np.repeat(np.arange(len(query)), found)
        so_far = np.cumsum(found)
        rows = np.arange(so_far[-1]) + np.repeat(first - (so_far - found), found)
        positions = self._order[rows].astype(np.int64)
        audio_files = np.searchsorted(self._starts, positions, "right") - 1
        return audio_files, positions - self._starts[audio_files] - at, at

    def _places(self, audio_files: NDArray[np.int64], offsets: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
        """(recording, offset) with the most votes first, adding neighbours: clips rarely start at an item boundary."""
        half = 1 << (_OFFSET_BITS - 1)
        codes, votes = np.unique((audio_files << _OFFSET_BITS) + offsets + half, return_counts=True)
        beside = np.diff(codes) == 1
        total = votes.copy()
        total[1:] += votes[:-1] * beside
        total[:-1] += votes[1:] * beside
        enough = np.flatnonzero(total >= _LEAST_VOTES)
        tried: Counter[int] = Counter()
        for row in enough[np.lexsort((-votes[enough], -total[enough]))].tolist():
            audio = int(codes[row]) >> _OFFSET_BITS
            if tried[audio] < _PLACES_EACH:
                tried[audio] += 1
                yield audio, (int(codes[row]) & ((1 << _OFFSET_BITS) - 1)) - half
            if tried.total() >= _MOST_PLACES:
                return

    def _compare(self, query: Items, audio: int, offset: int, votes: NDArray[np.int64]) -> Iterator[AudioMatch]:
        """Ranges in which the two sequences agree and enough distinct items are equal.

        A held tone repeats one item, and songs that merely resemble each other share one or two (measured: see
        ``./run bench audio``), so more differing bits require more equal items. Noise, rain and applause sound alike at
        any time: they match only where they are much more alike than at other times.
        """
        start, end = (int(self._starts[audio + n]) for n in (0, 1))
        first, last = max(0, -offset), min(len(query), end - start - offset)
        if last - first < LEAST_ITEMS:
            return
        there = self._items[start + offset + first : start + offset + last]
        wrong = np.bitwise_count(query[first:last] ^ there).astype(np.float64) / 32
        limit = float(self._limits[audio])
        for low, high in _stretches(wrong, limit):
            error = float(wrong[low:high].mean())
            inside = votes[(votes >= first + low) & (votes < first + high)]
            equal = len(np.unique(query[inside] >> _KEY_SHIFT))
            if error > limit or equal < (_LEAST_VOTES if error <= _CLEAR else _MANY_VOTES):
                continue
            usual = _usual_error(query[first + low : first + high], there[low:high])
            if usual <= _MONOTONOUS and error > _OWN_SHARE * usual:
                continue  # as noise resembles any other noise
            yield AudioMatch(
                audio=audio,
                error=round(error, 4),
                start_s=round((first + low) * ITEM_S, 2),
                end_s=round((first + high - 1) * ITEM_S + WINDOW_S, 2),
                at_s=round((first + low + offset) * ITEM_S, 2),
            )


def stretch(items: Items, factor: float) -> Items:
    """An approximation of the fingerprint of the same audio file played ``factor`` times as fast at the same pitch."""
    count = int(len(items) / factor)
    return items[np.minimum((np.arange(count) * factor).round().astype(np.int64), len(items) - 1)]


def _usual_error(one: Items, other: Items) -> float:
    """How much two sequences differ where they are not aligned: the largest share of bits among some shifts, because
    music that repeats itself is alike at some of them."""
    shifts = {1 + step * len(other) // (_SHIFTS + 1) for step in range(1, _SHIFTS + 1)}
    return max(float(np.bitwise_count(one ^ np.roll(other, shift)).mean()) / 32 for shift in shifts)


_SIDES: Final[tuple[Literal["left"], Literal["right"]]] = ("left", "right")
_ARRAYS: Final = ("items", "starts", "limits", "order", "keys")


def _stretches(wrong: NDArray[np.float64], limit: float) -> Iterator[tuple[int, int]]:
    """First and last (excluded) item of every range whose windows of ``LEAST_ITEMS`` items are within the limit."""
    sums = np.concatenate([[0.0], np.cumsum(wrong)])
    good = sums[LEAST_ITEMS:] - sums[:-LEAST_ITEMS] <= limit * LEAST_ITEMS + 1e-9
    edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]])))
    for low, high in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        yield low, high - 1 + LEAST_ITEMS


def _keep(found: list[AudioMatch], match: AudioMatch) -> None:
    """Add a match; of overlapping matches of one audio file keep the longer, of equally long ones the better."""
    rank = (match.end_s - match.start_s, -match.error)
    for other in list(found):
        if match.start_s < other.end_s and other.start_s < match.end_s:
            if (other.end_s - other.start_s, -other.error) >= rank:
                return
            found.remove(other)
    found.append(match)
