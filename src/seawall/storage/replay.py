"""Reads the ledger by cursor, and verifies it as a whole."""

from __future__ import annotations

import hmac
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, bindparam, func, select

from seawall.model import Event, SubjectErased, UnknownEvent
from seawall.storage.codec import GENESIS, chain_hash, leaf_hash
from seawall.storage.deletions import ErasureCompleted, RetentionEnded, UnusedFilesDeleted
from seawall.storage.errors import StorageError
from seawall.storage.events import Events
from seawall.storage.keys import MasterKey
from seawall.storage.queries import select_in_chunks
from seawall.storage.tables import event, ledger_head

Progress = Callable[[int, int], None]
"""Called at intervals with events done and events in total."""

_CHUNK: Final = 2000
_HEAD: Final = re.compile(r"(?P<seq>[0-9]{1,18}):(?P<chain>[0-9a-f]{64}):(?P<mac>[0-9a-f]{64})")

_READ: Final = (
    select(event.c.seq, event.c.id, event.c.at, event.c.kind, event.c.version, event.c.body)
    .where(event.c.seq > bindparam("after"))
    .order_by(event.c.seq)
    .limit(bindparam("limit"))
)
_READ_KINDS: Final = _READ.where(event.c.kind.in_(bindparam("kinds", expanding=True)))
_READ_ALL: Final = select(event.c.seq, event.c.id, event.c.at, event.c.kind, event.c.version, event.c.body)


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
    erased_subjects: int = 0  # lawfully, as the ledger itself says
    deleted_entries: int = 0
    deleted_files: int = 0
    signed: int | None = None  # up to this event the head is signed; None: a release before 0.3.0 wrote the ledger

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
    return [_event(events, row) for row in connection.execute(statement, parameters)]


def events_at(connection: Connection, events: Events, seqs: Iterable[int]) -> list[Event]:
    """The events with these numbers, in order; numbers of none are left out. Raises StorageError."""
    found = [_event(events, row) for row in select_in_chunks(connection, _READ_ALL, event.c.seq, seqs)]
    return sorted(found, key=lambda each: each.seq)


def _event(events: Events, row: Any) -> Event:
    body = events.decode(row.kind, row.version, bytes(row.body))
    return Event(seq=row.seq, id=row.id, at=row.at, kind=row.kind, body=body)


def last_seq(connection: Connection) -> int:
    """The number of the last event, 0 when there is none."""
    return connection.execute(select(func.max(event.c.seq))).scalar() or 0


@dataclass(frozen=True, slots=True)
class LedgerHead:
    """The last event's number, its chain hash, and the MAC under the master key: ``seq:chain:mac`` as text.

    Kept outside the database, it proves later that nothing up to it was cut off or rewritten.
    """

    seq: int
    chain: bytes
    mac: bytes

    def __str__(self) -> str:
        return f"{self.seq}:{self.chain.hex()}:{self.mac.hex()}"

    @classmethod
    def parse(cls, text: str) -> LedgerHead:
        """The head that ``str`` wrote. Raises StorageError."""
        found = _HEAD.fullmatch(text.strip())
        if found is None:
            raise StorageError(
                "This is no head of a ledger: expected number:64 hex digits:64 hex digits, as 'seawall ledger head' "
                "prints it."
            )
        return cls(int(found["seq"]), bytes.fromhex(found["chain"]), bytes.fromhex(found["mac"]))


def signed_head(connection: Connection) -> LedgerHead | None:
    """The head as it was last signed; None for a ledger that only releases before 0.3.0 wrote."""
    row = connection.execute(select(ledger_head)).first()
    return None if row is None else LedgerHead(int(row.seq), bytes(row.chain), bytes(row.mac))


def verify(
    connection: Connection,
    events: Events,
    progress: Progress | None,
    master: MasterKey,
    expected: LedgerHead | None = None,
) -> Verification:
    """Check every event in one snapshot: numbered without gaps, chained, readable, and as the heads say.

    The heads are the signed one of the database, and ``expected``, one that was kept elsewhere.
    """
    head = signed_head(connection)
    signed = None if head is None else head.seq
    if head is not None and not hmac.compare_digest(head.mac, master.sign_head(head.seq, head.chain)):
        return Verification(0, GENESIS.hex(), "the signed head was changed: its MAC does not fit", signed=signed)
    known = [("signed head", head), ("expected head", expected)]
    heads = [(name, one) for name, one in known if one is not None]
    total = connection.execute(select(func.count()).select_from(event)).scalar_one()
    chain, seq = GENESIS, 0
    unknown: Counter[str] = Counter()
    deleted: Counter[str] = Counter()

    def result(fault: str | None) -> Verification:
        return Verification(
            seq,
            chain.hex(),
            fault,
            dict(unknown),
            erased_subjects=deleted["subjects"],
            deleted_entries=deleted["entries"],
            deleted_files=deleted["files"],
            signed=signed,
        )

    statement = select(event).where(event.c.seq > bindparam("after")).order_by(event.c.seq).limit(_CHUNK)
    while rows := connection.execute(statement, {"after": seq}).all():
        for row in rows:
            link = chain_hash(chain, leaf_hash(row.id, row.at, row.kind, row.version, bytes(row.body)))
            fault = _fault(row, seq, link, events, unknown, deleted) or _against(heads, row.seq, link)
            if fault is not None:
                return result(fault)
            chain, seq = link, row.seq
        if progress is not None:
            progress(seq, total)
    for name, one in heads:
        if one.seq > seq:
            return result(f"events {seq + 1} to {one.seq} are missing: the {name} is that of event {one.seq}")
    return result(None)


def _fault(row: Any, seq: int, link: bytes, events: Events, unknown: Counter[str], deleted: Counter[str]) -> str | None:
    """What is wrong with the event after ``seq``."""
    body = bytes(row.body)
    if row.seq != seq + 1:
        return f"event {seq + 1} is missing: {row.seq} follows {seq}"
    if bytes(row.leaf) != leaf_hash(row.id, row.at, row.kind, row.version, body):
        return f"event {row.seq} was changed: its content does not match its leaf"
    if bytes(row.chain) != link:
        return f"event {row.seq} does not follow from the one before it: the chain is broken"
    return _unreadable(events, row, body, unknown, deleted)


def _against(heads: Sequence[tuple[str, LedgerHead]], seq: int, link: bytes) -> str | None:
    for name, one in heads:
        if one.seq == seq and one.chain != link:
            return f"events up to {seq} were rewritten: their chain is not that of the {name}"
    return None


def _unreadable(events: Events, row: Any, body: bytes, unknown: Counter[str], deleted: Counter[str]) -> str | None:
    try:
        found = events.decode(row.kind, row.version, body)
    except StorageError as error:
        return f"event {row.seq}: {error}"
    except (msgspec.MsgspecError, UnicodeError) as error:
        return f"event {row.seq} cannot be read as {row.kind}: {error}"
    if isinstance(found, UnknownEvent):
        unknown[row.kind] += 1
    elif isinstance(found, SubjectErased):
        deleted["subjects"] += 1
    elif isinstance(found, ErasureCompleted | RetentionEnded):
        deleted.update(entries=found.entries, files=found.files)
    elif isinstance(found, UnusedFilesDeleted):
        deleted["files"] += found.files
    return None
