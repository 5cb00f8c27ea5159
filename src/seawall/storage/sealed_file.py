"""Large files sealed in chunks, so that a piece of one is read and decrypted without the rest.

A sealed file is a blob: a header of 20 bytes, then the chunks, each with its tag of 16 bytes::

    "seawall" | version 1 (1 byte) | bytes in a chunk (4, big-endian) | bytes in the file (8, big-endian)

A chunk is encrypted with AES-256-GCM: its number is the nonce, the header is the associated data, and the key belongs
to this file alone. So a chunk is refused in another place, in another file, and with another number of chunks; the
file's size, which its owner keeps with the key, says which chunk is the last.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from seawall.storage.blobs import Blobs
from seawall.storage.errors import StorageError

CHUNK: Final = 1 << 20
"""Bytes of the file in a chunk."""

_HEADER: Final = struct.Struct(">7sBIQ")
_MAGIC: Final = b"seawall"
_VERSION: Final = 1
_TAG: Final = 16
_LARGEST_CHUNK: Final = 1 << 24  # a changed header makes nobody read more at once


def seal_file(blobs: Blobs, data: bytes, *, chunk: int = CHUNK) -> tuple[str, bytes]:
    """Store a file sealed; return the digest of its blob, and its key, which is made here. Raises StorageError."""
    key = AESGCM.generate_key(256)  # a new one for each file: nonces are numbers from 0
    return blobs.put_pieces(partial(_sealed, key, data, chunk)), key


def _sealed(key: bytes, data: bytes, chunk: int) -> Iterator[bytes]:
    header, cipher, view = _HEADER.pack(_MAGIC, _VERSION, chunk, len(data)), AESGCM(key), memoryview(data)
    yield header
    for number in range(_chunks(len(data), chunk)):
        yield cipher.encrypt(_nonce(number), view[number * chunk : (number + 1) * chunk], header)


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A sealed file to read from; see ``open_file``."""

    blobs: Blobs
    digest: str
    size: int  # bytes of the file
    chunk: int
    header: bytes
    cipher: AESGCM

    def read(self, start: int, end: int) -> Iterator[bytes]:
        """Bytes from ``start`` to ``end`` (at most the size) in pieces, each checked before it is given.

        Raises StorageError for a changed chunk, KeyError when the file was deleted meanwhile.
        """
        for number in range(start // self.chunk, -(-end // self.chunk) if start < end else 0):
            offset = number * self.chunk
            yield self._opened(number)[max(0, start - offset) : end - offset]

    def _opened(self, number: int) -> bytes:
        start = len(self.header) + number * (self.chunk + _TAG)
        end = min(start + self.chunk + _TAG, _stored(self.size, self.chunk))
        try:
            return self.cipher.decrypt(_nonce(number), self.blobs.read(self.digest, start, end), self.header)
        except InvalidTag as error:
            raise _damaged(self.digest) from error


def open_file(blobs: Blobs, digest: str, key: bytes, size: int) -> SealedFile:
    """A sealed file of ``size`` bytes. Raises KeyError when it is not stored, StorageError for one that was changed."""
    stored = blobs.size(digest)
    header = blobs.read(digest, 0, min(_HEADER.size, stored)) if stored else b""
    if len(header) != _HEADER.size or not header.startswith(_MAGIC):
        raise _damaged(digest)
    _, version, chunk, said = _HEADER.unpack(header)
    if version != _VERSION:
        raise StorageError(f"The blob {digest} has the unknown format {version}; newer code wrote it. Upgrade.")
    if said != size or not 0 < chunk <= _LARGEST_CHUNK or stored != _stored(size, chunk):
        raise _damaged(digest)
    return SealedFile(blobs, digest, size, chunk, header, AESGCM(key))


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _chunks(size: int, chunk: int) -> int:
    return -(-size // chunk)


def _stored(size: int, chunk: int) -> int:
    """Bytes of the blob."""
    return _HEADER.size + size + _chunks(size, chunk) * _TAG


def _damaged(digest: str) -> StorageError:
    return StorageError(f"The blob {digest} is damaged. Restore it from a backup.")
