"""Retention: what a content type keeps no longer is deleted, and the ledger says so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, Executable, Select, Text, and_, cast, delete, func, literal, or_, select, tuple_

from seawall.model import ACCOUNT_TYPE, ItemRef, now_ms
from seawall.policy import PublishedBundles
from seawall.screen.artifacts import derived_name, hashes_name
from seawall.screen.content import features_name, fields_name
from seawall.screen.tables import decision, idempotency, item, item_hashes, pending_rescreen, revision
from seawall.storage import Job, Transaction
from seawall.storage.collector import delete_unused_files
from seawall.storage.component import EntryName, ServiceContext
from seawall.storage.deletions import RetentionEnded
from seawall.storage.erasure import enqueue_deletion, forget_subject, readable_digests, truncate_log
from seawall.storage.legal_holds import held_among
from seawall.storage.queries import select_in_chunks
from seawall.storage.tables import subject, vault

RETENTION_JOB: Final = "retention"
COLLECT_JOB: Final = "delete_unused_files"
IDEMPOTENCY_MS: Final = 7 * 24 * 3_600_000
"""How long a repeated request gets the first one's response."""

_DAY_MS: Final = 24 * 3_600_000
_PAGE: Final = 100
_RESPONSES: Final = 1000  # read at a time
_ITEM: Final = re.compile(rb'"(it_[0-9a-f]{32})"')


class HeldMeanwhile(Exception):
    """A legal hold, a report or an appeal came while a page was read: nothing of the page is deleted, and the next run
    leaves it out."""


def schedule_retention(context: ServiceContext) -> None:
    """Have retention enforced; one worker does it."""
    context.ledger.commit(lambda tx: tx.enqueue(RETENTION_JOB, RETENTION_JOB, {}))


def schedule_collection(context: ServiceContext) -> None:
    """Have unused files deleted; one worker does it."""
    context.ledger.commit(lambda tx: tx.enqueue(COLLECT_JOB, COLLECT_JOB, {}))


def retention_job(context: ServiceContext, job: Job) -> None:
    """Enforce the retention of every content type in force."""
    enforce_retention(context)
    context.ledger.commit(lambda tx: tx.finish(job))


def collection_job(context: ServiceContext, job: Job) -> None:
    """Delete files that nothing refers to."""
    delete_unused_files(context)
    context.ledger.commit(lambda tx: tx.finish(job))


def erasure_job(context: ServiceContext, job: Job) -> None:
    """Finish an erasure: delete its files, responses kept for repeated requests, and pages of SQLite's log."""
    for digest in job.payload["files"]:
        context.blobs.delete(digest)
    if erased := job.payload["subject"]:
        _delete_responses(context, erased)
    context.ledger.commit(lambda tx: tx.finish(job))
    truncate_log(context.database)


def _delete_responses(context: ServiceContext, erased: str) -> None:
    """Delete the responses that name items of an erased subject; their keys are digests that anybody can compute."""
    with context.database.read() as connection:
        theirs = select(subject.c.ref).where(or_(subject.c.ref == erased, subject.c.owner == erased))
        refs = {row.ref.encode() for row in connection.execute(theirs)}
        after, keys = "", list[str]()
        page = select(idempotency.c.key, idempotency.c.response).order_by(idempotency.c.key).limit(_RESPONSES)
        while rows := connection.execute(page.where(idempotency.c.key > after)).all():
            after = rows[-1].key
            keys += [row.key for row in rows if refs.intersection(_ITEM.findall(bytes(row.response)))]
    for start in range(0, len(keys), _PAGE):
        gone = delete(idempotency).where(idempotency.c.key.in_(keys[start : start + _PAGE]))
        context.ledger.commit(partial(_execute, gone), bulk=True)


def _execute(statement: Executable, tx: Transaction) -> None:
    tx.execute(statement)


def enforce_retention(context: ServiceContext, *, now: int | None = None) -> int:
    """Delete what the content types in force keep no longer; return how many sealed entries.

    A revision's content is kept for the content's days after its submission or its last decision, whichever is
    later; the rest about an item for the decisions' days. What was written about a decided case of an account is kept
    for the longest of these. What is under legal hold, waits for a rescreen or is in an open case stays. Content types
    that are not in force any more have no terms: their items stay.
    """
    now = now_ms() if now is None else now
    gone = 0
    content_types = context.get(PublishedBundles).current.content_types.values()
    for one in content_types:
        gone += _end(context, "content", one.name, now - one.retention.content_days * _DAY_MS)
        gone += _end(context, "decisions", one.name, now - one.retention.decision_days * _DAY_MS)
    if content_types:
        gone += _end_accounts(context, now - max(one.retention.decision_days for one in content_types) * _DAY_MS)
    old = delete(idempotency).where(idempotency.c.at < now - IDEMPOTENCY_MS)
    context.ledger.commit(lambda tx: tx.execute(old), bulk=True)
    return gone


def _end(context: ServiceContext, term: str, content_type: str, before: int) -> int:
    """Delete page by page; each page is one transaction, so a killed process goes on where it stopped."""
    query = (_content if term == "content" else _items)(content_type, before)
    gone, after = 0, ("", 0)
    while True:
        with context.database.read() as connection:
            rows = connection.execute(query.where(tuple_(item.c.ref, revision.c.revision) > after).limit(_PAGE)).all()
            if not rows:
                return gone
            after = (rows[-1].ref, rows[-1].revision)
            ended = [ItemRef(content_type, row.ref, row.revision) for row in _free(context, connection, rows)]
            entries = _entries_of(connection, term, ended)
            files = readable_digests(context, connection, entries)
        if not ended:
            continue
        unit = partial(_delete, context, term, content_type, before, ended, entries, files)
        try:
            gone += context.ledger.commit(unit, bulk=True)
        except HeldMeanwhile:
            continue
        for digest in files:
            context.blobs.delete(digest)


def _content(content_type: str, before: int) -> Select[Any]:
    """Revisions with content that was submitted and last decided before then."""
    fields = literal("fields/") + cast(revision.c.revision, Text)
    there = select(vault.c.ref).where(vault.c.ref == revision.c.item, vault.c.name == fields).exists()
    decided = (
        select(decision.c.id)
        .where(decision.c.item == revision.c.item, decision.c.revision == revision.c.revision, decision.c.at >= before)
        .exists()
    )
    return (
        select(item.c.ref, revision.c.revision)
        .join(revision, revision.c.item == item.c.ref)
        .where(item.c.content_type == content_type, revision.c.at < before, there, ~decided)
        .order_by(item.c.ref, revision.c.revision)
    )


def _items(content_type: str, before: int) -> Select[Any]:
    """Items, at their newest revision, that were submitted and last decided before then."""
    there = select(vault.c.ref).where(vault.c.ref == item.c.ref).exists()
    newest = and_(revision.c.item == item.c.ref, revision.c.revision == item.c.revision)
    decided = or_(item.c.decided_at.is_(None), item.c.decided_at < before)
    return (
        select(item.c.ref, revision.c.revision)
        .join(revision, newest)
        .where(item.c.content_type == content_type, item.c.submitted_at < before, decided, there)
        .order_by(item.c.ref, revision.c.revision)
    )


def _end_accounts(context: ServiceContext, before: int) -> int:
    """Delete what was written about accounts in cases that were last decided before then; the accounts stay."""
    cases = [one for one in context.components if one.items_in_use is not None]
    written = or_(*(vault.c.name.startswith(prefix) for one in cases for prefix in one.confidential))
    there = select(vault.c.ref).where(vault.c.ref == decision.c.item, written).exists()
    accounts = and_(decision.c.item >= "en", decision.c.item < "eo")  # by the index, in every order of letters
    query = select(decision.c.item.label("ref"), func.max(decision.c.revision).label("revision")).where(accounts, there)
    query = query.group_by(decision.c.item).having(func.max(decision.c.at) < before).order_by(decision.c.item)
    gone, after = 0, ""
    while True:
        with context.database.read() as connection:
            rows = connection.execute(query.where(decision.c.item > after).limit(_PAGE)).all()
            if not rows:
                return gone
            after = rows[-1].ref
            ended = [ItemRef(ACCOUNT_TYPE, row.ref, row.revision) for row in _free(context, connection, rows)]
            names = select(vault.c.ref, vault.c.name).where(written)
            found = select_in_chunks(connection, names, vault.c.ref, [one.ref for one in ended])
            entries = [(row.ref, row.name) for row in found]
        if ended:
            with suppress(HeldMeanwhile):
                unit = partial(_delete, context, "content", ACCOUNT_TYPE, before, ended, entries, ())
                gone += context.ledger.commit(unit, bulk=True)


def _free(context: ServiceContext, connection: Connection, rows: Sequence[Any]) -> list[Any]:
    """Those that nothing keeps: no legal hold, no open rescreen, nothing of another component."""
    refs = sorted({row.ref for row in rows})
    kept = held_among(connection, refs)
    waiting = select(pending_rescreen.c.item).where(pending_rescreen.c.state == "open")
    kept |= {row.item for row in select_in_chunks(connection, waiting, pending_rescreen.c.item, refs)}
    kept |= _in_use(context, connection, refs)
    return [row for row in rows if row.ref not in kept]


def _in_use(context: ServiceContext, reader: Connection | Transaction, refs: Sequence[str]) -> set[str]:
    uses = (one.items_in_use for one in context.components if one.items_in_use is not None)
    return {ref for items_in_use in uses for ref in items_in_use(reader, refs)}


def _entries_of(connection: Connection, term: str, ended: Sequence[ItemRef]) -> list[EntryName]:
    """The vault entries of those revisions, or all of those items."""
    if term == "decisions":
        every = select(vault.c.ref, vault.c.name)
        return [(row.ref, row.name) for row in select_in_chunks(connection, every, vault.c.ref, [e.ref for e in ended])]
    entries = [(one.ref, name(one.revision)) for one in ended for name in (fields_name, hashes_name)]
    made = select(decision.c.id, decision.c.item)
    keys = [(one.ref, one.revision) for one in ended]
    for row in select_in_chunks(connection, made, tuple_(decision.c.item, decision.c.revision), keys):
        entries += [(row.item, features_name(row.id)), (row.item, derived_name(row.id))]
    return entries


def _delete(
    context: ServiceContext,
    term: str,
    content_type: str,
    before: int,
    ended: Sequence[ItemRef],
    entries: Sequence[EntryName],
    files: Sequence[str],
    tx: Transaction,
) -> int:
    refs = sorted({one.ref for one in ended})
    if held_among(tx, refs) or _in_use(context, tx, refs):
        raise HeldMeanwhile
    these = tuple_(vault.c.ref, vault.c.name).in_(entries)
    gone = int(tx.execute(select(func.count()).select_from(vault).where(these)).scalar_one())
    tx.execute(delete(vault).where(these))
    hashed = tuple_(item_hashes.c.item, item_hashes.c.revision).in_([(one.ref, one.revision) for one in ended])
    tx.execute(delete(item_hashes).where(hashed))
    if term == "decisions":
        for one in ended:
            forget_subject(context, tx, one.ref, "retention", requested=False)
            context.vault.erase(tx, one.ref, "retention")
    tx.append(
        RetentionEnded(
            term=term, content_type=content_type, before=before, items=tuple(ended), entries=gone, files=len(files)
        )
    )
    enqueue_deletion(tx, files)
    return gone
