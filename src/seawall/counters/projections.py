"""Projection of the activities that were recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection, Table, delete

from seawall.counters.events import ActivityRecorded
from seawall.counters.tables import activity
from seawall.model import Event, EventBody, SubjectErased
from seawall.storage.upsert import insert_rows


@dataclass(frozen=True, slots=True)
class RecordedActivities:
    """``activity``: which are known. Those of an erased account are deleted."""

    name: ClassVar[str] = "activities"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (ActivityRecorded, SubjectErased)
    tables: tuple[Table, ...] = (activity,)

    def apply(self, connection: Connection, events: Sequence[Event]) -> None:
        """Insert one row for each activity, in order with the erasures."""
        (activity,) = self.tables
        rows: list[dict[str, object]] = []
        for event in events:
            body = event.body
            if isinstance(body, ActivityRecorded):
                rows.append({"id": body.id, "actor": body.actor, "seq": event.seq})
            elif isinstance(body, SubjectErased):
                if rows:
                    insert_rows(connection, activity, rows)
                    rows = []
                connection.execute(delete(activity).where(activity.c.actor == body.subject))
        if rows:
            insert_rows(connection, activity, rows)
