"""Console sessions: a random token in a cookie; the database stores only its SHA-256."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy import insert, select

from seawall.access.people import Person, digest_of, person_of
from seawall.access.preferences import Preferences, read_preferences
from seawall.access.roles import SHIPPED, Roles
from seawall.access.tables import person, preference, session
from seawall.model import now_ms
from seawall.storage.database import Database
from seawall.storage.queries import select_in_chunks

_NAMED_BY = 16  # characters of a session's digest
LIFE_MS = 12 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The signed-in person, and the CSRF token that every change must carry."""

    person: Person
    csrf: str
    expires_at: int
    preferences: Preferences = field(default_factory=Preferences)

    def accepts(self, csrf: str) -> bool:
        """Whether a form carries this session's token (compared in constant time)."""
        return hmac.compare_digest(self.csrf.encode(), csrf.encode("utf-8", "surrogatepass"))


def start_session(database: Database, who: Person, *, previous: str | None = None, life_ms: int = LIFE_MS) -> str:
    """Sign in: returns a new token for the cookie. Ends ``previous`` (the cookie's old token) and expired sessions."""
    token = secrets.token_urlsafe(32)
    now = now_ms()
    with database.write() as connection:
        connection.execute(session.delete().where(session.c.expires_at <= now))
        if previous:
            connection.execute(session.delete().where(session.c.token == digest_of(previous)))
        connection.execute(
            insert(session).values(
                token=digest_of(token),
                person=who.id,
                csrf=secrets.token_urlsafe(32),
                created_at=now,
                expires_at=now + life_ms,
            )
        )
    return token


def find_session(database: Database, token: str, known: Roles = SHIPPED) -> Session | None:
    """The active session of a token; None when it is unknown, expired, or its person was disabled."""
    statement = (
        select(person, session.c.csrf, session.c.expires_at, preference.c.chosen)
        .join(session, session.c.person == person.c.id)
        .outerjoin(preference, preference.c.person == person.c.id)
        .where(session.c.token == digest_of(token), session.c.expires_at > now_ms(), person.c.disabled.is_(False))
    )
    with database.read() as connection:
        row = connection.execute(statement).first()
    if row is None:
        return None
    return Session(
        person=person_of(row, known),
        csrf=row.csrf,
        expires_at=row.expires_at,
        preferences=read_preferences(row.chosen),
    )


def active_people(database: Database, tokens: Collection[str]) -> dict[str, Person]:
    """The people of those tokens whose sessions are active still, by token, with their roles as they are now."""
    by_digest = {digest_of(token): token for token in tokens}
    query = select(person, session.c.token).join(session, session.c.person == person.c.id)
    query = query.where(session.c.expires_at > now_ms(), person.c.disabled.is_(False))
    with database.read() as connection:
        rows = select_in_chunks(connection, query, session.c.token, sorted(by_digest))
        return {by_digest[row.token]: person_of(row) for row in rows}


def signed_in_people(database: Database) -> frozenset[str]:
    """Ids of the people who have a session now, on duty as far as Seawall knows."""
    with database.read() as connection:
        found = connection.execute(select(session.c.person).where(session.c.expires_at > now_ms()).distinct())
        return frozenset(found.scalars())


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """One of a person's sessions in a list. ``id`` names it; it opens nothing. ``is_this``: the one that asks."""

    id: str
    created_at: int
    expires_at: int
    is_this: bool


def sessions_of(database: Database, person_id: str, token: str) -> list[SessionRow]:
    """A person's sessions that have not expired, newest first. ``token``: the cookie's, of the one that asks."""
    query = (
        select(session.c.token, session.c.created_at, session.c.expires_at)
        .where(session.c.person == person_id, session.c.expires_at > now_ms())
        .order_by(session.c.created_at.desc(), session.c.token)
    )
    this = digest_of(token)
    with database.read() as connection:
        return [
            SessionRow(
                id=row.token[:_NAMED_BY],
                created_at=row.created_at,
                expires_at=row.expires_at,
                is_this=row.token == this,
            )
            for row in connection.execute(query)
        ]


def end_session_of(database: Database, person_id: str, session_id: str) -> bool:
    """End one of a person's own sessions by the id in ``sessions_of``. False: they have none such."""
    named = session.c.token.startswith(session_id, autoescape=True) & (session.c.person == person_id)
    if len(session_id) != _NAMED_BY:
        return False
    with database.write() as connection:
        return connection.execute(session.delete().where(named)).rowcount > 0


def end_other_sessions(database: Database, person_id: str, token: str) -> None:
    """End all of a person's sessions but that of ``token``, the cookie's."""
    others = (session.c.person == person_id) & (session.c.token != digest_of(token))
    with database.write() as connection:
        connection.execute(session.delete().where(others))


def end_session(database: Database, token: str) -> None:
    """Sign out: the token becomes invalid."""
    with database.write() as connection:
        connection.execute(session.delete().where(session.c.token == digest_of(token)))
