"""Declaration of the component that has cases summarised by a language model."""

from __future__ import annotations

from seawall.review.case_summary.configuration import CaseSummarySettings, load_summary_model
from seawall.review.case_summary.events import EVENTS
from seawall.review.case_summary.jobs import FOLLOWER, JOB, Summariser
from seawall.review.case_summary.projections import PROJECTIONS
from seawall.storage.component import Component, ServiceContext


def services(context: ServiceContext) -> tuple[object, ...]:
    """What asks the model. Raises SettingsError."""
    return (Summariser(load_summary_model(context.get(CaseSummarySettings))),)


COMPONENT = Component(
    name="case_summary",
    events=EVENTS,
    projections=PROJECTIONS,
    followers=(FOLLOWER,),
    jobs=(JOB,),
    migrations="seawall.review.case_summary.migrations",
    settings=CaseSummarySettings,
    services=services,
    confidential=("summary/",),
)
