"""Declaration of the exposure component."""

from __future__ import annotations

from seawall.review.exposure.events import EVENTS
from seawall.review.exposure.projections import PROJECTIONS
from seawall.review.exposure.wellbeing import ExposureSettings, load_wellbeing
from seawall.storage.component import Component, PermissionSpec, ServiceContext


def services(context: ServiceContext) -> tuple[object, ...]:
    """The policy of well-being in force. Raises SettingsError."""
    return (load_wellbeing(context.get(ExposureSettings), context.settings.data_dir),)


COMPONENT = Component(
    name="exposure",
    events=EVENTS,
    projections=PROJECTIONS,
    migrations="seawall.review.exposure.migrations",
    permissions=(PermissionSpec(name="exposure.manage", description="End breaks; compare what softens content."),),
    settings=ExposureSettings,
    services=services,
    console="seawall.console.exposure",
)
