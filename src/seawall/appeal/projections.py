"""Projections of reports, appeals and the standing of reporters."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import msgspec
from sqlalchemy import Connection, Table, select

from seawall.appeal.appeal_state import AppealState, AppealTrigger, appeal_after
from seawall.appeal.events import (
    AppealMessageSent,
    NoticeEnded,
    NoticeMatched,
    NoticeReceived,
    OutOfCourtOutcomeRecorded,
    ReporterKeyDeclared,
    ReporterKeyRestored,
    ReporterKeySuspended,
    ReporterMuted,
    ReporterUnmuted,
    ReporterWarned,
)
from seawall.appeal.tables import (
    appeal,
    appeal_message,
    appeal_rule,
    notice,
    report,
    reporter_key,
    reporter_standing,
)
from seawall.model import AppealDecided, AppealReceived, Event, EventBody, gravest
from seawall.model.events import ReportReceived
from seawall.storage.queries import select_in_chunks
from seawall.storage.upsert import upsert

Row: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReportProjection:
    """Every report, with its reporter and the item or account that it is about."""

    name: ClassVar[str] = "report"
    version: ClassVar[int] = 3  # 2: person; 3: the reporter key
    handles: ClassVar[tuple[type[EventBody], ...]] = (ReportReceived,)
    tables: tuple[Table, ...] = (report,)

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        """Write the reports among the events."""
        rows = [
            {
                "id": event.body.report,
                "seq": event.seq,
                "at": event.at,
                "item": event.body.item.ref,
                "content_type": event.body.item.content_type,
                "reporter": event.body.reporter,
                "kind": event.body.kind,
                "policy": event.body.policy,
                "person": event.body.person,
                "reporter_key": event.body.reporter_key,
            }
            for event in events
            if isinstance(event.body, ReportReceived)
        ]
        if rows:
            upsert(conn, self.tables[0], rows)


@dataclass(frozen=True, slots=True)
class Appeals:
    """Every appeal as it stands, and the rules that it is about."""

    name: ClassVar[str] = "appeals"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (AppealReceived, AppealDecided, OutOfCourtOutcomeRecorded)
    tables: tuple[Table, ...] = (appeal, appeal_rule)

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        """Apply ``events``. Raises ValueError when the ledger contradicts itself."""
        appeal, appeal_rule = self.tables
        bodies = [
            (event, event.body)
            for event in events
            if isinstance(event.body, AppealReceived | AppealDecided | OutOfCourtOutcomeRecorded)
        ]
        made = {body.appeal for _, body in bodies if isinstance(body, AppealReceived)}
        rows = _load(conn, appeal, "id", {body.appeal for _, body in bodies} - made)
        rules: list[Row] = []
        for event, body in bodies:
            match body:
                case AppealReceived():
                    rows[body.appeal] = _received(event, body)
                    rules += _rules(body)
                case AppealDecided():
                    row = rows[body.appeal]
                    row["state"] = appeal_after(AppealState(row["state"]), AppealTrigger(body.outcome)).value
                    row["answered_at"], row["answered_by"] = event.at, body.person
                    row["reason"], row["new_decision"] = body.reason or None, body.decision
                    row["policy"] = body.policy or row["policy"]
                case OutOfCourtOutcomeRecorded():
                    row = rows[body.appeal]
                    row["state"] = appeal_after(AppealState(row["state"]), AppealTrigger.OUT_OF_COURT).value
                    row["settlement_body"], row["settlement_outcome"] = body.body, body.outcome
                    row["settlement_date"] = body.date
        upsert(conn, appeal, list(rows.values()))
        upsert(conn, appeal_rule, rules)


def _received(event: Event, body: AppealReceived) -> Row:
    reason = gravest(body.reasons)
    return {
        "id": body.appeal,
        "seq": event.seq,
        "at": event.at,
        "item": body.item.ref,
        "content_type": body.item.content_type,
        "revision": body.item.revision,
        "decision": body.decision,
        "appellant": body.appellant,
        "role": body.role,
        "report": body.report,
        "policy": None if reason is None else reason.policy,
        "harm": None if reason is None else reason.harm,
        "state": appeal_after(AppealState.NONE, AppealTrigger.RECEIVED).value,
        "answered_at": None,
        "answered_by": None,
        "reason": None,
        "new_decision": None,
        "settlement_body": None,
        "settlement_outcome": None,
        "settlement_date": None,
    }


def _rules(body: AppealReceived) -> list[Row]:
    named = dict.fromkeys((reason.policy, reason.rule) for reason in body.reasons)
    return [{"appeal": body.appeal, "policy": policy, "rule": rule} for policy, rule in named]


@dataclass(frozen=True, slots=True)
class AppealMessages:
    """The messages and notes about appeals."""

    name: ClassVar[str] = "appeal_messages"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (AppealMessageSent,)
    tables: tuple[Table, ...] = (appeal_message,)

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        """Add the messages among the events."""
        rows = [
            {
                "id": event.body.message,
                "seq": event.seq,
                "at": event.at,
                "appeal": event.body.appeal,
                "kind": event.body.kind,
                "person": event.body.person,
            }
            for event in events
            if isinstance(event.body, AppealMessageSent)
        ]
        upsert(conn, self.tables[0], rows)


@dataclass(frozen=True, slots=True)
class ReporterStandings:
    """Who was warned of misuse, and who is muted until when."""

    name: ClassVar[str] = "reporter_standings"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (ReporterWarned, ReporterMuted, ReporterUnmuted)
    tables: tuple[Table, ...] = (reporter_standing,)

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        """Apply warnings and mutings."""
        (table,) = self.tables
        kinds = ReporterWarned | ReporterMuted | ReporterUnmuted
        bodies = [(event, event.body) for event in events if isinstance(event.body, kinds)]
        rows = _load(conn, table, "reporter", {body.reporter for _, body in bodies})
        for event, body in bodies:
            row = rows.setdefault(
                body.reporter,
                {"reporter": body.reporter, "warned_at": None, "muted_at": None, "muted_until": None, "muted_by": None},
            )
            match body:
                case ReporterWarned():
                    row["warned_at"] = event.at
                case ReporterMuted(until=until, person=person):
                    row["muted_at"], row["muted_until"], row["muted_by"] = event.at, until, person
                case ReporterUnmuted():
                    row["muted_until"] = None
        upsert(conn, table, list(rows.values()))


@dataclass(frozen=True, slots=True)
class Notices:
    """Notices by form, and those about content that is not known yet, with what became of them."""

    name: ClassVar[str] = "notices"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (NoticeReceived, NoticeMatched, NoticeEnded)
    tables: tuple[Table, ...] = (notice,)

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        """Add notices, and what became of them."""
        (table,) = self.tables
        kinds = NoticeReceived | NoticeMatched | NoticeEnded
        bodies = [(event, event.body) for event in events if isinstance(event.body, kinds)]
        made = {body.report for _, body in bodies if isinstance(body, NoticeReceived)}
        rows = _load(conn, table, "report", {body.report for _, body in bodies} - made)
        for event, body in bodies:
            if isinstance(body, NoticeReceived):
                rows[body.report] = _notice(event, body)
                continue
            row = rows[body.report]
            row["ended_at"], row["person"] = event.at, body.person
            if isinstance(body, NoticeMatched):
                row["state"], row["item"], row["content_type"] = "matched", body.item.ref, body.item.content_type
            else:
                row["state"] = body.outcome
        upsert(conn, table, list(rows.values()))


def _notice(event: Event, body: NoticeReceived) -> Row:
    return {
        "report": body.report,
        "seq": event.seq,
        "at": event.at,
        "subject": body.subject,
        "channel": body.channel,
        "content_type": body.content_type,
        "target": None if body.target is None else bytes.fromhex(body.target),
        "reporter": body.reporter,
        "kind": body.kind,
        "reporter_key": body.reporter_key,
        "policy": body.policy,
        "harm": body.harm,
        "illegal": body.illegal,
        "state": "waiting",
        "item": None,
        "ended_at": None,
        "person": None,
    }


@dataclass(frozen=True, slots=True)
class ReporterKeys:
    """The keys that may report for others than users."""

    name: ClassVar[str] = "reporter_keys"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (ReporterKeyDeclared, ReporterKeySuspended, ReporterKeyRestored)
    tables: tuple[Table, ...] = (reporter_key,)

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        """Declare, suspend and restore reporter keys. One that is declared anew stays suspended."""
        (table,) = self.tables
        kinds = ReporterKeyDeclared | ReporterKeySuspended | ReporterKeyRestored
        bodies = [(event, event.body) for event in events if isinstance(event.body, kinds)]
        rows = _load(conn, table, "key", {body.key for _, body in bodies})
        for event, body in bodies:
            row = rows.setdefault(body.key, {"suspended_at": None, "suspended_by": None, "reason": None})
            match body:
                case ReporterKeyDeclared(key=key, kind=kind, harms=harms, by=by):
                    areas = msgspec.json.encode(harms).decode()
                    row |= {"key": key, "kind": kind, "harms": areas, "declared_at": event.at, "declared_by": by}
                case ReporterKeySuspended(reason=reason, by=by):
                    row["suspended_at"], row["suspended_by"], row["reason"] = event.at, by, reason
                case ReporterKeyRestored():
                    row["suspended_at"] = row["suspended_by"] = row["reason"] = None
        upsert(conn, table, list(rows.values()))


def _load(conn: Connection, table: Table, key: str, ids: Collection[str]) -> dict[str, Row]:
    found = select_in_chunks(conn, select(table), table.c[key], sorted(ids))
    return {row._mapping[key]: dict(row._mapping) for row in found}


PROJECTIONS = (ReportProjection(), Appeals(), AppealMessages(), ReporterStandings(), Notices(), ReporterKeys())
