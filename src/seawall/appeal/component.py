"""What appeals add to the application."""

from __future__ import annotations

from seawall.appeal.projections import PROJECTIONS
from seawall.model import ReportReceived
from seawall.storage import EventSpec
from seawall.storage.component import Component

COMPONENT = Component(
    name="appeal",
    events=(EventSpec("report.received", ReportReceived),),
    projections=PROJECTIONS,
    migrations="seawall.appeal.migrations",
    api="seawall.api.appeal",
)
