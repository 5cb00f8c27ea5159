"""Roles and teams as data: the shipped roles, and those that operators declare in ``roles.yaml``.

A role is a set of permissions and, optionally, the cases for which it gives them; a team narrows the roles of its
people to its queues. A person's rights follow from the roles in use, each time that they are asked for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from seawall.access.permissions import PERMISSIONS, Permission, PersonRole
from seawall.configfile import ConfigError, ConfigStruct, read_yaml
from seawall.model import HARMS
from seawall.model.case_scope import CaseScope, CaseScopes
from seawall.settings import SettingsError

_FILE: Final = "roles.yaml"
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,49}")


class RoleSpec(ConfigStruct, frozen=True):
    """A role in the file. An absent list of queues, harms or content types: any."""

    permissions: tuple[str, ...]
    title: str = ""
    description: str = ""
    queues: tuple[str, ...] | None = None
    harms: tuple[str, ...] | None = None
    content_types: tuple[str, ...] | None = None


class TeamSpec(ConfigStruct, frozen=True):
    """A team in the file. An absent list of queues: those of its people's roles."""

    title: str = ""
    queues: tuple[str, ...] | None = None


class RoleFile(ConfigStruct, frozen=True):
    """The whole file; roles and teams are read one by one, so that an error names its place."""

    roles: dict[str, Any] = msgspec.field(default_factory=dict)
    teams: dict[str, Any] = msgspec.field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role: its permissions, and the cases for which it gives them."""

    name: str
    title: str
    permissions: frozenset[str]
    scope: CaseScope
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A team, such as a vendor's. ``queues``: all that its people see; None: what their roles admit."""

    name: str
    title: str
    queues: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """The roles and teams in use."""

    by_name: Mapping[str, Role]
    teams: Mapping[str, Team] = field(default_factory=dict)

    def of(self, names: Iterable[str]) -> tuple[Role, ...]:
        """The roles with these names. One that is declared no more gives nothing."""
        return tuple(self.by_name[name] for name in names if name in self.by_name)

    def permissions_of(self, names: Iterable[str]) -> frozenset[str]:
        """The union of these roles' permissions."""
        return frozenset[str]().union(*(role.permissions for role in self.of(names)))

    def scopes_of(self, names: Iterable[str], team: str, permission: str) -> CaseScopes:
        """The cases for which these roles give the permission to somebody in the team, without those named twice.

        Somebody whose team is declared no more sees none: their team's queues are not known.
        """
        if team and team not in self.teams:
            return ()
        queues = self.teams[team].queues if team else None
        found = [role.scope.within(queues) for role in self.of(names) if permission in role.permissions]
        return tuple(dict.fromkeys(found))


def _shipped(role: PersonRole) -> Role:
    sees = Permission.SEE_CHILD_SAFETY in PERMISSIONS[role]
    title = role.replace("_", " ").capitalize()
    return Role(
        name=role.value,
        title=title,
        permissions=frozenset(one.value for one in PERMISSIONS[role]),
        scope=CaseScope(child_safety=sees),
    )


SHIPPED: Final = Roles(by_name={role.value: _shipped(role) for role in PersonRole})
"""The roles that every deployment has, with the same names and rights."""


def load_roles(file: Path | None, data_dir: Path, declared: Collection[str]) -> Roles:
    """The shipped roles and those of the file, else of the data folder. Raises SettingsError.

    ``declared``: all permissions that components declare.
    """
    own = data_dir / _FILE
    path = file or (own if own.is_file() else None)
    if path is None:
        return SHIPPED
    try:
        return read_roles(path.read_text(encoding="utf-8"), str(path), declared)
    except ConfigError as error:
        raise SettingsError(f"SEAWALL_ROLES: the file of roles cannot be used\n{error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"SEAWALL_ROLES: {path} cannot be read: {error}") from error


def read_roles(text: str, path: str, declared: Collection[str]) -> Roles:
    """The shipped roles and those of a file. Raises ConfigError with the place and the remedy."""
    root = read_yaml(text, path)
    root.convert(RoleFile)
    in_roles, in_teams = root.section("roles"), root.section("teams")
    for kind, names in (("roles", in_roles), ("teams", in_teams)):
        for name in names.values:
            if not _NAME.fullmatch(name):
                raise ConfigError(f"{path}: {kind}: {name!r} is no name: use a-z, 0-9, - and _, a letter first")
    roles = {name: _role(path, name, in_roles.section(name).convert(RoleSpec), declared) for name in in_roles.values}
    specs = {name: in_teams.section(name).convert(TeamSpec) for name in in_teams.values}
    teams = {name: Team(name=name, title=spec.title or name, queues=_set(spec.queues)) for name, spec in specs.items()}
    return Roles(by_name={**SHIPPED.by_name, **roles}, teams=teams)


def _role(path: str, name: str, spec: RoleSpec, declared: Collection[str]) -> Role:
    place = f"{path}: roles.{name}"
    if name in SHIPPED.by_name:
        raise ConfigError(f"{place}: this is a shipped role, which stays as it is; give yours another name")
    for permission in spec.permissions:
        if permission not in declared:
            raise ConfigError(
                f"{place}.permissions: there is no permission {permission!r}; one of {', '.join(sorted(declared))}"
            )
    for harm in spec.harms or ():
        if harm not in HARMS:
            raise ConfigError(f"{place}.harms: there is no harm {harm!r}; one of {', '.join(HARMS)}")
    permissions = frozenset(spec.permissions)
    for permission in (Permission.SEE_CHILD_SAFETY, Permission.REVIEW):
        if permission in permissions and Permission.SEE_CONTENT not in permissions:
            raise ConfigError(f"{place}.permissions: {permission} needs {Permission.SEE_CONTENT} in the same role")
    scope = CaseScope(
        queues=_set(spec.queues),
        harms=_set(spec.harms),
        content_types=_set(spec.content_types),
        child_safety=Permission.SEE_CHILD_SAFETY in permissions,
    )
    return Role(name=name, title=spec.title or name, description=spec.description, permissions=permissions, scope=scope)


def _set(words: tuple[str, ...] | None) -> frozenset[str] | None:
    return None if words is None else frozenset(words)
