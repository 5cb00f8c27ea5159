"""Services and background work of the screen component."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Select, select

from seawall.counters.follower import Counters
from seawall.detect import Runner
from seawall.enforce import DecisionLookup, ItemHead, RecordedItems
from seawall.model import Decision, DecisionSource, Event, FieldType, Item, ItemRef
from seawall.model.stored_items import FirstRevisions, ItemLanguages, ItemTexts, Past, PastItems, StoredText
from seawall.policy import NothingPublished, PublishedBundles
from seawall.screen.backfill import iter_items
from seawall.screen.creator_overlays import CreatorOverlays
from seawall.screen.examples import ScreenedColumns
from seawall.screen.item_status import recorded_decision
from seawall.screen.journal import AnswerJournal
from seawall.screen.queries import items_by_ref
from seawall.screen.screen import Screener
from seawall.screen.snoozes import Snoozes
from seawall.screen.stored_content import load_decision, load_item, read_contents
from seawall.screen.tables import GONE, revision
from seawall.screen.tables import decision as decision_table
from seawall.screen.tables import item as item_table
from seawall.screen.trying import ItemTrials
from seawall.screen.units import rescreen_again
from seawall.storage import Database, Erased, Job, Ledger, NotRunnable, Transaction, Vault
from seawall.storage.component import ServiceContext
from seawall.storage.tables import subject

UNRECORDED: Final = "unrecorded"
"""The folder in the data folder with the journals of answers that wait for their record."""


class StoredDecisions(DecisionLookup):
    """Looks up decisions in the ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, decision: str) -> Decision:
        """The whole record of one decision. Raises LookupError."""
        return load_decision(self._database, decision)


class StoredPastItems(PastItems):
    """Past items, read with the content types in force."""

    def __init__(self, database: Database, vault: Vault, context: ServiceContext) -> None:
        self._database = database
        self._vault = vault
        self._context = context

    def page(self, *, after: str, before: str, limit: int, texts: bool) -> Sequence[Past]:
        """See ``PastItems``."""
        bundle = self._context.get(PublishedBundles).current
        return iter_items(self._database, self._vault, bundle, after=after, before=before, limit=limit, texts=texts)


class StoredItemLanguages(ItemLanguages):
    """Languages as the items were submitted with."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def languages_of(self, items: Sequence[str]) -> Mapping[str, str]:
        """See ``ItemLanguages``."""
        with self._database.read() as connection:
            found = items_by_ref(connection, items)
        return {ref: row.language for ref, row in found.items() if row.language is not None}


class StoredRecordedItems(RecordedItems):
    """Items and decisions as the projections and the ledger have them."""

    def head(self, reader: Connection | Transaction, item: str) -> ItemHead | None:
        """See ``RecordedItems``."""
        table = item_table.c
        columns = (table.content_type, table.actor, table.revision, table.decision, table.digest, subject.c.lookup)
        query = select(*columns).outerjoin_from(item_table, subject, subject.c.ref == table.ref)
        row = reader.execute(query.where(table.ref == item)).one_or_none()
        if row is None:
            return None
        return ItemHead(
            content_type=row.content_type,
            actor=row.actor,
            revision=row.revision,
            decision=row.decision,
            gone=row.lookup is None or row.digest.startswith(GONE),
        )

    def decision(self, tx: Transaction, decision: str) -> Decision:
        """See ``RecordedItems``."""
        return recorded_decision(tx, decision)

    def rescreen(self, tx: Transaction, decision: Decision) -> None:
        """See ``RecordedItems``."""
        rescreen_again(tx, decision)


class StoredFirstRevisions(FirstRevisions):
    """First revisions as the vault and the ledger have them."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database = database
        self._ledger = ledger

    def fields_of(self, items: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """See ``FirstRevisions``."""
        found = read_contents(self._ledger.vault, [(item, 1) for item in items])
        return {item: content.fields for (item, _), content in found.items()}

    def submission(self, item: str) -> Event | None:
        """See ``FirstRevisions``."""
        return self._event(select(revision.c.seq).where(revision.c.item == item, revision.c.revision == 1))

    def first_decision(self, item: str) -> Event | None:
        """See ``FirstRevisions``."""
        made = decision_table.c
        return self._event(select(made.seq).where(made.item == item, made.revision == 1).order_by(made.seq).limit(1))

    def _event(self, query: Select[Any]) -> Event | None:
        with self._database.read() as connection:
            seq = connection.execute(query).scalar()
        return None if seq is None else next(iter(self._ledger.events(after=seq - 1, limit=1)), None)


class StoredItemTexts(ItemTexts):
    """Texts and links as submitted; ids, the author and other fields are left out."""

    def __init__(self, vault: Vault, context: ServiceContext) -> None:
        self._vault = vault
        self._context = context

    def text_of(self, item: str, revision: int) -> StoredText | None:
        """See ``ItemTexts``."""
        content = read_contents(self._vault, [(item, revision)]).get((item, revision))
        with self._context.database.read() as connection:
            row = items_by_ref(connection, [item]).get(item)
        try:
            types = self._context.get(PublishedBundles).current.content_types
        except NothingPublished:
            return None
        content_type = types.get(row.content_type) if row is not None else None
        if content is None or content_type is None:
            return None
        lines = []
        for field in content_type.fields:
            value = content.fields.get(field.name) if field.type in _TEXTS else None
            for text in value if isinstance(value, list | tuple) else [value]:
                if isinstance(text, str) and text.strip():
                    lines.append(f"{field.name}: {text}")
        return StoredText(text="\n".join(lines), media=tuple(sorted({one.type for one in content.media.values()})))


_TEXTS: Final = frozenset({FieldType.TEXT, FieldType.TEXTS, FieldType.LINK, FieldType.LINKS})


def services(context: ServiceContext) -> tuple[object, ...]:
    """The screener, and access to past items and decisions."""
    snoozes = Snoozes(context.database, context.vault)
    creators = CreatorOverlays(context.database, context.vault)
    screener = Screener(
        ledger=context.ledger,
        blobs=context.blobs,
        runner=context.get(Runner),
        in_force=lambda: context.get(PublishedBundles).current,
        counters=context.get(Counters),
        journal=AnswerJournal(context.settings.data_dir / UNRECORDED, context.vault),
        snoozes=snoozes,
        creators=creators,
    )
    screener.record_left()
    trials = ItemTrials(context.get(Runner), creators)
    return (
        screener,
        trials,
        ScreenedColumns(context.get(Runner), trials),
        snoozes,
        creators,
        StoredDecisions(context.database),
        StoredPastItems(context.database, context.vault, context),
        StoredItemLanguages(context.database),
        StoredRecordedItems(),
        StoredItemTexts(context.vault, context),
        StoredFirstRevisions(context.database, context.ledger),
    )


def screen_item(context: ServiceContext, job: Job) -> None:
    """Screen an item that was submitted for background screening."""
    if (found := _load(context, job)) is not None:
        context.get(Screener).screen_submitted(*found, job=job)


def rescreen_item(context: ServiceContext, job: Job) -> None:
    """Rescreen an item whose decision was degraded."""
    if (found := _load(context, job)) is not None:
        context.get(Screener).rescreen(*found, job.payload["decision"], job=job)


def rescan_item(context: ServiceContext, job: Job) -> None:
    """Rescreen an item in which a bank entry was found, with the current banks."""
    context.refresh()
    if (found := _load(context, job)) is not None:
        source = DecisionSource.RETRO_MATCH
        context.get(Screener).rescreen(*found, job.payload["decision"], job=job, source=source)


def _load(context: ServiceContext, job: Job) -> tuple[Item, ItemRef] | None:
    """The item as submitted; None when it was erased, and the job is finished. Raises NotRunnable."""
    ref, revision = job.payload["item"], job.payload["revision"]
    try:
        item = load_item(context.database, context.vault, context.blobs, ref, revision)
    except Erased:
        context.ledger.commit(lambda tx: tx.finish(job))
        return None
    _require_in_force(context, item.content_type)
    return item, ItemRef(item.content_type, ref, revision)


def _require_in_force(context: ServiceContext, content_type: str) -> None:
    """Raises NotRunnable when the content type was withdrawn; looks at the newest bundle before it says so."""
    bundles = context.get(PublishedBundles)
    if content_type in bundles.current.content_types:
        return
    context.refresh()
    if content_type not in bundles.current.content_types:
        raise NotRunnable(
            f"The content type {content_type!r} is no longer in force, so nothing says how to screen the item. Publish "
            "it again, then requeue the job (the page Jobs, or 'seawall jobs requeue')."
        )
