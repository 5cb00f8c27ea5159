"""Reading the whole ledger again: to prove that it is whole, and to build its projections anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Table, bindparam, delete, func, select

from seawall.model import Event
from seawall.storage.batch import Projection
from seawall.storage.codec import GENESIS, chain_hash, decode_body, leaf_hash
from seawall.storage.tables import event

Progress = Callable[[int, int], None]
"""Called now and then with events done and events in all."""

_CHUNK: Final = 2000

read_events: Final = (
    select(event.c.seq, event.c.id, event.c.at, event.c.kind, event.c.body)
    .where(event.c.seq > bindparam("after"))
    .order_by(event.c.seq)
    .limit(bindparam("limit"))
)


@dataclass(frozen=True, slots=True)
class Verification:
    """What a full reading of the ledger found. ``fault`` names the first event that is wrong, and how."""

    events: int
    chain: str  # hex: the chain after the last good event
    fault: str | None = None

    @property
    def ok(self) -> bool:
        """Whether every event is there, unchanged and readable."""
        return self.fault is None


@dataclass(frozen=True, slots=True)
class RebuiltTable:
    """One projection table before and after: rows and SHA-256 of its canonical rows in primary-key order."""

    projection: str
    table: str
    rows_before: int
    rows_after: int
    digest_before: str
    digest_after: str

    @property
    def equal(self) -> bool:
        """Whether the rebuilt table is the same, byte for byte."""
        return self.digest_before == self.digest_after


@dataclass(frozen=True, slots=True)
class Rebuild:
    """What a rebuild did."""

    events: int
    tables: tuple[RebuiltTable, ...]

    @property
    def equal(self) -> bool:
        """Whether every table came out the same."""
        return all(table.equal for table in self.tables)


def to_event(row: Any) -> Event:
    """An event from a row of ``read_events``."""
    return Event(seq=row.seq, id=row.id, at=row.at, kind=row.kind, body=decode_body(row.kind, bytes(row.body)))


def verify(connection: Connection, progress: Progress | None) -> Verification:
    """Read every event in one snapshot: numbered without gaps, chained, readable."""
    total = connection.execute(select(func.count()).select_from(event)).scalar_one()
    chain, seq = GENESIS, 0
    statement = select(event).where(event.c.seq > bindparam("after")).order_by(event.c.seq).limit(_CHUNK)
    while rows := connection.execute(statement, {"after": seq}).all():
        for row in rows:
            body = bytes(row.body)
            leaf = leaf_hash(row.id, row.at, row.kind, body)
            link = chain_hash(chain, leaf)
            fault = None
            if row.seq != seq + 1:
                fault = f"event {seq + 1} is missing: {row.seq} follows {seq}"
            elif bytes(row.leaf) != leaf:
                fault = f"event {row.seq} was changed: its content does not match its leaf"
            elif bytes(row.chain) != link:
                fault = f"event {row.seq} does not follow from the one before it: the chain is broken"
            else:
                fault = _unreadable(row.seq, row.kind, body)
            if fault is not None:
                return Verification(seq, chain.hex(), fault)
            chain, seq = link, row.seq
        if progress is not None:
            progress(seq, total)
    return Verification(seq, chain.hex())


def _unreadable(seq: int, kind: str, body: bytes) -> str | None:
    try:
        decode_body(kind, body)
    except KeyError:
        return f"event {seq} has the unknown kind {kind!r}: newer code wrote it"
    except (msgspec.MsgspecError, UnicodeError) as error:
        return f"event {seq} cannot be read as {kind}: {error}"
    return None


def rebuild(connection: Connection, projections: Sequence[Projection], progress: Progress | None) -> Rebuild:
    """Empty every projection table and replay the ledger into them, in the caller's transaction.

    The caller holds the writer lock. Memory is bounded: events and rows pass through in chunks.
    """
    before = {table: _digest(connection, table) for table in _tables(projections)}
    for table in before:
        connection.execute(delete(table))
    total = connection.execute(select(func.count()).select_from(event)).scalar_one()
    seq = 0
    while rows := connection.execute(read_events, {"after": seq, "limit": _CHUNK}).all():
        events = [to_event(row) for row in rows]
        for projection in projections:
            projection.apply(connection, events)
        seq = events[-1].seq
        if progress is not None:
            progress(seq, total)
    tables = []
    for projection in projections:
        for table in projection.tables:
            (rows_before, digest_before), (rows_after, digest_after) = before[table], _digest(connection, table)
            tables.append(
                RebuiltTable(projection.name, table.name, rows_before, rows_after, digest_before, digest_after)
            )
    return Rebuild(seq, tuple(tables))


def _tables(projections: Sequence[Projection]) -> Iterator[Table]:
    for projection in projections:
        yield from projection.tables


def _digest(connection: Connection, table: Table) -> tuple[int, str]:
    """Number of rows, and SHA-256 over each row as MessagePack, in primary-key order."""
    encode = msgspec.msgpack.Encoder().encode
    digest, count = sha256(), 0
    streamed = select(table).order_by(*table.primary_key).execution_options(stream_results=True, yield_per=_CHUNK)
    with connection.execute(streamed) as result:
        for row in result:
            digest.update(encode(tuple(row)))
            count += 1
    return count, digest.hexdigest()
