"""Declaration of the access component."""

from __future__ import annotations

from seawall.access.events import EVENTS
from seawall.access.permissions import check_roles
from seawall.access.projections import PROJECTIONS
from seawall.storage.component import Component, PermissionSpec, ServiceContext


def services(context: ServiceContext) -> tuple[object, ...]:
    """None; roles are checked against what the installed components declare. Raises ValueError."""
    check_roles([spec.name for component in context.components for spec in component.permissions])
    return ()


COMPONENT = Component(
    name="access",
    events=EVENTS,
    projections=PROJECTIONS,
    migrations="seawall.access.migrations",
    services=services,
    permissions=(
        PermissionSpec(name="access.manage", description="Manage people and API keys."),
        PermissionSpec(name="access.view_log", description="See who opened whose content."),
    ),
    console="seawall.console.access",
    cli="seawall.cli.access",
)
