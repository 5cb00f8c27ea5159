"""Projection of content views: which person viewed which content."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, insert

from seawall.access.tables import view
from seawall.model import Event
from seawall.model.events import ContentViewed


class ContentViews:
    """One row for each time a person opened someone's content."""

    name = "content_views"
    tables = (view,)

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
            conn.execute(insert(view), rows)


PROJECTIONS = (ContentViews(),)
