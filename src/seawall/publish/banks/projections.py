"""Projections of banks, their entries, and the outcomes of their matches."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TypeAlias

import msgspec
from sqlalchemy import Connection, Table, insert, select, update

from seawall.model import AppealDecided, Decision, DecisionMade, DecisionSource, Event, EventBody, ReportReceived
from seawall.publish.events import (
    BankConfigured,
    BankEntryAdded,
    BankEntryQuarantined,
    BankEntryRemoved,
    BankEntryRestored,
    BankEntrySourced,
    BankEntrySourceErased,
    BankEntrySuspended,
)
from seawall.publish.tables import bank, bank_entry, bank_entry_source, bank_hit
from seawall.storage.queries import select_in_chunks
from seawall.storage.upsert import upsert

Row = dict[str, Any]

EFFECTS: Final = {"bank": "matched", "bank_suppressed": "suppressed", "bank_quarantined": "quarantined"}
"""Effect of a bank's signal, by the part of its name before the colon."""
GUARD: Final = "guard"
"""Reporter of cases for quarantined entries; such a report is no complaint about the entry."""
_APPEALED: Final = {"upheld": "confirmed", "partly": "confirmed", "overturned": "overturned"}
"""What the answer to an author's appeal says about the matches that its decision read."""
_STATES: Final[dict[type[EventBody], str]] = {
    BankEntryRemoved: "removed",
    BankEntrySuspended: "suspended",
    BankEntryQuarantined: "quarantined",
    BankEntryRestored: "active",
}
_Changed: TypeAlias = BankEntryRemoved | BankEntrySuspended | BankEntryQuarantined | BankEntryRestored
_JUDGES: Final = (DecisionSource.REVIEW, DecisionSource.UNDO)
_ENCODER = msgspec.json.Encoder(order="deterministic")


@dataclass(frozen=True, slots=True)
class Banks:
    """The projection ``bank``."""

    name: ClassVar[str] = "banks"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (BankConfigured,)
    tables: tuple[Table, ...] = (bank,)

    def apply(self, connection: Connection, events: Sequence[Event]) -> None:
        """Keep the newest configuration of each bank."""
        rows: dict[str, Row] = {}
        for event in events:
            body = event.body
            if isinstance(body, BankConfigured):
                rows[body.bank] = {
                    "name": body.bank,
                    "title": body.title,
                    "role": body.role,
                    "thresholds": _ENCODER.encode(body.thresholds).decode(),
                    "owner": body.owner,
                    "harm": body.harm,
                    "expires_after_days": body.expires_after_days,
                    "flood_limit": body.flood_limit,
                    "on_erasure": body.on_erasure,
                    "by": body.by,
                    "at": event.at,
                    "seq": event.seq,
                }
        if rows:
            upsert(connection, self.tables[0], list(rows.values()))


@dataclass(frozen=True, slots=True)
class BankEntries:
    """The projection ``bank_entry``."""

    name: ClassVar[str] = "bank_entries"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (BankEntryAdded, *_STATES)
    tables: tuple[Table, ...] = (bank_entry,)

    def apply(self, connection: Connection, events: Sequence[Event]) -> None:
        """Insert added entries; each change of state gives the row a new ``seq``, so cursors read it again."""
        (bank_entry,) = self.tables
        rows: dict[str, Row] = {}
        changes: list[tuple[Event, _Changed]] = []
        for event in events:
            if isinstance(event.body, BankEntryAdded):
                rows[event.body.entry] = _entry_row(event, event.body)
            elif isinstance(event.body, _Changed):
                changes.append((event, event.body))
        known = {body.entry for _, body in changes} - rows.keys()
        rows.update(_load(connection, bank_entry, "id", known))
        for event, body in changes:
            if (row := rows.get(body.entry)) is not None and row["state"] != "removed":
                row["state"] = _STATES[type(body)]
                row["state_at"] = event.at
                row["state_by"] = body.by
                row["state_reason"] = "flood" if isinstance(body, BankEntryQuarantined) else body.reason
                row["seq"] = event.seq
        if rows:
            upsert(connection, bank_entry, list(rows.values()))


def _entry_row(event: Event, body: BankEntryAdded) -> Row:
    return {
        "id": body.entry,
        "number": event.seq,
        "bank": body.bank,
        "kind": body.kind,
        "digest": body.digest,
        "source": body.source,
        "added_by": body.by,
        "added_at": event.at,
        "seq": event.seq,
        "expires": body.expires,
        "threshold": body.threshold,
        "state": "active",
        "state_at": event.at,
        "state_by": body.by,
        "state_reason": "",
        "exchange": body.exchange,
        "record": body.record,
    }


@dataclass(frozen=True, slots=True)
class BankEntrySources:
    """The projection ``bank_entry_source``."""

    name: ClassVar[str] = "bank_entry_sources"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (BankEntrySourced, BankEntrySourceErased)
    tables: tuple[Table, ...] = (bank_entry_source,)

    def apply(self, connection: Connection, events: Sequence[Event]) -> None:
        """Add what entries were made from, and empty what was erased."""
        (table,) = self.tables
        for event in events:
            match event.body:
                case BankEntrySourced() as body:
                    row = {"entry": body.entry, "bank": body.bank, "item": body.item, "account": body.account}
                    made = {"seq": event.seq, "new": body.new, "by": body.by, "at": event.at}
                    connection.execute(insert(table).values(row | made))
                case BankEntrySourceErased() as body:
                    gone = {"item": None} if body.item_only else {"item": None, "account": None, "erased_at": event.at}
                    connection.execute(update(table).where(table.c.seq == body.source).values(gone))


@dataclass(frozen=True, slots=True)
class BankHits:
    """The projection ``bank_hit``: one row for each item that an entry was found in.

    A person's decision about the item confirms or overturns the matches of its revision; the last one counts, unless
    it was taken back. So does the answer to an appeal of its author, for the revision whose decision was appealed,
    whatever was sent after it.
    """

    name: ClassVar[str] = "bank_hits"
    version: ClassVar[int] = 2  # 2: reviews that were taken back, and answers to appeals
    handles: ClassVar[tuple[type[EventBody], ...]] = (DecisionMade, ReportReceived, AppealDecided)
    tables: tuple[Table, ...] = (bank_hit,)

    def apply(self, connection: Connection, events: Sequence[Event]) -> None:
        """Apply machine decisions, reviews and reports."""
        (bank_hit,) = self.tables
        relevant = [event for event in events if _concerns(event)]
        if not relevant:
            return
        items = {_item_of(event) for event in relevant}
        by_item: dict[str, dict[str, Row]] = {item: {} for item in items}
        for found in select_in_chunks(connection, select(bank_hit), bank_hit.c.item, sorted(items)):
            by_item[found.item][found.entry] = dict(found._mapping)
        touched: dict[tuple[str, str], Row] = {}
        for event in relevant:
            rows = by_item[_item_of(event)]
            for row in _fold(rows, event):
                touched[row["item"], row["entry"]] = row
        if touched:
            upsert(connection, bank_hit, list(touched.values()))


def matches_of(decision: Decision) -> dict[str, tuple[str, str]]:
    """Entry → (bank, effect) of the matches that a decision read; a match that acts takes precedence."""
    found: dict[str, tuple[str, str]] = {}
    for signal in decision.signals:
        before, colon, name = signal.name.partition(":")
        effect = EFFECTS.get(before) if colon else None
        if effect is not None and signal.evidence is not None and (effect == "matched" or signal.evidence not in found):
            found[signal.evidence] = (name, effect)
    return found


def _concerns(event: Event) -> bool:
    body = event.body
    if isinstance(body, DecisionMade):
        return body.decision.source in _JUDGES or any(
            signal.name.startswith("bank") for signal in body.decision.signals
        )
    if isinstance(body, AppealDecided):
        return body.role == "author" and body.outcome in _APPEALED
    return isinstance(body, ReportReceived) and body.kind != GUARD


def _item_of(event: Event) -> str:
    body = event.body
    assert isinstance(body, DecisionMade | ReportReceived | AppealDecided)
    return body.decision.item.ref if isinstance(body, DecisionMade) else body.item.ref


def _fold(rows: dict[str, Row], event: Event) -> list[Row]:
    """The rows of one item that the event adds or changes."""
    body = event.body
    if isinstance(body, ReportReceived):
        for row in rows.values():
            row["complaints"] += 1
        return list(rows.values())
    if isinstance(body, AppealDecided):
        answered = [row for row in rows.values() if row["revision"] == body.item.revision]
        for row in answered:
            row["outcome"], row["outcome_at"] = _APPEALED[body.outcome], event.at
        return answered
    assert isinstance(body, DecisionMade)
    decision = body.decision
    if decision.source in _JUDGES:
        taken_back = decision.source is DecisionSource.UNDO
        judged = [row for row in rows.values() if row["revision"] == decision.item.revision]
        for row in judged:
            row["outcome"] = None if taken_back else "confirmed" if decision.reasons else "overturned"
            row["outcome_at"] = None if taken_back else event.at
        return judged
    changed = []
    for entry, (name, effect) in matches_of(decision).items():
        before = rows.get(entry)
        if before is not None and before["revision"] == decision.item.revision:
            if before["effect"] == effect:
                continue
            before.update(effect=effect, decision=decision.id)
        else:
            rows[entry] = {
                "item": decision.item.ref,
                "entry": entry,
                "bank": name,
                "revision": decision.item.revision,
                "decision": decision.id,
                "at": event.at,
                "effect": effect,
                "outcome": None,
                "outcome_at": None,
                "complaints": before["complaints"] if before is not None else 0,
            }
        changed.append(rows[entry])
    return changed


def _load(connection: Connection, table: Table, key: str, ids: Collection[str]) -> dict[str, Row]:
    found = select_in_chunks(connection, select(table), table.c[key], sorted(ids))
    return {row._mapping[key]: dict(row._mapping) for row in found}


PROJECTIONS = (Banks(), BankEntries(), BankEntrySources(), BankHits())
