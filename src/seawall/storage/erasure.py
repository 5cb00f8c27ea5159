"""Erasure of a subject, and export of all that is held about it: what data protection law gives to everybody."""

from __future__ import annotations

import base64
import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, Final
from zipfile import ZIP_DEFLATED, ZipFile

from sqlalchemy import Connection, delete, func, or_, select, tuple_, update

from seawall.model import now_ms
from seawall.storage.component import EntryName, ErasedReferences, ServiceContext, StoredFiles
from seawall.storage.database import Database
from seawall.storage.deletions import ErasureCompleted
from seawall.storage.errors import Erased, StorageError
from seawall.storage.legal_holds import UnderLegalHold, holds_on
from seawall.storage.queries import events_after, newest_events
from seawall.storage.tables import job, subject, vault
from seawall.storage.transaction import Transaction

_CHUNK: Final = 200
_EVENTS: Final = 2000
_FILES: Final = 500  # of one job
_SURROGATE: Final = re.compile(r"\b(?:it|en)_[0-9a-f]{32}\b")

ERASURE_JOB: Final = "finish_erasure"
"""Kind of the job that deletes what an erasure leaves for a worker."""


class UnknownSubject(LookupError):
    """Nobody of that kind and id is known, or they were erased."""

    def __init__(self, kind: str, platform_id: str) -> None:
        super().__init__(f"There is no {kind} {platform_id[:200]!r}: it was never met, or was erased before.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureCertificate:
    """What an erasure did. ``event``: its number in the ledger."""

    subject: str
    at: int
    by: str
    event: int
    subjects: int  # the subject itself and the items that it owned
    entries: int  # sealed entries deleted
    files: int  # images, audio, videos and documents deleted
    bank_sources: int = 0  # statements, in banks, that an entry was made from the subject's content
    bank_entries: int = 0  # entries removed with them, from banks that do so
    remains: str = (
        "The ledger keeps surrogates, codes and keyed digests, which no longer lead to anybody. Backups made before "
        "the erasure still hold the data: let them expire, and repeat the erasure after restoring one. A worker "
        "deletes the responses kept for repeated requests, at once when one runs, at the latest after seven days. "
        "Bank entries made from its content that are not counted here stay, as values without their origin."
    )


def find_subject(context: ServiceContext, kind: str, platform_id: str) -> str:
    """The surrogate of ``account`` or ``item:<content type>`` with the platform's id. Raises UnknownSubject."""
    try:
        ref = context.vault.find(kind, platform_id)
    except UnicodeEncodeError:  # half of a surrogate pair: no stored id has one
        ref = None
    if ref is None:
        raise UnknownSubject(kind, platform_id)
    return ref


def erase_subject(context: ServiceContext, ref: str, *, by: str) -> ErasureCertificate:
    """Destroy the subject's key; delete what is sealed for it or by it, and its files.

    Raises UnderLegalHold, then nothing has changed, and KeyError for a subject that does not exist.
    """
    with context.database.read() as connection:
        refs, entries = _held(context, connection, ref)
        files = readable_digests(context, connection, entries)

    def unit(tx: Transaction) -> ErasureCompleted:
        if holds := holds_on(tx, [*refs, *(entry_ref for entry_ref, _ in entries)]):
            raise UnderLegalHold(holds)
        gone = tx.execute(select(func.count()).select_from(vault).where(_sealed_for(ref))).scalar_one()
        gone += _delete_entries(tx, [entry for entry in entries if entry[0] not in refs])
        banks = forget_subject(context, tx, ref, by, requested=True)
        context.vault.erase(tx, ref, by)
        done = ErasureCompleted(
            subject=ref,
            subjects=len(refs),
            entries=gone,
            files=len(files),
            by=by,
            bank_sources=banks.sources,
            bank_entries=banks.entries,
        )
        tx.append(done)
        _forget_errors(tx, refs)
        enqueue_deletion(tx, files, subject=ref)
        return done

    done = context.ledger.commit(unit)
    # Files go after the commit: killed before it, they still have their references; after it, the job deletes them.
    for digest in files:
        context.blobs.delete(digest)
    with context.database.read() as connection:  # other erasures may have been committed since
        newest = newest_events(connection, limit=_EVENTS, kind="subject.erasure_completed")
    event = next(row for row in newest if json.loads(row.body)["subject"] == ref)
    return ErasureCertificate(
        subject=ref,
        at=event.at,
        by=by,
        event=event.seq,
        subjects=done.subjects,
        entries=done.entries,
        files=done.files,
        bank_sources=done.bank_sources,
        bank_entries=done.bank_entries,
    )


def forget_subject(context: ServiceContext, tx: Transaction, ref: str, by: str, *, requested: bool) -> ErasedReferences:
    """Have every component forget a subject, in the transaction that erases it. ``requested``: somebody asked."""
    forgotten = (one.forget(tx, ref, by, requested) for one in context.components if one.forget is not None)
    return sum(forgotten, start=ErasedReferences())


def enqueue_deletion(tx: Transaction, files: Sequence[str], *, subject: str = "") -> None:
    """Have a worker finish an erasure, also when this process is killed: files, and what ``finish_erasure`` says."""
    for start in range(0, len(files) or bool(subject), _FILES):
        payload = {"subject": "" if start else subject, "files": files[start : start + _FILES]}
        tx.enqueue(ERASURE_JOB, f"{subject or files[0]}/{start}", payload)


def truncate_log(database: Database) -> None:
    """Empty SQLite's write-ahead log, which holds older pages: with them, keys that were destroyed.

    Not while others read: then the log is soon overwritten by what they make the writer do.
    """
    if database.file is not None:
        with closing(sqlite3.connect(database.file, timeout=0)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _forget_errors(tx: Transaction, refs: set[str]) -> None:
    """Empty the errors of jobs about these subjects: an error may quote what it was about."""
    failed = tx.execute(select(job.c.id, job.c.key, job.c.payload).where(job.c.last_error.is_not(None))).all()
    about = [row.id for row in failed if refs & set(_SURROGATE.findall(f"{row.key} {bytes(row.payload).decode()}"))]
    for start in range(0, len(about), _CHUNK):
        tx.execute(update(job).where(job.c.id.in_(about[start : start + _CHUNK])).values(last_error=None))


def _sealed_for(ref: str) -> Any:
    theirs = select(subject.c.ref).where(or_(subject.c.ref == ref, subject.c.owner == ref))
    return or_(vault.c.ref.in_(theirs), vault.c.holder == ref)


def _held(context: ServiceContext, connection: Connection, ref: str) -> tuple[set[str], list[EntryName]]:
    """The subject with those that it owns, and the names of all entries sealed for it or written by it."""
    rows = connection.execute(select(subject.c.ref).where(or_(subject.c.ref == ref, subject.c.owner == ref)))
    refs = {row.ref for row in rows}
    if not refs:
        raise KeyError(f"there is no subject {ref}")
    found = connection.execute(select(vault.c.ref, vault.c.name).where(_sealed_for(ref)).order_by(*vault.primary_key))
    entries = dict.fromkeys((row.ref, row.name) for row in found)
    for component in context.components:
        if component.entries_by is not None:
            entries |= dict.fromkeys(component.entries_by(connection, ref))
    return refs, list(entries)


def digests_of(context: ServiceContext, connection: Connection, entries: Sequence[EntryName]) -> list[str]:
    """The blobs of the files that the entries refer to. Raises StorageError for a damaged entry."""
    kinds = stored_files(context)
    named = [entry for entry in entries if any(entry[1].startswith(kind.prefix) for kind in kinds)]
    digests: list[str] = []
    for start in range(0, len(named), _CHUNK):
        opened = context.vault.open_many(named[start : start + _CHUNK], conn=connection)
        for (_, name), plaintext in opened.items():
            digests += [one for kind in kinds if name.startswith(kind.prefix) for one in kind.digests(plaintext)]
    return digests


def readable_digests(context: ServiceContext, connection: Connection, entries: Sequence[EntryName]) -> list[str]:
    """The same without damaged entries, which must not keep anything from being erased."""
    try:
        return digests_of(context, connection, entries)
    except StorageError:
        digests: list[str] = []
        for entry in entries:
            with suppress(StorageError):
                digests += digests_of(context, connection, [entry])
        return digests


def stored_files(context: ServiceContext) -> list[StoredFiles]:
    """What the components declare about entries that refer to files."""
    return [component.files for component in context.components if component.files is not None]


def _delete_entries(tx: Transaction, entries: Sequence[EntryName]) -> int:
    """Delete entries of other subjects, which releases before 0.3.0 sealed under the keys of those."""
    gone = 0
    for start in range(0, len(entries), _CHUNK):
        these = tuple_(vault.c.ref, vault.c.name).in_(entries[start : start + _CHUNK])
        gone += tx.execute(select(func.count()).select_from(vault).where(these, vault.c.holder.is_(None))).scalar_one()
        tx.execute(delete(vault).where(these, vault.c.holder.is_(None)))
    return gone


# -- export ------------------------------------------------------------------------------------------------------------


def export_subject(context: ServiceContext, ref: str, file: IO[bytes]) -> None:
    """Write all that is held about a subject as a ZIP: ``subject.json``, and its files under ``files/``.

    Raises KeyError for a subject that does not exist, Erased.
    """
    with context.database.read() as connection:
        refs, entries = _held(context, connection, ref)
        if not context.vault.open_many([(ref, "id")], conn=connection):
            raise Erased(f"{ref} was erased")
        theirs = _theirs(context, connection, ref, entries)
        with ZipFile(file, "w", ZIP_DEFLATED) as archive:
            held = [
                _exported(context, archive, entry, plaintext)
                for entry, plaintext in _opened(context, connection, theirs)
            ]
            document = {
                "subject": ref,
                "exported_at": now_ms(),
                "subjects": sorted(refs),
                "entries": held,
                "events": list(_events_about(connection, refs)),
            }
            archive.writestr("subject.json", json.dumps(document, ensure_ascii=False, indent=1))


def export_file(context: ServiceContext, ref: str) -> Path:
    """The export as a temporary file, which the caller deletes. Raises as ``export_subject`` does."""
    with NamedTemporaryFile(prefix="seawall-export-", suffix=".zip", delete=False) as file:
        path = Path(file.name)
        try:
            export_subject(context, ref, file)
        except BaseException:
            path.unlink()
            raise
    return path


def _theirs(context: ServiceContext, connection: Connection, ref: str, entries: Sequence[EntryName]) -> list[EntryName]:
    """The entries without what others wrote: a reporter's note about an item is not for the item's author."""
    query = select(vault.c.ref, vault.c.name).where(_sealed_for(ref), vault.c.holder != ref)
    others = {(row.ref, row.name) for row in connection.execute(query)}
    secret = tuple(prefix for component in context.components for prefix in component.confidential)
    written = {
        entry
        for component in context.components
        if component.entries_by is not None
        for entry in component.entries_by(connection, ref)
    }
    return [one for one in entries if one in written or (one not in others and not one[1].startswith(secret or "\0"))]


def _opened(
    context: ServiceContext, connection: Connection, entries: Sequence[EntryName]
) -> Iterator[tuple[EntryName, bytes]]:
    for start in range(0, len(entries), _CHUNK):
        yield from context.vault.open_many(entries[start : start + _CHUNK], conn=connection).items()


def _exported(context: ServiceContext, archive: ZipFile, entry: EntryName, plaintext: bytes) -> dict[str, Any]:
    ref, name = entry
    shown: dict[str, Any] = {"subject": ref, "name": name}
    kind = next((one for one in stored_files(context) if name.startswith(one.prefix)), None)
    if kind is not None:
        shown["files"] = []
        for field, pieces in kind.read(plaintext, context.blobs):
            path = f"files/{ref}/{name.replace('/', '-')}-{len(shown['files'])}"
            with archive.open(path, "w") as file:
                file.writelines(pieces)
            shown["files"].append({"field": field, "file": path})
        plaintext = kind.without_keys(plaintext)
    return {**shown, **_readable(plaintext)}


def _readable(plaintext: bytes) -> dict[str, Any]:
    """JSON as JSON, text as text, anything else in base64."""
    try:
        text = plaintext.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(plaintext).decode()}
    try:
        return {"value": json.loads(text)} if text[:1] in ("{", "[") else {"value": text}
    except ValueError:
        return {"value": text}


def _events_about(connection: Connection, refs: set[str]) -> Iterator[dict[str, Any]]:
    """Every event that names the subject or what it owns."""
    names = [f'"{ref}"'.encode() for ref in refs]
    after = 0
    while rows := events_after(connection, after, limit=_EVENTS):
        after = rows[-1].seq
        for row in rows:
            if any(name in row.body for name in names):
                yield {"seq": row.seq, "at": row.at, "kind": row.kind, "body": json.loads(row.body)}
