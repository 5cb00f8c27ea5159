"""Declaration of the access component."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seawall.access.events import EVENTS
from seawall.access.permissions import check_roles
from seawall.access.projections import PROJECTIONS
from seawall.access.roles import load_roles
from seawall.storage.component import Component, PermissionSpec, ServiceContext


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSettings:
    """Settings of roles. ``roles``: the file of own roles and teams; None: ``roles.yaml`` in the data folder."""

    roles: Path | None = None


def services(context: ServiceContext) -> tuple[object, ...]:
    """The roles in use, checked against what the components declare. Raises ValueError, SettingsError."""
    declared = [spec.name for component in context.components for spec in component.permissions]
    check_roles(declared)
    return (load_roles(context.get(RoleSettings).roles, context.settings.data_dir, declared),)


COMPONENT = Component(
    name="access",
    events=EVENTS,
    projections=PROJECTIONS,
    settings=RoleSettings,
    migrations="seawall.access.migrations",
    services=services,
    permissions=(
        PermissionSpec(name="access.manage", description="Manage people and API keys."),
        PermissionSpec(name="access.view_log", description="See who viewed which content."),
    ),
    console="seawall.console.access",
    cli="seawall.cli.access",
)
