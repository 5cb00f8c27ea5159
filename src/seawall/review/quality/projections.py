"""Projections of blind reviews and golden cases. Both are few, so each event is one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import Connection, Table, insert, select, update

from seawall.model import Event, EventBody, ItemRef
from seawall.review.quality.events import (
    GoldenCaseMarked,
    GoldenCaseOffered,
    GoldenCaseRetired,
    SecondReviewAdjudicated,
    SecondReviewAsked,
    SecondReviewSubmitted,
    SecondReviewWithdrawn,
)
from seawall.review.quality.tables import blind_review, golden_case


@dataclass(frozen=True, slots=True)
class BlindReviews:
    """One row per blind review that was asked, and one per golden case."""

    name: ClassVar[str] = "blind_reviews"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (
        SecondReviewAsked,
        SecondReviewSubmitted,
        SecondReviewWithdrawn,
        SecondReviewAdjudicated,
        GoldenCaseMarked,
        GoldenCaseOffered,
        GoldenCaseRetired,
    )
    tables: tuple[Table, ...] = (blind_review, golden_case)

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        """Add and change the rows that ``events`` are about."""
        for event in events:
            _apply(conn, self.tables[0], self.tables[1], event)


def _apply(conn: Connection, tasks: Table, goldens: Table, event: Event) -> None:
    match event.body:
        case SecondReviewAsked(task=task, review=review, case=case, item=item, queue=queue):
            row = {"id": task, **_about(event, case, item, queue), "review": review, "state": "waiting"}
            conn.execute(insert(tasks).values(row))
        case GoldenCaseMarked(golden=golden, case=case, item=item, queue=queue) as body:
            right = {"answer": body.answer, "policy": body.policy, "marked_by": body.by}
            conn.execute(insert(goldens).values({"id": golden, **_about(event, case, item, queue), **right}))
        case GoldenCaseOffered(task=task, golden=golden, person=person):
            copied = [goldens.c[name] for name in ("case", "item", "content_type", "revision", "queue")]
            about = dict(conn.execute(select(*copied).where(goldens.c.id == golden)).mappings().one())
            row = {"id": task, "seq": event.seq, "at": event.at, "golden": golden, "person": person, "state": "waiting"}
            conn.execute(insert(tasks).values({**row, **about}))
        case SecondReviewSubmitted(task=task) as body:
            given = {"answer": body.answer, "policy": body.policy, "reason": body.reason, "reviewer": body.reviewer}
            _change(conn, tasks, task, {**given, "state": "answered", "answered_at": event.at})
        case SecondReviewWithdrawn(task=task):
            _change(conn, tasks, task, {"state": "withdrawn"})
        case SecondReviewAdjudicated(task=task) as body:
            final = {"final_answer": body.answer, "final_policy": body.policy, "final_reason": body.reason}
            done = {"state": "adjudicated", "adjudicator": body.by, "adjudicated_at": event.at}
            _change(conn, tasks, task, {**final, **done})
        case GoldenCaseRetired(golden=golden, by=by, reason=reason):
            _change(conn, goldens, golden, {"retired_at": event.at, "retired_by": by, "retired_reason": reason})


def _about(event: Event, case: str, item: ItemRef, queue: str) -> dict[str, Any]:
    return {
        "seq": event.seq,
        "at": event.at,
        "case": case,
        "item": item.ref,
        "content_type": item.content_type,
        "revision": item.revision,
        "queue": queue,
    }


def _change(conn: Connection, table: Table, row: str, values: dict[str, Any]) -> None:
    conn.execute(update(table).where(table.c.id == row).values(values))


PROJECTIONS = (BlindReviews(),)
