"""Projection of content views: which person viewed which content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection, Table, insert

from seawall.access.tables import view
from seawall.model import Event, EventBody
from seawall.model.events import ContentViewed


@dataclass(frozen=True, slots=True)
class ContentViews:
    """One row for each time a person opened someone's content."""

    name: ClassVar[str] = "content_views"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (ContentViewed,)
    tables: tuple[Table, ...] = (view,)

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        """Add the views among ``events``."""
        rows = [
            {
                "seq": event.seq,
                "at": event.at,
                "person": event.body.person,
                "item": event.body.item.ref,
                "page": event.body.page,
            }
            for event in events
            if isinstance(event.body, ContentViewed)
        ]
        if rows:
            conn.execute(insert(self.tables[0]), rows)


PROJECTIONS = (ContentViews(),)
