"""Declaration of the review component."""

from __future__ import annotations

from seawall.review.events import EVENTS
from seawall.review.projections import PROJECTIONS
from seawall.review.queries import items_with_open_case
from seawall.review.routing import ROUTER, ReviewSettings, services
from seawall.storage.component import Component, PermissionSpec

COMPONENT = Component(
    name="review",
    events=EVENTS,
    projections=PROJECTIONS,
    followers=(ROUTER,),
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
