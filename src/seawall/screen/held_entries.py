"""What the screen component keeps about people: the entries that a subject wrote, and the files of an entry."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from sqlalchemy import Connection, or_, select, tuple_

from seawall.screen.artifacts import derived_name, hashes_name
from seawall.screen.content import decode, features_name, fields_name, open_media
from seawall.screen.events import ITEM_SUBMITTED
from seawall.screen.tables import decision, item, revision
from seawall.storage.blobs import Blobs
from seawall.storage.component import EntryName, StoredFiles
from seawall.storage.ledger import event
from seawall.storage.queries import select_in_chunks


def entries_by_actor(connection: Connection, actor: str) -> Iterator[EntryName]:
    """The entries of every revision that an account wrote, also of items that another account created.

    Who wrote a revision is in its event: a decision about it also names whoever sent the same content again.
    """
    about = (
        select(revision.c.item, revision.c.revision, revision.c.seq)
        .join(item, item.c.ref == revision.c.item)
        .outerjoin(decision, (decision.c.item == revision.c.item) & (decision.c.revision == revision.c.revision))
        .where(or_(item.c.actor == actor, decision.c.actor == actor))
        .distinct()
    )
    rows = {row.seq: (row.item, row.revision) for row in connection.execute(about)}
    written = [
        rows[row.seq]
        for row in select_in_chunks(connection, select(event.c.seq, event.c.version, event.c.body), event.c.seq, rows)
        if ITEM_SUBMITTED.decode(row.version, bytes(row.body)).actor == actor
    ]
    for ref, number in written:
        yield (ref, fields_name(number))
        yield (ref, hashes_name(number))
    made = select(decision.c.id, decision.c.item)
    for row in select_in_chunks(connection, made, tuple_(decision.c.item, decision.c.revision), written):
        yield (row.item, features_name(row.id))
        yield (row.item, derived_name(row.id))


def _digests(plaintext: bytes) -> list[str]:
    return [value["blob"] for value in decode(plaintext).fields.values() if isinstance(value, dict)]


def _read(plaintext: bytes, blobs: Blobs) -> Iterator[tuple[str, Iterator[bytes]]]:
    for name, value in decode(plaintext).fields.items():
        if isinstance(value, dict):
            file = open_media(value, blobs)
            yield name, file.read(0, file.size)


def _without_keys(plaintext: bytes) -> bytes:
    content = decode(plaintext)
    fields = {
        name: {"type": value.get("type", "image"), "bytes": value["bytes"]} if isinstance(value, dict) else value
        for name, value in content.fields.items()
    }
    return msgspec.json.encode(msgspec.structs.replace(content, fields=fields))


FILES = StoredFiles(prefix="fields/", digests=_digests, read=_read, without_keys=_without_keys)
"""The files of items: see ``content.MediaReference``."""
