"""Records a submission: the item's surrogate, its revision, its sealed content and its media."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import select

from seawall.model import Item, ItemRef, ItemSubmitted
from seawall.screen.content import MediaReference, canonical, encode, fields_name, has_media, store_media
from seawall.screen.item_status import ItemStatus, status_of
from seawall.screen.tables import GONE
from seawall.screen.tables import item as item_table
from seawall.storage import Blobs, Ledger, OutcomeUnknown, Transaction, Vault

ACCOUNT = "account"  # the kind of entity of actors


def item_kind(content_type: str) -> str:
    """The vault's subject kind for items of a content type."""
    return f"item:{content_type}"


class ItemSubmission:
    """An item to be recorded. Its media are stored at most once, when they are known to be needed."""

    __slots__ = ("_blobs", "_media", "digest", "has_media", "item", "recorded")

    def __init__(self, item: Item, vault: Vault, blobs: Blobs, media: dict[str, MediaReference] | None = None) -> None:
        """``media``: references to its files, if they are stored already."""
        self.item = item
        self.has_media = has_media(item)
        self.digest = vault.digest(canonical(item, media=self.has_media))
        self.recorded = False  # the last run of the unit sealed this content
        self._blobs = blobs
        self._media: dict[str, MediaReference] | None = media if self.has_media else {}

    def store_media(self) -> dict[str, MediaReference]:
        """References to the item's files by field; the first call stores them. Raises StorageError."""
        if self._media is None:
            self._media = store_media(self.item, self._blobs)
        return self._media

    def discard_media(self) -> None:
        """Delete the stored files: no revision refers to them."""
        for reference in (self._media or {}).values():
            self._blobs.delete(reference.blob)
        self._media = None if self.has_media else {}


@dataclass(frozen=True, slots=True)
class RecordedRevision:
    """The revision of a submission. ``before``: the item's status before it, None for a new item."""

    ref: ItemRef
    actor: str | None
    before: ItemStatus | None


def subjects_of(item: Item) -> list[tuple[str, str]]:
    """The vault subjects needed to record the item, to be fetched for a whole batch at once."""
    subjects = [(item_kind(item.content_type), item.id)]
    if item.actor is not None:
        subjects.append((ACCOUNT, item.actor))
    return subjects


def store_changed_media(submissions: Sequence[ItemSubmission], ledger: Ledger) -> None:
    """Store the media of new or changed items before the transaction, so that the writer does not wait for files.

    If another request changes an item meanwhile, ``record`` stores its media after all. Raises StorageError.
    """
    for one in submissions:
        if one.has_media and recorded_digest(one.item, ledger) != one.digest:
            one.store_media()


def recorded_digest(item: Item, ledger: Ledger) -> str | None:
    """The digest of the item's newest revision; None when it is new."""
    ref = ledger.vault.find(item_kind(item.content_type), item.id)
    if ref is None:
        return None
    with ledger.database.read() as connection:
        return connection.execute(select(item_table.c.digest).where(item_table.c.ref == ref)).scalar()


@contextmanager
def keeping_recorded_media(submissions: Sequence[ItemSubmission]) -> Iterator[None]:
    """Context manager around the commit: afterwards, media that no revision refers to are deleted.

    They stay when it is not known whether the commit succeeded: its outcome is unknown, or the wait was cancelled.
    """
    try:
        yield
    except OutcomeUnknown:
        raise
    except Exception:
        for one in submissions:
            one.discard_media()
        raise
    for one in submissions:
        if not one.recorded:
            one.discard_media()


def record(tx: Transaction, submission: ItemSubmission) -> RecordedRevision:
    """Find or create the item's surrogate and its revision; seal new content."""
    item = submission.item
    actor = tx.subject(ACCOUNT, item.actor) if item.actor is not None else None
    kind = item_kind(item.content_type)
    known = tx.find_subject(kind, item.id)
    before = status_of(tx, known) if known is not None else None
    digest = submission.digest
    if before is not None and _is_same(before, digest) and not _author_erased(tx, before, actor):
        return RecordedRevision(ItemRef(item.content_type, before.ref, before.revision), actor, before)
    surrogate = known or tx.create_subject(kind, item.id, owner=actor)
    ref = ItemRef(item.content_type, surrogate, before.revision + 1 if before is not None else 1)
    tx.seal(surrogate, fields_name(ref.revision), encode(item, submission.store_media()), actor)
    tx.append(ItemSubmitted(item=ref, actor=actor, digest=digest, language=item.language, parts=len(item.fields)))
    submission.recorded = True
    return RecordedRevision(ref, actor, before)


def _is_same(before: ItemStatus, digest: str) -> bool:
    """Whether the content is that of the newest revision, which is kept still or was decided by a person."""
    return before.digest == digest or (before.by_person and before.digest == GONE + digest)


def _author_erased(tx: Transaction, before: ItemStatus, actor: str | None) -> bool:
    """Whether the newest revision's content went with its author, so that the same content is a new revision."""
    return before.actor not in (None, actor) and tx.is_erased(before.actor or "")
