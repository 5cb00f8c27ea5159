"""Who a surrogate stands for, kept in memory by the writer: no look-up and no unwrapping for a known subject."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Select, bindparam, select

from seawall.storage.keys import MasterKey
from seawall.storage.tables import subject

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_IN: Final = 1000  # values in one IN list


@dataclass(frozen=True, slots=True)
class Known:
    """A subject whose key is at hand. ``owner`` is the ref of whoever holds the key, None when it is its own."""

    ref: str
    owner: str | None
    key: AESGCM


class Recent(Generic[K, V]):
    """A mapping that forgets what was used longest ago. Not for several threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: OrderedDict[K, V] = OrderedDict()

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def get(self, key: K) -> V | None:
        """The value, or None."""
        value = self._items.get(key)
        if value is not None:
            self._items.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        """Remember."""
        self._items[key] = value
        if len(self._items) > self._size:
            self._items.popitem(last=False)

    def drop(self, key: K) -> None:
        """Forget one."""
        self._items.pop(key, None)

    def clear(self) -> None:
        """Forget all."""
        self._items.clear()


class Subjects:
    """The writer's cache. Refs are for ever, so an entry is valid until its key is destroyed or its batch fails."""

    def __init__(self, master: MasterKey, size: int) -> None:
        self._master = master
        self._by_name: Recent[tuple[str, str], Known] = Recent(size)
        self._by_ref: Recent[str, Known] = Recent(size)

    def named(self, kind: str, platform_id: str) -> Known | None:
        """The cached subject of that platform id."""
        return self._by_name.get((kind, platform_id))

    def of(self, ref: str) -> Known | None:
        """The cached subject of that ref."""
        return self._by_ref.get(ref)

    def remember(self, name: tuple[str, str] | None, known: Known) -> None:
        """Keep a subject at hand."""
        if name is not None:
            self._by_name.put(name, known)
        self._by_ref.put(known.ref, known)

    def forget(self, name: tuple[str, str], ref: str) -> None:
        """Drop a subject whose creation was undone."""
        self._by_name.drop(name)
        self._by_ref.drop(ref)

    def clear(self) -> None:
        """Drop everything: somewhere a key was destroyed."""
        self._by_name.clear()
        self._by_ref.clear()

    def load_names(self, connection: Connection, names: Iterable[tuple[str, str]]) -> None:
        """Fetch those of ``names`` that exist and are not cached: one SELECT for a thousand."""
        lookups = {self._master.lookup(*name): name for name in names if name not in self._by_name}
        for row in _rows(connection, _BY_LOOKUP, list(lookups)):
            self._keep(lookups[row.lookup], row)

    def load_refs(self, connection: Connection, refs: Iterable[str]) -> None:
        """Fetch those of ``refs`` that exist, are not erased, and are not cached."""
        for row in _rows(connection, _BY_REF, [ref for ref in refs if ref not in self._by_ref]):
            self._keep(None, row)

    def _keep(self, name: tuple[str, str] | None, row: Any) -> None:
        if row.owner is None and row.key is not None:
            self.remember(name, Known(row.ref, None, self._master.unwrap(row.ref, row.key)))
        elif row.owner is not None and row.owner_key is not None:
            self.remember(name, Known(row.ref, row.owner, self._master.unwrap(row.owner, row.owner_key)))


_owner = subject.alias("owner")
_WITH_KEYS: Final = (
    select(subject.c.ref, subject.c.lookup, subject.c.owner, subject.c.key, _owner.c.key.label("owner_key"))
    .select_from(subject.outerjoin(_owner, _owner.c.ref == subject.c.owner))
    .where(subject.c.erased_at.is_(None))
)


def _by(column: Any) -> Select[Any]:
    return _WITH_KEYS.where(column.in_(bindparam("values", expanding=True)))


_BY_LOOKUP: Final = _by(subject.c.lookup)
_BY_REF: Final = _by(subject.c.ref)


def _rows(connection: Connection, statement: Select[Any], values: list[Any]) -> Iterable[Any]:
    for start in range(0, len(values), _IN):
        yield from connection.execute(statement, {"values": values[start : start + _IN]})
