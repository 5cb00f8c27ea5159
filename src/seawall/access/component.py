"""Declaration of the access component."""

from __future__ import annotations

from seawall.access.events import EVENTS
from seawall.access.oidc import OidcClient
from seawall.access.oidc_file import load_oidc_file
from seawall.access.permissions import check_roles
from seawall.access.projections import PROJECTIONS
from seawall.access.roles import load_roles
from seawall.access.settings import AccessSettings
from seawall.configfile import ConfigError
from seawall.settings import SettingsError
from seawall.storage.component import Component, PermissionSpec, ServiceContext


def services(context: ServiceContext) -> tuple[object, ...]:
    """The roles in use, checked against what the components declare, and the client of the OpenID provider.

    Raises SettingsError for their files, ValueError for shipped roles that are not right.
    """
    settings = context.get(AccessSettings)
    declared = [spec.name for component in context.components for spec in component.permissions]
    check_roles(declared)
    roles = load_roles(settings.roles, context.settings.data_dir, declared)
    try:
        file, environment = settings.oidc_file, context.settings.environment
        provider = load_oidc_file(file, environment, roles.by_name) if file is not None else None
    except ConfigError as error:
        raise SettingsError(str(error)) from error
    return roles, OidcClient(provider, context.vault, context.settings.public_url)


COMPONENT = Component(
    name="access",
    events=EVENTS,
    projections=PROJECTIONS,
    migrations="seawall.access.migrations",
    settings=AccessSettings,
    services=services,
    permissions=(
        PermissionSpec(name="access.manage", description="Manage people and API keys."),
        PermissionSpec(name="access.view_log", description="See who viewed which content."),
    ),
    console="seawall.console.access",
    cli="seawall.cli.access",
)
