"""Reading banks' entries: their values, their provenance, and what became of their matches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Select, func, select

from seawall.publish.banks.entries import BANK_SUBJECT, note_name, value_name
from seawall.publish.tables import bank_entry, bank_hit
from seawall.storage import Database, Vault

_IN: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchCounts:
    """What became of an entry's matches. Each counts items, an item once."""

    hits: int = 0
    suppressed: int = 0  # set aside by an allow-bank
    quarantined: int = 0  # went to review instead
    confirmed: int = 0  # a person agreed
    overturned: int = 0  # a person disagreed
    complaints: int = 0  # reports about those items since
    last_hit_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedEntry:
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
    counts: MatchCounts = field(default_factory=MatchCounts)


_COLUMNS = tuple(
    bank_entry.c[name] for name in ListedEntry.__dataclass_fields__ if name not in ("value", "note", "counts")
)


def list_entries(
    database: Database, vault: Vault, bank: str, *, after: str = "", limit: int = 200, state: str | None = None
) -> list[ListedEntry]:
    """A page of a bank's entries in the order of their ids: those in ``state``, or all that were not removed."""
    query = select(*_COLUMNS).where(bank_entry.c.bank == bank, bank_entry.c.id > after)
    query = query.where(bank_entry.c.state != "removed" if state is None else bank_entry.c.state == state)
    return _read(database, vault, query.order_by(bank_entry.c.id).limit(limit))


def find_entry(database: Database, vault: Vault, entry: str) -> ListedEntry | None:
    """One entry of any bank by its id, also a removed one."""
    return next(iter(find_entries(database, vault, [entry])), None)


def find_entries(database: Database, vault: Vault, ids: Sequence[str]) -> list[ListedEntry]:
    """Entries by their ids, also removed ones; unknown ids are left out."""
    found: list[ListedEntry] = []
    for start in range(0, len(ids), _IN):
        found += _read(database, vault, select(*_COLUMNS).where(bank_entry.c.id.in_(ids[start : start + _IN])))
    return found


def _read(database: Database, vault: Vault, query: Select[Any]) -> list[ListedEntry]:
    with database.read() as connection:
        rows = connection.execute(query).mappings().all()
    counts = counts_of(database, [row["id"] for row in rows])
    sealed = open_sealed(vault, ((row["bank"], name(row["id"])) for row in rows for name in (value_name, note_name)))
    return [
        ListedEntry(
            **row,
            value=sealed.get((row["bank"], value_name(row["id"]))),
            note=sealed.get((row["bank"], note_name(row["id"])), ""),
            counts=counts.get(row["id"], MatchCounts()),
        )
        for row in rows
    ]


def counts_of(database: Database, ids: Sequence[str]) -> dict[str, MatchCounts]:
    """The counts of those entries that were ever found."""

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
    found: dict[str, MatchCounts] = {}
    with database.read() as connection:
        for start in range(0, len(ids), _IN):
            rows = connection.execute(query.where(hit.entry.in_(ids[start : start + _IN]))).mappings()
            for row in rows:
                numbers = {name: row[name] for name in MatchCounts.__dataclass_fields__}
                found[row["entry"]] = MatchCounts(**{**numbers, "complaints": int(row["complaints"])})
    return found


def open_sealed(vault: Vault, names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """What is sealed for banks, by (bank, name): values, notes. What was erased or never sealed is absent."""
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
