"""Searches that a person keeps. Operational: nothing follows from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, func, insert, select, update

from seawall.model import new_id, now_ms
from seawall.screen.tables import saved_search as table
from seawall.storage import Database, Vault

MOST_SAVED: Final = 50
"""Searches that one person keeps."""


class TooManySaved(ValueError):
    """The person keeps as many searches as one may."""

    def __init__(self) -> None:
        super().__init__(f"You keep {MOST_SAVED} searches. Delete one that you no longer need.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSearch:
    """One kept search, as it was typed."""

    id: str
    text: str


def save_search(database: Database, vault: Vault, person: str, text: str) -> None:
    """Keep a search; one that is kept already is not kept twice. Raises TooManySaved."""
    if any(one.text == text for one in saved_searches(database, vault, person)):
        return
    made = new_id("srch")
    row = {"id": made, "person": person, "sealed": vault.protect(_name(made), text.encode()), "at": now_ms()}
    with database.write() as connection:
        kept = connection.execute(select(func.count()).select_from(table).where(table.c.person == person)).scalar_one()
        if kept >= MOST_SAVED:
            raise TooManySaved
        connection.execute(insert(table).values(row))


def saved_searches(database: Database, vault: Vault, person: str) -> list[SavedSearch]:
    """What the person keeps, oldest first."""
    query = select(table.c.id, table.c.sealed).where(table.c.person == person).order_by(table.c.at, table.c.id)
    with database.read() as connection:
        rows = connection.execute(query).all()
    return [SavedSearch(id=row.id, text=vault.reveal(_name(row.id), bytes(row.sealed)).decode()) for row in rows]


def delete_search(database: Database, person: str, search: str) -> bool:
    """Delete a kept search of this person; False when there is none."""
    with database.write() as connection:
        gone = connection.execute(delete(table).where(table.c.id == search, table.c.person == person))
    return bool(gone.rowcount)


def reseal_searches(connection: Connection, reseal: Callable[[str, bytes], bytes]) -> None:
    """Seal every kept search anew: the master key is changed."""
    for row in connection.execute(select(table.c.id, table.c.sealed)).all():
        sealed = reseal(_name(row.id), bytes(row.sealed))
        connection.execute(update(table).where(table.c.id == row.id).values(sealed=sealed))


def _name(search: str) -> str:
    return f"search/{search}"
