"""Entries that are not kept in memory: image hashes in an index on disk, file digests in the database.

All processes of a machine share the index. It stores the sequence number up to which it follows the database (its
mark); the first process to refresh updates it. It holds numbers and hashes only: the entry and its state are read
from the database at each match, so a change of state takes effect in every process at once.
"""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import structlog
from sqlalchemy import ColumnElement, func, select

from seawall.match import PDQ_RADIUS, BankEntry
from seawall.match.hashindex.index import HashIndex
from seawall.model import now_ms
from seawall.publish.banks.entries import value_name
from seawall.publish.banks.settings import BankSettings
from seawall.publish.queries import open_sealed
from seawall.publish.tables import bank_entry
from seawall.storage import Database, Vault
from seawall.storage.ledger import event
from seawall.storage.queries import select_in_chunks

_log = structlog.get_logger(__name__)

KINDS_STORED: Final = ("image", "digest")
_PAGE: Final = 60_000  # more than the index's delta holds: a large import becomes a segment
_ACTIVE: Final = ("active", "quarantined")

_COLUMNS = (
    bank_entry.c.id,
    bank_entry.c.bank,
    bank_entry.c.kind,
    bank_entry.c.number,
    bank_entry.c.threshold,
    bank_entry.c.expires,
    bank_entry.c.state,
)


class StoredEntries:
    """Finds images and digests among any number of entries. Safe for threads."""

    def __init__(self, database: Database, vault: Vault, folder: Path) -> None:
        """``folder``: place of the index; if deleted, it is rebuilt from the database."""
        self._database = database
        self._vault = vault
        self._folder = folder
        self._index: HashIndex | None = None
        self._lock = threading.Lock()
        self._widest = PDQ_RADIUS
        self.settings: Mapping[str, BankSettings] = {}
        self.banks: frozenset[str] = frozenset()
        self._kinds: frozenset[str] = frozenset()
        self.cursor = 0

    def refresh(self) -> bool:
        """Read changes of the database and of the index's folder; True when an entry of any kind changed."""
        with self._lock:
            newest = self._newest()
            if newest <= self.cursor:
                if self._index is not None:
                    self._index.refresh()  # another process may have merged
                return False
            self._learn(self.cursor, newest)
            if self._index is None:
                self._index = self._open()
            if self._index is not None:
                self._follow(self._index)
            self.cursor = newest
            return True

    def holds(self, kind: str) -> bool:
        """Whether an entry of this kind was ever added."""
        return kind in self._kinds

    def near(self, pdq: bytes) -> list[tuple[BankEntry, int]]:
        """Images whose distance to this hash is within their radius: the entry's, else its bank's, else 31."""
        index = self._index
        if index is None:
            return []
        usual = (settings.thresholds.get("image", 0) for settings in self.settings.values())
        distances = dict(index.search(pdq, max(self._widest, *usual, PDQ_RADIUS)))
        found = self._entries(bank_entry.c.number, list(distances))
        return [(entry, distances[number]) for number, entry in found if distances[number] <= self._radius(entry)]

    def exact(self, digests: Sequence[str]) -> list[BankEntry]:
        """Files with one of these digests."""
        keyed = [self._vault.digest(f"digest\0{digest}".encode()) for digest in digests]
        return [entry for _, entry in self._entries(bank_entry.c.digest, keyed)]

    @property
    def wants_merge(self) -> bool:
        """Whether ``merge`` would make searches faster."""
        return self._index is not None and self._index.wants_merge

    def merge(self) -> bool:
        """Merge fresh hashes into the index's segments while searches go on. Takes seconds per million."""
        return self._index is not None and self._index.merge()

    def close(self) -> None:
        """Close the index's files."""
        if self._index is not None:
            self._index.close()

    def _radius(self, entry: BankEntry) -> int:
        if entry.threshold is not None:
            return entry.threshold
        settings = self.settings.get(entry.bank)
        return PDQ_RADIUS if settings is None else settings.thresholds.get("image", PDQ_RADIUS)

    def _entries(self, column: ColumnElement[Any], keys: Sequence[Any]) -> list[tuple[int, BankEntry]]:
        """Current entries by number or digest, read from the database."""
        now = now_ms()
        query = select(*_COLUMNS).where(bank_entry.c.state.in_(_ACTIVE), bank_entry.c.kind.in_(KINDS_STORED))
        with self._database.read() as connection:
            found = list(select_in_chunks(connection, query, column, keys))
        return [
            (
                row.number,
                BankEntry(
                    bank=row.bank,
                    id=row.id,
                    kind=row.kind,
                    value="",  # stays in the vault
                    threshold=row.threshold,
                    expires=row.expires,
                    quarantined=row.state == "quarantined",
                ),
            )
            for row in found
            if row.expires is None or row.expires > now
        ]

    def _newest(self) -> int:
        with self._database.read() as connection:
            return connection.execute(select(func.max(bank_entry.c.seq))).scalar() or 0

    def _learn(self, after: int, upto: int) -> None:
        """Update the known banks and their image radii from the changed rows. Neither ever shrinks."""
        columns = (bank_entry.c.bank, bank_entry.c.kind)
        kinds = bank_entry.c.kind.in_(KINDS_STORED)
        if after:  # few rows, found by number: GROUP BY would make the database read the whole bank
            query = select(*columns, bank_entry.c.threshold.label("widest"))
            query = query.where(bank_entry.c.seq > after, bank_entry.c.seq <= upto, kinds)
        else:
            query = select(*columns, func.max(bank_entry.c.threshold).label("widest")).where(kinds).group_by(*columns)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        self._kinds |= {row.kind for row in rows}
        self.banks |= {row.bank for row in rows}
        self._widest = max([self._widest, *(row.widest for row in rows if row.widest is not None)])

    def _open(self) -> HashIndex | None:
        """The index of this ledger; None while the ledger is empty. An index ahead of the ledger is rebuilt."""
        with self._database.read() as connection:
            first = connection.execute(select(event.c.id).where(event.c.seq == 1)).scalar()
            newest = connection.execute(select(func.max(event.c.seq))).scalar()
        if first is None or newest is None:
            return None
        folder = self._folder / hashlib.sha256(first.encode()).hexdigest()[:16]
        index = HashIndex.open(folder)
        if index.mark > newest:  # an older copy of the database was restored: the index holds other entries
            _log.warning("index of hashes is ahead of the database and is rebuilt", mark=index.mark, ledger=newest)
            index.close()
            shutil.rmtree(folder)
            index = HashIndex.open(folder)
        return index

    def _follow(self, index: HashIndex) -> None:
        """Bring the index up to date with the database. One process at a time; the others then have nothing to do."""
        index.refresh()
        while rows := self._rows_after(index.mark):
            values = open_sealed(self._vault, ((row.bank, value_name(row.id)) for row in rows if row.state in _ACTIVE))
            with index.writing():
                if index.mark >= rows[-1].seq:
                    continue
                present = {
                    row.number: value
                    for row in rows
                    if (value := values.get((row.bank, value_name(row.id)))) is not None
                }
                index.remove([row.number for row in rows if row.number not in present])
                hashes = [bytes.fromhex(value) for value in present.values()]
                index.add(list(present), hashes, mark=rows[-1].seq, instead=True)  # stays searchable meanwhile

    def _rows_after(self, mark: int) -> Sequence[Any]:
        query = (
            select(bank_entry.c.id, bank_entry.c.bank, bank_entry.c.number, bank_entry.c.seq, bank_entry.c.state)
            .where(bank_entry.c.kind == "image", bank_entry.c.seq > mark)
            .order_by(bank_entry.c.seq)
            .limit(_PAGE)
        )
        with self._database.read() as connection:
            return connection.execute(query).all()
