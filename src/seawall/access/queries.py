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


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewRow:
    """A person opened an item on a page; ``media`` is a file of it."""

    seq: int
    at: int
    person: str
    item: str
    page: str


def newest_views(
    connection: Connection, *, limit: int, person: str = "", item: str = "", before: int | None = None
) -> list[ViewRow]:
    """Who opened what, the newest first; only of this person and this item, if given, and before that event."""
    query = select(view.c.seq, view.c.at, view.c.person, view.c.item, view.c.page).order_by(view.c.seq.desc())
    if person:
        query = query.where(view.c.person == person)
    if item:
        query = query.where(view.c.item == item)
    if before is not None:
        query = query.where(view.c.seq < before)
    return [ViewRow(**row) for row in connection.execute(query.limit(limit)).mappings()]


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
