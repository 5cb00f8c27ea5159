"""What appeals add to the application."""

from __future__ import annotations

from seawall.appeal.events import EVENTS
from seawall.appeal.projections import PROJECTIONS
from seawall.appeal.queries import entries_by_writer, items_with_open_appeal
from seawall.appeal.settings import AppealSettings, check_settings
from seawall.storage.component import Component, PermissionSpec, ServiceContext


def services(context: ServiceContext) -> tuple[object, ...]:
    """No service; wrong settings are refused when the application opens."""
    check_settings(context.get(AppealSettings))
    return ()


COMPONENT = Component(
    name="appeal",
    events=EVENTS,
    projections=PROJECTIONS,
    migrations="seawall.appeal.migrations",
    settings=AppealSettings,
    services=services,
    permissions=(
        PermissionSpec(name="appeal.view_deciders", description="See the name of who decided what is appealed."),
        PermissionSpec(name="appeal.manage_reporters", description="Mute reporters who misuse reports."),
    ),
    api="seawall.api.appeal",
    console="seawall.console.appeal",
    entries_by=entries_by_writer,
    items_in_use=items_with_open_appeal,
    confidential=("report/", "appeal/", "appeal-message/", "appeal-note/"),
)
