"""An exact index of 256-bit hashes that can be changed while it is searched.

>>> from seawall.match.hashindex.index import HashIndex
>>> with HashIndex.in_memory() as index:
...     index.add([7, 8], [bytes(32), bytes(31) + b"\\x03"])
...     index.remove([7])
...     index.search(bytes(32), radius=31)
[(8, 2)]

In a folder, the index is shared by all processes of one machine:

- *segments*, immutable and memory-mapped, hold nearly everything;
- the *journal* holds what was added and removed since, which every process keeps in memory: fresh entries (the
  *delta*) are compared one by one, removed ones are checked on hits only;
- the *manifest* names both, and is replaced atomically.

Any process may write, one at a time under a file lock. Other processes see the changes when they ``refresh``, which
costs two system calls when nothing changed. ``merge`` turns the delta into a segment while searches go on; it may run
in any process. A crash loses nothing for which a call had returned, and leaves no partial change.

The index is a copy of data in a database. ``mark`` stores the caller's position in that data, from which it continues
after opening the index.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from seawall.match.hashindex.bits import Words, mix, mix_one, read_hashes
from seawall.match.hashindex.journal import Journal, JournalRecord, write_journal
from seawall.match.hashindex.manifest import (
    IndexDamaged,
    Listed,
    Manifest,
    Stamp,
    locked,
    read_manifest,
    stamp_of,
    sweep,
    write_manifest,
)
from seawall.match.hashindex.segments import MAX_ROWS, Probe, Segment, build_segment, load_segment, save_segment
from seawall.match.hashindex.state import IndexState, SegmentInUse

DELTA_ROWS: Final = 50_000
"""More entries than this, added at once, become a separate segment; fewer stay in the delta until a merge."""
_MERGE_AT: Final = 20_000  # fresh rows from which a merge is worthwhile
_MUST_MERGE_AT: Final = 200_000  # fresh rows from which ``add`` itself merges
_GROWTH: Final = 8  # a merge includes segments up to this many times as large as the rest
_DEAD_SHARE: Final = 0.25  # of a segment's rows, from which rewriting it is worthwhile
_TRIES: Final = 100
_NO_IDS: Final = np.empty(0, dtype=np.int64)

Ids = Sequence[int] | NDArray[np.int64]
Hashes = Sequence[bytes] | NDArray[np.uint64]


class HashIndex:
    """Hashes of 32 bytes under 64-bit ids, the caller's row numbers. One id may have several hashes.

    Safe to use from many threads: searches take no lock.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Use ``open`` or ``in_memory``."""
        self._folder = folder
        self._changing = threading.RLock()  # held while replacing self._state
        self._merging = threading.Lock()
        self._writers = 0  # nested ``writing`` blocks
        self._journal: Journal | None = None
        self._stamp: Stamp | None = None
        self._state = IndexState()
        self._closed = False

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> HashIndex:
        """The index in this folder, which is created if necessary. Raises ``IndexDamaged``, ``OSError``."""
        path = Path(folder)
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        index = cls(path)
        if read_manifest(path) is None:
            with locked(path / "lock"):
                if read_manifest(path) is None:
                    write_journal(path / "journal-0", [])
                    write_manifest(path, Manifest(sequence=0, mark=0, journal="journal-0"))
        index.refresh()
        return index

    @classmethod
    def in_memory(cls) -> HashIndex:
        """An empty index in this process only."""
        return cls()

    def __len__(self) -> int:
        """The number of hashes."""
        return len(self._state)

    @property
    def mark(self) -> int:
        """The mark of the latest change; 0 at first."""
        return self._state.mark

    def search(self, query: bytes, radius: int) -> list[tuple[int, int]]:
        """Every id with a hash within ``radius`` bits of ``query``, and its smallest distance; nearest first."""
        return self._state.search(Probe.of(mix_one(query)), radius)

    def add(self, ids: Ids, hashes: Hashes, *, mark: int | None = None, instead: bool = False) -> None:
        """Add hashes, one per id; durable and searchable when it returns. All or none are added.

        ``mark`` is stored with them. ``instead``: they replace the previous hashes of these ids; every search finds the
        old or the new ones. Raises ``ValueError`` when the lengths differ or a hash is not 32 bytes long.
        """
        numbers, words = _numbers(ids), mix(read_hashes(hashes))
        if len(numbers) != words.shape[1]:
            raise ValueError(f"{len(numbers)} ids, {words.shape[1]} hashes")
        with self.writing():
            before = self._state.sequence
            last = self.mark if mark is None else mark
            gone = self._state.present(np.unique(numbers)) if instead else _NO_IDS
            first = self.mark if len(gone) else last  # the mark changes with the last batch
            if len(numbers) > DELTA_ROWS:
                self._add_segments(numbers, words, first)
            elif len(numbers) or first != self.mark:
                self._change(JournalRecord.added(before + 1, first, numbers, np.full(len(numbers), before + 1), words))
            if len(gone):
                self._change(JournalRecord.removed(self._state.sequence + 1, last, gone, np.full(len(gone), before)))
        if len(self._state.delta) > _MUST_MERGE_AT and not self._writers:
            self.merge()

    def remove(self, ids: Ids, *, mark: int | None = None) -> None:
        """Remove every hash of these ids; no search that starts afterwards finds them. An unknown id is no error."""
        numbers = np.unique(_numbers(ids))
        with self.writing():
            mark = self.mark if mark is None else mark
            gone = self._state.present(numbers)
            if len(gone) or mark != self.mark:
                sequence = self._state.sequence + 1
                self._change(JournalRecord.removed(sequence, mark, gone, np.full(len(gone), sequence)))

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Exclude all other writers, so that ``mark`` can be read and then changed. Searches continue."""
        with self._changing, contextlib.ExitStack() as stack:
            if self._folder is not None and not self._writers:
                stack.enter_context(locked(self._folder / "lock"))
                self.refresh()
            self._writers += 1
            try:
                yield
            finally:
                self._writers -= 1

    def refresh(self) -> bool:
        """Load what other processes wrote; True when something changed. Raises ``IndexDamaged``."""
        if self._folder is None:
            return False
        with self._changing:
            if self._closed:
                raise ValueError(f"the index in {self._folder} has been closed")
            if self._journal is None or stamp_of(self._folder) != self._stamp:
                self._load()
                return True
            batches = self._journal.fresh()
            for batch in batches:
                self._state = self._state.after(batch)
            return bool(batches)

    @property
    def wants_merge(self) -> bool:
        """Whether a ``merge`` would make searches faster."""
        state = self._state
        return len(state.delta) >= _MERGE_AT or state.dead > max(_MERGE_AT, _DEAD_SHARE * len(state))

    def merge(self, *, everything: bool = False) -> bool:
        """Write fresh entries into a segment, together with small segments and those with many removed entries.

        ``everything``: into one segment, which is the fastest to search. Takes seconds per million rows, during which
        the index can be searched and written. Returns False when there is nothing to do or another merge is running.
        """
        with contextlib.ExitStack() as stack:
            if not self._merging.acquire(blocking=False):
                return False
            stack.callback(self._merging.release)
            if self._folder is not None and not stack.enter_context(locked(self._folder / "merging", wait=False)):
                return False
            with self.writing():
                state = self._state
                if self._folder is not None:
                    sweep(self._folder, self._manifest(state))
            merged = list(state.segments) if everything else _worth_merging(state)
            if not len(state.delta) and (not merged or (len(merged) == 1 and not state.dead_in(merged[0]))):
                return False
            ids, words = state.living(merged)
            fresh = [self._held(build_segment(ids, words), state.sequence)] if len(ids) else []
            with self.writing():
                self._replace(self._state.merged(merged, fresh, cut=state.sequence))
            return True

    def close(self) -> None:
        """Release its files. Afterwards it is empty, and can be neither written nor refreshed."""
        with self._changing:
            if self._journal is not None:
                self._journal.close()
            self._journal, self._state, self._closed = None, IndexState(), True

    def __enter__(self) -> HashIndex:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _change(self, batch: JournalRecord) -> None:
        if self._journal is not None:
            self._journal.append(batch)
        self._state = self._state.after(batch)

    def _add_segments(self, ids: NDArray[np.int64], words: Words, mark: int) -> None:
        sequence = self._state.sequence + 1
        starts = range(0, len(ids), MAX_ROWS)
        fresh = [build_segment(ids[at : at + MAX_ROWS], words[:, at : at + MAX_ROWS]) for at in starts]
        self._replace(self._state.with_segments([self._held(each, sequence) for each in fresh], sequence, mark))

    def _held(self, segment: Segment, sequence: int) -> SegmentInUse:
        """A built segment in the form used by searches: in a folder it is saved and mapped, and its memory released."""
        if self._folder is None:
            return SegmentInUse("", segment, sequence)
        name = f"segment-{os.urandom(8).hex()}"
        save_segment(segment, self._folder / name)
        return SegmentInUse(name, load_segment(self._folder / name, len(segment.widths)), sequence)

    def _replace(self, state: IndexState) -> None:
        """Switch to a state with other segments, here and in the folder. Requires the writers' lock."""
        if self._folder is None:
            self._state = state
            return
        before = self._manifest(self._state)
        journal = f"journal-{os.urandom(8).hex()}"
        write_journal(self._folder / journal, state.journal())
        write_manifest(self._folder, self._manifest(state, journal))
        self._load()
        (self._folder / before.journal).unlink(missing_ok=True)

    def _manifest(self, state: IndexState, journal: str | None = None) -> Manifest:
        assert self._journal is not None
        listed = (Listed(held.name, len(held.segment.widths), held.sequence) for held in state.segments)
        return Manifest(state.sequence, state.mark, journal or self._journal.path.name, tuple(listed))

    def _load(self) -> None:
        """Read manifest and journal again; segments already in use stay open."""
        assert self._folder is not None
        known = {held.name: held for held in self._state.segments}
        for _ in range(_TRIES):
            found = read_manifest(self._folder)
            if found is None:
                raise IndexDamaged(self._folder, "no manifest")
            manifest, stamp = found
            try:
                journal = Journal(self._folder / manifest.journal)
                held = [known.get(each.name) or self._open_segment(each) for each in manifest.segments]
            except FileNotFoundError:
                continue  # a merge has replaced them: read the newer manifest
            break
        else:
            raise IndexDamaged(self._folder, "the manifest names missing files")
        state = IndexState(segments=tuple(held), sequence=manifest.sequence, mark=manifest.mark)
        for batch in journal.fresh():
            state = state.after(batch)
        if self._journal is not None:
            self._journal.close()
        self._journal, self._stamp, self._state = journal, stamp, state

    def _open_segment(self, listed: Listed) -> SegmentInUse:
        assert self._folder is not None
        try:
            segment = load_segment(self._folder / listed.name, listed.tables)
        except (ValueError, EOFError) as error:
            raise IndexDamaged(self._folder, error) from error
        return SegmentInUse(listed.name, segment, listed.sequence)


def _numbers(ids: Ids) -> NDArray[np.int64]:
    try:
        return np.asarray(ids, dtype=np.int64).reshape(-1)
    except OverflowError as error:
        raise ValueError("ids must fit into 64 bits") from error


def _worth_merging(state: IndexState) -> list[SegmentInUse]:
    """Segments to merge with the delta: those not much larger than everything merged with them, and those with many
    removed rows."""
    size = len(state.delta)
    chosen = []
    for held in sorted(state.segments, key=lambda held: len(held.segment)):
        rows = len(held.segment)
        if size + rows <= MAX_ROWS and (
            rows <= size * _GROWTH or state.dead_in(held) > max(_MERGE_AT, _DEAD_SHARE * rows)
        ):
            chosen.append(held)
            size += rows
    return chosen
