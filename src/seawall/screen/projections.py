"""Projections of screening: heads and revisions of items, decisions, rules fired, pending rescreens, traffic.

Each projection depends on the events and their order only, not on how they are batched.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from sqlalchemy import Connection, Table, Update, bindparam, or_, select, update

from seawall.model import Decision, DecisionMade, Event, EventBody, ItemSubmitted, SubjectErased, UnknownReason, gravest
from seawall.screen.events import AccountNoted, AccountOverlaysSet, RuleSnoozed, SnoozeEnded
from seawall.screen.tables import (
    GONE,
    account_note,
    account_overlays,
    decision,
    fired_rule,
    item,
    pending_rescreen,
    revision,
    rule_snooze,
    traffic,
)
from seawall.storage.deletions import RetentionEnded
from seawall.storage.upsert import insert_rows, upsert

_MINUTE = 60_000


@dataclass(frozen=True, slots=True)
class Items:
    """``item`` and ``revision``."""

    name: ClassVar[str] = "items"
    version: ClassVar[int] = 2
    handles: ClassVar[tuple[type[EventBody], ...]] = (ItemSubmitted, DecisionMade, RetentionEnded)
    tables: tuple[Table, ...] = (item, revision)

    def apply(self, connection: Connection, events: Sequence[Event]) -> None:
        """Apply submissions and decisions to the head of each item."""
        revisions: list[dict[str, Any]] = []
        heads: dict[str, dict[str, Any]] = {}
        touched: dict[str, dict[str, Any]] = {}  # decisions about items submitted in earlier batches
        for event in events:
            body = event.body
            if isinstance(body, ItemSubmitted):
                ref = body.item
                revisions.append(
                    {"item": ref.ref, "revision": ref.revision, "seq": event.seq, "at": event.at, "digest": body.digest}
                )
                kept = heads.get(ref.ref) or {
                    "decision": None, "verdict": None, "degraded": None, "decided_at": None
                }  # fmt: skip
                heads[ref.ref] = {
                    **kept,
                    "ref": ref.ref,
                    "content_type": ref.content_type,
                    "actor": body.actor,
                    "language": body.language,
                    "revision": ref.revision,
                    "digest": body.digest,
                    "submitted_at": event.at,
                }
            elif isinstance(body, DecisionMade):
                made = body.decision
                now = {
                    "decision": made.id,
                    "verdict": made.verdict.value,
                    "degraded": made.degraded,
                    "decided_at": made.at,
                }
                if made.item.ref in heads:
                    heads[made.item.ref].update(now)
                else:
                    touched[made.item.ref] = now
            elif isinstance(body, RetentionEnded):
                self._write(connection, revisions, heads, touched)
                revisions, heads, touched = [], {}, {}
                self._forget(connection, body)
        self._write(connection, revisions, heads, touched)

    def _forget(self, connection: Connection, ended: RetentionEnded) -> None:
        """Mark the digest of content that is gone: sent again, it is a new revision, unless a person decided it."""
        item, _ = self.tables
        for one in ended.items:
            newest = (item.c.ref == one.ref) & (item.c.revision == one.revision) & ~item.c.digest.startswith(GONE)
            connection.execute(update(item).where(newest).values(digest=GONE + item.c.digest))

    def _write(
        self,
        connection: Connection,
        revisions: list[dict[str, Any]],
        heads: dict[str, dict[str, Any]],
        touched: dict[str, dict[str, Any]],
    ) -> None:
        item, revision = self.tables
        if touched:
            rows = [{"b_ref": ref, **now} for ref, now in touched.items()]
            connection.execute(_decided(item), rows)
        if revisions:
            insert_rows(connection, revision, revisions)
        if heads:
            _keep_decisions(connection, item, heads, touched)
            upsert(connection, item, list(heads.values()))


def _keep_decisions(
    connection: Connection, item: Table, heads: dict[str, dict[str, Any]], touched: dict[str, dict[str, Any]]
) -> None:
    """A new revision of a known item keeps the earlier decision in force until it has its own."""
    later = [ref for ref, row in heads.items() if row["revision"] > 1 and row["decision"] is None]
    query = select(item.c.ref, item.c.decision, item.c.verdict, item.c.degraded, item.c.decided_at)
    for ref, *kept in connection.execute(query.where(item.c.ref.in_(later))) if later else ():
        heads[ref].update(zip(("decision", "verdict", "degraded", "decided_at"), kept, strict=True))


@cache
def _decided(item: Table) -> Update:
    return (
        update(item)
        .where(item.c.ref == bindparam("b_ref"))
        .values(
            decision=bindparam("decision"),
            verdict=bindparam("verdict"),
            degraded=bindparam("degraded"),
            decided_at=bindparam("decided_at"),
        )
    )


@dataclass(frozen=True, slots=True)
class Decisions:
    """``decision`` and ``fired_rule``."""

    name: ClassVar[str] = "decisions"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (DecisionMade,)
    tables: tuple[Table, ...] = (decision, fired_rule)

    def apply(self, connection: Connection, events: Sequence[Event]) -> None:
        """Insert one row per decision and one per rule that fired."""
        made = [(event.seq, event.body.decision) for event in events if isinstance(event.body, DecisionMade)]
        decision, fired_rule = self.tables
        insert_rows(connection, decision, [_decision_row(seq, one) for seq, one in made])
        fired = [row for _, one in made for row in _fired_rows(one)]
        if fired:
            insert_rows(connection, fired_rule, fired)


def _decision_row(seq: int, made: Decision) -> dict[str, Any]:
    first = gravest(made.reasons)
    return {
        "id": made.id,
        "seq": seq,
        "at": made.at,
        "item": made.item.ref,
        "content_type": made.item.content_type,
        "revision": made.item.revision,
        "actor": made.actor,
        "source": made.source.value,
        "stage": made.stage,
        "bundle": made.bundle,
        "verdict": made.verdict.value,
        "degraded": made.degraded,
        "policy": first.policy if first else None,
        "rule": first.rule if first else None,
        "harm": first.harm if first else None,
        "supersedes": made.supersedes,
        "reviewer": made.reviewer,
    }


def _fired_rows(made: Decision) -> list[dict[str, Any]]:
    reasons = {(reason.policy, reason.rule): reason for reason in (*made.shadow, *made.reasons)}
    return [
        {
            "decision": made.id,
            "policy": reason.policy,
            "rule": reason.rule,
            "mode": reason.mode,
            "harm": reason.harm,
            "at": made.at,
        }
        for reason in reasons.values()
    ]


@dataclass(frozen=True, slots=True)
class PendingRescreens:
    """The table ``pending_rescreen``: opened by a degraded decision, resolved by the item's next one that is not, or
    that found that asking again cannot help.

    An erased item cannot be screened again: its pending rescreen gets the state ``erased``.
    """

    name: ClassVar[str] = "pending_rescreens"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (DecisionMade, SubjectErased)
    tables: tuple[Table, ...] = (pending_rescreen,)

    def apply(self, connection: Connection, events: Sequence[Event]) -> None:
        """Open and resolve rescreens. A second degraded decision opens none: the older one and its due time stay."""
        (pending_rescreen,) = self.tables
        made = [event.body.decision for event in events if isinstance(event.body, DecisionMade)]
        items = {one.item.ref for one in made if one.rescreen_due is not None or one.supersedes is not None}
        erased = {event.body.subject for event in events if isinstance(event.body, SubjectErased)}
        if not items and not erased:
            return
        about = or_(pending_rescreen.c.item.in_(items | erased), pending_rescreen.c.actor.in_(erased))
        query = select(pending_rescreen).where(about, pending_rescreen.c.state == "open")
        open_now = {row.item: dict(row._mapping) for row in connection.execute(query)}
        written: dict[str, dict[str, Any]] = {}
        for event in events:
            if isinstance(event.body, SubjectErased):
                subject = event.body.subject
                for ref in [ref for ref, row in open_now.items() if subject in (ref, row["actor"])]:
                    ended = open_now.pop(ref)
                    ended.update(state="erased", resolved_at=event.at)
                    written[ended["decision"]] = ended
            if not isinstance(event.body, DecisionMade):
                continue
            one = event.body.decision
            row = open_now.get(one.item.ref)
            if one.degraded and one.rescreen_due is not None:
                if row is None:
                    row = open_now[one.item.ref] = _pending_row(one)
                else:
                    row["detectors"] = _unanswered(one)
                written[row["decision"]] = row
            elif row is not None and (not one.degraded or one.rescreen_due is None):
                row.update(state="resolved", resolved_by=one.id, resolved_at=one.at)
                written[row["decision"]] = open_now.pop(one.item.ref)
        if written:
            upsert(connection, pending_rescreen, list(written.values()))


def _pending_row(made: Decision) -> dict[str, Any]:
    return {
        "decision": made.id,
        "item": made.item.ref,
        "content_type": made.item.content_type,
        "actor": made.actor,
        "opened_at": made.at,
        "due_at": made.rescreen_due,
        "detectors": _unanswered(made),
        "fail_mode": made.fail_mode,
        "state": "open",
        "resolved_by": None,
        "resolved_at": None,
    }


def _unanswered(made: Decision) -> str:
    names = {unknown.detector for unknown in made.unknown if unknown.reason is not UnknownReason.LATER}
    return ",".join(sorted(names))


@dataclass(frozen=True, slots=True)
class Traffic:
    """``traffic``: decisions by minute, content type, source and verdict."""

    name: ClassVar[str] = "traffic"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (DecisionMade,)
    tables: tuple[Table, ...] = (traffic,)

    def apply(self, connection: Connection, events: Sequence[Event]) -> None:
        """Add the batch's counts to their minutes."""
        decisions: Counter[tuple[int, str, str, str]] = Counter()
        degraded: Counter[tuple[int, str, str, str]] = Counter()
        for event in events:
            if isinstance(event.body, DecisionMade):
                made = event.body.decision
                key = (made.at // _MINUTE * _MINUTE, made.item.content_type, made.source.value, made.verdict.value)
                decisions[key] += 1
                degraded[key] += made.degraded
        if not decisions:
            return
        names = ("minute", "content_type", "source", "verdict")
        rows = [
            {**dict(zip(names, key, strict=True)), "decisions": count, "degraded": degraded[key]}
            for key, count in decisions.items()
        ]
        upsert(connection, self.tables[0], rows, add=("decisions", "degraded"))


@dataclass(frozen=True, slots=True)
class AccountNotes:
    """``account_note``: who noted something about which account."""

    name: ClassVar[str] = "account_notes"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (AccountNoted,)
    tables: tuple[Table, ...] = (account_note,)

    def apply(self, connection: Connection, events: Sequence[Event]) -> None:
        """Insert the notes of the batch."""
        rows = [
            {
                "id": event.body.note,
                "seq": event.seq,
                "at": event.at,
                "account": event.body.account,
                "person": event.body.person,
                "enforcement": event.body.enforcement,
                "reason": event.body.reason,
            }
            for event in events
            if isinstance(event.body, AccountNoted)
        ]
        if rows:
            insert_rows(connection, self.tables[0], rows)


@dataclass(frozen=True, slots=True)
class RuleSnoozes:
    """``rule_snooze``: rules set aside for accounts."""

    name: ClassVar[str] = "rule_snoozes"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (RuleSnoozed, SnoozeEnded)
    tables: tuple[Table, ...] = (rule_snooze,)

    def apply(self, connection: Connection, events: Sequence[Event]) -> None:
        """Insert and end snoozes; they are few."""
        table = self.tables[0]
        for event in events:
            match event.body:
                case RuleSnoozed() as body:
                    row = {
                        "id": body.snooze,
                        "seq": event.seq,
                        "at": event.at,
                        "account": body.account,
                        "policy": body.policy,
                        "rule": body.rule,
                        "harm": body.harm,
                        "until": body.until,
                        "person": body.person,
                        "ended_at": None,
                        "ended_by": None,
                    }
                    insert_rows(connection, table, [row])
                case SnoozeEnded() as body:
                    ended = {"ended_at": event.at, "ended_by": body.person}
                    connection.execute(update(table).where(table.c.id == body.snooze).values(ended))


@dataclass(frozen=True, slots=True)
class AccountOverlayRows:
    """``account_overlays``: the creators' overlays that are on in the place of an account."""

    name: ClassVar[str] = "account_overlays"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (AccountOverlaysSet, SubjectErased)
    tables: tuple[Table, ...] = (account_overlays,)

    def apply(self, connection: Connection, events: Sequence[Event]) -> None:
        """The newest settings of each account; nothing is on for an erased one."""
        (table,) = self.tables
        erased = [event.body.subject for event in events if isinstance(event.body, SubjectErased)]
        query = select(table.c.account).where(table.c.account.in_(erased))
        known = set(connection.execute(query).scalars()) if erased else set()
        written: dict[str, dict[str, Any]] = {}
        for event in events:
            match event.body:
                case AccountOverlaysSet() as body:
                    written[body.account] = {
                        "account": body.account,
                        "seq": event.seq,
                        "at": event.at,
                        "overlays": json.dumps(body.overlays),
                        "words": body.words,
                        "digest": body.digest,
                        "set_by": body.by,
                    }
                case SubjectErased(subject=account) if account in known or account in written:
                    nothing = {"overlays": "[]", "words": 0, "digest": "", "set_by": ""}
                    written[account] = {"account": account, "seq": event.seq, "at": event.at, **nothing}
        if written:
            upsert(connection, table, list(written.values()))


PROJECTIONS = (
    Items(),
    Decisions(),
    PendingRescreens(),
    Traffic(),
    AccountNotes(),
    RuleSnoozes(),
    AccountOverlayRows(),
)
