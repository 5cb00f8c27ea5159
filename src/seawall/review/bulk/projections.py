"""The projection of bulk decisions. They are few, so each event is one statement or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
from sqlalchemy import Connection, Table, insert, update

from seawall.model import Event, EventBody
from seawall.review.bulk.events import (
    BulkApproved,
    BulkCancelled,
    BulkConfirmed,
    BulkFinished,
    BulkItem,
    BulkItemSkipped,
    BulkPrepared,
    BulkUndoAsked,
)
from seawall.review.bulk.tables import bulk_decision, bulk_item
from seawall.review.events import ReviewSubmitted, ReviewUndone
from seawall.review.machine import case_id
from seawall.storage.upsert import insert_rows


@dataclass(frozen=True, slots=True)
class BulkDecisions:
    """One row per bulk decision, and one per item of it."""

    name: ClassVar[str] = "bulk_decisions"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (
        BulkPrepared,
        BulkConfirmed,
        BulkApproved,
        BulkCancelled,
        BulkItemSkipped,
        BulkUndoAsked,
        BulkFinished,
        ReviewSubmitted,
        ReviewUndone,
    )
    tables: tuple[Table, ...] = (bulk_decision, bulk_item)

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        """Add and change the rows that ``events`` are about."""
        for event in events:
            _apply(conn, self.tables[0], self.tables[1], event)


def _apply(conn: Connection, decisions: Table, items: Table, event: Event) -> None:
    match event.body:
        case ReviewSubmitted(bulk=None):
            pass  # nearly all of them
        case ReviewSubmitted(bulk=str(bulk), case=case, review=review):
            here = (items.c.bulk == bulk) & (items.c.case == case)
            conn.execute(update(items).where(here).values(state="decided", review=review))
        case ReviewUndone(review=review):
            conn.execute(update(items).where(items.c.review == review).values(state="undone"))
        case BulkPrepared() as body:
            conn.execute(insert(decisions).values(_row(event, body)))
            insert_rows(conn, items, [_item_row(body.bulk, *numbered) for numbered in enumerate(body.items)])
        case BulkItemSkipped(bulk=bulk, item=item, why=why, undoing=undoing):
            here = (items.c.bulk == bulk) & (items.c.item == item)
            conn.execute(update(items).where(here).values(state="kept" if undoing else "skipped", why=why))
        case BulkConfirmed(bulk=bulk) as body:
            asked = {"needs_approval": body.needs_approval, "expires_at": body.expires_at}
            _change(conn, decisions, bulk, {"confirmed_at": event.at, **asked})
        case BulkApproved(bulk=bulk, by=by):
            _change(conn, decisions, bulk, {"approved_by": by, "approved_at": event.at})
        case BulkCancelled(bulk=bulk, by=by, why=why):
            _change(conn, decisions, bulk, {"cancelled_by": by, "cancelled_at": event.at, "cancelled_why": why})
        case BulkUndoAsked(bulk=bulk, by=by):
            _change(conn, decisions, bulk, {"undo_by": by, "undo_at": event.at})
        case BulkFinished(bulk=bulk, undoing=undoing):
            _change(conn, decisions, bulk, {"undone_at" if undoing else "finished_at": event.at})


def _change(conn: Connection, decisions: Table, bulk: str, values: dict[str, Any]) -> None:
    conn.execute(update(decisions).where(decisions.c.id == bulk).values(values))


def _row(event: Event, body: BulkPrepared) -> dict[str, Any]:
    return {
        "id": body.bulk,
        "seq": event.seq,
        "at": event.at,
        "by": body.by,
        "answer": body.answer,
        "policy": body.policy,
        "actions": msgspec.json.encode(body.actions).decode(),
        "reason": body.reason,
        "judged": msgspec.json.encode(body.judged, order="sorted").decode(),
        "source": body.source,
        "case": body.case,
        "child_safety": body.child_safety,
        "items": len(body.items),
        "skipped": sum(bool(one.skip) for one in body.items),
        "needs_approval": False,
    }


def _item_row(bulk: str, position: int, one: BulkItem) -> dict[str, Any]:
    return {
        "bulk": bulk,
        "case": case_id(one.item),
        "position": position,
        "item": one.item,
        "content_type": one.content_type,
        "revision": one.revision,
        "decision": one.decision,
        "reports": one.reports,
        "actor": one.actor,
        "case_state": one.case_state,
        "applied": ",".join(one.applied),
        "reversed": ",".join(one.reversed),
        "no_actor": one.no_actor,
        "state": "skipped" if one.skip else "planned",
        "why": one.skip or None,
        "review": None,
    }
