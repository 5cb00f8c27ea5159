"""Which thread an item belongs to and which item it answers, so that a reviewer sees the conversation around it.

The ids are content: encrypted in the vault. A follower writes keyed digests of them, by which the other items of a
thread are found; it runs in a worker, after the answer, so screening does not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from seawall.model import ContentType, Event, FieldRole, ItemRef, ItemSubmitted
from seawall.policy import NothingPublished, PublishedBundles
from seawall.screen.queries import ItemRow, items_by_ref
from seawall.screen.stored_content import ItemContent, read_contents
from seawall.screen.submission import item_kind
from seawall.screen.tables import item_thread
from seawall.storage import Transaction, Vault
from seawall.storage.component import Follower, ServiceContext

_ROWS: Final = 100  # in one statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What stands around an item. ``indexed``: a worker has read which thread it belongs to.

    ``parent``: the item that it answers; ``target``: the item that its thread is about; None: not named, or not known
    here. ``parent_id``, ``thread_id``: the product's ids, as the item names them.
    """

    indexed: bool
    thread_id: str | None = None
    parent_id: str | None = None
    parent: ItemRow | None = None
    target: ItemRow | None = None
    before: Sequence[ItemRow] = ()  # of the same thread, oldest first
    after: Sequence[ItemRow] = ()
    answers: Sequence[ItemRow] = ()  # to the item, oldest first


def conversation(
    connection: Connection,
    vault: Vault,
    item: ItemRow,
    content: ItemContent | None,
    content_types: Mapping[str, ContentType],
    *,
    around: int,
) -> Conversation | None:
    """The items around one, at most ``around`` on each side. None: its content names neither a thread nor a parent,
    nobody answered it, or the content is gone."""
    named = None if content is None else _named(content_types.get(item.content_type), content)
    if named is None:
        return None
    thread_id, parent_id = named
    row = connection.execute(select(item_thread).where(item_thread.c.item == item.ref)).one_or_none()
    platform_id = vault.open_many([(item.ref, "id")], conn=connection).get((item.ref, "id"))
    answers: list[str] = []
    if platform_id is not None:
        parent_digest = _digest(vault.digest, item.content_type, "parent", platform_id.decode())
        answers = _refs(
            connection, _order(select(item_thread.c.item).where(item_thread.c.parent == parent_digest)), around
        )
    if thread_id is None and parent_id is None and not answers:
        return None
    before: list[str] = []
    after: list[str] = []
    if row is not None and row.thread is not None:
        here = select(item_thread.c.item).where(item_thread.c.thread == row.thread, item_thread.c.item != item.ref)
        place, mine = tuple_(item_thread.c.at, item_thread.c.item), tuple_(row.at, row.item)
        earlier, later = here.where(place < mine), here.where(place > mine)
        before = _refs(connection, earlier.order_by(item_thread.c.at.desc(), item_thread.c.item.desc()), around)[::-1]
        after = _refs(connection, _order(later), around)
    parent, target = (
        _find(vault, content_types, item.content_type, one) if one is not None else None
        for one in (parent_id, thread_id)
    )
    found = items_by_ref(connection, [*before, *after, *answers, *(one for one in (parent, target) if one)])
    return Conversation(
        indexed=row is not None,
        thread_id=thread_id,
        parent_id=parent_id,
        parent=found.get(parent or ""),
        target=found.get(target or "") if target != item.ref else None,
        before=[found[ref] for ref in before if ref in found],
        after=[found[ref] for ref in after if ref in found],
        answers=[found[ref] for ref in answers if ref in found],
    )


def index_threads(context: ServiceContext, events: Sequence[Event]) -> Callable[[Transaction], None] | None:
    """The follower's step: digests of the threads and parents of submitted items, of their newest revisions."""
    try:
        types = context.get(PublishedBundles).current.content_types
    except NothingPublished:
        return None  # nothing can have been submitted
    bodies = [(event.body, event.at) for event in events if isinstance(event.body, ItemSubmitted)]
    submitted = {body.item.ref: (body.item, at) for body, at in bodies}
    contents = read_contents(context.vault, [(item.ref, item.revision) for item, _ in submitted.values()])
    rows = [
        row
        for item, at in submitted.values()
        if (row := _row(context.vault, item, at, types, contents.get((item.ref, item.revision)))) is not None
    ]
    if not rows:
        return None

    def unit(tx: Transaction) -> None:
        build = sqlite.insert if context.database.dialect == "sqlite" else postgresql.insert
        for start in range(0, len(rows), _ROWS):
            placed = build(item_thread).values(rows[start : start + _ROWS])
            kept = {"thread": placed.excluded.thread, "parent": placed.excluded.parent}  # its time is the first one's
            tx.execute(placed.on_conflict_do_update(index_elements=["item"], set_=kept))

    return unit


THREADS = Follower(name="threads", handles=(ItemSubmitted,), step=index_threads)


def _row(
    vault: Vault, item: ItemRef, at: int, types: Mapping[str, ContentType], content: ItemContent | None
) -> dict[str, Any] | None:
    named = None if content is None else _named(types.get(item.content_type), content)
    if named is None or named == (None, None):
        return None
    digests = (
        None if value is None else _digest(vault.digest, item.content_type, name, value)
        for name, value in zip(("thread", "parent"), named, strict=True)
    )
    return {"item": item.ref, "at": at, **dict(zip(("thread", "parent"), digests, strict=True))}


def _named(content_type: ContentType | None, content: ItemContent) -> tuple[str | None, str | None] | None:
    """The ids of the thread and of the parent in the item's fields; None for an unknown content type."""
    if content_type is None:
        return None
    found: dict[FieldRole, str] = {}
    for spec in content_type.fields:
        value = content.fields.get(spec.name)
        if spec.role in (FieldRole.THREAD, FieldRole.PARENT) and isinstance(value, str) and value:
            found.setdefault(spec.role, value)
    return found.get(FieldRole.THREAD), found.get(FieldRole.PARENT)


def _digest(digest: Callable[[bytes], str], content_type: str, name: str, value: str) -> str:
    """Of one content type: two products may number their threads alike."""
    return digest("\0".join((name, content_type, value)).encode("utf-8", "surrogatepass"))


def _find(vault: Vault, types: Mapping[str, ContentType], nearest: str, platform_id: str) -> str | None:
    """The item with that id: of the same content type if there is one, else of another."""
    for name in (nearest, *sorted(set(types) - {nearest})):
        if (ref := vault.find(item_kind(name), platform_id)) is not None:
            return ref
    return None


def _order(query: Select[tuple[str]]) -> Select[tuple[str]]:
    return query.order_by(item_thread.c.at, item_thread.c.item)


def _refs(connection: Connection, query: Select[tuple[str]], limit: int) -> list[str]:
    return [row.item for row in connection.execute(query.limit(limit))]
