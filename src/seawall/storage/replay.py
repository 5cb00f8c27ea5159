"""Reads the ledger by cursor, and verifies it as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, bindparam, func, select

from seawall.model import Event, UnknownEvent
from seawall.storage.codec import GENESIS, chain_hash, leaf_hash
from seawall.storage.errors import StorageError
from seawall.storage.events import Events
from seawall.storage.tables import event

Progress = Callable[[int, int], None]
"""Called at intervals with events done and events in total."""

_CHUNK: Final = 2000

_READ: Final = (
    select(event.c.seq, event.c.id, event.c.at, event.c.kind, event.c.version, event.c.body)
    .where(event.c.seq > bindparam("after"))
    .order_by(event.c.seq)
    .limit(bindparam("limit"))
)
_READ_KINDS: Final = _READ.where(event.c.kind.in_(bindparam("kinds", expanding=True)))


@dataclass(frozen=True, slots=True)
class Verification:
    """Result of verifying the whole ledger. ``fault`` describes the first invalid event.

    ``unknown``: number of events of each kind that no installed component declares. They are unchanged, but their
    bodies cannot be interpreted.
    """

    events: int
    chain: str  # hex: the chain hash after the last valid event
    fault: str | None = None
    unknown: Mapping[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether every event is present and unchanged, and every one of a known kind readable."""
        return self.fault is None


def read_events(
    connection: Connection, events: Events, after: int, limit: int, kinds: Sequence[str] | None = None
) -> list[Event]:
    """Up to ``limit`` events above ``after``, of all kinds or some. Raises StorageError for events of newer code."""
    statement = _READ if kinds is None else _READ_KINDS
    parameters: dict[str, Any] = {"after": after, "limit": limit}
    if kinds is not None:
        parameters["kinds"] = list(kinds)
    return [
        Event(
            seq=row.seq,
            id=row.id,
            at=row.at,
            kind=row.kind,
            body=events.decode(row.kind, row.version, bytes(row.body)),
        )
        for row in connection.execute(statement, parameters)
    ]


def last_seq(connection: Connection) -> int:
    """The number of the last event, 0 when there is none."""
    return connection.execute(select(func.max(event.c.seq))).scalar() or 0


def verify(connection: Connection, events: Events, progress: Progress | None) -> Verification:
    """Check every event in one snapshot: numbered without gaps, chained, readable."""
    total = connection.execute(select(func.count()).select_from(event)).scalar_one()
    chain, seq = GENESIS, 0
    unknown: Counter[str] = Counter()
    statement = select(event).where(event.c.seq > bindparam("after")).order_by(event.c.seq).limit(_CHUNK)
    while rows := connection.execute(statement, {"after": seq}).all():
        for row in rows:
            body = bytes(row.body)
            leaf = leaf_hash(row.id, row.at, row.kind, row.version, body)
            link = chain_hash(chain, leaf)
            fault = None
            if row.seq != seq + 1:
                fault = f"event {seq + 1} is missing: {row.seq} follows {seq}"
            elif bytes(row.leaf) != leaf:
                fault = f"event {row.seq} was changed: its content does not match its leaf"
            elif bytes(row.chain) != link:
                fault = f"event {row.seq} does not follow from the one before it: the chain is broken"
            else:
                fault = _unreadable(events, row, body, unknown)
            if fault is not None:
                return Verification(seq, chain.hex(), fault, dict(unknown))
            chain, seq = link, row.seq
        if progress is not None:
            progress(seq, total)
    return Verification(seq, chain.hex(), unknown=dict(unknown))


def _unreadable(events: Events, row: Any, body: bytes, unknown: Counter[str]) -> str | None:
    try:
        found = events.decode(row.kind, row.version, body)
    except StorageError as error:
        return f"event {row.seq}: {error}"
    except (msgspec.MsgspecError, UnicodeError) as error:
        return f"event {row.seq} cannot be read as {row.kind}: {error}"
    if isinstance(found, UnknownEvent):
        unknown[row.kind] += 1
    return None
