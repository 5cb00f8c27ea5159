"""Declaration of the review component."""

from __future__ import annotations

from seawall.review.events import EVENTS
from seawall.review.projections import PROJECTIONS
from seawall.storage.component import Component, PermissionSpec

COMPONENT = Component(
    name="review",
    events=EVENTS,
    projections=PROJECTIONS,
    migrations="seawall.review.migrations",
    permissions=(PermissionSpec(name="review.decide", description="Take and decide cases."),),
    api="seawall.api.review",
    confidential=("review/",),
    console="seawall.console.review",
)
