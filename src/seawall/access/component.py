"""Declaration of the access component."""

from __future__ import annotations

from seawall.access.events import EVENTS
from seawall.access.oidc import OidcClient
from seawall.access.oidc_file import load_oidc_file
from seawall.access.permissions import check_roles
from seawall.access.projections import PROJECTIONS
from seawall.access.settings import AccessSettings
from seawall.configfile import ConfigError
from seawall.settings import SettingsError
from seawall.storage.component import Component, PermissionSpec, ServiceContext


def services(context: ServiceContext) -> tuple[object, ...]:
    """The client of the OpenID provider. Raises SettingsError for its file, ValueError for roles that are not right."""
    check_roles([spec.name for component in context.components for spec in component.permissions])
    file = context.get(AccessSettings).oidc_file
    try:
        declared = load_oidc_file(file, context.settings.environment) if file is not None else None
    except ConfigError as error:
        raise SettingsError(str(error)) from error
    return (OidcClient(declared, context.vault, context.settings.public_url),)


COMPONENT = Component(
    name="access",
    events=EVENTS,
    projections=PROJECTIONS,
    migrations="seawall.access.migrations",
    settings=AccessSettings,
    services=services,
    permissions=(
        PermissionSpec(name="access.manage", description="Manage people and API keys."),
        PermissionSpec(name="access.view_log", description="See who opened whose content."),
    ),
    console="seawall.console.access",
    cli="seawall.cli.access",
)
