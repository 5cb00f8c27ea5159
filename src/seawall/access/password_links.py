"""Links by which a person chooses a password, once: an administrator makes one, and knows no password.

Seawall sends no mail. A link is as good as a password until it is used, so it ends soon; opening it uses nothing up,
because mail programs open links to look at them.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Select, select, update

from seawall.access.errors import AccessError, PasswordLinkEnded
from seawall.access.events import PasswordChanged, PasswordLinkMade
from seawall.access.people import Person, check_may_change, create_person, digest_of, hashed, person_of
from seawall.access.roles import SHIPPED, Roles
from seawall.access.tables import password_link, person, session
from seawall.model import now_ms
from seawall.storage.database import Database
from seawall.storage.ledger import Ledger, Transaction

LINK_LIFE_MS: Final = 48 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordLink:
    """A new link: ``path`` below the console's address. It is shown once; the database has only its digest."""

    person: str
    path: str
    expires_at: int


def invite_person(
    ledger: Ledger,
    email: str,
    name: str,
    roles: Iterable[str],
    *,
    by: str = "system",
    team: str = "",
    known: Roles = SHIPPED,
) -> PasswordLink:
    """Create an account whose password its owner chooses by the returned link. Raises AccessError."""
    nobody_knows = secrets.token_urlsafe(32)
    made = create_person(ledger, email, name, nobody_knows, roles, by=by, team=team, known=known)
    return make_password_link(ledger, made.id, by=by, known=known)


def make_password_link(ledger: Ledger, person_id: str, *, by: str = "system", known: Roles = SHIPPED) -> PasswordLink:
    """A link for this person; a former one ends. The present password works until they choose another.

    Raises AccessError when nobody has that id, their account is closed, or ``by`` has fewer rights than they.
    """
    token = secrets.token_urlsafe(32)
    expires_at = now_ms() + LINK_LIFE_MS

    def unit(tx: Transaction) -> None:
        row = tx.execute(select(person).where(person.c.id == person_id)).first()
        if row is None:
            raise AccessError("There is no person with that id.")
        if row.disabled:
            raise AccessError("This account is closed. Open it again first.")
        check_may_change(tx, by, person_of(row, known), known)
        tx.execute(password_link.delete().where(password_link.c.person == person_id))
        tx.insert(password_link, {"person": person_id, "token": digest_of(token), "expires_at": expires_at})
        tx.append(PasswordLinkMade(person=person_id, expires_at=expires_at, by=by))

    ledger.commit(unit)
    return PasswordLink(person=person_id, path=f"/choose-password?link={token}", expires_at=expires_at)


def person_of_link(database: Database, token: str) -> Person:
    """Whose link this is. Raises PasswordLinkEnded when it is unknown, used, replaced, or too old."""
    with database.read() as connection:
        row = connection.execute(_owner(token)).first()
    if row is None:
        raise PasswordLinkEnded
    return person_of(row)


def choose_password(ledger: Ledger, token: str, password: str) -> Person:
    """Use a link up: its person has this password from now on, and their sessions end. Raises AccessError."""
    person_of_link(ledger.database, token)  # hashing costs 20 MB: not for strangers
    new = hashed(password)

    def unit(tx: Transaction) -> Person:
        row = tx.execute(_owner(token)).first()
        if row is None:  # used by another request meanwhile
            raise PasswordLinkEnded
        tx.execute(password_link.delete().where(password_link.c.person == row.id))
        tx.execute(update(person).where(person.c.id == row.id).values(password=new))
        tx.execute(session.delete().where(session.c.person == row.id))
        tx.append(PasswordChanged(person=row.id, by=row.id))
        return person_of(row)

    return ledger.commit(unit)


def _owner(token: str) -> Select[tuple[object, ...]]:
    return (
        select(person)
        .join(password_link, password_link.c.person == person.c.id)
        .where(
            password_link.c.token == digest_of(token),
            password_link.c.expires_at > now_ms(),
            person.c.disabled.is_(False),
        )
    )
