"""Reads recorded decisions, content and media of items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import select

from seawall.model import UNKNOWN, Decision, FeatureValue, Item
from seawall.screen.content import (
    MediaFile,
    SealedContent,
    decode,
    features_name,
    fields_name,
    open_media,
    restore,
    type_of,
)
from seawall.screen.events import DECISION_MADE
from seawall.screen.tables import decision as decision_table
from seawall.screen.tables import item as item_table
from seawall.storage import Blobs, Database, Erased, Vault
from seawall.storage.ledger import event


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """An image, audio file, video or document of an item."""

    type: str  # image | audio | video | document
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemContent:
    """The content of one revision. Media are listed here, and read one by one."""

    fields: Mapping[str, Any]
    actor_attributes: Mapping[str, Any]
    language: str | None
    media: Mapping[str, MediaInfo]  # by field


def load_decision(database: Database, decision: str) -> Decision:
    """The whole record of one decision. Raises LookupError."""
    query = (
        select(event.c.version, event.c.body)
        .join(decision_table, decision_table.c.seq == event.c.seq)
        .where(decision_table.c.id == decision)
    )
    with database.read() as connection:
        stored = connection.execute(query).one_or_none()
    if stored is None:
        raise LookupError(f"there is no decision {decision!r}")
    return DECISION_MADE.decode(stored.version, stored.body).decision


def feature_row(vault: Vault, decision: Decision) -> dict[str, FeatureValue]:
    """The feature row of the decision, with its personal strings from the vault. Raises ``Erased``."""
    row: dict[str, FeatureValue] = dict(decision.features or {})
    row.update(dict.fromkeys(decision.unknown_features, UNKNOWN))
    if decision.vault_features:
        try:
            row.update(msgspec.json.decode(vault.open(decision.item.ref, features_name(decision.id))))
        except KeyError as error:  # they were sealed with the decision
            raise Erased(f"the personal features of {decision.id} were erased, or their retention ended") from error
    return row


def read_content(vault: Vault, ref: str, revision: int) -> ItemContent:
    """One revision's content. Raises ``Erased`` when its key was destroyed, KeyError when it does not exist."""
    return _content(_sealed(vault, ref, revision))


def read_contents(vault: Vault, revisions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], ItemContent]:
    """The content of many revisions, by (item, revision); those that are erased or were never sealed are absent."""
    wanted = {(ref, fields_name(revision)): (ref, revision) for ref, revision in revisions}
    return {wanted[entry]: _content(decode(sealed)) for entry, sealed in vault.open_many(wanted).items()}


def _content(sealed: SealedContent) -> ItemContent:
    return ItemContent(
        fields={name: value for name, value in sealed.fields.items() if not isinstance(value, dict)},
        actor_attributes=sealed.actor_attributes,
        language=sealed.language,
        media={
            name: MediaInfo(type_of(value), value["bytes"])
            for name, value in sealed.fields.items()
            if isinstance(value, dict)
        },
    )


def media_bytes(vault: Vault, blobs: Blobs, ref: str, revision: int, field: str) -> tuple[str, bytes]:
    """The media type (``image``, ``document`` …) and bytes of one submitted file. Raises ``Erased``, KeyError."""
    file = media_file(vault, blobs, ref, revision, field)
    return file.type, b"".join(file.read(0, file.size))


def media_file(vault: Vault, blobs: Blobs, ref: str, revision: int, field: str) -> MediaFile:
    """One submitted file, to be read in pieces. Raises ``Erased``, KeyError."""
    reference = _sealed(vault, ref, revision).fields[field]
    if not isinstance(reference, dict):
        raise KeyError(field)
    return open_media(reference, blobs)


def load_item(database: Database, vault: Vault, blobs: Blobs, ref: str, revision: int) -> Item:
    """The item as it was submitted. Raises ``Erased``, LookupError."""
    with database.read() as connection:
        row = connection.execute(select(item_table).where(item_table.c.ref == ref)).one_or_none()
    if row is None:
        raise LookupError(f"there is no item {ref!r}")
    actor = vault.platform_id(row.actor) if row.actor is not None else None
    try:
        content = _sealed(vault, ref, revision)
    except KeyError as error:
        if revision > row.revision:
            raise
        raise Erased(f"revision {revision} of {ref} was erased, or its retention ended") from error
    return restore(content, row.content_type, vault.platform_id(ref), actor, blobs)


def _sealed(vault: Vault, ref: str, revision: int) -> SealedContent:
    return decode(vault.open(ref, fields_name(revision)))
