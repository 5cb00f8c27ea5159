"""Deletes files that nothing refers to: what a killed process stored before its transaction, or left after another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, select, tuple_

from seawall.model import now_ms
from seawall.storage.component import ServiceContext
from seawall.storage.deletions import UnusedFilesDeleted
from seawall.storage.erasure import digests_of, stored_files
from seawall.storage.tables import vault

GRACE_MS: Final = 24 * 3_600_000
"""Age from which a file may be deleted. A writer stores its files seconds before it commits what refers to them."""

_CHUNK: Final = 500


def delete_unused_files(context: ServiceContext, *, grace_ms: int = GRACE_MS) -> int:
    """Delete the blobs older than ``grace_ms`` that no vault entry and no component refers to; return how many.

    The blobs are listed first and the references read afterwards, so what was committed meanwhile counts. Raises
    StorageError, before anything is deleted, when an entry cannot be read.
    """
    before = now_ms() - grace_ms
    old = {digest for digest, stored_at in context.blobs.listed() if stored_at < before}
    if not old:
        return 0
    with context.database.read() as connection:
        for digest in _references(context, connection):
            old.discard(digest)
    gone = 0
    for digest in sorted(old):
        stored_at = context.blobs.stored_at(digest)
        if stored_at is not None and stored_at < before:  # else the same bytes were stored again meanwhile
            context.blobs.delete(digest)
            gone += 1
    if gone:
        context.ledger.commit(lambda tx: tx.append(UnusedFilesDeleted(files=gone, before=before)))
    return gone


def missing_files(context: ServiceContext) -> int:
    """How many files that vault entries and components refer to are not stored. Raises StorageError."""
    with context.database.read() as connection:
        return sum(context.blobs.stored_at(digest) is None for digest in set(_references(context, connection)))


def _references(context: ServiceContext, connection: Connection) -> Iterator[str]:
    for component in context.components:
        if component.blobs is not None:
            yield from component.blobs(connection)
    for kind in stored_files(context):
        named = select(vault.c.ref, vault.c.name).where(vault.c.name.startswith(kind.prefix, autoescape=True))
        after = ("", "")
        while rows := connection.execute(
            named.where(tuple_(vault.c.ref, vault.c.name) > after).order_by(vault.c.ref, vault.c.name).limit(_CHUNK)
        ).all():
            after = (rows[-1].ref, rows[-1].name)
            yield from digests_of(context, connection, [(row.ref, row.name) for row in rows])
