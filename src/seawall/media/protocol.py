"""Protocol between a decoding process and its owner: length-prefixed JSON heads followed by bytes, no pickles.

A message is a head's length (4 bytes, big-endian), the head (a JSON object) and then its blobs, whose sizes the head
lists. Heads are decoded into the types below; anything else from a process that read hostile bytes is an error.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, Final

import msgspec

LENGTH: Final = struct.Struct(">I")
LONGEST_HEAD: Final = 4 << 20


class WorkerRequest(msgspec.Struct, frozen=True):
    """Request for one file, which follows as the only blob."""

    op: str
    options: dict[str, Any]
    blobs: tuple[int, ...]  # sizes in bytes


class WorkerReply(msgspec.Struct, frozen=True):
    """An answer (decoded by the caller), or an error code."""

    error: str | None = None
    answer: msgspec.Raw = msgspec.Raw(b"null")
    blobs: tuple[int, ...] = ()


def pack(head: WorkerRequest | WorkerReply) -> bytes:
    """Start of a message; its blobs are written after it."""
    encoded = msgspec.json.encode(head)
    return LENGTH.pack(len(encoded)) + encoded


def reply(answer: object, blobs: Sequence[bytes] = ()) -> bytes:
    """Start of a reply with an answer."""
    return pack(WorkerReply(answer=msgspec.Raw(msgspec.json.encode(answer)), blobs=tuple(map(len, blobs))))
