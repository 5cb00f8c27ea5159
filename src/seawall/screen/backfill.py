"""Iterates over stored items in pages, for retro-match and backfills.

Texts come from the sealed fields and the parts derived from media, hashes from the sealed hashes. Media are not
decoded again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Select, select

from seawall.content import parts_of
from seawall.model import ContentType, Item, ItemRef, Modality, Part, PartHash, now_ms
from seawall.policy import Bundle
from seawall.screen.artifacts import derived_name, hashes_name, read_artifacts
from seawall.screen.content import decode, fields_name
from seawall.screen.prohibitions import unmatched
from seawall.screen.tables import item, item_hashes
from seawall.storage import Database, Vault

_HASHES = msgspec.json.Decoder(tuple[PartHash, ...])
_TEXTUAL = ("text", "link")
_HASHED: Final = {"pdq": "image", "chromaprint": "audio"}  # by the kind of a hash; a hasher's begins with it


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
    bundle: Bundle,
    *,
    after: str,
    before: str,
    limit: int,
    texts: bool,
) -> list[StoredItem]:
    """The next page of items by their surrogates, which ascend in the order of time; empty at the end.

    Without ``texts`` only items with hashes are returned, and no text. What may not be compared with banks where the
    item was written is left out of it.
    """
    with database.read() as connection:
        rows = connection.execute(_page(texts).where(item.c.ref > after, item.c.ref < before).limit(limit)).all()
    lawful = bool(bundle.not_permitted)  # whether the fields that tell whose law holds must be read
    opened = vault.open_many([(row.ref, name) for row in rows for name in _names(row, texts, lawful)])
    return [_past(row, opened, bundle, texts) for row in rows]


def _page(texts: bool) -> Select[Any]:
    mine = (item_hashes.c.item == item.c.ref) & (item_hashes.c.revision == item.c.revision)
    joined = item.outerjoin(item_hashes, mine) if texts else item.join(item_hashes, mine)
    columns = (item.c.ref, item.c.content_type, item.c.revision, item.c.decision, item_hashes.c.kinds)
    return select(*columns).select_from(joined).order_by(item.c.ref)


def _names(row: Any, texts: bool, lawful: bool) -> list[str]:
    names = [fields_name(row.revision)] if texts or lawful else []
    if texts and row.decision is not None:
        names.append(derived_name(row.decision))
    if row.kinds is not None:
        names.append(hashes_name(row.revision))
    return names


def _past(row: Any, opened: dict[tuple[str, str], bytes], bundle: Bundle, texts: bool) -> StoredItem:
    ref = ItemRef(row.content_type, row.ref, row.revision)
    content_type = bundle.content_types.get(row.content_type)
    sealed = opened.get((row.ref, fields_name(row.revision)))
    hashes = opened.get((row.ref, hashes_name(row.revision)))
    if content_type is None or (sealed is None if texts or bundle.not_permitted else hashes is None):
        return StoredItem(ref=ref, decision=row.decision, readable=False)
    written = None if sealed is None else _written(content_type, sealed)
    withheld = unmatched(bundle, written, now_ms()) if written is not None and bundle.not_permitted else frozenset()
    parts: list[Part] = []
    if texts and written is not None:
        parts += [part for part in parts_of(written, content_type) if part.modality is not Modality.CONTEXT]
        parts += _derived(opened.get((row.ref, derived_name(row.decision or ""))))
    return StoredItem(
        ref=ref,
        decision=row.decision,
        parts=tuple(part for part in parts if part.modality not in withheld),
        hashes=() if hashes is None else _comparable(_HASHES.decode(hashes), content_type, withheld),
    )


def _written(content_type: ContentType, sealed: bytes) -> Item:
    """The item without its media."""
    content = decode(sealed)
    fields = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in content.fields.items()
        if not isinstance(value, dict)
    }
    return Item(
        content_type=content_type.name,
        id="",
        fields=fields,
        actor_attributes=content.actor_attributes,
        language=content.language,
        created_at=content.created_at,
    )


def _comparable(
    hashes: tuple[PartHash, ...], content_type: ContentType, withheld: frozenset[Modality]
) -> tuple[PartHash, ...]:
    """The hashes that are of no such modality: neither what was hashed, nor the file that it is from."""
    if not withheld:
        return hashes
    types = {spec.name: spec.type.value for spec in content_type.fields}
    named = {each.value for each in withheld}
    return tuple(
        each
        for each in hashes
        if types.get(each.part.partition(">")[0]) not in named
        and _HASHED.get(each.kind, each.kind.partition("-")[0]) not in named
    )


def _derived(sealed: bytes | None) -> tuple[Part, ...]:
    return tuple(
        Part(path=each.path, modality=each.modality, field=each.field, text=each.text, parent=each.parent)
        for each in read_artifacts(sealed).parts
        if each.modality in _TEXTUAL and each.text
    )
