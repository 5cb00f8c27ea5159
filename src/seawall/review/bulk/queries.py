"""Reading bulk decisions, as typed rows. Pages read through here and never import the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from seawall.model import Action
from seawall.review.bulk.tables import bulk_decision, bulk_item
from seawall.review.machine import case_id
from seawall.review.tables import review
from seawall.storage.queries import select_in_chunks
from seawall.storage.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkDecisionRow:
    """One bulk decision. ``items`` are all that were chosen, ``skipped`` those that the preview left out."""

    id: str
    seq: int
    at: int
    by: str
    answer: str
    policy: str | None
    actions: tuple[Action, ...]
    reason: str
    judged: Mapping[str, str]
    source: str  # search | queue | near_duplicates
    case: str | None
    child_safety: bool
    items: int
    skipped: int
    confirmed_at: int | None
    needs_approval: bool
    expires_at: int | None
    approved_by: str | None
    approved_at: int | None
    cancelled_by: str | None
    cancelled_at: int | None
    cancelled_why: str | None
    finished_at: int | None
    undo_by: str | None
    undo_at: int | None
    undone_at: int | None

    @property
    def planned(self) -> int:
        """The items that the preview would decide."""
        return self.items - self.skipped

    @property
    def started_at(self) -> int | None:
        """When it was allowed to begin."""
        return self.approved_at if self.needs_approval else self.confirmed_at

    def state(self, now: int) -> str:
        """previewed | waiting | expired | withdrawn | refused | running | done | undoing | undone."""
        if self.undo_at is not None:
            return "undoing" if self.undone_at is None else "undone"
        if self.cancelled_why is not None:
            return self.cancelled_why
        if self.confirmed_at is None:
            return "previewed"
        if self.started_at is None:
            return "expired" if self.expires_at is not None and self.expires_at <= now else "waiting"
        return "running" if self.finished_at is None else "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkItemRow:
    """One item of a bulk decision. ``state``: skipped | planned | decided | undone | kept (not taken back)."""

    bulk: str
    case: str
    position: int
    item: str
    content_type: str
    revision: int
    decision: str | None
    reports: int
    actor: str | None
    case_state: str
    applied: tuple[str, ...]
    reversed: tuple[str, ...]
    no_actor: bool
    state: str
    why: str | None
    review: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkPreviewRow:
    """A bulk decision was prepared whose preview has an item."""

    bulk: str
    seq: int
    at: int
    by: str
    why: str | None  # a key of ``WHY_SKIPPED``: it was left out, or was not taken back


_DECISION = select(*(bulk_decision.c[name] for name in BulkDecisionRow.__dataclass_fields__))
_ITEM = select(*(bulk_item.c[name] for name in BulkItemRow.__dataclass_fields__))
_actions = msgspec.json.Decoder(tuple[Action, ...]).decode


def get_bulk_decision(reader: Connection | Transaction, bulk: str) -> BulkDecisionRow | None:
    """One bulk decision by its id."""
    row = reader.execute(_DECISION.where(bulk_decision.c.id == bulk)).mappings().first()
    return None if row is None else _decision_row(row)


def list_bulk_decisions(
    connection: Connection, *, child_safety: bool, limit: int, before: int | None = None
) -> list[BulkDecisionRow]:
    """Bulk decisions, newest first; without ``child_safety`` none that has items of child safety."""
    query = _DECISION
    if not child_safety:
        query = query.where(bulk_decision.c.child_safety.is_(False))
    if before is not None:
        query = query.where(bulk_decision.c.seq < before)
    rows = connection.execute(query.order_by(bulk_decision.c.seq.desc()).limit(limit)).mappings()
    return [_decision_row(row) for row in rows]


def count_waiting_for_approval(connection: Connection, person: str, now: int, *, child_safety: bool) -> int:
    """Bulk decisions of others that this person may approve."""
    columns = bulk_decision.c
    query = select(func.count()).where(
        columns.needs_approval.is_(True),
        columns.approved_at.is_(None),
        columns.cancelled_at.is_(None),
        columns.expires_at > now,
        columns.by != person,
    )
    if not child_safety:
        query = query.where(columns.child_safety.is_(False))
    return connection.execute(query).scalar_one()


def items_of_bulk(
    reader: Connection | Transaction, bulk: str, *, state: str | None = None, limit: int | None = None
) -> list[BulkItemRow]:
    """The items of a bulk decision in their order; those in one state."""
    query = _ITEM.where(bulk_item.c.bulk == bulk)
    if state is not None:
        query = query.where(bulk_item.c.state == state)
    rows = reader.execute(query.order_by(bulk_item.c.position).limit(limit)).mappings()
    return [_item_row(row) for row in rows]


def bulk_previews_of_item(connection: Connection, item: str, *, limit: int) -> list[BulkPreviewRow]:
    """The bulk decisions whose preview has an item, newest first."""
    columns = (bulk_decision.c.id.label("bulk"), *(bulk_decision.c[name] for name in ("seq", "at", "by")))
    query = select(*columns, bulk_item.c.why).join(bulk_item, bulk_item.c.bulk == bulk_decision.c.id)
    rows = connection.execute(
        query.where(bulk_item.c.case == case_id(item)).order_by(bulk_decision.c.seq.desc()).limit(limit)
    )
    return [BulkPreviewRow(**row) for row in rows.mappings()]


def count_of_items(connection: Connection, bulks: Sequence[str]) -> dict[str, dict[str, int]]:
    """The items of bulk decisions by state."""
    query = select(bulk_item.c.bulk, bulk_item.c.state, func.count().label("times"))
    query = query.group_by(bulk_item.c.bulk, bulk_item.c.state)
    found: dict[str, dict[str, int]] = {bulk: {} for bulk in bulks}
    for row in select_in_chunks(connection, query, bulk_item.c.bulk, bulks):
        found[row.bulk][row.state] = row.times
    return found


def approvers_of_decisions(connection: Connection, decisions: Sequence[str]) -> list[str]:
    """Who approved the bulk decisions by which these decisions were made: they may not answer appeals of them."""
    query = (
        select(bulk_decision.c.approved_by)
        .join(review, review.c.bulk == bulk_decision.c.id)
        .where(bulk_decision.c.approved_by.is_not(None))
    )
    return sorted({row.approved_by for row in select_in_chunks(connection, query, review.c.decision, decisions)})


def _decision_row(row: Mapping[Any, Any]) -> BulkDecisionRow:
    read = {"actions": _actions(row["actions"]), "judged": msgspec.json.decode(row["judged"])}
    return BulkDecisionRow(**{**row, **read})


def _item_row(row: Mapping[Any, Any]) -> BulkItemRow:
    lists = {name: tuple(filter(None, row[name].split(","))) for name in ("applied", "reversed")}
    return BulkItemRow(**{**row, **lists})
