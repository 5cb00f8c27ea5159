"""Declaration of the publish component."""

from __future__ import annotations

from seawall.publish.banks import RETRO_JOB
from seawall.publish.banks.provenance import erase_sources
from seawall.publish.events import EVENTS
from seawall.publish.exchanges import EXCHANGE_JOB, FEEDBACK_JOB
from seawall.publish.projections import PROJECTIONS
from seawall.publish.queries import published_bundles
from seawall.publish.services import (
    GUARD_FOLLOWER,
    merge_index,
    read_exchange,
    resume_searches,
    schedule_exchanges,
    search_past,
    services,
    tell_exchange,
)
from seawall.publish.settings import PublishSettings
from seawall.storage.component import Component, JobSpec, PermissionSpec, Schedule

COMPONENT = Component(
    name="publish",
    events=EVENTS,
    projections=PROJECTIONS,
    migrations="seawall.publish.migrations",
    followers=(GUARD_FOLLOWER,),
    jobs=(
        JobSpec(kind=RETRO_JOB, handler=search_past, pool="search"),
        JobSpec(kind=EXCHANGE_JOB, handler=read_exchange, pool="exchange"),
        JobSpec(kind=FEEDBACK_JOB, handler=tell_exchange, pool="exchange"),
    ),
    schedules=(
        Schedule(name="exchanges", task=schedule_exchanges, every_s=None),
        Schedule(name="left_out_searches", task=resume_searches, every_s=None),
        Schedule(name="merge_index", task=merge_index, every_s=1.0),
    ),
    settings=PublishSettings,
    services=services,
    permissions=(
        PermissionSpec(name="publish.view_policies", description="See the policies in force."),
        PermissionSpec(name="publish.publish_policies", description="Publish policies, and go back to earlier ones."),
        PermissionSpec(name="publish.view_banks", description="See the banks, their entries and their matches."),
        PermissionSpec(name="publish.manage_banks", description="Configure banks and change their entries."),
    ),
    api="seawall.api.publish",
    console="seawall.console.publish",
    cli="seawall.cli.publish",
    blobs=published_bundles,
    forget=erase_sources,
)
