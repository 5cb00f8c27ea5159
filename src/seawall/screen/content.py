"""Encoding of an item's content for the vault, and decoding. Personal content is stored nowhere else."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from seawall.model import Audio, Document, Image, Item, Media, Value, Video
from seawall.storage.blobs import Blobs

_NONCE = bytes(12)  # constant is safe: each key encrypts one blob only
_ENCODER = msgspec.json.Encoder(order="sorted")
_MEDIA: Mapping[str, type[Media]] = {"image": Image, "audio": Audio, "video": Video, "document": Document}
_MEDIA_TYPES = tuple(_MEDIA.values())


class SealedContent(msgspec.Struct, frozen=True, kw_only=True):
    """The vault entry ``fields/<revision>``. Media are blobs, each encrypted under a key that is sealed here."""

    fields: Mapping[str, Any]
    actor_attributes: Mapping[str, Any]
    language: str | None = None
    created_at: int | None = None


class MediaReference(msgspec.Struct, frozen=True, kw_only=True, rename={"size": "bytes"}):
    """A reference to a file in the sealed fields: its blob, and the key that the blob is encrypted under."""

    blob: str
    key: bytes
    size: int
    type: str


_DECODER = msgspec.json.Decoder(SealedContent)


def fields_name(revision: int) -> str:
    """Name of the vault entry that holds the fields of one revision."""
    return f"fields/{revision}"


def features_name(decision: str) -> str:
    """Name of the vault entry that holds the personal features of one decision."""
    return f"features/{decision}"


def canonical(item: Item, *, media: bool) -> bytes:
    """The item's content in canonical form: equal bytes for equal content. Files (``media``) appear as digests."""
    fields: Mapping[str, Any] = item.fields
    if media:
        fields = {
            name: {media_type(value): sha256(value.data).hexdigest()} if isinstance(value, _MEDIA_TYPES) else value
            for name, value in fields.items()
        }
    return _ENCODER.encode({"fields": fields, "actor_attributes": item.actor_attributes, "language": item.language})


def has_media(item: Item) -> bool:
    """Whether any field holds an encoded file."""
    return any(isinstance(value, _MEDIA_TYPES) for value in item.fields.values())


def encode(item: Item, media: Mapping[str, MediaReference]) -> bytes:
    """The bytes to seal. ``media``: field → reference to its stored file."""
    return _ENCODER.encode(
        SealedContent(
            fields={**item.fields, **media} if media else item.fields,
            actor_attributes=item.actor_attributes,
            language=item.language,
            created_at=item.created_at,
        )
    )


def store_media(item: Item, blobs: Blobs) -> dict[str, MediaReference]:
    """Store the item's files as blobs, each encrypted under its own key; return field → reference to seal.

    So destroying the subject's key makes the media unreadable too, and a blob left by a crash reveals nothing.
    """
    return {name: _store(value, blobs) for name, value in item.fields.items() if isinstance(value, _MEDIA_TYPES)}


def _store(media: Media, blobs: Blobs) -> MediaReference:
    key = AESGCM.generate_key(256)
    digest = blobs.put(AESGCM(key).encrypt(_NONCE, media.data, None))
    return MediaReference(blob=digest, key=key, size=len(media.data), type=media_type(media))


def media_type(media: Media) -> str:
    """``image``, ``audio``, ``video`` or ``document``."""
    return next(name for name, kind in _MEDIA.items() if isinstance(media, kind))


def type_of(reference: Mapping[str, Any]) -> str:
    """The type of media that a field of the sealed content refers to; references without a type are images."""
    return str(reference.get("type", "image"))


def references(content: SealedContent) -> dict[str, MediaReference]:
    """The references to files in the sealed fields, by field."""
    return {
        name: msgspec.convert({"type": type_of(value), **value}, MediaReference, str_keys=False)
        for name, value in content.fields.items()
        if isinstance(value, dict)
    }


def load_media(reference: Mapping[str, Any], blobs: Blobs) -> bytes:
    """The bytes of the file that a field of the sealed content refers to."""
    key = b64decode(reference["key"])
    return AESGCM(key).decrypt(_NONCE, blobs.get(reference["blob"]), None)


def decode(data: bytes) -> SealedContent:
    """The sealed content; media remain references to blobs."""
    return _DECODER.decode(data)


def restore(content: SealedContent, content_type: str, item_id: str, actor: str | None, blobs: Blobs) -> Item:
    """The item as it was submitted, media included."""
    fields: dict[str, Value] = {}
    for name, value in content.fields.items():
        if isinstance(value, dict):
            fields[name] = _MEDIA[type_of(value)](load_media(value, blobs))
        else:
            fields[name] = tuple(value) if isinstance(value, list) else value
    return Item(
        content_type=content_type,
        id=item_id,
        actor=actor,
        fields=fields,
        actor_attributes=content.actor_attributes,
        language=content.language,
        created_at=content.created_at,
    )
