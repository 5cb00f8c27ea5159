"""Segments: immutable sets of hashes with tables for exact radius search, in memory or memory-mapped.

Multi-index hashing (Norouzi, Punjani and Fleet, 2012): the 256 bits are cut into m keys, with a table for each. If
two hashes differ in at most r bits, then for any whole numbers t₁ … tₘ ≥ -1 with Σ(tᵢ + 1) = r + 1 some key i differs
in at most tᵢ bits (else they would differ in at least Σ(tᵢ + 1) > r). So it suffices to look up, in each table, every
key within tᵢ bits of the query's, and to compare the rows found. Exact for every radius; where that would read more
than a scan, all rows are scanned.
"""

from __future__ import annotations

import functools
import itertools
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from seawall.match.hashindex.bits import BITS, WORDS, Distances, Rows, Words, scan, within

MAX_ROWS: Final = 1 << 27
"""The maximum number of rows in a segment: positions in its tables fit into 32 bits."""

# Rows up to which a number of tables is best; below the first, rows are scanned. The nanoseconds are measured.
_TABLES: Final = ((20_000, 0), (200_000, 16), (600_000, 14), (3_000_000, 13), (6_000_000, 12), (30_000_000, 11))
_MOST_ROWS_TABLES: Final = 10
_PROBE_NS: Final = 20
_CANDIDATE_NS: Final = 25
_SCAN_NS: Final = 1.6
_ARRAYS: Final = ("words", "ids", "starts", "rows")


@dataclass(frozen=True, slots=True)
class Probe:
    """A query: its four mixed words, and all of them as one number for cutting keys."""

    words: NDArray[np.uint64]
    number: int

    @classmethod
    def of(cls, words: NDArray[np.uint64]) -> Probe:
        return cls(words, int.from_bytes(words.tobytes(), "little"))


@dataclass(frozen=True, slots=True)
class Segment:
    """Hashes with the ids of their entries, in order of ids.

    ``widths``: the number of bits of each table's key; empty: small enough to scan. ``starts``: for every key of every
    table, where its rows begin in ``rows``; they end where the next key's begin.
    """

    words: Words  # (4, n), mixed
    ids: NDArray[np.int64]  # (n,), ascending
    widths: tuple[int, ...]
    starts: NDArray[np.uint32]
    rows: NDArray[np.uint32]  # (tables * n,)

    def __len__(self) -> int:
        return len(self.ids)

    def search(self, probe: Probe, radius: int) -> tuple[Rows, Distances]:
        """Every row within ``radius`` and its distance, in order of rows."""
        plan = _plan(self.widths, radius, len(self).bit_length())
        if plan is None:
            return scan(self.words, probe.words, radius)
        keys = np.array([probe.number >> at & mask for at, mask in plan.cuts])
        slots = keys.take(plan.table)
        slots ^= plan.flips
        slots += plan.bases
        first = self.starts.take(slots)
        slots += 1
        counts = self.starts.take(slots)
        counts -= first
        ends = counts.cumsum(dtype=np.int64)
        total = int(ends[-1])
        if total * _CANDIDATE_NS > len(self) * _SCAN_NS:  # keys with too many rows
            return scan(self.words, probe.words, radius)
        ends -= counts
        places = np.repeat(first - ends, counts)
        places += np.arange(total)
        candidates = self.rows.take(places)
        half = np.bitwise_count(self.words[0].take(candidates) ^ probe.words[0])
        half += np.bitwise_count(self.words[1].take(candidates) ^ probe.words[1])
        near = (half <= radius).nonzero()[0]
        rows, where = np.unique(candidates[near], return_index=True)  # one row may occur under several keys
        return within(self.words, rows, half[near[where]], probe.words, radius)

    def count(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The number of rows of each of these ids."""
        return np.searchsorted(self.ids, ids, side="right") - np.searchsorted(self.ids, ids, side="left")


def build_segment(ids: NDArray[np.int64], words: Words, tables: int | None = None) -> Segment:
    """A segment of mixed hashes (4, n). ``tables``: their number, by default the best for that many rows; 0: none."""
    total = len(ids)
    if total > MAX_ROWS:
        raise ValueError(f"{total} rows; a segment holds at most {MAX_ROWS}")
    order = np.argsort(ids, kind="stable")
    ids, words = ids[order], np.ascontiguousarray(words[:, order])
    widths = key_widths(best_tables(total) if tables is None else tables)
    starts = np.empty(sum((1 << width) + 1 for width in widths), dtype=np.uint32)
    rows = np.empty(len(widths) * total, dtype=np.uint32)
    numbers = np.arange(total, dtype=np.uint64)
    at = base = 0
    for table, width in enumerate(widths):
        keys = _cut(words, at, width)
        slots = starts[base : base + (1 << width) + 1]
        slots[0] = 0
        np.cumsum(np.bincount(keys.view(np.int64), minlength=1 << width), out=slots[1:])
        slots += np.uint32(table * total)
        keys <<= np.uint64(32)
        keys |= numbers
        keys.sort()  # by key, then row: faster than sorting row numbers by key
        rows[table * total : (table + 1) * total] = keys  # the low 32 bits
        at += width
        base += len(slots)
    return Segment(words, ids, widths, starts, rows)


def best_tables(rows: int) -> int:
    """The number of tables that is fastest for a search within 31 bits among so many hashes."""
    return next((tables for most, tables in _TABLES if rows <= most), _MOST_ROWS_TABLES)


def key_widths(tables: int) -> tuple[int, ...]:
    """The widths of 256 bits cut into so many keys, as equal as possible."""
    return tuple(BITS // tables + (table < BITS % tables) for table in range(tables))


def save_segment(segment: Segment, folder: Path) -> None:
    """Write a segment into a new folder; everything is on disk on return."""
    folder.mkdir(mode=0o700)
    for name in _ARRAYS:
        with (folder / f"{name}.npy").open("xb") as file:
            np.save(file, getattr(segment, name), allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
    sync_folder(folder)


def load_segment(folder: Path, tables: int) -> Segment:
    """A saved segment, memory-mapped: opening it reads almost nothing, and processes share its pages.

    Raises ``OSError`` or ``ValueError`` when it is incomplete.
    """
    loaded = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _ARRAYS}
    # plain arrays over mapped memory: numpy.memmap costs a Python call per slice
    segment = Segment(
        words=loaded["words"].view(np.ndarray),
        ids=loaded["ids"].view(np.ndarray),
        widths=key_widths(tables),
        starts=loaded["starts"].view(np.ndarray),
        rows=loaded["rows"].view(np.ndarray),
    )
    total = len(segment.ids)
    slots = sum((1 << width) + 1 for width in segment.widths)
    shapes = (segment.words.shape, segment.starts.shape, segment.rows.shape)
    if shapes != ((WORDS, total), (slots,), (tables * total,)):
        raise ValueError(f"{folder}: the arrays' shapes {shapes} do not fit {total} rows and {tables} tables")
    return segment


def sync_folder(folder: Path) -> None:
    """Make a folder's file list durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cut(words: Words, at: int, width: int) -> NDArray[np.uint64]:
    """Bits ``at`` to ``at + width`` of every hash as a number."""
    word, shift = divmod(at, 64)
    keys = words[word] >> np.uint64(shift)
    if shift + width > 64:
        keys |= words[word + 1] << np.uint64(64 - shift)
    masked: NDArray[np.uint64] = keys & np.uint64((1 << width) - 1)
    return masked


@dataclass(frozen=True, slots=True)
class _Plan:
    """Keys to look up: for each, its table, the bits to flip, and where that table's keys begin."""

    cuts: tuple[tuple[int, int], ...]  # of each table: first bit and mask of its key
    table: NDArray[np.intp]
    flips: NDArray[np.int64]
    bases: NDArray[np.int64]


@functools.lru_cache(256)
def _plan(widths: tuple[int, ...], radius: int, magnitude: int) -> _Plan | None:
    """The plan to search about 2^magnitude rows; None: scan them."""
    rows = 0.75 * 2**magnitude
    reach = _reach(widths, radius, rows)
    probes = sum(_keys_within(width, bits) for width, bits in zip(widths, reach, strict=True))
    candidates = sum(_keys_within(width, bits) * rows / 2**width for width, bits in zip(widths, reach, strict=True))
    if not probes or probes * _PROBE_NS + candidates * _CANDIDATE_NS > rows * _SCAN_NS:
        return None
    table, flips, bases, cuts = [], [], [], []
    at = base = 0
    for index, (width, bits) in enumerate(zip(widths, reach, strict=True)):
        masks = _masks(width, bits)
        table.append(np.full(len(masks), index, dtype=np.intp))
        flips.append(np.array(masks, dtype=np.int64))
        bases.append(np.full(len(masks), base, dtype=np.int64))
        cuts.append((at, (1 << width) - 1))
        at += width
        base += (1 << width) + 1
    return _Plan(tuple(cuts), np.concatenate(table), np.concatenate(flips), np.concatenate(bases))


def _reach(widths: Sequence[int], radius: int, rows: float) -> list[int]:
    """For each table, the radius in bits for looking up its keys: Σ(reach + 1) = radius + 1, cheapest first."""
    reach = [-1] * len(widths)
    for _ in range(min(radius + 1, BITS + len(widths)) if widths else 0):
        cheapest = min(
            range(len(widths)),
            key=lambda index: (
                math.comb(widths[index], reach[index] + 1) * (1 + rows / 2 ** widths[index])
                if reach[index] < widths[index]
                else math.inf
            ),
        )
        reach[cheapest] += 1
    return reach


def _keys_within(width: int, bits: int) -> int:
    return sum(math.comb(width, count) for count in range(bits + 1))


def _masks(width: int, bits: int) -> list[int]:
    """Every number of ``width`` bits with at most ``bits`` set; ascending, so neighbours in memory."""
    chosen = (each for count in range(bits + 1) for each in itertools.combinations(range(width), count))
    return sorted(sum(1 << bit for bit in each) for each in chosen)
