"""Journal of answers that were given before their record: a file that survives the end of the process, also kill -9.

Written only while the database does not commit. Each entry is sealed under the master key and forced to the disk before
its answer is sent; answers that come together share one fsync. The file is emptied when everything in it is recorded.
What an ended process left is read by the next one that starts with the same data folder; a file whose process still
runs is locked, and left alone.

A file is a sequence of entries: the length (4 bytes, big-endian), then the sealed bytes. The name of the file and the
number of the entry are authenticated with it. An incomplete entry at the end was never answered.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Final

from seawall.storage import Vault

_SUFFIX: Final = ".journal"
FAILED_SUFFIX: Final = ".failed"
"""Of a journal with an entry that cannot be recorded."""

_LENGTH: Final = 4


class AnswerJournal:
    """The journal of one process in ``folder``, which all processes of the data folder share. Safe for threads."""

    def __init__(self, folder: Path, vault: Vault) -> None:
        self.folder = folder
        self._vault = vault
        self._lock = threading.Lock()
        self._file: FileIO | None = None
        self._name = ""
        self._number = 0
        self._size = 0
        self._closed = False
        self._open: set[int] = set()  # entries that are not recorded yet
        self._queue: list[tuple[bytes, Future[int]]] = []
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="seawall-journal")

    def add(self, entry: bytes) -> Future[int]:
        """Write an entry; the future has its number once it is on the disk, or OSError."""
        written: Future[int] = Future()
        with self._lock:
            self._queue.append((entry, written))
        self._writer.submit(self._write)
        return written

    def done(self, number: int) -> None:
        """The entry is recorded, or cannot be; the file is emptied after the last one."""
        with self._lock:
            self._open.discard(number)
            if self._open or self._closed:
                return
        self._writer.submit(self._empty)

    def close(self) -> None:
        """Finish writing. Entries that are not recorded stay, for the next process. May be called twice."""
        with self._lock:
            self._closed = True
        self._writer.shutdown()
        if self._file is not None:
            if not self._open:
                (self.folder / self._name).unlink(missing_ok=True)
            self._file.close()
            self._file = None

    # -- the journal's thread ---------------------------------------------------------------------------------------

    def _write(self) -> None:
        with self._lock:
            queue, self._queue = self._queue, []
        if not queue:
            return
        numbers = range(self._number, self._number + len(queue))
        try:
            self._append(numbers, [entry for entry, _ in queue])
        except Exception as error:
            for _, written in queue:
                written.set_exception(error)
            return
        with self._lock:
            self._number = numbers.stop
            self._open.update(numbers)
        for number, (_, written) in zip(numbers, queue, strict=True):
            written.set_result(number)

    def _append(self, numbers: range, entries: list[bytes]) -> None:
        file = self._file or self._create()
        whole = b"".join(self._sealed(number, entry) for number, entry in zip(numbers, entries, strict=True))
        try:
            left = memoryview(whole)
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        except OSError:
            file.truncate(self._size)  # half an entry would hide those after it
            raise
        self._size += len(whole)

    def _sealed(self, number: int, entry: bytes) -> bytes:
        sealed = self._vault.protect(_entry_name(self._name, number), entry)
        return len(sealed).to_bytes(_LENGTH, "big") + sealed

    def _create(self) -> FileIO:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._name = f"{os.getpid()}-{os.urandom(6).hex()}{_SUFFIX}"
        descriptor = os.open(self.folder / self._name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        self._file = os.fdopen(descriptor, "r+b", buffering=0)
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return self._file

    def _empty(self) -> None:
        with self._lock:
            if self._open or self._file is None or not self._number:
                return
            self._number = self._size = 0
        self._file.truncate(0)


class LeftJournal:
    """A journal that an ended process left; locked while it is read, so that one process reads it."""

    def __init__(self, path: Path, file: BinaryIO, vault: Vault) -> None:
        self.path = path
        self._file = file
        self._vault = vault

    def entries(self) -> Iterator[bytes]:
        """Its entries in order. Raises StorageError when they were sealed under another key."""
        number = 0
        while len(length := self._file.read(_LENGTH)) == _LENGTH:
            sealed = self._file.read(wanted := int.from_bytes(length, "big"))
            if len(sealed) < wanted:
                return
            yield self._vault.reveal(_entry_name(self.path.name, number), sealed)
            number += 1

    def remove(self) -> None:
        """Everything in it is recorded."""
        self.path.unlink(missing_ok=True)

    def set_aside(self) -> None:
        """Something in it cannot be recorded: keep it, under a name that is not read again."""
        self.path.replace(self.path.with_suffix(FAILED_SUFFIX))

    def close(self) -> None:
        """Release it."""
        self._file.close()


def left_journals(folder: Path, vault: Vault) -> Iterator[LeftJournal]:
    """The journals in a folder whose processes have ended, the oldest first."""
    paths = folder.glob(f"*{_SUFFIX}") if folder.is_dir() else ()
    for path in sorted(paths, key=_changed_at):
        try:
            file = path.open("rb")
        except FileNotFoundError:
            continue  # another process was faster
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            continue
        left = LeftJournal(path, file, vault)
        try:
            if path.exists():  # not read and removed between the two calls
                yield left
        finally:
            left.close()


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _entry_name(journal: str, number: int) -> str:
    return f"unrecorded/{journal}/{number}"
