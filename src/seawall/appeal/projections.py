"""Projection of reports into the table ``report``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection, Table

from seawall.appeal.tables import report
from seawall.model import Event, EventBody
from seawall.model.events import ReportReceived
from seawall.storage.upsert import upsert


@dataclass(frozen=True, slots=True)
class ReportProjection:
    """Every report, with its reporter and item."""

    name: ClassVar[str] = "report"
    version: ClassVar[int] = 1
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
            }
            for event in events
            if isinstance(event.body, ReportReceived)
        ]
        if rows:
            upsert(conn, self.tables[0], rows)


PROJECTIONS = (ReportProjection(),)
