"""Past items that are near-duplicates of one: the same text, image, video or sound, or nearly (``similarity``).

No index of what people wrote is kept (docs/decisions/0011-search.md): the newest items are read and compared, a bounded
number of them, and the answer says how many were looked at and how many could not be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from seawall.model import PartHash
from seawall.screen.artifacts import hashes_name
from seawall.screen.item_search import ItemFilters, SearchPosition, evaluations_of, find_items, texts_of
from seawall.screen.queries import ItemRow
from seawall.screen.similarity import RevisionContent, compare
from seawall.storage import Database, Vault

MOST_COMPARED: Final = 1_000
"""Items that one request reads and compares, the newest."""

_PAGE: Final = 200
_MOST_CHARACTERS: Final = 5_000_000  # of their texts
_hashes = msgspec.json.Decoder(tuple[PartHash, ...]).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class NearDuplicate:
    """An item that has the other one's text, image, video or sound in it, or nearly; ``value``: 0 to 1, in ``part``."""

    item: ItemRow
    value: float
    part: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NearDuplicates:
    """What was found, the most similar first; of equal ones the newest.

    ``looked_at`` items were compared, ``unreadable`` more are erased or past their retention. ``cut``: there are older
    items that nobody looked at. ``readable`` False: the item itself is not kept, so nothing could be compared.
    """

    found: tuple[NearDuplicate, ...] = ()
    looked_at: int = 0
    unreadable: int = 0
    cut: bool = False
    readable: bool = True


def find_near_duplicates(
    database: Database, vault: Vault, item: ItemRow, *, limit: int = 100, most: int = MOST_COMPARED
) -> NearDuplicates:
    """The near-duplicates of the item's newest revision among the ``most`` newest other items, at most ``limit``."""
    wanted = _contents(database, vault, [item]).get(item.ref)
    if wanted is None:
        return NearDuplicates(readable=False)
    found: list[NearDuplicate] = []
    looked_at = unreadable = characters = 0
    after: SearchPosition | None = None
    cut = False
    while not cut:
        with database.read() as connection:
            rows = find_items(connection, ItemFilters(), limit=_PAGE, after=after)
        contents = _contents(database, vault, [row for row in rows if row.ref != item.ref])
        for row in rows:
            if row.ref == item.ref:
                continue
            content = contents.get(row.ref)
            if content is None:
                unreadable += 1
                continue
            looked_at += 1
            characters += sum(map(len, content.texts))
            same = compare(wanted, content)
            if same.near and same.value is not None:
                found.append(NearDuplicate(item=row, value=same.value, part=same.part))
        if len(rows) < _PAGE:
            break
        after = SearchPosition(rows[-1].submitted_at, rows[-1].ref)
        cut = looked_at + unreadable >= most or characters >= _MOST_CHARACTERS
    found.sort(key=lambda one: (-one.value, -one.item.submitted_at))
    return NearDuplicates(found=tuple(found[:limit]), looked_at=looked_at, unreadable=unreadable, cut=cut)


def _contents(database: Database, vault: Vault, rows: Sequence[ItemRow]) -> Mapping[str, RevisionContent]:
    """What is compared of the items' newest revisions, by item; without those whose content is not kept."""
    with database.read() as connection:
        evaluated = evaluations_of(connection, [row.ref for row in rows])
    texts = texts_of(vault, rows, evaluated)
    sealed = vault.open_many([(row.ref, hashes_name(row.revision)) for row in rows if row.ref in texts])
    contents = {}
    for row in rows:
        if row.ref in texts:
            stored = sealed.get((row.ref, hashes_name(row.revision)))
            hashes = _hashes(stored) if stored is not None else ()
            contents[row.ref] = RevisionContent(texts[row.ref], hashes, has_media=bool(hashes))
    return contents
