"""The state of an index at one moment: its segments, the entries added since, and the removals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from seawall.match.hashindex.bits import WORDS, Distances, Rows, Words, scan
from seawall.match.hashindex.journal import ChangeKind, JournalRecord
from seawall.match.hashindex.segments import Probe, Segment


@dataclass(frozen=True, slots=True)
class SegmentInUse:
    """A segment in use. Its rows are those of changes up to ``sequence``."""

    name: str
    segment: Segment
    sequence: int


@dataclass(frozen=True, slots=True)
class FreshHashes:
    """Fresh entries, compared one by one. Immutable: a longer delta shares its arrays with its shorter predecessors."""

    size: int = 0
    ids: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    sequences: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    words: Words = field(default_factory=lambda: np.empty((WORDS, 0), dtype=np.uint64))

    def __len__(self) -> int:
        return self.size

    def plus(self, ids: NDArray[np.int64], sequences: NDArray[np.int64], words: Words) -> FreshHashes:
        """The delta with more entries at its end. Only the longest may be extended: its arrays have spare capacity."""
        size = self.size + len(ids)
        if size > len(self.ids):
            capacity = 2 * size - self.size
            longer = FreshHashes(
                size,
                np.concatenate((self.ids[: self.size], np.empty(capacity, dtype=np.int64))),
                np.concatenate((self.sequences[: self.size], np.empty(capacity, dtype=np.int64))),
                np.concatenate((self.words[:, : self.size], np.empty((WORDS, capacity), dtype=np.uint64)), axis=1),
            )
        else:
            longer = replace(self, size=size)
        longer.ids[self.size : size] = ids
        longer.sequences[self.size : size] = sequences
        longer.words[:, self.size : size] = words
        return longer

    def search(self, probe: Probe, radius: int) -> tuple[Rows, Distances]:
        """Every row within ``radius`` and its distance."""
        return scan(self.words[:, : self.size], probe.words, radius)


@dataclass(frozen=True, slots=True)
class IndexState:
    """One moment. A row is removed when its id was removed at the row's sequence or after it.

    ``removed`` is shared by successive states and only grows, so that a removal is visible at once. ``sequence`` counts
    changes, ``mark`` is the caller's, ``dead`` counts removed rows.
    """

    segments: tuple[SegmentInUse, ...] = ()
    delta: FreshHashes = field(default_factory=FreshHashes)
    removed: dict[int, int] = field(default_factory=dict)
    dead: int = 0
    sequence: int = 0
    mark: int = 0

    def __len__(self) -> int:
        return sum(len(held.segment) for held in self.segments) + len(self.delta) - self.dead

    def search(self, probe: Probe, radius: int) -> list[tuple[int, int]]:
        """(id, smallest distance), nearest first."""
        found: list[tuple[int, int, int]] = []  # distance, id, sequence
        for held in self.segments:
            rows, distances = held.segment.search(probe, radius)
            if len(rows):
                ids = held.segment.ids.take(rows).tolist()
                found += zip(distances.tolist(), ids, [held.sequence] * len(ids), strict=True)
        if self.delta.size:
            rows, distances = self.delta.search(probe, radius)
            if len(rows):
                ids = self.delta.ids.take(rows).tolist()
                found += zip(distances.tolist(), ids, self.delta.sequences.take(rows).tolist(), strict=True)
        nearest: dict[int, int] = {}
        for distance, number, sequence in sorted(found):
            if self.removed.get(number, -1) < sequence:
                nearest.setdefault(number, distance)
        return list(nearest.items())

    def after(self, batch: JournalRecord) -> IndexState:
        """The state after a change. Only allowed on the latest state."""
        later = batch.sequence > self.sequence  # a journal rewritten by a merge repeats earlier changes
        sequence, mark = (batch.sequence, batch.mark) if later else (self.sequence, self.mark)
        if batch.kind is ChangeKind.ADD:
            delta = self.delta.plus(batch.rows["id"], batch.rows["sequence"], batch.rows["words"].T)
            return replace(self, delta=delta, sequence=sequence, mark=mark)
        ids, until = batch.rows["id"].copy(), batch.rows["sequence"].copy()
        dead = self.dead + self._newly_dead(ids, until)
        self.removed.update(zip(ids.tolist(), until.tolist(), strict=True))
        return replace(self, dead=dead, sequence=sequence, mark=mark)

    def with_segments(self, fresh: Sequence[SegmentInUse], sequence: int, mark: int) -> IndexState:
        """The state with further segments."""
        return replace(self, segments=(*self.segments, *fresh), sequence=sequence, mark=mark)

    def present(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of these ids, ascending, that have a row, removed or not."""
        held = np.isin(ids, self.delta.ids[: self.delta.size])
        for each in self.segments:
            held |= each.segment.count(ids) > 0
        return ids[held]

    def living(self, segments: Sequence[SegmentInUse]) -> tuple[NDArray[np.int64], Words]:
        """Ids and hashes in these segments and in the delta, without removed ones."""
        ids, words = [], []
        for held in segments:
            alive = ~self._gone(held.segment.ids, np.int64(held.sequence))
            ids.append(held.segment.ids[alive])
            words.append(held.segment.words[:, alive])
        fresh_ids, _, fresh_words = self._fresh()
        return np.concatenate((*ids, fresh_ids)), np.concatenate((*words, fresh_words), axis=1)

    def merged(self, merged: Sequence[SegmentInUse], fresh: Sequence[SegmentInUse], cut: int) -> IndexState:
        """The state with ``fresh`` in place of the ``merged`` segments and of the delta up to ``cut``."""
        gone = {id(held.segment) for held in merged}
        kept = tuple(held for held in self.segments if id(held.segment) not in gone)
        state = IndexState(
            (*kept, *fresh), FreshHashes().plus(*self._fresh(cut)), sequence=self.sequence, mark=self.mark
        )
        removed, until = self._removed()
        still = until > cut
        for held in kept:
            still |= (until >= held.sequence) & (held.segment.count(removed) > 0)
        return state.after(JournalRecord.removed(self.sequence, self.mark, removed[still], until[still]))

    def journal(self) -> list[JournalRecord]:
        """The changes that lead to this state from its segments."""
        removed, until = self._removed()
        batches = (
            JournalRecord.added(self.sequence, self.mark, *self._fresh()),
            JournalRecord.removed(self.sequence, self.mark, removed, until),
        )
        return [batch for batch in batches if len(batch.rows)]

    def dead_in(self, held: SegmentInUse) -> int:
        """The number of removed rows in a segment."""
        ids, until = self._removed()
        return int(held.segment.count(ids[until >= held.sequence]).sum())

    def _fresh(self, cut: int = -1) -> tuple[NDArray[np.int64], NDArray[np.int64], Words]:
        """Ids, sequences and hashes of the delta after ``cut``, without removed ones."""
        size = self.delta.size
        ids, sequences = self.delta.ids[:size], self.delta.sequences[:size]
        alive = (sequences > cut) & ~self._gone(ids, sequences)
        return ids[alive], sequences[alive], self.delta.words[:, :size][:, alive]

    def _removed(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Removed ids, ascending, and the sequence of each removal."""
        pairs = np.array(list(self.removed.items()), dtype=np.int64).reshape(-1, 2)  # list: an atomic copy
        ids, until = pairs[pairs[:, 0].argsort()].T
        return ids, until

    def _gone(self, ids: NDArray[np.int64], sequences: NDArray[np.int64] | np.int64) -> NDArray[np.bool_]:
        """A mask of the removed ones among these rows."""
        removed, until = self._removed()
        if not len(removed):
            return np.zeros(len(ids), dtype=np.bool_)
        at = np.searchsorted(removed, ids).clip(max=len(removed) - 1)
        gone: NDArray[np.bool_] = (removed[at] == ids) & (until[at] >= sequences)
        return gone

    def _newly_dead(self, ids: NDArray[np.int64], until: NDArray[np.int64]) -> int:
        """The number of rows that a removal of these ids, ascending, adds to the removed ones."""
        if not len(ids):
            return 0
        before = np.array([self.removed.get(number, -1) for number in ids.tolist()], dtype=np.int64)
        dead = 0
        for held in self.segments:
            dead += int(held.segment.count(ids[(before < held.sequence) & (held.sequence <= until)]).sum())
        size = self.delta.size
        at = np.searchsorted(ids, self.delta.ids[:size]).clip(max=len(ids) - 1)
        sequences = self.delta.sequences[:size]
        same = ids[at] == self.delta.ids[:size]
        return dead + int(np.count_nonzero(same & (before[at] < sequences) & (sequences <= until[at])))
