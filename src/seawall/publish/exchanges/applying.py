"""Applies changes from an exchange to the banks within a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import delete, select, tuple_

from seawall.match.exchange import ExchangeRecord, SharedEntry
from seawall.publish.banks.entries import EntryOrigin, NewEntry, add_in
from seawall.publish.events import BankEntryRemoved
from seawall.publish.tables import bank_entry, exchange_record, exchange_signal
from seawall.storage import Transaction
from seawall.storage.queries import select_in_chunks

SUBJECT: Final = "exchange"
"""Kind of the vault subject under whose key an exchange's raw records are sealed."""
_IN: Final = 500
_ENCODER = msgspec.json.Encoder(order="deterministic")


RecordUpdate = tuple[str, ExchangeRecord | None]
"""The exchange's key, and the record; None when it was withdrawn."""


@dataclass(slots=True)
class AppliedDelta:
    """Counts of applied updates."""

    added: int = 0
    removed: int = 0
    skipped: int = 0


def record_name(record: str) -> str:
    """The name of a raw record in the vault."""
    return f"record/{record}"


def apply_updates(
    tx: Transaction, exchange: str, banks: Mapping[str, str], updates: Sequence[RecordUpdate], generation: int
) -> AppliedDelta:
    """Apply updates; an unchanged record writes one row only. ``banks``: kind → bank."""
    done = AppliedDelta()
    subject = tx.subject(SUBJECT, exchange)
    keyed = {tx.digest(f"{exchange}\0{key}".encode()): record for key, record in updates}
    known = _known(tx, exchange, list(keyed))
    gone = [record for record, update in keyed.items() if update is None and record in known]
    done.removed += forget(tx, exchange, gone)
    rows: list[dict[str, Any]] = []
    changed: dict[str, ExchangeRecord] = {}
    for name, record in keyed.items():
        if record is None:
            continue
        raw = _ENCODER.encode(record.raw)
        digest = tx.digest(raw + _ENCODER.encode(sorted(banks.items())))
        rows.append({"exchange": exchange, "record": name, "digest": digest, "generation": generation, "at": tx.at})
        done.skipped += record.skipped + sum(one.kind not in banks for one in record.known)
        if known.get(name) != digest:
            tx.seal(subject, record_name(name), raw)
            changed[name] = record
    added, removed = _replace(tx, exchange, changed, banks)
    done.added += added
    done.removed += removed
    _write_records(tx, rows)
    return done


def forget(tx: Transaction, exchange: str, records: Sequence[str]) -> int:
    """Drop records and the entries that no other record supports; return the number of removed entries."""
    if not records:
        return 0
    entries: set[tuple[str, str]] = set()
    subject = tx.subject(SUBJECT, exchange)
    for chunk in _chunks(records):
        mine = (exchange_signal.c.exchange == exchange, exchange_signal.c.record.in_(chunk))
        entries.update(
            (row.bank, row.entry)
            for row in tx.execute(select(exchange_signal.c.bank, exchange_signal.c.entry).where(*mine))
        )
        tx.execute(delete(exchange_signal).where(*mine))
        tx.execute(
            delete(exchange_record).where(exchange_record.c.exchange == exchange, exchange_record.c.record.in_(chunk))
        )
    for record in records:
        tx.seal(subject, record_name(record), b"")  # nothing of a withdrawn record is kept
    return _remove_unsupported(tx, exchange, entries)


def _replace(
    tx: Transaction, exchange: str, changed: Mapping[str, ExchangeRecord], banks: Mapping[str, str]
) -> tuple[int, int]:
    """Replace the entries of records by those they name now; return how many were added and removed."""
    before = _signals(tx, exchange, list(changed))
    now, added = _add(tx, exchange, changed, banks)
    for record, entry in sorted(now.keys() - before.keys()):
        row = {"exchange": exchange, "record": record, "entry": entry, "bank": now[record, entry]}
        tx.insert(exchange_signal, row)
    lost = sorted(before.keys() - now.keys())
    pair = tuple_(exchange_signal.c.record, exchange_signal.c.entry)
    for chunk in _chunks(lost):
        tx.execute(delete(exchange_signal).where(exchange_signal.c.exchange == exchange, pair.in_(chunk)))
    return added, _remove_unsupported(tx, exchange, {(before[one], one[1]) for one in lost})


def _add(
    tx: Transaction, exchange: str, changed: Mapping[str, ExchangeRecord], banks: Mapping[str, str]
) -> tuple[dict[tuple[str, str], str], int]:
    """(record, entry) → bank for every entry that the records name, and how many entries are new."""
    by_bank: dict[str, list[tuple[str, SharedEntry]]] = {}
    for record, update in changed.items():
        for known in update.known:
            if (bank := banks.get(known.kind)) is not None:
                by_bank.setdefault(bank, []).append((record, known))
    now: dict[tuple[str, str], str] = {}
    fresh = 0
    for bank, found in by_bank.items():
        entries = [NewEntry(kind=known.kind, value=known.value, source=exchange) for _, known in found]
        values = [known.value for _, known in found]
        origins = [EntryOrigin(exchange=exchange, record=record) for record, _ in found]
        made = add_in(tx, bank, entries, values, f"exchange:{exchange}", origins)
        now.update(((record, entry), bank) for (record, _), entry in zip(found, made.ids, strict=True))
        fresh += made.fresh
    return now, fresh


def _signals(tx: Transaction, exchange: str, records: Sequence[str]) -> dict[tuple[str, str], str]:
    """(record, entry) → bank of the entries that the records named before."""
    query = select(exchange_signal).where(exchange_signal.c.exchange == exchange)
    rows = select_in_chunks(tx, query, exchange_signal.c.record, records)
    return {(row.record, row.entry): row.bank for row in rows}


def _remove_unsupported(tx: Transaction, exchange: str, entries: Iterable[tuple[str, str]]) -> int:
    """Remove entries that came from an exchange and that no record names any more."""
    removed = 0
    for chunk in _chunks(sorted(entries)):
        names = [entry for _, entry in chunk]
        still = select(exchange_signal.c.entry).where(exchange_signal.c.entry.in_(names)).distinct()
        supported = set(tx.execute(still).scalars())
        given = select(bank_entry.c.id).where(
            bank_entry.c.id.in_(names), bank_entry.c.exchange.is_not(None), bank_entry.c.state != "removed"
        )
        held = set(tx.execute(given).scalars())
        for bank, entry in chunk:
            if entry in held and entry not in supported:
                tx.append(BankEntryRemoved(bank=bank, entry=entry, by=f"exchange:{exchange}", reason="withdrawn"))
                removed += 1
    return removed


def _known(tx: Transaction, exchange: str, records: Sequence[str]) -> dict[str, str]:
    """The known records, with the digest of their content."""
    query = select(exchange_record.c.record, exchange_record.c.digest).where(exchange_record.c.exchange == exchange)
    return {row.record: row.digest for row in select_in_chunks(tx, query, exchange_record.c.record, records)}


def _write_records(tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows of ``exchange_record``."""
    for chunk in _chunks(rows):
        keys = [row["record"] for row in chunk]
        tx.execute(
            delete(exchange_record).where(
                exchange_record.c.exchange == chunk[0]["exchange"], exchange_record.c.record.in_(keys)
            )
        )
        for row in chunk:
            tx.insert(exchange_record, row)


def _chunks(listed: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (listed[start : start + _IN] for start in range(0, len(listed), _IN))
