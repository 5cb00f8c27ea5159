"""Declaration of the review component."""

from __future__ import annotations

from seawall.review.bulk.approval import BULK_JOB
from seawall.review.bulk.events import BULK_EVENTS
from seawall.review.bulk.projections import BulkDecisions
from seawall.review.bulk.words import reseal_words
from seawall.review.bulk.work import carry_out
from seawall.review.events import EVENTS
from seawall.review.projections import PROJECTIONS
from seawall.review.queries import items_with_open_case
from seawall.review.routing import ROUTER, ReviewSettings, services
from seawall.storage.component import Component, JobSpec, PermissionSpec

COMPONENT = Component(
    name="review",
    events=(*EVENTS, *BULK_EVENTS),
    projections=(*PROJECTIONS, BulkDecisions()),
    followers=(ROUTER,),
    jobs=(JobSpec(kind=BULK_JOB, handler=carry_out, pool="bulk_decisions", max_attempts=10),),
    reseal=reseal_words,
    settings=ReviewSettings,
    services=services,
    migrations="seawall.review.migrations",
    permissions=(
        PermissionSpec(name="review.decide", description="Take and decide cases."),
        PermissionSpec(name="review.assign", description="Assign cases to reviewers, and take them away."),
        PermissionSpec(name="review.view_figures", description="See the figures of all queues and reviewers."),
        PermissionSpec(
            name="review.see_child_safety",
            description="See cases of child safety, and their items, decisions and media.",
        ),
    ),
    api="seawall.api.review",
    confidential=("review/",),
    items_in_use=items_with_open_case,
    console="seawall.console.review",
    cli="seawall.cli.review",
)
