"""Canonical encoding of events and their hashes."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

import msgspec

from seawall.model import EventBody

GENESIS: Final = bytes(32)
"""The chain hash before the first event."""

_encode = msgspec.json.Encoder(order="deterministic").encode


def encode_body(body: EventBody) -> bytes:
    """The canonical JSON of a body: declared fields in their order, keys of mappings sorted, no white space."""
    return _encode(body)


def leaf_hash(event_id: str, at: int, kind: str, version: int, body: bytes) -> bytes:
    """SHA-256(0x00 ‖ id ‖ LF ‖ at ‖ LF ‖ kind ‖ LF ‖ version ‖ LF ‖ body): a leaf in the manner of RFC 6962.

    Text is UTF-8, at and version are in decimal. Neither id nor kind contains a line feed, so no two events give the
    same input. The body is the stored bytes, of whatever version.
    """
    return sha256(b"\0%b\n%d\n%b\n%d\n%b" % (event_id.encode(), at, kind.encode(), version, body)).digest()


def chain_hash(previous: bytes, leaf: bytes) -> bytes:
    """SHA-256(previous chain ‖ leaf); the first event's previous chain is 32 zero bytes."""
    return sha256(previous + leaf).digest()
