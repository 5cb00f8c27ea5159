"""Queries of bundles, banks, their entries and values, and the outcomes of their matches."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, func, select

from seawall.publish.banks.entries import BANK_SUBJECT, note_name, value_name
from seawall.publish.banks.provenance import EntrySource, sources_of
from seawall.publish.banks.settings import Bank
from seawall.publish.tables import bank_entry, bank_hit, bundle_proposal
from seawall.publish.tables import bundle as bundle_table
from seawall.storage import Database, Vault
from seawall.storage.queries import select_in_chunks


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Outcomes of an entry's matches. Each field counts items, each item once."""

    hits: int = 0
    suppressed: int = 0  # suppressed by an allow-bank
    quarantined: int = 0  # went to review instead
    confirmed: int = 0  # a person agreed
    overturned: int = 0  # a person disagreed
    complaints: int = 0  # reports about those items since
    last_hit_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry as readers see it. ``value`` and ``note`` come from the vault: None when erased, "" without a note."""

    id: str
    bank: str
    kind: str
    source: str
    added_by: str
    added_at: int
    state: str  # active | suspended | quarantined | removed
    state_by: str
    state_at: int
    state_reason: str
    expires: int | None = None
    threshold: int | None = None
    exchange: str | None = None
    value: str | None = None
    note: str | None = None
    counts: Counts = field(default_factory=Counts)
    sources: tuple[EntrySource, ...] = ()
    withheld: str | None = None  # why value, note and sources are not given: child_safety


_ELSEWHERE = ("value", "note", "counts", "sources", "withheld")
_COLUMNS = tuple(bank_entry.c[name] for name in Entry.__dataclass_fields__ if name not in _ELSEWHERE)


def items_made_into(entries: Sequence[Entry]) -> list[str]:
    """The items that the entries were made from."""
    return [source.item for entry in entries for source in entry.sources if source.item is not None]


def withhold(entries: Sequence[Entry], hidden: Container[str]) -> list[Entry]:
    """The entries, those made from a hidden item of child safety without what they hold of it."""
    return [
        replace(entry, value=None, note=None, sources=(), withheld="child_safety")
        if any(item in hidden for item in items_made_into([entry]))
        else entry
        for entry in entries
    ]


def list_entries(
    database: Database, vault: Vault, bank: str, *, after: str = "", limit: int = 200, state: str | None = None
) -> list[Entry]:
    """A page of a bank's entries in the order of their ids: those in ``state``, or all but removed ones."""
    query = select(*_COLUMNS).where(bank_entry.c.bank == bank, bank_entry.c.id > after)
    query = query.where(bank_entry.c.state != "removed" if state is None else bank_entry.c.state == state)
    return _read(database, vault, query.order_by(bank_entry.c.id).limit(limit))


def find_entry(database: Database, vault: Vault, entry: str) -> Entry | None:
    """One entry of any bank by its id, even if removed."""
    return next(iter(find_entries(database, vault, [entry])), None)


def find_entries(database: Database, vault: Vault, ids: Sequence[str]) -> list[Entry]:
    """Entries by their ids, removed ones included; unknown ids are left out."""
    with database.read() as connection:
        rows = [row._mapping for row in select_in_chunks(connection, select(*_COLUMNS), bank_entry.c.id, ids)]
    return _entries(database, vault, rows)


def _read(database: Database, vault: Vault, query: Select[Any]) -> list[Entry]:
    with database.read() as connection:
        rows = connection.execute(query).mappings().all()
    return _entries(database, vault, rows)


def _entries(database: Database, vault: Vault, rows: Sequence[RowMapping]) -> list[Entry]:
    ids = [row["id"] for row in rows]
    counts = counts_of(database, ids)
    with database.read() as connection:
        sources = sources_of(connection, ids)
    sealed = open_sealed(vault, ((row["bank"], name(row["id"])) for row in rows for name in (value_name, note_name)))
    return [
        Entry(
            **row,
            value=sealed.get((row["bank"], value_name(row["id"]))),
            note=sealed.get((row["bank"], note_name(row["id"])), ""),
            counts=counts.get(row["id"], Counts()),
            sources=sources.get(row["id"], ()),
        )
        for row in rows
    ]


def counts_of(database: Database, ids: Sequence[str]) -> dict[str, Counts]:
    """The counts of those entries that ever matched."""

    def tally(column: Any, value: str) -> Any:
        return func.count().filter(column == value)

    hit = bank_hit.c
    query = select(
        hit.entry,
        func.count().label("hits"),
        tally(hit.effect, "suppressed").label("suppressed"),
        tally(hit.effect, "quarantined").label("quarantined"),
        tally(hit.outcome, "confirmed").label("confirmed"),
        tally(hit.outcome, "overturned").label("overturned"),
        func.sum(hit.complaints).label("complaints"),
        func.max(hit.at).label("last_hit_at"),
    ).group_by(hit.entry)
    found: dict[str, Counts] = {}
    with database.read() as connection:
        for row in select_in_chunks(connection, query, hit.entry, ids):
            numbers = {name: row._mapping[name] for name in Counts.__dataclass_fields__}
            found[row.entry] = Counts(**{**numbers, "complaints": int(row.complaints)})
    return found


def open_sealed(vault: Vault, names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Sealed values and notes of banks, by (bank, name). Erased or never sealed ones are absent."""
    wanted: dict[str, list[str]] = {}
    for bank, name in names:
        wanted.setdefault(bank, []).append(name)
    found: dict[tuple[str, str], str] = {}
    for bank, listed in wanted.items():
        subject = vault.find(BANK_SUBJECT, bank)
        if subject is not None:
            opened = vault.open_many([(subject, name) for name in listed])
            found.update(((bank, name), value.decode()) for (_, name), value in opened.items())
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleRow:
    """One publication of a bundle. ``by``: a person's surrogate, or the program that published it."""

    seq: int
    hash: str
    at: int
    by: str
    previous: str | None
    policies: int
    rules: int
    kind: str  # publish | start | rebuild | rollback
    source: str  # where its files were read; empty: not recorded
    approved_by: str | None
    changes: dict[str, int] | None  # see ``BundleChanges.numbers``; None: not counted
    screened: bool | None  # its examples, by the real detectors; None: nobody asked for it, or not recorded


def newest_bundles(connection: Connection, *, limit: int, before: int | None = None) -> list[BundleRow]:
    """Published bundles, newest first; ``before``: those with a smaller ``seq``."""
    query = _BUNDLES.order_by(bundle_table.c.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(bundle_table.c.seq < before)
    return [_bundle_row(row) for row in connection.execute(query).mappings()]


def latest_publication(connection: Connection, bundle_hash: str | None = None) -> BundleRow | None:
    """Who put the bundle in force, or the one of this hash: the latest publication that is no rebuild of another."""
    query = _BUNDLES.where(bundle_table.c.kind != "rebuild").order_by(bundle_table.c.seq.desc()).limit(1)
    if bundle_hash is not None:
        query = query.where(bundle_table.c.hash == bundle_hash)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _bundle_row(row)


def published_before(connection: Connection, bundle_hash: str) -> str | None:
    """The bundle that this one took the place of, when it was published and not rolled back to; None: the first."""
    query = select(bundle_table.c.previous).where(bundle_table.c.hash == bundle_hash, bundle_table.c.kind != "rollback")
    return connection.execute(query.order_by(bundle_table.c.seq.desc()).limit(1)).scalar_one_or_none()


def bundles_like(connection: Connection, beginning: str) -> list[str]:
    """Hashes of published bundles that begin so."""
    query = select(bundle_table.c.hash).where(bundle_table.c.hash.startswith(beginning, autoescape=True)).distinct()
    return sorted(connection.scalars(query))


_BUNDLES = select(*(bundle_table.c[name] for name in BundleRow.__dataclass_fields__))


def _bundle_row(row: RowMapping) -> BundleRow:
    changes = row["changes"]
    return BundleRow(**{**row, "changes": None if changes is None else json.loads(changes)})


@dataclass(frozen=True, slots=True, kw_only=True)
class BankHitRow:
    """An item that an entry was found in. ``decision``: the first with this match in this revision."""

    item: str
    entry: str
    bank: str
    revision: int
    decision: str
    at: int
    effect: str  # matched | suppressed | quarantined
    outcome: str | None  # confirmed | overturned, by a person
    outcome_at: int | None
    complaints: int


def hits_of_entry(connection: Connection, entry: str, *, limit: int) -> list[BankHitRow]:
    """The items that an entry was found in, newest first."""
    query = select(*(bank_hit.c[name] for name in BankHitRow.__dataclass_fields__)).where(bank_hit.c.entry == entry)
    rows = connection.execute(query.order_by(bank_hit.c.at.desc()).limit(limit)).mappings()
    return [BankHitRow(**row) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class BankState:
    """A bank: its settings, and how many entries are in which state."""

    name: str
    title: str
    role: str
    thresholds: dict[str, int]
    owner: str
    harm: str | None
    expires_after_days: int | None
    flood_limit: int | None
    on_erasure: str
    active: int
    suspended: int
    quarantined: int


def bank_state(bank: Bank) -> BankState:
    """The state of a bank, for programs."""
    settings = bank.settings
    return BankState(
        name=bank.name,
        title=settings.title,
        role=settings.role,
        thresholds=dict(settings.thresholds),
        owner=settings.owner,
        harm=settings.harm,
        expires_after_days=settings.expires_after_days,
        flood_limit=settings.flood_limit,
        on_erasure=settings.on_erasure,
        active=bank.active,
        suspended=bank.suspended,
        quarantined=bank.quarantined,
    )


def published_bundles(connection: Connection) -> list[str]:
    """The hash of every bundle that was published or proposed, which is the digest of its blob."""
    proposed = select(bundle_proposal.c.bundle).where(bundle_proposal.c.outcome.is_(None))
    return list(connection.scalars(select(bundle_table.c.hash).union(proposed)))
