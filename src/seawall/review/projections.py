"""Projections of cases and reviews."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import msgspec
from sqlalchemy import Connection, Table, select

from seawall.model import Decision, DecisionSource, Event, EventBody, ItemRef
from seawall.model.events import DecisionMade, ItemSubmitted, ReportReceived
from seawall.review.case_policies import read_policies
from seawall.review.events import CaseRouted, ReviewSubmitted
from seawall.review.machine import (
    Case,
    CaseState,
    Decided,
    Fact,
    Reported,
    Reviewed,
    Routed,
    asks_for_review,
    case_id,
    is_of_child_safety,
    new_case,
    step,
)
from seawall.review.tables import case as case_table
from seawall.review.tables import case_reporter
from seawall.review.tables import review as review_table
from seawall.storage.queries import select_in_chunks
from seawall.storage.upsert import insert_rows, upsert


@dataclass(frozen=True, slots=True)
class Cases:
    """One row per item that was ever sent to review; updated by ``machine.step``. Beside it, who reported it."""

    name: ClassVar[str] = "cases"
    version: ClassVar[int] = 4  # 2: one reporter counts once; 3: severe_revision; 4: policies, score, child_safety
    handles: ClassVar[tuple[type[EventBody], ...]] = (
        ItemSubmitted,
        DecisionMade,
        ReportReceived,
        ReviewSubmitted,
        CaseRouted,
    )
    tables: tuple[Table, ...] = (case_table, case_reporter)

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        """Apply ``events`` to the cases they are about."""
        cases, reporters = self.tables
        facts = [(event.at, *about) for event in events if (about := _about(event)) is not None]
        if not facts:
            return
        fresh = {
            case_id(event.body.item.ref)
            for event in events
            if isinstance(event.body, ItemSubmitted) and event.body.item.revision == 1
        }  # an item that was not there before the batch has no case
        before = _load(conn, cases, sorted({found for _, found, _, _ in facts} - fresh))
        after = dict(before)
        reported = _Reporters(conn, reporters, [found for _, found, _, fact in facts if isinstance(fact, Reported)])
        for at, found, item, fact in facts:
            current = after.get(found)
            if current is None and isinstance(fact, Decided) and not _is_kept(fact.decision):
                continue  # most traffic: no case, and none opens
            if current is None and item is not None:
                current = new_case(item)
            if current is not None:
                after[found] = step(current, reported.marked(current, fact), at)
                reported.add(after[found], fact)
        _store(conn, cases, before, after)
        reported.store()


@dataclass(frozen=True, slots=True)
class Reviews:
    """One row per review."""

    name: ClassVar[str] = "reviews"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (ReviewSubmitted,)
    tables: tuple[Table, ...] = (review_table,)

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        """Add the reviews among ``events``."""
        rows = [
            {
                "id": event.body.review,
                "seq": event.seq,
                "at": event.at,
                "case": event.body.case,
                "reviewer": event.body.reviewer,
                "decision": event.body.decision,
                "policy": event.body.policy,
                "answer": event.body.answer,
                "reason": event.body.reason,
            }
            for event in events
            if isinstance(event.body, ReviewSubmitted)
        ]
        if rows:
            insert_rows(conn, self.tables[0], rows)


class _Reporters:
    """Who reported the cases of a batch since they were opened. Reads and writes nothing in a batch without reports."""

    def __init__(self, conn: Connection, table: Table, cases: Sequence[str]) -> None:
        self._conn = conn
        self._table = table
        rows = select_in_chunks(conn, select(table), table.c.case, sorted(set(cases))) if cases else ()
        self._known = {(row.case, row.opened_at, row.reporter) for row in rows}
        self._new: list[dict[str, object]] = []

    def marked(self, case: Case, fact: Fact) -> Fact:
        """The fact; a report by somebody who is known is marked as repeated."""
        if not isinstance(fact, Reported) or fact.reporter is None or case.state is not CaseState.OPEN:
            return fact
        return replace(fact, repeated=(case.id, case.opened_at, fact.reporter) in self._known)

    def add(self, case: Case, fact: Fact) -> None:
        """Remember who reported the case, which is open now."""
        if not isinstance(fact, Reported) or fact.reporter is None:
            return
        key = (case.id, case.opened_at, fact.reporter)
        if key not in self._known:
            self._known.add(key)
            self._new.append(dict(zip(("case", "opened_at", "reporter"), key, strict=True)))

    def store(self) -> None:
        """Write who is new."""
        if self._new:
            insert_rows(self._conn, self._table, self._new)


PROJECTIONS = (Cases(), Reviews())


def _about(event: Event) -> tuple[str, ItemRef | None, Fact] | None:
    match event.body:
        case DecisionMade(decision=decision):
            return case_id(decision.item.ref), decision.item, Decided(decision)
        case ReportReceived(item=item, kind=kind, policy=policy, reporter=reporter, harm=harm):
            return case_id(item.ref), item, Reported(kind, policy, reporter, harm=harm)
        case ReviewSubmitted(case=case, answer=answer, policy=policy, judged=judged):
            named = {policy: answer} if policy is not None else {}  # before 0.3 an answer was about one policy
            return case, None, Reviewed(answer, judged or named)
        case CaseRouted(case=case, queue=queue):
            return case, None, Routed(queue)
        case _:
            return None


def _is_kept(decision: Decision) -> bool:
    """Whether a decision opens a case, or must be remembered for the day when a case is opened."""
    if not decision.actions and not decision.reasons:
        return False
    return asks_for_review(decision) or (decision.source is not DecisionSource.REVIEW and is_of_child_safety(decision))


def _load(conn: Connection, cases: Table, ids: Sequence[str]) -> dict[str, Case]:
    found: dict[str, Case] = {}
    for row in select_in_chunks(conn, select(cases), cases.c.id, ids):
        fields = dict(row._mapping)
        fields["state"] = CaseState(fields["state"])
        fields["policies"] = read_policies(fields["policies"])
        found[row.id] = Case(**fields)
    return found


def _store(conn: Connection, cases: Table, before: dict[str, Case], after: dict[str, Case]) -> None:
    moved = [case for found, case in after.items() if case != before.get(found)]
    if rows := [_row(case) for case in moved if case.state is not CaseState.NONE or case.child_safety]:
        upsert(conn, cases, rows)


def _row(case: Case) -> dict[str, object]:
    row = {name: getattr(case, name) for name in Case.__dataclass_fields__}
    return {**row, "policies": msgspec.json.encode(case.policies).decode()}
