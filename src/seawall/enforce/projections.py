"""Projections of the tables ``enforcement`` and ``delivery``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from sqlalchemy import Connection, Table, select

from seawall.enforce.delivery_state import (
    DeliveryState,
    DeliveryTrigger,
    EnforcementState,
    delivery_after,
    restored_from,
    reversed_from,
)
from seawall.enforce.diff import canonical_parameters
from seawall.enforce.events import (
    DeliveryAttempted,
    DeliveryCancelled,
    DeliveryQueued,
    DeliveryReplayed,
    EnforcementApplied,
    EnforcementLifted,
    EnforcementRestored,
    EnforcementReversed,
)
from seawall.enforce.tables import delivery, enforcement
from seawall.model import Event, EventBody
from seawall.storage.queries import select_in_chunks
from seawall.storage.upsert import upsert

Row: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class EnforcementProjection:
    """Current and past enforcements."""

    name: ClassVar[str] = "enforcement"
    version: ClassVar[int] = 2  # 2: restored and lifted ones
    handles: ClassVar[tuple[type[EventBody], ...]] = (
        EnforcementApplied,
        EnforcementReversed,
        EnforcementRestored,
        EnforcementLifted,
    )
    tables: tuple[Table, ...] = (enforcement,)

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        """Apply a batch of events. Raises IllegalTransition when the ledger contradicts itself."""
        (enforcement,) = self.tables
        made = {event.body.enforcement for event in events if isinstance(event.body, EnforcementApplied)}
        later = EnforcementReversed | EnforcementRestored | EnforcementLifted
        named = {event.body.enforcement for event in events if isinstance(event.body, later)}
        rows = _load(conn, enforcement, named - made)
        for event in events:
            match event.body:
                case EnforcementApplied() as body:
                    rows[body.enforcement] = _applied(event, body)
                case EnforcementReversed() as body:
                    _reverse(rows[body.enforcement], event, body.decision)
                case EnforcementLifted() as body:
                    _reverse(rows[body.enforcement], event, body.lift)
                case EnforcementRestored() as body:
                    row = rows[body.enforcement]
                    row["state"] = restored_from(EnforcementState(row["state"])).value
                    row["reversed_at"] = row["reversed_by"] = None
        _store(conn, enforcement, rows)


def _reverse(row: Row, event: Event, by: str) -> None:
    row["state"] = reversed_from(EnforcementState(row["state"])).value
    row["reversed_at"] = event.at
    row["reversed_by"] = by


def _applied(event: Event, body: EnforcementApplied) -> Row:
    return {
        "id": body.enforcement,
        "seq": event.seq,
        "at": event.at,
        "decision": body.decision,
        "item": body.item.ref,
        "content_type": body.item.content_type,
        "revision": body.item.revision,
        "subject": body.subject,
        "kind": body.action.kind,
        "parameters": canonical_parameters(body.action),
        "state": EnforcementState.ACTIVE.value,
        "reversed_at": None,
        "reversed_by": None,
    }


@dataclass(frozen=True, slots=True)
class DeliveryProjection:
    """Every message to a receiver, with its state."""

    name: ClassVar[str] = "delivery"
    version: ClassVar[int] = 2  # 2: cancelled ones
    handles: ClassVar[tuple[type[EventBody], ...]] = (
        DeliveryQueued,
        DeliveryAttempted,
        DeliveryReplayed,
        DeliveryCancelled,
    )
    tables: tuple[Table, ...] = (delivery,)

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        """Apply a batch of events. Raises IllegalTransition when the ledger contradicts itself."""
        (delivery,) = self.tables
        kinds = DeliveryQueued | DeliveryAttempted | DeliveryReplayed | DeliveryCancelled
        bodies = [(event, event.body) for event in events if isinstance(event.body, kinds)]
        made = {body.delivery for _, body in bodies if isinstance(body, DeliveryQueued)}
        rows = _load(conn, delivery, {body.delivery for _, body in bodies} - made)
        for event, body in bodies:
            if isinstance(body, DeliveryQueued):
                rows[body.delivery] = _queued(event, body)
            else:
                _advance(rows[body.delivery], event, body)
        _store(conn, delivery, rows)


def _queued(event: Event, body: DeliveryQueued) -> Row:
    return {
        "id": body.delivery,
        "seq": event.seq,
        "enforcement": body.enforcement,
        "endpoint": body.endpoint,
        "change": body.change,
        "state": DeliveryState.QUEUED.value,
        "attempts": 0,
        "status": None,
        "detail": "",
        "queued_at": event.at,
        "updated_at": event.at,
    }


def _advance(row: Row, event: Event, body: DeliveryAttempted | DeliveryReplayed | DeliveryCancelled) -> None:
    """Attempts count from the last replay: a replayed message has all its retries again."""
    trigger, attempts, status, detail = DeliveryTrigger.REPLAYED, 0, None, ""
    if isinstance(body, DeliveryCancelled):
        trigger = DeliveryTrigger.CANCELLED
    elif isinstance(body, DeliveryAttempted):
        trigger, attempts, status, detail = DeliveryTrigger(body.outcome), body.attempt, body.status, body.detail
    row["state"] = delivery_after(DeliveryState(row["state"]), trigger).value
    row["attempts"] = attempts
    row["status"] = status
    row["detail"] = detail
    row["updated_at"] = event.at


def _load(conn: Connection, table: Table, ids: Collection[str]) -> dict[str, Row]:
    return {row.id: dict(row._mapping) for row in select_in_chunks(conn, select(table), table.c.id, sorted(ids))}


def _store(conn: Connection, table: Table, rows: dict[str, Row]) -> None:
    if rows:
        upsert(conn, table, list(rows.values()))


PROJECTIONS = (EnforcementProjection(), DeliveryProjection())
