"""Items that are nearly the same as one item: its text, or its images, sound or video by their hashes.

Contents are encrypted and have no index, so the newest items are read and compared, as a search for words does. What
is compared is what people wrote and the hashes of their files, by the measure and the limits of ``similarity``. The
answer says how many items were looked at, and of how many nobody can say: it never says that there are no others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from seawall.screen.artifacts import hashes_name, read_hashes
from seawall.screen.edits import written_texts
from seawall.screen.queries import ItemRow, get_item
from seawall.screen.similarity import RevisionContent, compare
from seawall.screen.stored_content import ItemContent, read_contents
from seawall.screen.tables import item as table
from seawall.storage import Database, Vault

MOST_COMPARED: Final = 500
"""The newest items that one item is compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NearDuplicateItem:
    """One of them. ``similarity``: 0 to 1, in the ``part`` that has most of the content."""

    item: ItemRow
    similarity: float
    part: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NearDuplicateResult:
    """What was found, the most similar first. ``unreadable``: erased or past their retention, so nobody can say.

    ``comparable``: whether there is anything to compare, False for an item that is gone itself.
    """

    found: Sequence[NearDuplicateItem]
    looked_at: int
    unreadable: int
    comparable: bool = True


def near_duplicates_of(
    database: Database, vault: Vault, item: str, *, most: int = MOST_COMPARED
) -> NearDuplicateResult:
    """The near-duplicates of an item among the newest ones."""
    with database.read() as connection:
        own = get_item(connection, item)
        query = select(*(table.c[name] for name in ItemRow.__dataclass_fields__)).where(table.c.ref != item)
        newest = query.order_by(table.c.submitted_at.desc(), table.c.ref.desc()).limit(most)
        rows = [ItemRow(**row) for row in connection.execute(newest).mappings()]
    if own is None:
        return NearDuplicateResult(found=(), looked_at=0, unreadable=0, comparable=False)
    contents = _contents(vault, [own, *rows])
    old = contents.get(own.ref)
    if old is None or not (any(old.texts) or old.hashes):
        return NearDuplicateResult(found=(), looked_at=0, unreadable=0, comparable=False)
    found: list[NearDuplicateItem] = []
    unreadable = 0
    for row in rows:
        new = contents.get(row.ref)
        if new is None:
            unreadable += 1
            continue
        alike = compare(old, new)
        if alike.near and alike.value is not None:
            found.append(NearDuplicateItem(item=row, similarity=alike.value, part=alike.part))
    found.sort(key=lambda one: -one.similarity)
    return NearDuplicateResult(found=tuple(found), looked_at=len(rows), unreadable=unreadable)


def _contents(vault: Vault, rows: Sequence[ItemRow]) -> Mapping[str, RevisionContent]:
    """The contents of the items in their newest revisions, in two readings of the vault; without what is gone."""
    contents = read_contents(vault, {(row.ref, row.revision) for row in rows})
    with_media = [row for row in rows if _media(contents.get((row.ref, row.revision)))]
    sealed = vault.open_many([(row.ref, hashes_name(row.revision)) for row in with_media])
    found = {}
    for row in rows:
        content = contents.get((row.ref, row.revision))
        if content is not None:
            hashes = read_hashes(sealed.get((row.ref, hashes_name(row.revision))))
            found[row.ref] = RevisionContent(tuple(written_texts(content.fields)), hashes, _media(content))
    return found


def _media(content: ItemContent | None) -> bool:
    return content is not None and bool(content.media)
