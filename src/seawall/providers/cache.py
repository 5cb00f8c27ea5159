"""Cache of answers, so that a service is not called twice for the same content."""

from __future__ import annotations

import hashlib
import threading
from typing import Generic, TypeVar

from cachetools import LRUCache

from seawall.model.content import Part

T = TypeVar("T")


class ResponseCache(Generic[T]):
    """LRU cache of ``size`` answers, in memory. Thread-safe. Keys are digests: it holds no content."""

    def __init__(self, size: int) -> None:
        self._lock = threading.Lock()
        self._held: LRUCache[bytes, T] = LRUCache(size)

    def get(self, key: bytes) -> T | None:
        """The cached answer, or None."""
        with self._lock:
            return self._held.get(key)

    def put(self, key: bytes, answer: T) -> None:
        """Store an answer; evicts the least recently used one."""
        with self._lock:
            if self._held.maxsize:
                self._held[key] = answer

    def __len__(self) -> int:
        return len(self._held)


def key_of(part: Part, *context: str) -> bytes:
    """Digest of a part's content and of the properties sent with it, independent of the part's path."""
    digest = hashlib.sha256()
    for piece in (part.modality.value, part.language or "", *context):
        data = piece.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    digest.update(part.data if part.data is not None else (part.text or "").encode("utf-8", "surrogatepass"))
    return digest.digest()
