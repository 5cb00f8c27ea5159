"""Projection of case summaries and of their use. Both are few, so each event is one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection, Table, insert, select, update

from seawall.model import Event, EventBody
from seawall.review.case_summary.events import CaseSummarised, CaseSummaryExpanded, CaseSummaryShown
from seawall.review.case_summary.tables import case_summary, case_summary_view


@dataclass(frozen=True, slots=True)
class CaseSummaries:
    """One row per summary, and one per person whom it was shown to."""

    name: ClassVar[str] = "case_summaries"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (CaseSummarised, CaseSummaryShown, CaseSummaryExpanded)
    tables: tuple[Table, ...] = (case_summary, case_summary_view)

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        """Add and change the rows that ``events`` are about."""
        summaries, views = self.tables
        for event in events:
            match event.body:
                case CaseSummarised() as made:
                    row = {
                        "id": made.summary,
                        "seq": event.seq,
                        "at": event.at,
                        "case": made.case,
                        "item": made.item.ref,
                        "revision": made.item.revision,
                        "model": made.model,
                        "outcome": made.outcome,
                        "answer": made.answer,
                        "policy": made.policy,
                        "hidden": made.hidden,
                    }
                    conn.execute(insert(summaries).values(row))
                case CaseSummaryShown(summary=summary, person=person):
                    _view(conn, views, summary, person, event.at)
                case CaseSummaryExpanded(summary=summary, person=person):
                    _view(conn, views, summary, person, event.at)
                    this = (views.c.summary == summary) & (views.c.person == person) & views.c.expanded_at.is_(None)
                    conn.execute(update(views).where(this).values(expanded_at=event.at))


def _view(conn: Connection, views: Table, summary: str, person: str, at: int) -> None:
    this = (views.c.summary == summary) & (views.c.person == person)
    if conn.execute(select(views.c.summary).where(this)).first() is None:
        conn.execute(insert(views).values({"summary": summary, "person": person, "shown_at": at}))


PROJECTIONS = (CaseSummaries(),)
