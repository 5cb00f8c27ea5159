"""What people chose for their own console: theme, veils, letters of actions, harms that they are not given.

Read with the session. Not in the ledger: which harms somebody cannot look at is between them and the administrators.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlalchemy import select

from seawall.access.tables import preference
from seawall.storage.database import Database
from seawall.storage.upsert import upsert


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    """One person's choices. The pages that read them keep to what a harm demands: a choice only ever adds to it."""

    language: str = ""  # code of the console's language; empty: as the browser asks
    theme: str = ""  # light | dark; empty: as the system
    blur: int = 2  # of media, from 0 (none) to 3 (strong)
    greyscale: bool = False
    mute: bool = False
    blur_faces: bool = False  # in images, where they are found
    unveil_key: str = "b"
    letters: dict[str, str] = msgspec.field(default_factory=dict)  # action → its letter; others have the default one
    opt_outs: frozenset[str] = frozenset()  # harms whose cases the person is not given


def read_preferences(chosen: str | None) -> Preferences:
    """A stored text as a value; the defaults when there is none, or one that this release cannot read."""
    try:
        return msgspec.json.decode(chosen, type=Preferences) if chosen else Preferences()
    except msgspec.MsgspecError:
        return Preferences()


def opt_outs(database: Database) -> Mapping[str, frozenset[str]]:
    """The harms that people opted out of, by person; for administrators, who must know who is left."""
    with database.read() as connection:
        found = {row.person: read_preferences(row.chosen).opt_outs for row in connection.execute(select(preference))}
    return {person: harms for person, harms in found.items() if harms}


def save_preferences(database: Database, person: str, chosen: Preferences) -> None:
    """Store what this person chose, all of it."""
    with database.write() as connection:
        upsert(connection, preference, [{"person": person, "chosen": msgspec.json.encode(chosen).decode()}])
