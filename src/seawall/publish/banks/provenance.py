"""Where bank entries come from: the content that they were made from, and what happens when that is erased."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, or_, select, tuple_

from seawall.publish.banks.entries import BANK_SUBJECT, note_name, value_name
from seawall.publish.events import BankEntryRemoved, BankEntrySourceErased
from seawall.publish.tables import bank as bank_table
from seawall.publish.tables import bank_entry, bank_entry_source, exchange_signal
from seawall.storage import Transaction
from seawall.storage.component import ErasedReferences
from seawall.storage.queries import select_in_chunks
from seawall.storage.tables import subject, vault

SOURCE_ERASED: Final = "source_erased"
"""The reason of entries that a bank removes because the content they were made from was erased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntrySource:
    """Content that an entry was made from, by surrogates; both None when it was erased."""

    item: str | None
    account: str | None
    by: str
    at: int
    erased_at: int | None


def sources_of(connection: Connection, entries: Sequence[str]) -> dict[str, tuple[EntrySource, ...]]:
    """What each of those entries was made from, oldest first."""
    found: dict[str, tuple[EntrySource, ...]] = {}
    query = select(bank_entry_source).order_by(bank_entry_source.c.seq)
    for row in select_in_chunks(connection, query, bank_entry_source.c.entry, entries):
        one = EntrySource(item=row.item, account=row.account, by=row.by, at=row.at, erased_at=row.erased_at)
        found[row.entry] = (*found.get(row.entry, ()), one)
    return found


def erase_sources(tx: Transaction, ref: str, by: str, requested: bool) -> ErasedReferences:
    """Forget that entries were made from content of a subject or of what it owns, and delete their notes.

    ``requested``: somebody asked for the erasure, so banks with ``on_erasure: remove`` lose the entries too, unless
    they have another source. Otherwise the retention of an item ended: the entry stays, and the account's name on it,
    so that the account can still be erased from it.
    """
    source = bank_entry_source.c
    theirs = select(subject.c.ref).where(or_(subject.c.ref == ref, subject.c.owner == ref))
    about = or_(source.item.in_(theirs), source.account.in_(theirs))
    rows = tx.execute(select(source.seq, source.bank, source.entry, source.account).where(about)).all()
    for row in rows:
        item_only = not requested and row.account is not None
        tx.append(BankEntrySourceErased(bank=row.bank, entry=row.entry, source=row.seq, item_only=item_only))
    entries = sorted({row.entry for row in rows})
    _delete_sealed(tx, {row.entry: row.bank for row in rows}, note_name)
    removed = _unsupported(tx, entries) if requested else {}
    for entry, bank in removed.items():
        tx.append(BankEntryRemoved(bank=bank, entry=entry, by=by, reason=SOURCE_ERASED))
    _delete_sealed(tx, removed, value_name)
    return ErasedReferences(sources=len(rows), entries=len(removed))


def _unsupported(tx: Transaction, entries: Sequence[str]) -> dict[str, str]:
    """Entry → bank of those made from content alone, all of which is erased now, in banks that then remove them."""
    source = bank_entry_source.c
    made = {row.entry for row in select_in_chunks(tx, select(source.entry).where(source.new), source.entry, entries)}
    live = select(source.entry).where(or_(source.item.is_not(None), source.account.is_not(None)))
    kept = {row.entry for row in select_in_chunks(tx, live, source.entry, entries)}
    shared = select(exchange_signal.c.entry)
    kept |= {row.entry for row in select_in_chunks(tx, shared, exchange_signal.c.entry, entries)}
    removing = (
        select(bank_entry.c.id, bank_entry.c.bank)
        .join(bank_table, bank_table.c.name == bank_entry.c.bank)
        .where(bank_table.c.on_erasure == "remove", bank_entry.c.state != "removed")
    )
    found = select_in_chunks(tx, removing, bank_entry.c.id, sorted(made - kept))
    return {row.id: row.bank for row in found}


def _delete_sealed(tx: Transaction, entries: Mapping[str, str], name: Callable[[str], str]) -> None:
    """Delete what the vault holds of entries (entry → bank) under that name."""
    banks = {bank: tx.subject(BANK_SUBJECT, bank) for bank in set(entries.values())}
    sealed = [(banks[bank], name(entry)) for entry, bank in entries.items()]
    for start in range(0, len(sealed), 200):
        tx.execute(delete(vault).where(tuple_(vault.c.ref, vault.c.name).in_(sealed[start : start + 200])))
