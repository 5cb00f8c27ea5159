"""Events of access: who opened whose content, and who was let in. Emails, names and secrets are not in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from seawall.model.events import ContentViewed
from seawall.storage import EventSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonAdded:
    """Somebody got an account."""

    person: str
    roles: tuple[str, ...]
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonDisabled:
    """An account was closed."""

    person: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonEnabled:
    """A closed account was opened again."""

    person: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRolesChanged:
    """All roles of a person from now on."""

    person: str
    roles: tuple[str, ...]
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonTeamChanged:
    """The team of a person from now on; empty: none."""

    person: str
    team: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonLanguagesChanged:
    """The languages that a person reads, from now on; None: not stated. ``by`` may be themselves."""

    person: str
    languages: tuple[str, ...] | None
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonSkillsChanged:
    """The skills of a person from now on; None: not stated."""

    person: str
    skills: tuple[str, ...] | None
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChanged:
    """A person has a new password: their own choice when ``by`` is themselves, else a reset."""

    person: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordLinkMade:
    """A person may choose a password by a link, once; ``expires_at`` in milliseconds. The link is not in the ledger."""

    person: str
    expires_at: int
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonSignedIn:
    """A person signed in to the console. ``method``: ``password``, or ``oidc`` for a provider."""

    person: str
    method: str = "password"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityLinked:
    """An identity at the OpenID provider opens this account from now on; ``provisioned``: and made it."""

    person: str
    provisioned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCreated:
    """A program got an API key."""

    key: str
    scopes: tuple[str, ...]
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRevoked:
    """An API key opens nothing any more."""

    key: str
    by: str


def _viewed_before_exposure(body: dict[str, Any]) -> dict[str, Any]:
    """Version 1 did not say what was shown: nothing of it counts as exposure."""
    return body | {"harm": None, "shown": [], "veiled": [], "controls": []}


def _signed_in_by_password(body: dict[str, Any]) -> dict[str, Any]:
    """Version 1 knew passwords only."""
    return body | {"method": "password"}


EVENTS = (
    EventSpec("person.added", PersonAdded),
    EventSpec("person.disabled", PersonDisabled),
    EventSpec("person.enabled", PersonEnabled),
    EventSpec("person.roles_changed", PersonRolesChanged),
    EventSpec("person.team_changed", PersonTeamChanged),
    EventSpec("person.languages_changed", PersonLanguagesChanged),
    EventSpec("person.skills_changed", PersonSkillsChanged),
    EventSpec("person.password_changed", PasswordChanged),
    EventSpec("person.password_link_made", PasswordLinkMade),
    EventSpec("person.signed_in", PersonSignedIn, version=2, upcast={1: _signed_in_by_password}),
    EventSpec("person.identity_linked", IdentityLinked),
    EventSpec("key.created", KeyCreated),
    EventSpec("key.revoked", KeyRevoked),
    EventSpec("content.viewed", ContentViewed, version=2, upcast={1: _viewed_before_exposure}),
)
