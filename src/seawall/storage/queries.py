"""Queries of storage's own tables, and a SELECT by many keys for every service."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, select

from seawall.storage.deletions import DELETION_KINDS
from seawall.storage.tables import event

if TYPE_CHECKING:
    from seawall.storage.transaction import Transaction

_CHUNK: Final = 500  # values in one IN list: both databases limit a statement's parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One event as stored in the ledger. ``body`` is canonical JSON."""

    seq: int
    id: str
    at: int
    kind: str
    body: bytes
    chain: bytes


_EVENT = select(*(event.c[name] for name in EventRow.__dataclass_fields__))


def newest_events(
    connection: Connection,
    *,
    limit: int,
    kind: str | None = None,
    before: int | None = None,
    seq: int | None = None,
) -> list[EventRow]:
    """A page of events, newest first: of one kind, with numbers below ``before``, or the one with number ``seq``."""
    query = _EVENT.order_by(event.c.seq.desc()).limit(limit)
    if kind is not None:
        query = query.where(event.c.kind == kind)
    if before is not None:
        query = query.where(event.c.seq < before)
    if seq is not None:
        query = query.where(event.c.seq == seq)
    return _events(connection, query)


def events_after(connection: Connection, after: int, *, limit: int) -> list[EventRow]:
    """Events with numbers above ``after``, oldest first."""
    return _events(connection, _EVENT.where(event.c.seq > after).order_by(event.c.seq).limit(limit))


def newest_deletions(connection: Connection, *, limit: int) -> list[EventRow]:
    """What was deleted lawfully, newest first: erasures, ended retention, unused files."""
    query = _EVENT.where(event.c.kind.in_(DELETION_KINDS)).order_by(event.c.seq.desc()).limit(limit)
    return _events(connection, query)


def _events(connection: Connection, query: Select[Any]) -> list[EventRow]:
    return [EventRow(**row) for row in connection.execute(query).mappings()]


def select_in_chunks(
    connection: Connection | Transaction, query: Select[Any], column: ColumnElement[Any], values: Iterable[Any]
) -> Iterator[Row[Any]]:
    """The rows of ``query`` whose ``column`` is one of ``values``, by as many statements as needed.

    Duplicate values are queried once, in their first order. Rows come statement by statement: ``ORDER BY`` applies
    within a statement only.
    """
    listed = list(dict.fromkeys(values))
    for start in range(0, len(listed), _CHUNK):
        yield from connection.execute(query.where(column.in_(listed[start : start + _CHUNK])))
