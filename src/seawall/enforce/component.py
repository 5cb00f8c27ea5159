"""Declaration of the enforce component."""

from __future__ import annotations

from seawall.enforce.endpoints import reseal_secrets
from seawall.enforce.enforce import JOB_KIND
from seawall.enforce.events import EVENTS
from seawall.enforce.projections import PROJECTIONS
from seawall.enforce.services import deliver_message, services
from seawall.storage.component import Component, JobSpec, PermissionSpec

COMPONENT = Component(
    name="enforce",
    events=EVENTS,
    projections=PROJECTIONS,
    migrations="seawall.enforce.migrations",
    jobs=(JobSpec(kind=JOB_KIND, handler=deliver_message, pool="deliver"),),
    services=services,
    permissions=(
        PermissionSpec(name="enforce.view_operations", description="See deliveries and pending rescreens."),
        PermissionSpec(name="enforce.replay_deliveries", description="Send a delivery again."),
        PermissionSpec(name="enforce.manage_endpoints", description="Switch receivers off and on, and change secrets."),
    ),
    console="seawall.console.enforce",
    cli="seawall.cli.enforce",
    reseal=reseal_secrets,
)
