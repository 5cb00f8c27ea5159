"""An item's place in the ledger: its surrogate, its revision, its sealed content."""

from __future__ import annotations

from dataclasses import dataclass

from seawall.model import Item, ItemRef, ItemSubmitted
from seawall.screen.content import canonical, encode, fields_name
from seawall.screen.item_state import ItemState, item_state_of
from seawall.storage import Blobs, Transaction

ACCOUNT = "account"  # the kind of entity that acts


def item_kind(content_type: str) -> str:
    """The kind under which the vault knows items of a content type."""
    return f"item:{content_type}"


@dataclass(frozen=True, slots=True)
class SealableContent:
    """An item's content, prepared outside the transaction: its canonical bytes, and the bytes to seal."""

    canonical: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class RecordedRevision:
    """Where an item went. ``head``: how it stood before, None for a new item."""

    ref: ItemRef
    actor: str | None
    head: ItemState | None


def seal_item(item: Item, blobs: Blobs) -> SealableContent:
    """Encode the content, and store its media; done before the transaction, which may run again."""
    return SealableContent(canonical(item), encode(item, blobs))


def subjects_of(item: Item) -> list[tuple[str, str]]:
    """The subjects that placing the item asks the vault for, to be fetched for a whole batch at once."""
    subjects = [(item_kind(item.content_type), item.id)]
    if item.actor is not None:
        subjects.append((ACCOUNT, item.actor))
    return subjects


def record_revision(tx: Transaction, item: Item, content: SealableContent) -> RecordedRevision:
    """Find or make the item's surrogate and its revision; seal what is new."""
    actor = tx.subject(ACCOUNT, item.actor) if item.actor is not None else None
    kind = item_kind(item.content_type)
    known = tx.find_subject(kind, item.id)
    head = item_state_of(tx, known) if known is not None else None
    ref = known or tx.subject(kind, item.id, owner=actor)
    digest = tx.digest(content.canonical)
    if head is not None and head.digest == digest:
        return RecordedRevision(ItemRef(item.content_type, ref, head.revision), actor, head)
    placed = ItemRef(item.content_type, ref, head.revision + 1 if head is not None else 1)
    tx.seal(ref, fields_name(placed.revision), content.sealed)
    tx.append(ItemSubmitted(item=placed, actor=actor, digest=digest, language=item.language, parts=len(item.fields)))
    return RecordedRevision(placed, actor, head)
