"""What appeals add to the application."""

from __future__ import annotations

from seawall.appeal.events import EVENTS
from seawall.appeal.notices import MATCHER, end_old_notices
from seawall.appeal.projections import PROJECTIONS
from seawall.appeal.queries import entries_by_writer, items_with_open_appeal
from seawall.appeal.settings import AppealSettings, check_settings
from seawall.appeal.telling import ANSWERER, TELL, TELL_ANSWER, TELLER
from seawall.storage.component import Component, PermissionSpec, Schedule, ServiceContext


def services(context: ServiceContext) -> tuple[object, ...]:
    """No service; wrong settings are refused when the application opens."""
    check_settings(context.get(AppealSettings))
    return ()


COMPONENT = Component(
    name="appeal",
    events=EVENTS,
    projections=PROJECTIONS,
    followers=(MATCHER, TELLER, ANSWERER),
    jobs=(TELL, TELL_ANSWER),
    schedules=(Schedule(name="old_notices", task=end_old_notices, every_s=3_600),),
    migrations="seawall.appeal.migrations",
    settings=AppealSettings,
    services=services,
    permissions=(
        PermissionSpec(name="appeal.view_deciders", description="See the name of who decided what is appealed."),
        PermissionSpec(
            name="appeal.manage_reporters", description="Mute reporters who misuse reports; declare reporter keys."
        ),
    ),
    api="seawall.api.appeal",
    console="seawall.console.appeal",
    entries_by=entries_by_writer,
    items_in_use=items_with_open_appeal,
    confidential=("report/", "notice", "appeal/", "appeal-message/", "appeal-note/"),
)
