"""Iterates over stored items in pages, for retro-match and backfills.

Texts come from the sealed fields and the parts derived from media, hashes from the sealed hashes. Media are not
decoded again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Select, select

from seawall.content import parts_of
from seawall.model import ContentType, Item, ItemRef, Modality, Part, PartHash
from seawall.screen.artifacts import derived_name, hashes_name, read_artifacts
from seawall.screen.content import decode, fields_name
from seawall.screen.tables import item, item_hashes
from seawall.storage import Database, Vault

_HASHES = msgspec.json.Decoder(tuple[PartHash, ...])
_TEXTUAL = ("text", "link")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredItem:
    """An item in its newest revision. ``parts``: texts and links; ``decision``: the one in force, if any.

    ``readable`` is false when its content was erased, or its content type is no longer known.
    """

    ref: ItemRef
    decision: str | None
    parts: tuple[Part, ...] = ()
    hashes: tuple[PartHash, ...] = ()
    readable: bool = True


def iter_items(
    database: Database,
    vault: Vault,
    content_types: dict[str, ContentType],
    *,
    after: str,
    before: str,
    limit: int,
    texts: bool,
) -> list[StoredItem]:
    """The next page of items by their surrogates, which ascend in the order of time; empty at the end.

    Without ``texts`` only items with hashes are returned, and no field is decrypted.
    """
    with database.read() as connection:
        rows = connection.execute(_page(texts).where(item.c.ref > after, item.c.ref < before).limit(limit)).all()
    opened = vault.open_many([(row.ref, name) for row in rows for name in _names(row, texts)])
    return [_past(row, opened, content_types, texts) for row in rows]


def _page(texts: bool) -> Select[Any]:
    mine = (item_hashes.c.item == item.c.ref) & (item_hashes.c.revision == item.c.revision)
    joined = item.outerjoin(item_hashes, mine) if texts else item.join(item_hashes, mine)
    columns = (item.c.ref, item.c.content_type, item.c.revision, item.c.decision, item_hashes.c.kinds)
    return select(*columns).select_from(joined).order_by(item.c.ref)


def _names(row: Any, texts: bool) -> list[str]:
    names = [fields_name(row.revision)] if texts else []
    if texts and row.decision is not None:
        names.append(derived_name(row.decision))
    if row.kinds is not None:
        names.append(hashes_name(row.revision))
    return names


def _past(
    row: Any, opened: dict[tuple[str, str], bytes], content_types: dict[str, ContentType], texts: bool
) -> StoredItem:
    ref = ItemRef(row.content_type, row.ref, row.revision)
    content_type = content_types.get(row.content_type)
    sealed = opened.get((row.ref, fields_name(row.revision)))
    hashes = opened.get((row.ref, hashes_name(row.revision)))
    if content_type is None or (sealed is None if texts else hashes is None):
        return StoredItem(ref=ref, decision=row.decision, readable=False)
    parts: Sequence[Part] = ()
    if sealed is not None:
        parts = _written(content_type, sealed)
        parts = (*parts, *_derived(opened.get((row.ref, derived_name(row.decision or "")))))
    return StoredItem(
        ref=ref, decision=row.decision, parts=tuple(parts), hashes=() if hashes is None else _HASHES.decode(hashes)
    )


def _written(content_type: ContentType, sealed: bytes) -> tuple[Part, ...]:
    content = decode(sealed)
    fields = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in content.fields.items()
        if not isinstance(value, dict)  # media
    }
    item = Item(content_type=content_type.name, id="", fields=fields, language=content.language)
    return tuple(part for part in parts_of(item, content_type) if part.modality is not Modality.CONTEXT)


def _derived(sealed: bytes | None) -> tuple[Part, ...]:
    return tuple(
        Part(path=each.path, modality=each.modality, field=each.field, text=each.text, parent=each.parent)
        for each in read_artifacts(sealed).parts
        if each.modality in _TEXTUAL and each.text
    )
