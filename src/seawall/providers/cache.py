"""Answers kept for a while: the same content is not paid for twice."""

from __future__ import annotations

import hashlib
import threading
from typing import Generic, TypeVar

from cachetools import LRUCache

from seawall.model.content import Part

T = TypeVar("T")


class ResponseCache(Generic[T]):
    """The last ``size`` answers used, in memory. Thread-safe. Keys are digests: it holds no content."""

    def __init__(self, size: int) -> None:
        self._lock = threading.Lock()
        self._held: LRUCache[bytes, T] = LRUCache(size)

    def get(self, key: bytes) -> T | None:
        """The answer, or None."""
        with self._lock:
            return self._held.get(key)

    def put(self, key: bytes, answer: T) -> None:
        """Keep an answer; the one used longest ago goes."""
        with self._lock:
            if self._held.maxsize:
                self._held[key] = answer

    def __len__(self) -> int:
        return len(self._held)


def key_of(part: Part, *context: str) -> bytes:
    """A digest of a part's content and of what it is asked about. Where the part stands does not matter."""
    digest = hashlib.sha256()
    for piece in (part.modality.value, part.language or "", *context):
        data = piece.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    digest.update(part.data if part.data is not None else (part.text or "").encode("utf-8", "surrogatepass"))
    return digest.digest()
