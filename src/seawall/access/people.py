"""Accounts of people who work in the console: create, list, change, authenticate."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from sqlalchemy import Row, select, update

from seawall.access import passwords
from seawall.access.errors import AccessError, SignInFailed, SignInThrottled
from seawall.access.events import (
    PasswordChanged,
    PersonAdded,
    PersonDisabled,
    PersonEnabled,
    PersonLanguagesChanged,
    PersonRolesChanged,
    PersonSignedIn,
    PersonSkillsChanged,
    PersonTeamChanged,
)
from seawall.access.permissions import Permission, PersonRole
from seawall.access.roles import SHIPPED, Roles
from seawall.access.tables import password_link, person, session
from seawall.access.throttle import Throttle
from seawall.content.values import InvalidValue, read_language
from seawall.model import new_id, now_ms
from seawall.model.case_scope import CaseScope, CaseScopes
from seawall.storage.database import Database
from seawall.storage.ledger import Ledger, Transaction

_EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")
_SKILL = re.compile(r"[^\s,](?:[^,\x00-\x1f\x7f]{0,48}[^\s,])?")

_MOST_WORDS: Final = 30  # of languages, and of skills: the messages say it

AccountChange: TypeAlias = (
    PasswordChanged
    | PersonDisabled
    | PersonEnabled
    | PersonLanguagesChanged
    | PersonRolesChanged
    | PersonSkillsChanged
    | PersonTeamChanged
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person with an account. ``id`` is the surrogate used in the ledger, ``known`` the roles and teams in use.

    ``languages``: codes of those that they read; ``skills``: those that queues ask for. None: not stated, so that
    cases of any language, or of any queue, are given to them.
    """

    id: str
    email: str
    name: str
    roles: tuple[str, ...]
    disabled: bool
    created_at: int
    team: str = ""  # empty: none
    languages: tuple[str, ...] | None = None
    skills: tuple[str, ...] | None = None
    known: Roles = field(default=SHIPPED, repr=False, compare=False)

    @property
    def permissions(self) -> frozenset[str]:
        """All permissions of this person's roles."""
        return frozenset() if self.disabled else self.known.permissions_of(self.roles)

    def scopes(self, permission: str = Permission.SEE_CONTENT) -> CaseScopes:
        """The cases for which this person has the permission."""
        return () if self.disabled else self.known.scopes_of(self.roles, self.team, permission)

    @property
    def is_limited(self) -> bool:
        """Whether roles or team limit the content that this person sees, child safety aside."""
        return not any(scope.covers(CaseScope()) for scope in self.scopes())

    def has_rights_of(self, roles: Iterable[str], team: str) -> bool:
        """Whether this person has all that these roles give in that team, for every case for which they give it."""
        asked = tuple(roles)
        if PersonRole.ADMIN in self.roles and not self.team:
            return True
        if PersonRole.ADMIN in asked or not self.known.permissions_of(asked) <= self.permissions:
            return False
        return all(
            any(mine.covers(theirs) for mine in self.scopes(permission))
            for permission in self.known.permissions_of(asked)
            for theirs in self.known.scopes_of(asked, team, permission)
        )

    def may(self, permission: str) -> bool:
        """Whether this person may do something. An admin may do what any component declares."""
        return not self.disabled and (PersonRole.ADMIN in self.roles or permission in self.permissions)


def create_person(
    ledger: Ledger,
    email: str,
    name: str,
    password: str,
    roles: Iterable[str],
    *,
    by: str = "system",
    team: str = "",
    known: Roles = SHIPPED,
) -> Person:
    """Create an account. Raises AccessError when the email is taken, an argument is malformed, or ``by`` may not."""
    made, row = new_person(email, name, roles, hashed(password), team=team, known=known)

    def unit(tx: Transaction) -> None:
        check_may_give(tx, by, made.roles, made.team, known)
        if tx.execute(select(person.c.id).where(person.c.email == made.email)).first():
            raise AccessError(f"The email {made.email} is already in use.")
        tx.insert(person, row)
        tx.append(PersonAdded(person=made.id, roles=made.roles, by=by))
        if made.team:
            tx.append(PersonTeamChanged(person=made.id, team=made.team, by=by))

    ledger.commit(unit)
    return made


def new_person(
    email: str, name: str, roles: Iterable[str], password: str, *, team: str = "", known: Roles = SHIPPED
) -> tuple[Person, dict[str, object]]:
    """A person and their row, not stored yet. ``password``: its hash. Raises AccessError for a malformed argument."""
    made = Person(
        id=new_id("per"),
        email=_email(email),
        name=_name(name),
        roles=_roles(roles, known),
        disabled=False,
        created_at=now_ms(),
        team=_team(team, known),
        known=known,
    )
    return made, {
        "id": made.id,
        "email": made.email,
        "name": made.name,
        "password": password,
        "roles": ",".join(made.roles),
        "team": made.team,
        "disabled": False,
        "created_at": made.created_at,
    }


def authenticate(
    database: Database, throttle: Throttle, email: str, password: str, address: str, browser: str = ""
) -> Person:
    """The person with this email and password. ``browser``: the token of a browser that signed in before.

    Raises SignInFailed; without checking them SignInThrottled, and SignInBusy when too many are being checked.
    """
    email = email.strip().casefold()
    known = browser if throttle.knows(email, browser) else ""
    if (wait := throttle.wait_s(email, address, known)) > 0:
        raise SignInThrottled(wait)
    with database.read() as connection:
        row = connection.execute(select(person).where(person.c.email == email)).first()
    stored = row.password if row is not None else passwords.dummy()
    checks = throttle.checking(address, known=bool(known))
    with checks.one():
        fits = passwords.verify_password(password, stored)
        if row is None or not fits or row.disabled:
            checks.failed()
            throttle.failed(email, address, known)
            raise SignInFailed
        if passwords.is_outdated(stored):
            _rehash(database, row.id, stored, password)
    throttle.succeeded(email, address, known)
    return person_of(row)


def list_people(database: Database, known: Roles = SHIPPED) -> list[Person]:
    """All people, by name."""
    query = select(person).order_by(person.c.name, person.c.id)
    with database.read() as connection:
        return [person_of(row, known) for row in connection.execute(query)]


def find_person(database: Database, name: str, known: Roles = SHIPPED) -> Person:
    """The person with that id or email. Raises AccessError."""
    with database.read() as connection:
        named = (person.c.id == name) | (person.c.email == name.strip().casefold())
        row = connection.execute(select(person).where(named)).first()
    if row is None:
        raise AccessError("There is no person with that id or email. 'seawall person list' names them.")
    return person_of(row, known)


def disable_person(ledger: Ledger, person_id: str, *, by: str = "system", known: Roles = SHIPPED) -> None:
    """Close an account and end its sessions. Raises AccessError: nobody has that id, or they must not be closed."""
    _change(ledger, person_id, PersonDisabled(person=person_id, by=by), known, ends_sessions=True, disabled=True)


def enable_person(ledger: Ledger, person_id: str, *, by: str = "system", known: Roles = SHIPPED) -> None:
    """Open a closed account again, with the password and the roles that it had. Raises AccessError."""
    _change(ledger, person_id, PersonEnabled(person=person_id, by=by), known, disabled=False)


def change_roles(
    ledger: Ledger, person_id: str, roles: Iterable[str], *, by: str = "system", known: Roles = SHIPPED
) -> None:
    """Give a person these roles and no others; sessions have them at once. Raises AccessError."""
    found = _roles(roles, known)
    _change(ledger, person_id, PersonRolesChanged(person=person_id, roles=found, by=by), known, roles=",".join(found))


def change_team(ledger: Ledger, person_id: str, team: str, *, by: str = "system", known: Roles = SHIPPED) -> None:
    """Put a person into this team, or with an empty one into none; sessions see its queues at once."""
    changed = PersonTeamChanged(person=person_id, team=_team(team, known), by=by)
    _change(ledger, person_id, changed, known, team=changed.team)


def change_languages(
    ledger: Ledger, person_id: str, languages: Iterable[str] | None, *, by: str = "system", known: Roles = SHIPPED
) -> None:
    """State the languages that a person reads, as codes; None or nothing: not stated. Raises AccessError."""
    found = _languages(languages)
    changed = PersonLanguagesChanged(person=person_id, languages=found, by=by)
    _change(ledger, person_id, changed, known, languages=_joined(found))


def change_own_languages(ledger: Ledger, person_id: str, languages: Iterable[str] | None) -> None:
    """State the languages that one reads oneself; None or nothing: not stated. Raises AccessError."""
    found = _languages(languages)

    def unit(tx: Transaction) -> None:
        mine = person.c.id == person_id
        row = tx.execute(select(person.c.languages).where(mine)).first()
        if row is None or row.languages == _joined(found):
            return
        tx.execute(update(person).where(mine).values(languages=_joined(found)))
        tx.append(PersonLanguagesChanged(person=person_id, languages=found, by=person_id))

    ledger.commit(unit)


def change_skills(
    ledger: Ledger, person_id: str, skills: Iterable[str] | None, *, by: str = "system", known: Roles = SHIPPED
) -> None:
    """Give a person these skills and no others; None: not stated. Raises AccessError."""
    found = _skills(skills)
    changed = PersonSkillsChanged(person=person_id, skills=found, by=by)
    _change(ledger, person_id, changed, known, skills=_joined(found))


def reset_password(
    ledger: Ledger, person_id: str, password: str, *, by: str = "system", known: Roles = SHIPPED
) -> None:
    """Give a person a new password and end their sessions. Raises AccessError."""
    changed = PasswordChanged(person=person_id, by=by)
    _change(ledger, person_id, changed, known, ends_sessions=True, password=hashed(password))


def change_own_password(ledger: Ledger, person_id: str, password: str, *, token: str) -> None:
    """Give oneself a new password; all sessions but that of ``token`` end. Raises AccessError."""
    new = hashed(password)

    def unit(tx: Transaction) -> None:
        tx.execute(update(person).where(person.c.id == person_id).values(password=new))
        tx.execute(session.delete().where(session.c.person == person_id, session.c.token != digest_of(token)))
        tx.execute(password_link.delete().where(password_link.c.person == person_id))
        tx.append(PasswordChanged(person=person_id, by=person_id))

    ledger.commit(unit)


def rename_person(ledger: Ledger, person_id: str, name: str) -> None:
    """Change a person's name. Raises AccessError. Names are not in the ledger, so nothing is recorded."""
    shown = _name(name)
    ledger.commit(lambda tx: tx.execute(update(person).where(person.c.id == person_id).values(name=shown)))


def record_sign_in(ledger: Ledger, person_id: str) -> None:
    """Record that a person signed in."""
    ledger.commit(lambda tx: tx.append(PersonSignedIn(person=person_id)))


def _change(
    ledger: Ledger,
    person_id: str,
    changed: AccountChange,
    known: Roles,
    *,
    ends_sessions: bool = False,
    **values: Any,
) -> None:
    """Change a person's row and put it on the record. A change that changes nothing is not recorded."""

    def unit(tx: Transaction) -> None:
        row = tx.execute(select(person).where(person.c.id == person_id)).first()
        if row is None:
            raise AccessError("There is no person with that id.")
        if all(row._mapping[name] == value for name, value in values.items()):
            return
        check_may_change(tx, changed.by, person_of(row), known)
        after = {**row._mapping, **values}
        check_may_give(tx, changed.by, after["roles"].split(","), after["team"], known)
        tx.execute(update(person).where(person.c.id == person_id).values(values))
        check_an_administrator_remains(tx, person_of(row))
        if ends_sessions:
            tx.execute(session.delete().where(session.c.person == person_id))
            tx.execute(password_link.delete().where(password_link.c.person == person_id))
        tx.append(changed)

    ledger.commit(unit)


def check_may_give(tx: Transaction, by: str, roles: Iterable[str], team: str, known: Roles) -> None:
    """Raises AccessError when ``by`` is a person who lacks a right that these roles give in that team.

    Somebody in a team gives rights in that team only.
    """
    giver = _giver(tx, by, known)
    if giver is None:
        return
    if giver.team and giver.team != team:
        raise AccessError("You manage the people of your own team only. Ask an administrator.")
    if not giver.has_rights_of(roles, team):
        raise AccessError("You cannot give rights that you do not have. Ask an administrator.")


def check_may_change(tx: Transaction, by: str, who: Person, known: Roles) -> None:
    """Raises AccessError when ``by`` is ``who``, or a person who lacks a right of theirs.

    Who could give a new password to somebody with more rights would have these rights.
    """
    if by == who.id:
        raise AccessError("You cannot change your own account here. Ask another administrator.")
    check_may_give(tx, by, who.roles, who.team, known)


def _giver(tx: Transaction, by: str, known: Roles) -> Person | None:
    """The person who acts, with the rights of this moment; None for a command or the system. Raises AccessError."""
    if not by.startswith("per_"):
        return None
    row = tx.execute(select(person).where(person.c.id == by)).first()
    if row is None or row.disabled:
        raise AccessError("Your account is closed. Ask an administrator.")
    return person_of(row, known)


def check_an_administrator_remains(tx: Transaction, before: Person) -> None:
    """Raises AccessError when ``before`` was the last administrator, after their row was changed."""
    if before.disabled or PersonRole.ADMIN not in before.roles:
        return
    rows = tx.execute(select(person.c.roles).where(person.c.disabled.is_(False)))
    if not any(PersonRole.ADMIN in row.roles.split(",") for row in rows):
        raise AccessError(
            "This is the last administrator: nobody could manage people any more. "
            "Give another person the role admin first."
        )


def hashed(password: str) -> str:
    """The hash of a new password. Raises AccessError when it is too short or too long."""
    if not passwords.MIN_LENGTH <= len(password) <= passwords.MAX_LENGTH:
        raise AccessError(f"A password needs {passwords.MIN_LENGTH} to {passwords.MAX_LENGTH} characters.")
    return passwords.hash_password(password)


def person_of(row: Row[Any], known: Roles = SHIPPED) -> Person:
    """A row of the table ``person`` (with its own column names) as a value."""
    fields = row._mapping
    return Person(
        id=fields["id"],
        email=fields["email"],
        name=fields["name"],
        roles=tuple(fields["roles"].split(",")),
        disabled=bool(fields["disabled"]),
        created_at=fields["created_at"],
        team=fields["team"],
        languages=_split(fields["languages"]),
        skills=_split(fields["skills"]),
        known=known,
    )


def digest_of(token: str) -> str:
    """What the database stores of a session's token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _rehash(database: Database, person_id: str, stored: str, password: str) -> None:
    """Hash a password that was just verified with the present parameters, unless it has been changed meanwhile."""
    same = (person.c.id == person_id) & (person.c.password == stored)
    with database.write() as connection:
        connection.execute(update(person).where(same).values(password=passwords.hash_password(password)))


def _email(text: str) -> str:
    email = text.strip().casefold()
    if len(email) > 254 or not _EMAIL.fullmatch(email):
        raise AccessError("This is not an email address: write name@example.org.")
    return email


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise AccessError("A name needs 1 to 100 printable characters.")
    return name


def _roles(roles: Iterable[str], known: Roles) -> tuple[str, ...]:
    found = tuple(sorted({str(role) for role in roles}))
    names = ", ".join(known.by_name)
    for role in found:
        if role not in known.by_name:
            raise AccessError(f"{role!r} is not a role in use. Roles are {names}.")
    if not found:
        raise AccessError(f"Give at least one role of {names}.")
    return found


def _team(team: str, known: Roles) -> str:
    if team and team not in known.teams:
        named = f"Teams are {', '.join(known.teams)}." if known.teams else "The file of roles declares none."
        raise AccessError(f"{team!r} is not a team in use. {named}")
    return team


def _languages(codes: Iterable[str] | None) -> tuple[str, ...] | None:
    """Primary codes, sorted: ``pt-BR`` is ``pt``, as of items. None for none: nobody reviews without a language."""
    found: set[str] = set()
    for code in codes or ():
        try:
            language = read_language(code.strip().replace("_", "-"))
        except InvalidValue:
            language = None
        if language is None:
            raise AccessError("A language is a code of two letters, such as de, en or pt-BR. Separate them by commas.")
        found.add(language)
    if len(found) > _MOST_WORDS:
        raise AccessError("A person can have at most 30 languages.")
    return tuple(sorted(found)) or None


def _skills(words: Iterable[str] | None) -> tuple[str, ...] | None:
    if words is None:
        return None
    found = tuple(sorted({word.strip() for word in words}))
    if not all(_SKILL.fullmatch(word) for word in found):
        raise AccessError(
            "A skill is a word of the queue file: up to 50 characters, without commas. Separate them by commas."
        )
    if len(found) > _MOST_WORDS:
        raise AccessError("A person can have at most 30 skills.")
    return found


def _joined(words: tuple[str, ...] | None) -> str | None:
    return None if words is None else ",".join(words)


def _split(stored: str | None) -> tuple[str, ...] | None:
    return None if stored is None else tuple(filter(None, stored.split(",")))
