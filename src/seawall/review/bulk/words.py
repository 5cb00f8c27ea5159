"""What people wrote for a bulk decision, sealed beside the ledger until it has ended."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from sqlalchemy import Connection, select, update

from seawall.review.bulk.tables import bulk_words as table
from seawall.storage import Vault
from seawall.storage.transaction import Transaction


class BulkWords(msgspec.Struct, frozen=True):
    """The note of every review of it, and the search that found the items. Either may name somebody."""

    note: str = ""
    query: str = ""


NO_WORDS = BulkWords()


def seal_words(vault: Vault, bulk: str, words: BulkWords) -> bytes:
    """The words sealed under the master key, for ``keep_words``."""
    return vault.protect(_name(bulk), msgspec.json.encode(words))


def keep_words(tx: Transaction, bulk: str, sealed: bytes) -> None:
    """Keep them until ``forget_words``."""
    tx.insert(table, {"bulk": bulk, "sealed": sealed, "at": tx.at})


def bulk_words(reader: Connection | Transaction, vault: Vault, bulk: str) -> BulkWords:
    """The words of a bulk decision; none once it has ended."""
    sealed = reader.execute(select(table.c.sealed).where(table.c.bulk == bulk)).scalar()
    return NO_WORDS if sealed is None else msgspec.json.decode(vault.reveal(_name(bulk), bytes(sealed)), type=BulkWords)


def forget_words(tx: Transaction, bulk: str) -> None:
    """Delete them: the note is with the reviews, the search is not needed any more."""
    tx.execute(table.delete().where(table.c.bulk == bulk))


def forget_old_words(tx: Transaction, before: int) -> None:
    """Delete the words of bulk decisions that were prepared before and never went on."""
    tx.execute(table.delete().where(table.c.at < before))


def reseal_words(connection: Connection, reseal: Callable[[str, bytes], bytes]) -> None:
    """Seal them anew: the master key is changed."""
    for row in connection.execute(select(table.c.bulk, table.c.sealed)).all():
        sealed = reseal(_name(row.bulk), bytes(row.sealed))
        connection.execute(update(table).where(table.c.bulk == row.bulk).values(sealed=sealed))


def _name(bulk: str) -> str:
    return f"bulk/{bulk}"
