"""Console sessions: a random token in a cookie; the database stores only its SHA-256."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from sqlalchemy import insert, select

from seawall.access.people import Person, person_of
from seawall.access.tables import person, session
from seawall.model import now_ms
from seawall.storage.database import Database

LIFE_MS = 12 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The signed-in person, and the CSRF token that every change must carry."""

    person: Person
    csrf: str
    expires_at: int

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
            connection.execute(session.delete().where(session.c.token == _digest(previous)))
        connection.execute(
            insert(session).values(
                token=_digest(token),
                person=who.id,
                csrf=secrets.token_urlsafe(32),
                created_at=now,
                expires_at=now + life_ms,
            )
        )
    return token


def find_session(database: Database, token: str) -> Session | None:
    """The active session of a token; None when it is unknown, expired, or its person was disabled."""
    statement = (
        select(person, session.c.csrf, session.c.expires_at)
        .join(session, session.c.person == person.c.id)
        .where(session.c.token == _digest(token), session.c.expires_at > now_ms(), person.c.disabled.is_(False))
    )
    with database.read() as connection:
        row = connection.execute(statement).first()
    if row is None:
        return None
    return Session(person=person_of(row), csrf=row.csrf, expires_at=row.expires_at)


def end_session(database: Database, token: str) -> None:
    """Sign out: the token becomes invalid."""
    with database.write() as connection:
        connection.execute(session.delete().where(session.c.token == _digest(token)))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
