"""Content-addressed store of large data: media (encrypted by the caller) and published bundles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final, Self

from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.exceptions import NotFoundError as StoreNotFound
from obstore.store import LocalStore, MemoryStore, ObjectStore

from seawall.storage.errors import StorageError

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


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
            raise StorageError(
                f"A blob cannot be stored: {error}. Check the space and rights of the blob store."
            ) from error
        return digest

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
        if not _DIGEST.fullmatch(digest):
            raise KeyError(f"{digest!r} is not a blob digest")
        try:
            data = bytes(self._store.get(_path(digest)).bytes())
        except (StoreNotFound, FileNotFoundError) as error:
            raise KeyError(f"there is no blob {digest}") from error
        except (BaseError, OSError) as error:
            raise StorageError(f"The blob {digest} cannot be read: {error}. Check the blob store.") from error
        if sha256(data).hexdigest() != digest:
            raise StorageError(f"The blob {digest} is damaged. Restore it from a backup.")
        return data


def _path(digest: str) -> str:
    return f"{digest[:2]}/{digest}"  # few files to a folder
