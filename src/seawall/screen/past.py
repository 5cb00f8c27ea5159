"""Walking through what was submitted before, for who looks for something new in it: a page of items at a time.

Texts come from the sealed fields and from what was derived from media, fingerprints from the sealed prints. Media are
not decoded again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Select, select

from seawall.model import ContentType, Item, ItemRef, Modality, Part, Print
from seawall.policy import parts_of
from seawall.screen.content import decode, fields_name
from seawall.screen.tables import item, item_prints
from seawall.screen.traces import derived_name, prints_name, read_traces
from seawall.storage import Database, Vault

_PRINTS = msgspec.json.Decoder(tuple[Print, ...])
_TEXTUAL = ("text", "link")


@dataclass(frozen=True, slots=True, kw_only=True)
class PastItem:
    """An item in its newest revision. ``parts``: texts and links; ``decision``: the one in force, if any.

    ``readable`` is false when its content was erased, or its content type is no longer known.
    """

    ref: ItemRef
    decision: str | None
    parts: tuple[Part, ...] = ()
    prints: tuple[Print, ...] = ()
    readable: bool = True


def walk_past(
    database: Database,
    vault: Vault,
    content_types: dict[str, ContentType],
    *,
    after: str,
    before: str,
    limit: int,
    texts: bool,
) -> list[PastItem]:
    """The next page of items by their surrogates, which ascend in the order of time; empty: there are no more.

    Without ``texts`` only items with prints are visited, and no field is opened.
    """
    with database.read() as connection:
        rows = connection.execute(_page(texts).where(item.c.ref > after, item.c.ref < before).limit(limit)).all()
    opened = vault.open_many([(row.ref, name) for row in rows for name in _names(row, texts)])
    return [_past(row, opened, content_types, texts) for row in rows]


def _page(texts: bool) -> Select[Any]:
    mine = (item_prints.c.item == item.c.ref) & (item_prints.c.revision == item.c.revision)
    joined = item.outerjoin(item_prints, mine) if texts else item.join(item_prints, mine)
    columns = (item.c.ref, item.c.content_type, item.c.revision, item.c.decision, item_prints.c.kinds)
    return select(*columns).select_from(joined).order_by(item.c.ref)


def _names(row: Any, texts: bool) -> list[str]:
    names = [fields_name(row.revision)] if texts else []
    if texts and row.decision is not None:
        names.append(derived_name(row.decision))
    if row.kinds is not None:
        names.append(prints_name(row.revision))
    return names


def _past(
    row: Any, opened: dict[tuple[str, str], bytes], content_types: dict[str, ContentType], texts: bool
) -> PastItem:
    ref = ItemRef(row.content_type, row.ref, row.revision)
    content_type = content_types.get(row.content_type)
    sealed = opened.get((row.ref, fields_name(row.revision)))
    prints = opened.get((row.ref, prints_name(row.revision)))
    if content_type is None or (sealed is None if texts else prints is None):
        return PastItem(ref=ref, decision=row.decision, readable=False)
    parts: Sequence[Part] = ()
    if sealed is not None:
        parts = _written(content_type, sealed)
        parts = (*parts, *_derived(opened.get((row.ref, derived_name(row.decision or "")))))
    return PastItem(
        ref=ref, decision=row.decision, parts=tuple(parts), prints=() if prints is None else _PRINTS.decode(prints)
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
        for each in read_traces(sealed).parts
        if each.modality in _TEXTUAL and each.text
    )
