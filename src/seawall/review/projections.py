"""Projections of cases and reviews."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import msgspec
from sqlalchemy import Connection, Table, select, update

from seawall.model import Decision, DecisionSource, Event, EventBody, ItemRef
from seawall.model.events import AppealDecided, AppealReceived, DecisionMade, ItemSubmitted, ReportReceived
from seawall.review.case_policies import read_policies
from seawall.review.closings import BatchClosings
from seawall.review.events import (
    CaseAssigned,
    CaseLanguageFound,
    CasePassedOn,
    CaseReopened,
    CaseRouted,
    CaseSkipped,
    CaseUnassigned,
    ReviewSubmitted,
    ReviewUndone,
)
from seawall.review.machine import (
    AppealAnswered,
    Appealed,
    Case,
    CaseState,
    Decided,
    Fact,
    LanguageFound,
    PassedOn,
    ReopenedByPerson,
    Reported,
    Reviewed,
    ReviewTakenBack,
    Routed,
    asks_for_review,
    case_id,
    is_of_child_safety,
    new_case,
    step,
)
from seawall.review.tables import case as case_table
from seawall.review.tables import (
    case_assignment,
    case_closing,
    case_decider,
    case_handover,
    case_passing,
    case_reporter,
    case_skip,
)
from seawall.review.tables import review as review_table
from seawall.storage.queries import select_in_chunks
from seawall.storage.upsert import insert_rows, upsert


@dataclass(frozen=True, slots=True)
class Cases:
    """One row per item or account that was ever sent to review, updated by ``machine.step``.

    Beside it, who reported it, and how each opening ended.
    """

    name: ClassVar[str] = "cases"
    version: ClassVar[int] = 9  # 6: accounts; 7: reviewed in bulk; 8: closings, reopened appeals; 9: languages
    handles: ClassVar[tuple[type[EventBody], ...]] = (
        ItemSubmitted,
        DecisionMade,
        ReportReceived,
        ReviewSubmitted,
        ReviewUndone,
        CaseReopened,
        CasePassedOn,
        AppealReceived,
        AppealDecided,
        CaseRouted,
        CaseLanguageFound,
    )
    tables: tuple[Table, ...] = (case_table, case_reporter, case_closing)

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        """Apply ``events`` to the cases they are about."""
        cases, reporters, closed = self.tables
        facts = [(event, *about) for event in events if (about := _about(event)) is not None]
        if not facts:
            return
        fresh = {
            case_id(event.body.item.ref)
            for event in events
            if isinstance(event.body, ItemSubmitted) and event.body.item.revision == 1
        }  # an item that was not there before the batch has no case
        before = _load(conn, cases, sorted({found for _, found, _, _ in facts} - fresh))
        after = dict(before)
        closings = BatchClosings(conn, closed)
        reported = _Reporters(conn, reporters, [found for _, found, _, fact in facts if isinstance(fact, Reported)])
        for event, found, item, fact in facts:
            current = after.get(found)
            if current is None and isinstance(fact, Decided) and not _is_kept(fact.decision):
                continue  # most traffic: no case, and none opens
            if current is None and item is not None:
                current = new_case(item)
            if current is not None:
                after[found] = step(current, reported.marked(current, fact), event.at)
                reported.add(after[found], fact)
                closings.add(current, after[found], event.body)
        _store(conn, cases, before, after)
        closings.store()
        reported.store()


@dataclass(frozen=True, slots=True)
class CaseDeciders:
    """Who may not answer the open appeals of a case."""

    name: ClassVar[str] = "case_deciders"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (AppealReceived, AppealDecided)
    tables: tuple[Table, ...] = (case_decider,)

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        """Add the deciders of received appeals; forget those of answered ones."""
        (table,) = self.tables
        for event in events:
            match event.body:
                case AppealReceived(appeal=appeal, item=item, deciders=deciders):
                    rows = [{"case": case_id(item.ref), "appeal": appeal, "person": one} for one in set(deciders)]
                    insert_rows(conn, table, rows)
                case AppealDecided(appeal=appeal, item=item):
                    conn.execute(table.delete().where(table.c.case == case_id(item.ref), table.c.appeal == appeal))


@dataclass(frozen=True, slots=True)
class Reviews:
    """One row per review."""

    name: ClassVar[str] = "reviews"
    version: ClassVar[int] = 3  # 2: undone_at and attention; 3: bulk
    handles: ClassVar[tuple[type[EventBody], ...]] = (ReviewSubmitted, ReviewUndone)
    tables: tuple[Table, ...] = (review_table,)

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        """Add the reviews among ``events``, and mark those that were taken back."""
        (table,) = self.tables
        rows = {
            event.body.review: _review_row(event, event.body)
            for event in events
            if isinstance(event.body, ReviewSubmitted)
        }
        undone = {event.body.review: event.at for event in events if isinstance(event.body, ReviewUndone)}
        for row in rows.values():
            row["undone_at"] = undone.pop(row["id"], None)
        if rows:
            insert_rows(conn, table, list(rows.values()))
        for review, at in undone.items():
            conn.execute(update(table).where(table.c.id == review).values(undone_at=at))


def _review_row(event: Event, body: ReviewSubmitted) -> dict[str, Any]:
    seen = body.attention
    return {
        "id": body.review,
        "seq": event.seq,
        "at": event.at,
        "case": body.case,
        "reviewer": body.reviewer,
        "decision": body.decision,
        "policy": body.policy,
        "answer": body.answer,
        "reason": body.reason,
        "seconds": None if seen is None else seen.seconds,
        "unveiled": None if seen is None else seen.unveiled,
        "untouched": None if seen is None else ",".join(seen.untouched),
        "by_evidence": None if seen is None else seen.by_evidence,
        "ends_appeal": body.ends_appeal,
        "bulk": body.bulk,
    }


@dataclass(frozen=True, slots=True)
class CasePassings:
    """One row for each time that a reviewer left a case to others."""

    name: ClassVar[str] = "case_passings"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (CasePassedOn,)
    tables: tuple[Table, ...] = (case_passing,)

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        """Add them."""
        rows = [
            {
                "id": event.body.passing,
                "seq": event.seq,
                "at": event.at,
                "case": event.body.case,
                "person": event.body.by,
                "why": event.body.why,
            }
            for event in events
            if isinstance(event.body, CasePassedOn)
        ]
        if rows:
            insert_rows(conn, self.tables[0], rows)


@dataclass(frozen=True, slots=True)
class CaseAssignments:
    """Whom a case is assigned to. A row may be out of force, see ``leases.in_force``; an answer removes it."""

    name: ClassVar[str] = "case_assignments"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (CaseAssigned, CaseUnassigned, ReviewSubmitted, CaseReopened)
    tables: tuple[Table, ...] = (case_assignment,)

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        """Add, replace and remove them."""
        (table,) = self.tables
        for event in events:
            match event.body:
                case CaseAssigned() as body:
                    row = {name: getattr(body, name) for name in body.__dataclass_fields__ if name != "assignment"}
                    upsert(conn, table, [{**row, "id": body.assignment, "at": event.at}])
                case CaseUnassigned(case=case) | ReviewSubmitted(case=case) | CaseReopened(case=case):
                    conn.execute(table.delete().where(table.c.case == case))


@dataclass(frozen=True, slots=True)
class CaseHandovers:
    """One row for each time that a case was given to a reviewer, declined by them or taken away."""

    name: ClassVar[str] = "case_handovers"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (CaseAssigned, CaseUnassigned)
    tables: tuple[Table, ...] = (case_handover,)

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        """Add them."""
        rows = []
        for event in events:
            body = event.body
            if isinstance(body, CaseAssigned | CaseUnassigned):
                ended = isinstance(body, CaseUnassigned)
                row = {name: getattr(body, name) for name in ("case", "person", "by", "why")}
                id = body.ending if isinstance(body, CaseUnassigned) else body.assignment
                rows.append({**row, "id": id, "seq": event.seq, "at": event.at, "ended": ended})
        if rows:
            insert_rows(conn, self.tables[0], rows)


@dataclass(frozen=True, slots=True)
class CaseSkips:
    """One row for each time that a reviewer put a case back for now."""

    name: ClassVar[str] = "case_skips"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (CaseSkipped,)
    tables: tuple[Table, ...] = (case_skip,)

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        """Add them."""
        rows = [
            {"seq": event.seq, "at": event.at, "case": event.body.case, "person": event.body.by, "why": event.body.why}
            for event in events
            if isinstance(event.body, CaseSkipped)
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


PROJECTIONS = (Cases(), CaseDeciders(), Reviews(), CasePassings(), CaseAssignments(), CaseHandovers(), CaseSkips())


def _about(event: Event) -> tuple[str, ItemRef | None, Fact] | None:
    match event.body:
        case DecisionMade(decision=decision):
            return case_id(decision.item.ref), decision.item, Decided(decision)
        case ItemSubmitted():
            return None
        case ReportReceived(item=item, kind=kind, policy=policy, reporter=reporter) as body:
            fact = Reported(kind, policy, reporter or body.person, muted=body.muted, harm=body.harm)
            return case_id(item.ref), item, fact
        case AppealReceived(item=item, reasons=reasons):
            return case_id(item.ref), item, Appealed(reasons)
        case AppealDecided(item=item):
            return case_id(item.ref), None, AppealAnswered()
        case ReviewSubmitted(case=case, answer=answer, policy=policy, judged=judged, item=item):
            named = {policy: answer} if policy is not None else {}  # before 0.3 an answer was about one policy
            return case, item, Reviewed(answer, judged or named)
        case CaseRouted(case=case, queue=queue):
            return case, None, Routed(queue)
        case CaseLanguageFound(case=case, language=language):
            return case, None, LanguageFound(language)
        case ReviewUndone(case=case, was_open=was_open):
            return case, None, ReviewTakenBack(was_open)
        case CaseReopened(case=case):
            return case, None, ReopenedByPerson()
        case CasePassedOn(case=case, why=why):
            return case, None, PassedOn(why)
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
