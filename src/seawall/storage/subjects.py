"""LRU cache of the writer: surrogate and platform id → subject with its unwrapped data key."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cachetools import LRUCache
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, select

from seawall.storage.driver import run
from seawall.storage.keys import MasterKey
from seawall.storage.tables import subject

if TYPE_CHECKING:
    from seawall.storage.transaction import Transaction

_IN: Final = 1000  # values in one IN list


@dataclass(frozen=True, slots=True)
class KnownSubject:
    """A subject with its unwrapped key. ``owner``: ref of the subject that has the key; None when it is its own."""

    ref: str
    owner: str | None
    key: AESGCM


class Subjects:
    """The writer's cache. Refs never change, so an entry is valid until its key is destroyed or its batch fails."""

    def __init__(self, master: MasterKey, size: int) -> None:
        self._master = master
        self._size = size
        self._by_name: LRUCache[tuple[str, str], KnownSubject] = LRUCache(math.inf)  # bounded by ``trim``
        self._by_ref: LRUCache[str, KnownSubject] = LRUCache(math.inf)

    def named(self, kind: str, platform_id: str) -> KnownSubject | None:
        """The cached subject of that platform id."""
        return self._by_name.get((kind, platform_id))

    def of(self, ref: str) -> KnownSubject | None:
        """The cached subject of that ref."""
        return self._by_ref.get(ref)

    def remember(self, name: tuple[str, str] | None, known: KnownSubject) -> None:
        """Cache a subject."""
        if name is not None:
            self._by_name[name] = known
        self._by_ref[known.ref] = known

    def forget(self, name: tuple[str, str], ref: str) -> None:
        """Drop a subject whose creation was rolled back."""
        self._by_name.pop(name, None)
        self._by_ref.pop(ref, None)

    def trim(self) -> None:
        """Evict entries above the size, between batches only: a batch relies on what it fetched."""
        while len(self._by_name) > self._size:
            self._by_name.popitem()
        while len(self._by_ref) > self._size:
            self._by_ref.popitem()

    def clear(self) -> None:
        """Drop everything, because a key was destroyed in some process."""
        self._by_name.clear()
        self._by_ref.clear()

    def load_names(self, connection: Connection, names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
        """Fetch those of ``names`` that exist and are not cached, 1,000 per SELECT; return their look-up hashes."""
        lookups = {name: self._master.lookup(*name) for name in names if name not in self._by_name}
        found = {lookup: name for name, lookup in lookups.items()}
        for row in _find(connection, "lookup", list(found)):
            self._keep(found[bytes(row[1])], row)
        return lookups

    def load_refs(self, connection: Connection, refs: Iterable[str]) -> None:
        """Fetch those of ``refs`` that exist, are not erased, and are not cached."""
        for row in _find(connection, "ref", [ref for ref in refs if ref not in self._by_ref]):
            self._keep(None, row)

    def _keep(self, name: tuple[str, str] | None, row: Any) -> None:
        ref, _lookup, owner, key, owner_key = row
        holder, wrapped = (ref, key) if owner is None else (owner, owner_key)
        if wrapped is not None:
            self.remember(name, KnownSubject(ref, owner, self._master.unwrap(holder, bytes(wrapped))))


def _find(connection: Connection, column: str, values: list[Any]) -> Iterator[Any]:
    """Rows (ref, lookup, owner, key, owner's key) of the subjects, not erased, with those values."""
    for start in range(0, len(values), _IN):
        chunk = values[start : start + _IN]
        if connection.dialect.name == "sqlite":
            matches, parameters = f"IN ({', '.join('?' * len(chunk))})", chunk
        else:
            matches, parameters = "= ANY(%s)", [chunk]
        yield from run(connection, f"{_WITH_KEYS} AND subject.{column} {matches}", parameters)


def owner_of(tx: Transaction, ref: str) -> str | None:
    """Who a subject is owned by: the account that created an item. None: nobody, or there is no such subject."""
    owner: str | None = tx.execute(select(subject.c.owner).where(subject.c.ref == ref)).scalar()
    return owner


_WITH_KEYS: Final = (
    "SELECT subject.ref, subject.lookup, subject.owner, subject.key, holder.key FROM subject "
    "LEFT JOIN subject AS holder ON holder.ref = subject.owner WHERE subject.erased_at IS NULL"
)
