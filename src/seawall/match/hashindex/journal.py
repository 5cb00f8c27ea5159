"""The journal of an index: batches of added and removed entries, each complete or ignored.

A batch is a header of 48 bytes (magic, checksum of all that follows it, kind, rows, sequence, mark) and its rows. A
process that dies while writing leaves an incomplete last batch: readers stop before it, the next writer truncates it.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from seawall.match.hashindex.bits import WORDS

_HEADER: Final = struct.Struct("<4sIIIqqq8x")  # magic, checksum, kind, version, rows, sequence, mark
_AFTER_CHECKSUM: Final = 8
_MAGIC: Final = b"SWJ1"


class ChangeKind(IntEnum):
    """The kind of change in a batch."""

    ADD = 1
    REMOVE = 2


ADDED: Final = np.dtype([("id", "<i8"), ("sequence", "<i8"), ("words", "<u8", (WORDS,))])
REMOVED: Final = np.dtype([("id", "<i8"), ("sequence", "<i8")])  # rows up to this sequence are removed
_ROWS: Final = {ChangeKind.ADD: ADDED, ChangeKind.REMOVE: REMOVED}


@dataclass(frozen=True, slots=True)
class JournalRecord:
    """One change. ``sequence`` counts changes; ``mark`` is the caller's own position after it."""

    kind: ChangeKind
    sequence: int
    mark: int
    rows: NDArray[np.void]  # of dtype ADDED or REMOVED

    @classmethod
    def added(
        cls, sequence: int, mark: int, ids: NDArray[np.int64], since: NDArray[np.int64], words: NDArray[np.uint64]
    ) -> JournalRecord:
        """A batch of entries: ids, the sequence at which each was added, and their mixed hashes as columns (4, n)."""
        rows = np.empty(len(ids), dtype=ADDED)
        rows["id"], rows["sequence"], rows["words"] = ids, since, words.T
        return cls(ChangeKind.ADD, sequence, mark, rows)

    @classmethod
    def removed(cls, sequence: int, mark: int, ids: NDArray[np.int64], until: NDArray[np.int64]) -> JournalRecord:
        """A batch of removals: for each id, rows of sequence ``until`` and before are removed."""
        rows = np.empty(len(ids), dtype=REMOVED)
        rows["id"], rows["sequence"] = ids, until
        return cls(ChangeKind.REMOVE, sequence, mark, rows)

    def encode(self) -> bytes:
        """The batch as bytes of the journal."""
        payload = self.rows.tobytes()
        header = _HEADER.pack(_MAGIC, 0, self.kind, 1, len(self.rows), self.sequence, self.mark)
        checksum = zlib.crc32(payload, zlib.crc32(header[_AFTER_CHECKSUM:]))
        return header[:4] + struct.pack("<I", checksum) + header[_AFTER_CHECKSUM:] + payload


def decode(data: bytes) -> Iterator[tuple[JournalRecord, int]]:
    """Complete batches and the offset at which each ends; stops before an incomplete one."""
    at = 0
    while len(data) - at >= _HEADER.size:
        magic, checksum, kind, _, count, sequence, mark = _HEADER.unpack_from(data, at)
        if magic != _MAGIC or kind not in (ChangeKind.ADD, ChangeKind.REMOVE) or count < 0:
            return
        dtype = _ROWS[ChangeKind(kind)]
        end = at + _HEADER.size + count * dtype.itemsize
        if end > len(data) or zlib.crc32(memoryview(data)[at + _AFTER_CHECKSUM : end]) != checksum:
            return
        rows = np.frombuffer(data, dtype=dtype, count=count, offset=at + _HEADER.size)
        at = end
        yield JournalRecord(ChangeKind(kind), sequence, mark, rows), at


class Journal:
    """An open journal file and the offset up to which this process has read it."""

    def __init__(self, path: Path) -> None:
        """Raises ``OSError`` when the file does not exist."""
        self.path = path
        self._file = os.open(path, os.O_RDWR)
        self.read_to = 0

    def fresh(self) -> list[JournalRecord]:
        """Complete batches written since the last call, by any process."""
        size = os.fstat(self._file).st_size
        if size <= self.read_to:
            return []
        data = os.pread(self._file, size - self.read_to, self.read_to)
        found = list(decode(data))
        if found:
            self.read_to += found[-1][1]
        return [batch for batch, _ in found]

    def append(self, batch: JournalRecord) -> None:
        """Write one batch durably. The caller holds the writers' lock and has read everything before."""
        os.ftruncate(self._file, self.read_to)  # cut off an incomplete batch
        data = batch.encode()
        written = 0
        while written < len(data):
            written += os.pwrite(self._file, data[written:], self.read_to + written)
        os.fsync(self._file)
        self.read_to += len(data)

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def write_journal(path: Path, batches: list[JournalRecord]) -> None:
    """Write a new journal with these batches, durable on return (its name once the folder is synced)."""
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        for batch in batches:
            file.write(batch.encode())
        file.flush()
        os.fsync(file.fileno())
