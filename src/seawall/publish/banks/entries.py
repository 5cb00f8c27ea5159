"""Adding, removing, suspending and restoring bank entries."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from seawall.content.values import LEAST_MS
from seawall.match import NO_HASHERS, BankEntry, EntryError, Hashers, canonical_value
from seawall.model import EventBody, new_id
from seawall.publish.banks.errors import BankError, NoSuchEntry
from seawall.publish.banks.settings import BankSettings, all_settings, check_name, with_threshold
from seawall.publish.events import (
    BankEntryAdded,
    BankEntryRemoved,
    BankEntryRestored,
    BankEntrySourced,
    BankEntrySuspended,
)
from seawall.publish.tables import bank as bank_table
from seawall.publish.tables import bank_entry, bank_entry_source
from seawall.storage import Ledger, Transaction
from seawall.storage.queries import select_in_chunks
from seawall.storage.subjects import owner_of

if TYPE_CHECKING:
    from seawall.detectors.text.meanings import MeaningDetector

BANK_SUBJECT: Final = "bank"
"""Kind of the vault subject under whose key a bank's values are sealed."""
RETRO_JOB: Final = "retro_search"
"""Kind of the job that retro-matches new entries against past items."""
REASONS: Final = ("wrong_match", "harmless_now", "duplicate", "withdrawn", "legal_order", "mistake", "checked", "other")
"""Codes that the console offers for changes to entries."""

_RETRO_DELAY_MS: Final = 2_000
_LONGEST_SOURCE: Final = 100
_LONGEST_NOTE: Final = 4_000
_LONGEST_ID: Final = 512
_LAST_MS: Final = 253_402_300_800_000  # the year 10000
_DAY_MS: Final = 86_400_000
_CODE = re.compile(r"[a-z][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """An entry to add; see ``seawall.match.BankEntry`` for what ``value`` and ``threshold`` are by kind.

    ``source``: a code for its origin, kept for good. ``note``: free text, sealed in the vault. ``content_type`` and
    ``item_id``: the screened item that it was made from; ``account``: who wrote that, by default the item's account.
    """

    kind: str
    value: str
    source: str
    expires: int | None = None  # milliseconds since 1970
    threshold: int | None = None
    note: str = ""
    content_type: str = ""
    item_id: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryOrigin:
    """The exchange and the record that an entry comes from."""

    exchange: str
    record: str  # keyed digest of the exchange's own key


@dataclass(frozen=True, slots=True)
class AddedEntries:
    """Ids of entries in the order of the request, and how many of them are new."""

    ids: list[str]
    fresh: int


def add_entries(
    ledger: Ledger,
    bank: str,
    entries: Sequence[NewEntry],
    by: str,
    *,
    places: Sequence[str] | None = None,
    hashers: Hashers = NO_HASHERS,
    meanings: MeaningDetector | None = None,
) -> list[str]:
    """Add all or none; return their ids once durable. An entry already in the bank keeps its id. Raises BankError.

    ``places``: names of the entries in errors (``line 7``); default ``entry 0`` …. ``hashers``: the enabled ones.
    ``meanings`` compares entries of kind ``meaning`` with harmless sentences; without it none are taken.
    """
    check_name(bank)
    values = check_entries(entries, places, hashers)
    check_new_meanings(ledger, bank, zip(entries, values, strict=True), meanings)
    return ledger.commit(lambda tx: add_in(tx, bank, entries, values, by).ids)


def check_new_meanings(
    ledger: Ledger, bank: str, entries: Iterable[tuple[NewEntry, str]], meanings: MeaningDetector | None
) -> None:
    """Check the entries of kind ``meaning`` among these, with their canonical values. Raises BankError."""
    examples = [(entry, value) for entry, value in entries if entry.kind == "meaning"]
    if not examples:
        return
    from seawall.publish.banks.meanings import check_meanings  # here: it needs the text model

    settings = all_settings(ledger.database).get(bank, BankSettings())
    check_meanings(
        meanings,
        bank,
        [
            with_threshold(
                BankEntry(bank=bank, id="", kind=entry.kind, value=value, threshold=entry.threshold), settings
            )
            for entry, value in examples
        ],
        "the examples",
    )


def check_entries(
    entries: Sequence[NewEntry], places: Sequence[str] | None = None, hashers: Hashers = NO_HASHERS
) -> list[str]:
    """The canonical value of each entry. Raises BankError that names the first invalid one."""
    return [
        canonical(entry, f"entry {index}" if places is None else places[index], hashers)
        for index, entry in enumerate(entries)
    ]


def canonical(entry: NewEntry, place: str, hashers: Hashers = NO_HASHERS) -> str:
    """The value as the bank stores it. Raises BankError that begins with ``place``."""
    if not 1 <= len(entry.source) <= _LONGEST_SOURCE or not entry.source.isprintable():
        raise BankError(f"{place}: source must have 1 to {_LONGEST_SOURCE} printable characters")
    if entry.expires is not None and not 0 <= entry.expires < _LAST_MS:
        raise BankError(f"{place}: expires must be a time in milliseconds since 1970")
    if entry.expires is not None and entry.expires < LEAST_MS:
        raise BankError(f"{place}: expires {entry.expires} would be long past: send milliseconds since 1970")
    if len(entry.note) > _LONGEST_NOTE:
        raise BankError(f"{place}: a note has at most {_LONGEST_NOTE} characters")
    if bool(entry.content_type) != bool(entry.item_id):
        raise BankError(f"{place}: give content_type and item_id together, as the item was submitted")
    if any(len(name) > _LONGEST_ID for name in (entry.content_type, entry.item_id, entry.account)):
        raise BankError(f"{place}: an id has at most {_LONGEST_ID} characters")
    try:
        return canonical_value(entry.kind, entry.value, entry.threshold, hashers)
    except EntryError as error:
        raise BankError(f"{place}: {error}") from error


def add_in(
    tx: Transaction,
    bank: str,
    entries: Sequence[NewEntry],
    values: Sequence[str],
    by: str,
    origins: Sequence[EntryOrigin] | None = None,
) -> AddedEntries:
    """Add checked entries within a transaction, and enqueue their retro-match. ``origins``: one for each."""
    if not entries:
        return AddedEntries([], 0)
    subject = tx.subject(BANK_SUBJECT, bank)
    digests = [tx.digest(f"{entry.kind}\0{value}".encode()) for entry, value in zip(entries, values, strict=True)]
    held = _held(tx, bank, digests)
    usual = _usual_expiry(tx, bank)
    before = len(held)
    ids = []
    for index, (entry, value, digest) in enumerate(zip(entries, values, digests, strict=True)):
        new = digest not in held
        if new:
            origin = None if origins is None else origins[index]
            held[digest] = new_id("ent", tx.at)
            tx.seal(subject, value_name(held[digest]), value.encode())
            if entry.note:
                tx.seal(subject, note_name(held[digest]), entry.note.encode())
            tx.append(
                BankEntryAdded(
                    bank=bank,
                    entry=held[digest],
                    kind=entry.kind,
                    digest=digest,
                    source=entry.source,
                    by=by,
                    expires=entry.expires if entry.expires is not None or usual is None else tx.at + usual,
                    threshold=entry.threshold,
                    exchange=None if origin is None else origin.exchange,
                    record=None if origin is None else origin.record,
                )
            )
        _record_source(tx, bank, held[digest], entry, by, new=new)
        ids.append(held[digest])
    if len(held) > before:
        _search_past(tx)
    return AddedEntries(ids, len(held) - before)


def _record_source(tx: Transaction, bank: str, held: str, entry: NewEntry, by: str, *, new: bool) -> None:
    """Record the content that an entry was made from, by surrogates, once. Raises BankError for an unknown item."""
    if not (entry.item_id or entry.account):
        return
    item = None
    if entry.item_id:
        item = tx.find_subject(f"item:{entry.content_type}", entry.item_id)
        if item is None:
            raise BankError(
                f"item_id: no {entry.content_type} {entry.item_id[:100]!r} was screened here, or it was erased; leave "
                "out content_type and item_id, and give the account whose content it is"
            )
    account = tx.subject("account", entry.account) if entry.account else owner_of(tx, item or "")
    table = bank_entry_source.c
    same = (table.entry == held, table.item.is_not_distinct_from(item), table.account.is_not_distinct_from(account))
    if tx.execute(select(table.seq).where(*same)).first() is None:
        tx.append(BankEntrySourced(bank=bank, entry=held, item=item, account=account, by=by, new=new))


def value_name(entry: str) -> str:
    """The name of an entry's value in the vault."""
    return f"entry/{entry}"


def note_name(entry: str) -> str:
    """The name of an entry's note in the vault."""
    return f"note/{entry}"


def _held(tx: Transaction, bank: str, digests: list[str]) -> dict[str, str]:
    """The entries already in the bank, by digest."""
    query = select(bank_entry.c.digest, bank_entry.c.id).where(
        bank_entry.c.bank == bank, bank_entry.c.state != "removed"
    )
    return {row.digest: row.id for row in select_in_chunks(tx, query, bank_entry.c.digest, digests)}


def _usual_expiry(tx: Transaction, bank: str) -> int | None:
    days = tx.execute(select(bank_table.c.expires_after_days).where(bank_table.c.name == bank)).scalar_one_or_none()
    return None if days is None else days * _DAY_MS


def remove_entry(ledger: Ledger, bank: str, entry: str, by: str, reason: str = "") -> None:
    """Remove an entry at once and permanently. Raises NoSuchEntry, BankError."""
    _check_reason(reason, needed=False)
    event = BankEntryRemoved(bank=bank, entry=entry, by=by, reason=reason)
    _change(ledger, bank, entry, event, ("active", "suspended", "quarantined"))


def suspend_entry(ledger: Ledger, bank: str, entry: str, by: str, reason: str) -> None:
    """Stop an entry from matching until it is restored. Raises NoSuchEntry, BankError."""
    _check_reason(reason)
    event = BankEntrySuspended(bank=bank, entry=entry, by=by, reason=reason)
    _change(ledger, bank, entry, event, ("active", "quarantined"))


def restore_entry(ledger: Ledger, bank: str, entry: str, by: str, reason: str) -> None:
    """Put a suspended or quarantined entry back in use. Raises NoSuchEntry, BankError."""
    _check_reason(reason)
    event = BankEntryRestored(bank=bank, entry=entry, by=by, reason=reason)
    _change(ledger, bank, entry, event, ("suspended", "quarantined"), also=_search_past)


def _search_past(tx: Transaction) -> None:
    """Enqueue a retro-match, delayed until every process matches the entries itself, so that no item is missed."""
    tx.enqueue(RETRO_JOB, "all", {}, due_at=tx.at + _RETRO_DELAY_MS)


def state_in(tx: Transaction, bank: str, entry: str) -> str | None:
    """The state of a bank's entry within a transaction; None for an unknown entry."""
    query = select(bank_entry.c.state).where(bank_entry.c.id == entry, bank_entry.c.bank == bank)
    state: str | None = tx.execute(query).scalar_one_or_none()
    return state


def _change(
    ledger: Ledger,
    bank: str,
    entry: str,
    event: EventBody,
    states: Sequence[str],
    also: Callable[[Transaction], Any] = lambda tx: None,
) -> None:
    def unit(tx: Transaction) -> None:
        state = state_in(tx, bank, entry)
        if state is None or state == "removed":
            raise NoSuchEntry(f"bank {bank!r} holds no entry {entry!r}")
        if state not in states:
            raise NoSuchEntry(f"the entry {entry!r} of bank {bank!r} is already {state}")
        tx.append(event)
        also(tx)

    ledger.commit(unit)


def _check_reason(reason: str, *, needed: bool = True) -> None:
    if (reason or needed) and not _CODE.fullmatch(reason):
        raise BankError("a reason must be a code such as wrong_match; put free text into a note")
