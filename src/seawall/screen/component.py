"""Declaration of the screen component."""

from __future__ import annotations

from seawall.screen.events import EVENTS
from seawall.screen.projections import PROJECTIONS
from seawall.screen.services import rescan_item, rescreen_item, screen_item, services
from seawall.storage.component import Component, JobSpec, PermissionSpec

# What was promised to be looked at again has threads of its own: it must not wait behind a bulk of submitted items.
_PROMISED, _BULK = "rescreen", "screen"

COMPONENT = Component(
    name="screen",
    events=EVENTS,
    projections=PROJECTIONS,
    migrations="seawall.screen.migrations",
    jobs=(
        JobSpec(kind="screen", handler=screen_item, pool=_BULK),
        JobSpec(kind="rescreen", handler=rescreen_item, pool=_PROMISED),
        JobSpec(kind="retro_match", handler=rescan_item, pool=_BULK),
    ),
    services=services,
    permissions=(
        PermissionSpec(name="screen.view_overview", description="See the overview: numbers of decisions by verdict."),
        PermissionSpec(name="screen.view_content", description="See items, decisions and cases: what people wrote."),
    ),
    api="seawall.api.screen",
    console="seawall.console.screen",
    cli="seawall.cli.screen",
)
