"""Whose account an identity at an OpenID provider opens: known, linked by a verified email, or newly made."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import select, update

from seawall.access.errors import AccessError
from seawall.access.events import IdentityLinked, PersonAdded, PersonRolesChanged, PersonSignedIn
from seawall.access.oidc import OidcRefused, SignInAttempt
from seawall.access.oidc_file import OidcConfiguration
from seawall.access.people import (
    Person,
    check_an_administrator_remains,
    digest_of,
    hashed,
    new_person,
    person_of,
)
from seawall.access.roles import SHIPPED, Roles
from seawall.access.tables import oidc_identity, oidc_used, person
from seawall.model import now_ms
from seawall.storage.ledger import Ledger, Transaction

_BY: Final = "oidc"


def sign_in_identity(
    ledger: Ledger,
    declared: OidcConfiguration,
    attempt: SignInAttempt,
    claims: Mapping[str, Any],
    known: Roles = SHIPPED,
) -> Person:
    """The person that these checked claims open the account of; each attempt once. Raises OidcRefused.

    An account that the provider made has the roles of its claims at each sign-in; of others only administrators
    change the roles.
    """
    unknown_password = hashed(secrets.token_urlsafe(32)) if declared.provision else ""

    def unit(tx: Transaction) -> Person:
        _use_up(tx, attempt)
        row = tx.execute(
            select(person, oidc_identity.c.provisioned)
            .join(oidc_identity, oidc_identity.c.person == person.c.id)
            .where(oidc_identity.c.issuer == declared.issuer, oidc_identity.c.subject == claims["sub"])
        ).first()
        if row is None:
            found = _linked(tx, declared, claims, known) or _provisioned(tx, declared, claims, unknown_password, known)
        else:
            found = person_of(row, known)
            if found.disabled:
                raise OidcRefused("closed", "Your account is closed. Ask an administrator.")
            if row.provisioned:
                found = _with_roles(tx, found, declared.roles.of(claims), known)
        tx.append(PersonSignedIn(person=found.id, method="oidc"))
        return found

    return ledger.commit(unit)


def _use_up(tx: Transaction, attempt: SignInAttempt) -> None:
    used = digest_of(attempt.state)
    tx.execute(oidc_used.delete().where(oidc_used.c.expires_at <= now_ms()))
    if tx.execute(select(oidc_used.c.state).where(oidc_used.c.state == used)).first():
        raise OidcRefused("replayed", "This sign-in was completed before. Begin again below.")
    tx.insert(oidc_used, {"state": used, "expires_at": attempt.expires_at})


def _linked(tx: Transaction, declared: OidcConfiguration, claims: Mapping[str, Any], known: Roles) -> Person | None:
    """The existing account with the identity's verified email, linked from now on; None when nobody has that email."""
    email = claims.get("email")
    if not isinstance(email, str) or not email.strip():
        raise OidcRefused("no_email", f"{declared.name} does not say what your email is. Ask your administrator.")
    row = tx.execute(select(person).where(person.c.email == email.strip().casefold())).first()
    if claims.get("email_verified") is not True:
        text = f"{declared.name} has not verified your email, so it opens no account here. Ask your administrator."
        raise OidcRefused("email_unverified", text)
    if row is None:
        return None
    if row.disabled:
        raise OidcRefused("closed", "Your account is closed. Ask an administrator.")
    others = (oidc_identity.c.issuer == declared.issuer) & (oidc_identity.c.person == row.id)
    if tx.execute(select(oidc_identity.c.subject).where(others)).first():
        text = "The account with your email belongs to another identity of the provider. Ask your administrator."
        raise OidcRefused("other_identity", text)
    _link(tx, declared, claims, row.id, provisioned=False)
    return person_of(row, known)


def _provisioned(
    tx: Transaction, declared: OidcConfiguration, claims: Mapping[str, Any], unknown_password: str, known: Roles
) -> Person:
    if not declared.provision:
        raise OidcRefused("no_account", "You have no account here yet. Ask an administrator to add you.")
    if not (roles := declared.roles.of(claims)):
        raise OidcRefused("no_role", f"{declared.name} gives you no role here. Ask your administrator.")
    name = claims.get("name")
    email = str(claims["email"])
    try:
        given = name if isinstance(name, str) and name.strip() else email
        made, row = new_person(email, given, roles, unknown_password, known=known)
    except AccessError as error:
        raise OidcRefused(
            "bad_claims", f"{declared.name} gives a name or email that cannot be used. {error}"
        ) from error
    tx.insert(person, row)
    tx.append(PersonAdded(person=made.id, roles=tuple(made.roles), by=_BY))
    _link(tx, declared, claims, made.id, provisioned=True)
    return made


def _link(
    tx: Transaction, declared: OidcConfiguration, claims: Mapping[str, Any], who: str, *, provisioned: bool
) -> None:
    row = {
        "issuer": declared.issuer,
        "subject": claims["sub"],
        "person": who,
        "provisioned": provisioned,
        "created_at": now_ms(),
    }
    tx.insert(oidc_identity, row)
    tx.append(IdentityLinked(person=who, provisioned=provisioned))


def _with_roles(tx: Transaction, found: Person, roles: tuple[str, ...], known: Roles) -> Person:
    if not roles:
        raise OidcRefused("no_role", "The provider gives you no role here any more. Ask your administrator.")
    if set(roles) == set(found.roles):
        return found
    values = ",".join(sorted(roles))
    tx.execute(update(person).where(person.c.id == found.id).values(roles=values))
    try:
        check_an_administrator_remains(tx, found)
    except AccessError as error:
        raise OidcRefused("last_administrator", str(error)) from error
    tx.append(PersonRolesChanged(person=found.id, roles=tuple(sorted(roles)), by=_BY))
    return person_of(tx.execute(select(person).where(person.c.id == found.id)).one(), known)
