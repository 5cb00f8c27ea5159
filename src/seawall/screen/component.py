"""Declaration of the screen component."""

from __future__ import annotations

from seawall.screen.events import EVENTS
from seawall.screen.held_entries import FILES, entries_by_actor
from seawall.screen.projections import PROJECTIONS
from seawall.screen.retention import (
    COLLECT_JOB,
    RETENTION_JOB,
    collection_job,
    erasure_job,
    retention_job,
    schedule_collection,
    schedule_retention,
)
from seawall.screen.saved_searches import reseal_searches
from seawall.screen.services import rescan_item, rescreen_item, screen_item, services
from seawall.screen.threads import THREADS
from seawall.screen.traffic_totals import add_settled_minutes
from seawall.storage.component import Component, JobSpec, PermissionSpec, Schedule
from seawall.storage.erasure import ERASURE_JOB

# What was promised to be looked at again has threads of its own: it must not wait behind a bulk of submitted items.
_PROMISED, _BULK = "rescreen", "screen"

COMPONENT = Component(
    name="screen",
    events=EVENTS,
    projections=PROJECTIONS,
    migrations="seawall.screen.migrations",
    jobs=(
        JobSpec(kind="screen", handler=screen_item, pool=_BULK, gives_way=True),
        JobSpec(kind="rescreen", handler=rescreen_item, pool=_PROMISED),
        JobSpec(kind="retro_match", handler=rescan_item, pool=_BULK, gives_way=True),
        JobSpec(kind=RETENTION_JOB, handler=retention_job, pool="retention", lease_ms=600_000),
        JobSpec(kind=ERASURE_JOB, handler=erasure_job, pool="retention", lease_ms=600_000),
        JobSpec(kind=COLLECT_JOB, handler=collection_job, pool="retention", lease_ms=600_000),
    ),
    schedules=(
        Schedule(name="retention", task=schedule_retention, every_s=3600.0),
        Schedule(name="delete_unused_files", task=schedule_collection, every_s=86_400.0),
        Schedule(name="traffic_totals", task=add_settled_minutes, every_s=600.0),
    ),
    followers=(THREADS,),
    services=services,
    permissions=(
        PermissionSpec(name="screen.view_overview", description="See the overview: numbers of decisions by verdict."),
        PermissionSpec(name="screen.snooze_rules", description="Set a rule aside for an account until a date."),
        PermissionSpec(name="screen.view_content", description="See items, decisions and cases: what people wrote."),
    ),
    api="seawall.api.screen",
    console="seawall.console.screen",
    cli="seawall.cli.screen",
    files=FILES,
    entries_by=entries_by_actor,
    confidential=("note/",),
    reseal=reseal_searches,
)
