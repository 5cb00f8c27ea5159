"""Banks: adding and removing entries, and keeping a matcher in memory that is never more than a moment behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
import structlog
from sqlalchemy import Connection, Table, func, select

from seawall.match import BankEntry, BankMatcher, EntryError, canonical_value
from seawall.model import BankEntryAdded, BankEntryRemoved, Event, new_id, now_ms
from seawall.publish.tables import bank_entry
from seawall.storage import Database, Ledger, Transaction, Vault
from seawall.storage.upsert import upsert

_log = structlog.get_logger(__name__)
_LONGEST_SOURCE = 100
_LAST_MS = 253_402_300_800_000  # the year 10000
BANK_SUBJECT = "bank"  # kind of the vault's subject that a bank's values are sealed for


class BankError(Exception):
    """An entry that a bank cannot take, with the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry as readers see it."""

    id: str
    bank: str
    kind: str
    source: str
    added_by: str
    added_at: int
    expires: int | None = None
    threshold: int | None = None
    value: str | None = None  # from the vault


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """What is asked to be added. ``value``: the text, RE2 pattern, domain, or a PDQ hash of 64 hexadecimal digits."""

    kind: str
    value: str
    source: str
    expires: int | None = None  # milliseconds since 1970
    threshold: int | None = None  # image: largest Hamming distance that matches, 0 to 64


def add_entries(ledger: Ledger, bank: str, entries: Sequence[NewEntry], by: str) -> list[str]:
    """Add all or none; their ids, once durable. An entry that the bank holds already keeps its id. Raises BankError."""
    _check_name(bank)
    values = [_canonical(entry, index) for index, entry in enumerate(entries)]

    def unit(tx: Transaction) -> list[str]:
        subject = tx.subject(BANK_SUBJECT, bank)
        digests = [tx.digest(f"{entry.kind}\0{value}".encode()) for entry, value in zip(entries, values, strict=True)]
        held: dict[str, str] = {row.digest: row.id for row in tx.execute(_held(bank, digests))}
        ids = []
        for entry, value, digest in zip(entries, values, digests, strict=True):
            if digest not in held:
                held[digest] = new_id("ent")
                tx.seal(subject, f"entry/{held[digest]}", value.encode())
                tx.append(
                    BankEntryAdded(
                        bank=bank,
                        entry=held[digest],
                        kind=entry.kind,
                        digest=digest,
                        source=entry.source,
                        by=by,
                        expires=entry.expires,
                        threshold=entry.threshold,
                    )
                )
            ids.append(held[digest])
        return ids

    return ledger.commit(unit)


def remove_entry(ledger: Ledger, bank: str, entry: str, by: str) -> None:
    """Take an entry out at once. Raises LookupError."""

    def unit(tx: Transaction) -> None:
        query = select(bank_entry.c.id).where(
            bank_entry.c.id == entry, bank_entry.c.bank == bank, bank_entry.c.removed_at.is_(None)
        )
        if tx.execute(query).one_or_none() is None:
            raise LookupError(f"bank {bank!r} holds no entry {entry!r}")
        tx.append(BankEntryRemoved(bank=bank, entry=entry, by=by))

    ledger.commit(unit)


def list_entries(database: Database, vault: Vault, bank: str, *, after: str = "", limit: int = 200) -> list[Entry]:
    """A page of a bank's present entries in the order of their ids, with their values."""
    query = (
        select(bank_entry)
        .where(bank_entry.c.bank == bank, bank_entry.c.removed_at.is_(None), bank_entry.c.id > after)
        .order_by(bank_entry.c.id)
        .limit(limit)
    )
    with database.read() as connection:
        rows = connection.execute(query).mappings().all()
    subject = vault.find(BANK_SUBJECT, bank)
    values = _values(vault, subject, [row["id"] for row in rows])
    return [
        Entry(
            **{
                name: row[name]
                for name in ("id", "bank", "kind", "source", "added_by", "added_at", "expires", "threshold")
            },
            value=values.get(row["id"]),
        )
        for row in rows
    ]


def list_banks(database: Database) -> dict[str, int]:
    """Banks by name with the number of present entries."""
    query = select(bank_entry.c.bank, func.count()).where(bank_entry.c.removed_at.is_(None)).group_by(bank_entry.c.bank)
    with database.read() as connection:
        return {row.bank: row[1] for row in connection.execute(query)}


class BankKeeper:
    """Follows the banks' entries and hands a fresh matcher to whoever matches.

    ``refresh`` reads only what changed since the last call; the matcher is replaced whole.
    """

    def __init__(
        self, database: Database, vault: Vault, names: Sequence[str], replace: Callable[[BankMatcher], None]
    ) -> None:
        self._database = database
        self._vault = vault
        self._names = tuple(names)
        self._replace = replace
        self._cursor = 0
        self._entries: dict[str, BankEntry] = {}
        self._next_expiry: int | None = None

    def refresh(self) -> bool:
        """Take in new, removed and expired entries; True when the matcher changed."""
        now = now_ms()
        with self._database.read() as connection:
            rows = connection.execute(
                select(bank_entry).where(bank_entry.c.seq > self._cursor).order_by(bank_entry.c.seq)
            ).all()
        expired = self._next_expiry is not None and self._next_expiry <= now
        if not rows and not expired and self._cursor:
            return False
        added = [row for row in rows if row.removed_at is None]
        values = self._read_values(added)
        for row in rows:
            self._entries.pop(row.id, None)
        for row in added:
            if row.id in values:
                self._entries[row.id] = BankEntry(
                    bank=row.bank,
                    id=row.id,
                    kind=row.kind,
                    value=values[row.id],
                    threshold=row.threshold,
                    expires=row.expires,
                )
        self._entries = {key: entry for key, entry in self._entries.items() if not entry.expires or entry.expires > now}
        self._next_expiry = min((entry.expires for entry in self._entries.values() if entry.expires), default=None)
        self._cursor = max([self._cursor, *(row.seq for row in rows)])
        self._replace(BankMatcher(self._entries.values(), banks=self._names, revision=self._cursor))
        return True

    def _read_values(self, rows: Sequence[Any]) -> dict[str, str]:
        values: dict[str, str] = {}
        for bank in {row.bank for row in rows}:
            subject = self._vault.find(BANK_SUBJECT, bank)
            values.update(_values(self._vault, subject, [row.id for row in rows if row.bank == bank]))
        return values


class BankEntries:
    """The projection ``bank_entry``."""

    name: ClassVar[str] = "bank_entries"
    tables: ClassVar[tuple[Table, ...]] = (bank_entry,)

    def apply(self, connection: Connection, events: Sequence[Event]) -> None:
        """Additions insert; removals mark the row and move it to the end of the cursor."""
        rows: dict[str, dict[str, Any]] = {}
        removed = [event for event in events if isinstance(event.body, BankEntryRemoved)]
        for event in events:
            body = event.body
            if isinstance(body, BankEntryAdded):
                rows[body.entry] = _entry_row(event, body)
        known = [event.body.entry for event in removed if event.body.entry not in rows]  # type: ignore[union-attr]
        if known:
            found = connection.execute(select(bank_entry).where(bank_entry.c.id.in_(known))).mappings()
            rows.update({row["id"]: dict(row) for row in found})
        for event in removed:
            assert isinstance(event.body, BankEntryRemoved)
            if event.body.entry in rows:
                rows[event.body.entry].update(removed_at=event.at, seq=event.seq)
        if rows:
            upsert(connection, bank_entry, list(rows.values()))


def _entry_row(event: Event, body: BankEntryAdded) -> dict[str, Any]:
    return {
        "id": body.entry,
        "bank": body.bank,
        "kind": body.kind,
        "digest": body.digest,
        "source": body.source,
        "added_by": body.by,
        "added_at": event.at,
        "seq": event.seq,
        "expires": body.expires,
        "threshold": body.threshold,
        "removed_at": None,
    }


def _held(bank: str, digests: list[str]) -> Any:
    return select(bank_entry.c.digest, bank_entry.c.id).where(
        bank_entry.c.bank == bank, bank_entry.c.digest.in_(digests), bank_entry.c.removed_at.is_(None)
    )


def _values(vault: Vault, subject: str | None, ids: Sequence[str]) -> dict[str, str]:
    if subject is None or not ids:
        return {}
    found = vault.open_many([(subject, f"entry/{entry}") for entry in ids])
    return {name.removeprefix("entry/"): value.decode() for (_, name), value in found.items() if value is not None}


def _check_name(bank: str) -> None:
    if not bank or not all(part.isalnum() for part in bank.split("-")) or not bank.islower():
        raise BankError(f"{bank!r} is no bank name; use lower-case words joined by hyphens, such as blocked-texts")


def _canonical(entry: NewEntry, index: int) -> str:
    if not 1 <= len(entry.source) <= _LONGEST_SOURCE or not entry.source.isprintable():
        raise BankError(f"entry {index}: source has 1 to {_LONGEST_SOURCE} printable characters")
    if entry.expires is not None and not 0 <= entry.expires < _LAST_MS:
        raise BankError(f"entry {index}: expires is a time in milliseconds since 1970")
    try:
        return canonical_value(entry.kind, entry.value, entry.threshold)
    except EntryError as error:
        raise BankError(f"entry {index}: {error}") from error


def parse_entries(data: bytes) -> list[NewEntry]:
    """Entries from JSON lines. Raises BankError that names the line."""
    decoder = msgspec.json.Decoder(NewEntry)
    entries = []
    for number, line in enumerate(data.splitlines(), start=1):
        if line.strip():
            try:
                entries.append(decoder.decode(line))
            except msgspec.DecodeError as error:
                raise BankError(f"line {number}: {error}") from error
    return entries
