"""How an event becomes bytes, and bytes become proof."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import Final

import msgspec

from seawall.model import EVENT_KINDS, EventBody

GENESIS: Final = bytes(32)
"""The chain before the first event."""

_encode = msgspec.json.Encoder(order="deterministic").encode


@cache
def _decoder(kind: str) -> msgspec.json.Decoder[EventBody]:
    return msgspec.json.Decoder(EVENT_KINDS[kind])


def encode_body(body: EventBody) -> bytes:
    """The canonical JSON of a body: declared fields in their order, keys of mappings sorted, no white space."""
    return _encode(body)


def decode_body(kind: str, data: bytes) -> EventBody:
    """The body back. Raises KeyError for a kind this code does not know, msgspec.DecodeError for unfit bytes."""
    return _decoder(kind).decode(data)


def leaf_hash(event_id: str, at: int, kind: str, body: bytes) -> bytes:
    """SHA-256(0x00 ‖ id ‖ LF ‖ at in decimal ‖ LF ‖ kind ‖ LF ‖ body), UTF-8: a leaf in the manner of RFC 6962.

    None of id, at and kind holds a line feed, so no two events give the same input.
    """
    return sha256(b"\0%b\n%d\n%b\n%b" % (event_id.encode(), at, kind.encode(), body)).digest()


def chain_hash(previous: bytes, leaf: bytes) -> bytes:
    """SHA-256(previous chain ‖ leaf); the first event's previous chain is 32 zero bytes."""
    return sha256(previous + leaf).digest()
