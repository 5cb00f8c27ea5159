"""Encoding of an item's content for the vault, and decoding. Personal content is stored nowhere else."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from seawall.model import Audio, Document, Image, Item, Media, Value, Video
from seawall.storage.blobs import Blobs
from seawall.storage.errors import StorageError
from seawall.storage.sealed_file import CHUNK, open_file, seal_file

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


class MediaReference(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"size": "bytes"}):
    """A reference to a file in the sealed fields: its blob, and the key that the blob is encrypted under.

    ``format``: 1, encrypted as one piece, as all files were until 0.2.0; 2, in chunks: see ``storage/sealed_file.py``.
    """

    blob: str
    key: bytes
    size: int
    type: str
    format: int = 1


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A stored file. ``read(start, end)`` yields those bytes in pieces; it may raise StorageError and KeyError."""

    type: str  # image | audio | video | document
    size: int  # bytes
    digest: str  # of its blob
    read: Callable[[int, int], Iterator[bytes]]


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
    """Seal a file of several chunks in chunks, so that a range of it can be read, and a smaller one as one piece."""
    size, sort = len(media.data), media_type(media)
    if size > CHUNK:
        digest, key = seal_file(blobs, media.data)
        return MediaReference(blob=digest, key=key, size=size, type=sort, format=2)
    key = AESGCM.generate_key(256)
    digest = blobs.put(AESGCM(key).encrypt(_NONCE, media.data, None))
    return MediaReference(blob=digest, key=key, size=size, type=sort)


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
    file = open_media(reference, blobs)
    return b"".join(file.read(0, file.size))


def open_media(reference: Mapping[str, Any], blobs: Blobs) -> MediaFile:
    """The file that a field of the sealed content refers to. Raises KeyError, StorageError.

    One that was sealed as one piece is read whole: it can only be checked whole.
    """
    key, digest, sort = b64decode(reference["key"]), reference["blob"], type_of(reference)
    found = reference.get("format", 1)
    if found == 2:
        file = open_file(blobs, digest, key, reference["bytes"])
        return MediaFile(sort, file.size, digest, file.read)
    if found != 1:
        raise StorageError(f"The file {digest} has the unknown format {found}; newer code wrote it. Upgrade.")
    data = AESGCM(key).decrypt(_NONCE, blobs.get(digest), None)
    return MediaFile(sort, len(data), digest, lambda start, end: iter((data[start:end],)))


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
