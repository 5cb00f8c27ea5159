"""In-memory copy of the banks' entries, refreshed by reading only the rows that changed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import structlog
from sqlalchemy import select

from seawall.match import NO_HASHERS, BankEntry, BankMatcher, Hashers
from seawall.model import now_ms
from seawall.publish.banks.entries import value_name
from seawall.publish.banks.indexed_entries import KINDS_STORED, StoredEntries
from seawall.publish.banks.settings import BankSettings, all_settings, with_threshold
from seawall.publish.queries import open_sealed
from seawall.publish.tables import bank_entry
from seawall.storage import Database, Vault

_log = structlog.get_logger(__name__)

_PAGE: Final = 5_000
_LEAST_FRESH: Final = 500
_FRESH_SHARE: Final = 8  # fresh entries above an eighth of the base: the two layers are merged

_ROWS = select(
    bank_entry.c.id,
    bank_entry.c.bank,
    bank_entry.c.kind,
    bank_entry.c.seq,
    bank_entry.c.number,
    bank_entry.c.state,
    bank_entry.c.threshold,
    bank_entry.c.expires,
)
_ACTIVE: Final = ("active", "quarantined")


class BankCache:
    """Follows the banks and makes a new ``BankMatcher`` snapshot when entries or settings changed.

    Texts, patterns, domains, audio hashes and hashes by ``hashers`` are in memory; images and digests are looked up in
    ``stored``. Safe for threads: one refresh at a time.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        names: Sequence[str],
        replace: Callable[[BankMatcher], None],
        stored: StoredEntries,
        hashers: Hashers = NO_HASHERS,
    ) -> None:
        self._database = database
        self._vault = vault
        self._names = tuple(names)
        self._replace = replace
        self._stored = stored
        self._hashers = hashers
        self._lock = threading.Lock()
        self._cursor = 0
        self._settings: dict[str, BankSettings] = {}
        self._entries: dict[str, BankEntry] = {}  # every entry in memory, as its row says
        self._fresh: set[str] = set()  # changed since the base was built
        self._matcher: BankMatcher | None = None
        self._is_behind = False  # of changes that were read there is no snapshot: making it failed
        self._reported: dict[str, set[str]] = {}  # entries without a hasher that were logged

    @property
    def matcher(self) -> BankMatcher:
        """The newest snapshot."""
        if self._matcher is None:
            self.refresh()
        assert self._matcher is not None
        return self._matcher

    def refresh(self) -> bool:
        """Load the changes since the last call; True when there is a new snapshot."""
        with self._lock:
            anew = self._read_settings() or self._is_behind or self._matcher is None
            self._is_behind = self._stored.refresh() or anew
            upto = self._stored.cursor
            while self._cursor < upto and (rows := self._next_rows(upto)):
                self._take(rows)
                self._is_behind = True
                self._cursor = rows[-1].seq
            self._cursor = upto  # rows in between are not kept in memory: skip them
            if not self._is_behind:
                return False
            self._matcher = self._snapshot(anew=anew)
            self._replace(self._matcher)
            self._is_behind = False
            self._tell_stranded(self._matcher.stranded())
            return True

    def close(self) -> None:
        """Close the index's files."""
        with self._lock:
            self._stored.close()

    @property
    def stored(self) -> StoredEntries:
        """The entries that are not in memory."""
        return self._stored

    def _tell_stranded(self, stranded: dict[str, set[str]]) -> None:
        if stranded and stranded != self._reported:
            banks = sorted({bank for held in stranded.values() for bank in held})
            _log.warning(
                "bank entries cannot be matched: their hasher is not enabled; their matches are unknown",
                kinds=sorted(stranded),
                banks=banks,
                remedy="name the hashers' plug-ins in SEAWALL_PLUGINS, or suspend the entries",
            )
        self._reported = stranded

    def _read_settings(self) -> bool:
        """Read every bank's settings; True when a setting that matching depends on has changed."""
        found = all_settings(self._database)
        before, self._settings = self._settings, found
        self._stored.settings = found
        return {name: (one.role, one.thresholds) for name, one in before.items()} != {
            name: (one.role, one.thresholds) for name, one in found.items()
        }

    def _next_rows(self, upto: int) -> Sequence[Any]:
        """The next changed rows of in-memory kinds up to ``upto``; a row that changes meanwhile comes next time."""
        query = _ROWS.where(
            bank_entry.c.seq > self._cursor, bank_entry.c.seq <= upto, bank_entry.c.kind.not_in(KINDS_STORED)
        )
        with self._database.read() as connection:
            return connection.execute(query.order_by(bank_entry.c.seq).limit(_PAGE)).all()

    def _take(self, rows: Sequence[Any]) -> None:
        now = now_ms()
        present = [row for row in rows if row.state in _ACTIVE and (row.expires is None or row.expires > now)]
        values = open_sealed(self._vault, ((row.bank, value_name(row.id)) for row in present))
        for row in rows:
            self._entries.pop(row.id, None)
            self._fresh.add(row.id)
        for row in present:
            if (value := values.get((row.bank, value_name(row.id)))) is not None:
                self._entries[row.id] = BankEntry(
                    bank=row.bank,
                    id=row.id,
                    kind=row.kind,
                    value=value,
                    threshold=row.threshold,
                    expires=row.expires,
                    quarantined=row.state == "quarantined",
                )

    def _snapshot(self, *, anew: bool) -> BankMatcher:
        common: dict[str, Any] = {
            "banks": (*self._names, *self._settings, *self._stored.banks),
            "allow": tuple(name for name, settings in self._settings.items() if settings.role == "allow"),
            "revision": max(self._cursor, self._stored.cursor),
        }
        before = self._matcher
        if before is None or anew or len(self._fresh) > max(_LEAST_FRESH, len(self._entries) // _FRESH_SHARE):
            self._fresh = set()
            now = now_ms()
            self._entries = {key: one for key, one in self._entries.items() if one.expires is None or one.expires > now}
            return BankMatcher(
                self._usual(self._entries.values()), stored=self._stored, hashers=self._hashers, **common
            )
        fresh = self._usual(self._entries[entry] for entry in self._fresh if entry in self._entries)
        return before.changed(fresh, self._fresh, **common)

    def _usual(self, entries: Iterable[BankEntry]) -> list[BankEntry]:
        """The entries; those without a threshold get their bank's."""
        return [with_threshold(entry, self._settings.get(entry.bank)) for entry in entries]
