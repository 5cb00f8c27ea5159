"""Reading who viewed what, as typed rows. Pages and programs read through here and never import the tables."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from seawall.access.tables import view


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewerCount:
    """How often a person opened an item, and when last."""

    person: str
    times: int
    at: int


def viewers_of_item(connection: Connection, item: str) -> list[ViewerCount]:
    """Everybody who opened an item, the last first."""
    last = func.max(view.c.at)
    query = (
        select(view.c.person, func.count().label("times"), last.label("at"))
        .where(view.c.item == item)
        .group_by(view.c.person)
        .order_by(last.desc())
    )
    return [ViewerCount(**row) for row in connection.execute(query).mappings()]
