"""The manifest of an index folder: lists the files that form the index. It is replaced atomically, never changed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, TypeAlias

from seawall.match.hashindex.segments import sync_folder

FORMAT: Final = 1
_NAME: Final = "manifest.json"
_OURS: Final = ("segment-", "journal-", "manifest-")

Stamp: TypeAlias = tuple[int, int, int]


class IndexDamaged(Exception):
    """Files of an index that are inconsistent; the message names the folder and the remedy."""

    def __init__(self, folder: Path, what: object) -> None:
        super().__init__(f"the index in {folder} is damaged ({what}); remove the folder and add its entries again")


@dataclass(frozen=True, slots=True)
class Listed:
    """A segment in the manifest. Its rows are those of changes up to ``sequence``."""

    name: str
    tables: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files of an index: segments, and the journal of later changes."""

    sequence: int
    mark: int
    journal: str
    segments: tuple[Listed, ...] = ()


def read_manifest(folder: Path) -> tuple[Manifest, Stamp] | None:
    """The manifest and its stamp, or None when none exists. Raises ``IndexDamaged``."""
    try:
        with (folder / _NAME).open("rb") as file:
            status = os.fstat(file.fileno())
            data = file.read()
    except FileNotFoundError:
        return None
    try:
        fields = json.loads(data)
        if fields.pop("format") != FORMAT:
            raise ValueError("written by another version")
        fields["segments"] = tuple(Listed(**each) for each in fields["segments"])
        return Manifest(**fields), (status.st_ino, status.st_mtime_ns, status.st_size)
    except (ValueError, TypeError, KeyError) as error:
        raise IndexDamaged(folder, f"{_NAME}: {error}") from error


def stamp_of(folder: Path) -> Stamp | None:
    """A value that changes whenever the manifest does; costs one system call."""
    try:
        status = (folder / _NAME).stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest. The files it names must be on disk already; so is the manifest on return."""
    sync_folder(folder)
    fresh = folder / f"manifest-{os.getpid()}.json"
    with open(fresh, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        json.dump({"format": FORMAT, **asdict(manifest)}, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / _NAME)
    sync_folder(folder)


def sweep(folder: Path, manifest: Manifest) -> None:
    """Delete files that the manifest does not name. Requires every lock, so that no build is in progress."""
    kept = {_NAME, manifest.journal, *(each.name for each in manifest.segments)}
    for path in folder.iterdir():
        if path.name not in kept and path.name.startswith(_OURS):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


@contextlib.contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold an exclusive lock on a file, against all processes; released on exit. False: another process holds it."""
    import fcntl  # imported here: POSIX only, as are indexes in folders

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
