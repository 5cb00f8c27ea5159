"""Answers kept for a while: the same content is not paid for twice."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from typing import Generic, TypeVar

from seawall.model.content import Part

T = TypeVar("T")


class ResponseCache(Generic[T]):
    """The last ``size`` answers used, in memory. Thread-safe. Keys are digests: it holds no content."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._held: OrderedDict[bytes, T] = OrderedDict()

    def get(self, key: bytes) -> T | None:
        """The answer, or None."""
        with self._lock:
            if key not in self._held:
                return None
            self._held.move_to_end(key)
            return self._held[key]

    def put(self, key: bytes, answer: T) -> None:
        """Keep an answer; the one used longest ago goes."""
        if not self._size:
            return
        with self._lock:
            self._held[key] = answer
            self._held.move_to_end(key)
            while len(self._held) > self._size:
                self._held.popitem(last=False)

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
