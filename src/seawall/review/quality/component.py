"""Declaration of the component that measures the quality of reviews."""

from __future__ import annotations

from seawall.review.quality.blind_answers import NOTES
from seawall.review.quality.events import EVENTS
from seawall.review.quality.projections import PROJECTIONS
from seawall.review.quality.sampling import FOLLOWER
from seawall.review.quality.settings import QualitySettings
from seawall.storage.component import Component, PermissionSpec

COMPONENT = Component(
    name="quality",
    events=EVENTS,
    projections=PROJECTIONS,
    followers=(FOLLOWER,),
    migrations="seawall.review.quality.migrations",
    settings=QualitySettings,
    permissions=(
        PermissionSpec(name="quality.view", description="See agreement, accuracy and disagreements of reviewers."),
        PermissionSpec(name="quality.adjudicate", description="Give the final answer where reviewers disagree."),
        PermissionSpec(name="quality.mark_golden", description="Mark and retire golden cases."),
    ),
    confidential=NOTES,
    console="seawall.console.quality",
)
