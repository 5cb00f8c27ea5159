"""Content-addressed store of large data: media (encrypted by the caller) and published bundles."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Final, Self

from obstore import open_writer
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.exceptions import NotFoundError as StoreNotFound
from obstore.store import LocalStore, MemoryStore, ObjectStore

from seawall.storage.errors import StorageError

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_PIECE: Final = 1 << 20  # bytes that are copied at once


class Blobs:
    """A content-addressed store. The digest is SHA-256 of the stored bytes, in hex. Safe for threads."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    @classmethod
    def local(cls, folder: Path) -> Self:
        """In files below ``folder``, which is created. Raises StorageError."""
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            return cls(LocalStore(str(folder)))
        except (OSError, BaseError) as error:
            raise StorageError(f"The blob folder {folder} cannot be used: {error}. Check its rights.") from error

    @classmethod
    def memory(cls) -> Self:
        """In this process only: for tests."""
        return cls(MemoryStore())

    def put(self, data: bytes) -> str:
        """Store ``data`` once and return its digest. Raises StorageError (no space, no right)."""
        digest = sha256(data).hexdigest()
        try:
            self._store.put(_path(digest), data, mode="create")
        except AlreadyExistsError:
            self._renew(digest, data)
        except (BaseError, OSError) as error:
            raise _not_stored(error) from error
        return digest

    def put_pieces(self, pieces: Callable[[], Iterable[bytes]]) -> str:
        """Store what ``pieces`` yields, without holding all of it, and return its digest. Raises StorageError.

        It is called twice, and must yield the same both times: the digest is the address, so it is computed first.
        """
        digest = sha256()
        for piece in pieces():
            digest.update(piece)
        self._write(digest.hexdigest(), pieces())
        return digest.hexdigest()

    def copy(self, digest: str, target: Blobs) -> None:
        """Store the same bytes in another store, piece by piece. Raises KeyError, and StorageError for damaged ones."""
        target._write(digest, self._verified(digest))

    def _write(self, digest: str, pieces: Iterable[bytes]) -> None:
        """Nothing is seen before all is written; what was written of a sequence that fails is dropped."""
        try:
            writer = open_writer(self._store, _path(digest), buffer_size=_PIECE, max_concurrency=1)
            for piece in pieces:
                writer.write(piece)
            writer.close()
        except (BaseError, OSError) as error:
            raise _not_stored(error) from error

    def _verified(self, digest: str) -> Iterator[bytes]:
        actual = sha256()
        with _reading(digest):
            for piece in self._store.get(_path(digest)).stream(min_chunk_size=_PIECE):
                actual.update(piece)
                yield bytes(piece)
        if actual.hexdigest() != digest:
            raise _damaged(digest)

    def _renew(self, digest: str, data: bytes) -> None:
        """Write the same bytes again, so that the collector sees a new blob, which nothing refers to yet."""
        with suppress(BaseError, OSError):
            self._store.put(_path(digest), data, mode="overwrite")

    def listed(self) -> Iterator[tuple[str, int]]:
        """Every digest, and when it was stored (ms since 1970). Raises StorageError."""
        try:
            for page in self._store.list():
                for meta in page:
                    digest = meta["path"].rpartition("/")[2]
                    if _DIGEST.fullmatch(digest):
                        yield digest, int(meta["last_modified"].timestamp() * 1000)
        except (BaseError, OSError) as error:
            raise StorageError(f"The blobs cannot be listed: {error}. Check the blob store.") from error

    def stored_at(self, digest: str) -> int | None:
        """When it was stored (ms since 1970); None when it is not."""
        try:
            return int(self._store.head(_path(digest))["last_modified"].timestamp() * 1000)
        except (StoreNotFound, FileNotFoundError):
            return None
        except (BaseError, OSError) as error:
            raise StorageError(f"The blob {digest} cannot be looked up: {error}. Check the blob store.") from error

    def delete(self, digest: str) -> None:
        """Delete those bytes, if they are stored. Raises StorageError."""
        try:
            self._store.delete(_path(digest))
        except (StoreNotFound, FileNotFoundError):
            pass
        except (BaseError, OSError) as error:
            raise StorageError(f"The blob {digest} cannot be deleted: {error}. Check the blob store.") from error

    def get(self, digest: str) -> bytes:
        """The bytes of that digest. Raises KeyError when there are none, StorageError when they are damaged."""
        with _reading(digest):
            data = bytes(self._store.get(_path(digest)).bytes())
        if sha256(data).hexdigest() != digest:
            raise _damaged(digest)
        return data

    def size(self, digest: str) -> int:
        """How many bytes are stored. Raises KeyError, StorageError."""
        with _reading(digest):
            return self._store.head(_path(digest))["size"]

    def read(self, digest: str, start: int, end: int) -> bytes:
        """Bytes from ``start`` to ``end``, which are within it. Raises KeyError, StorageError.

        The digest is of the whole and not checked here: the caller must notice changed bytes, as ``SealedFile`` does.
        """
        with _reading(digest):
            return bytes(self._store.get_range(_path(digest), start=start, end=end))


@contextmanager
def _reading(digest: str) -> Iterator[None]:
    """Turns the store's errors into KeyError (not there) and StorageError."""
    if not _DIGEST.fullmatch(digest):
        raise KeyError(f"{digest!r} is not a blob digest")
    try:
        yield
    except (StoreNotFound, FileNotFoundError) as error:
        raise KeyError(f"there is no blob {digest}") from error
    except (BaseError, OSError) as error:
        raise StorageError(f"The blob {digest} cannot be read: {error}. Check the blob store.") from error


def _not_stored(error: Exception) -> StorageError:
    return StorageError(f"A blob cannot be stored: {error}. Check the space and rights of the blob store.")


def _damaged(digest: str) -> StorageError:
    return StorageError(f"The blob {digest} is damaged. Restore it from a backup.")


def _path(digest: str) -> str:
    return f"{digest[:2]}/{digest}"  # few files to a folder
