"""Searches that a person keeps, and may share with colleagues by a name. Operational: nothing follows from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from seawall.model import new_id, now_ms
from seawall.screen.tables import saved_search as table
from seawall.storage import Database, Vault

MOST_SAVED: Final = 50
"""Searches that one person keeps."""

LONGEST_NAME: Final = 60
"""Characters of a search's name."""


class TooManySaved(ValueError):
    """The person keeps as many searches as one may."""

    def __init__(self) -> None:
        super().__init__(f"You keep {MOST_SAVED} searches. Delete one that you no longer need.")


class UnnamedSearch(ValueError):
    """A search that colleagues see needs a name that says what it is for."""

    def __init__(self) -> None:
        super().__init__("Give the search a name before you share it, so that colleagues know what it finds.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSearch:
    """One kept search, as it was typed. ``name``: empty when it goes by its words. ``shared``: colleagues see it."""

    id: str
    text: str
    person: str
    name: str = ""
    shared: bool = False


def save_search(
    database: Database, vault: Vault, person: str, text: str, *, name: str = "", shared: bool = False
) -> None:
    """Keep a search; one that is kept already gets the new name. Raises TooManySaved or UnnamedSearch."""
    if shared and not name:
        raise UnnamedSearch
    kept_before = next((one.id for one in saved_searches(database, vault, person) if one.text == text), None)
    made = kept_before or new_id("srch")
    sealed_name = vault.protect(_name_of_name(made), name[:LONGEST_NAME].encode()) if name else None
    row = {"sealed_name": sealed_name, "shared": shared}
    with database.write() as connection:
        if kept_before is not None:
            connection.execute(update(table).where(table.c.id == made).values(row))
            return
        kept = connection.execute(select(func.count()).select_from(table).where(table.c.person == person)).scalar_one()
        if kept >= MOST_SAVED:
            raise TooManySaved
        sealed = vault.protect(_name(made), text.encode())
        connection.execute(
            insert(table).values({**row, "id": made, "person": person, "sealed": sealed, "at": now_ms()})
        )


def saved_searches(database: Database, vault: Vault, person: str) -> list[SavedSearch]:
    """What the person keeps, oldest first."""
    return _read(database, vault, table.c.person == person)


def shared_searches(database: Database, vault: Vault, person: str) -> list[SavedSearch]:
    """What colleagues share with the person, oldest first."""
    return _read(database, vault, table.c.shared.is_(True) & (table.c.person != person))


def _read(database: Database, vault: Vault, where: ColumnElement[bool]) -> list[SavedSearch]:
    with database.read() as connection:
        rows = connection.execute(select(table).where(where).order_by(table.c.at, table.c.id)).all()
    return [
        SavedSearch(
            id=row.id,
            text=vault.reveal(_name(row.id), bytes(row.sealed)).decode(),
            person=row.person,
            name=""
            if row.sealed_name is None
            else vault.reveal(_name_of_name(row.id), bytes(row.sealed_name)).decode(),
            shared=row.shared,
        )
        for row in rows
    ]


def delete_search(database: Database, person: str, search: str) -> bool:
    """Delete a kept search of this person; False when there is none."""
    with database.write() as connection:
        gone = connection.execute(delete(table).where(table.c.id == search, table.c.person == person))
    return bool(gone.rowcount)


def reseal_searches(connection: Connection, reseal: Callable[[str, bytes], bytes]) -> None:
    """Seal every kept search anew: the master key is changed."""
    for row in connection.execute(select(table.c.id, table.c.sealed, table.c.sealed_name)).all():
        values = {"sealed": reseal(_name(row.id), bytes(row.sealed))}
        if row.sealed_name is not None:
            values["sealed_name"] = reseal(_name_of_name(row.id), bytes(row.sealed_name))
        connection.execute(update(table).where(table.c.id == row.id).values(values))


def _name(search: str) -> str:
    return f"search/{search}"


def _name_of_name(search: str) -> str:
    return f"search-name/{search}"
