"""What appeals add to the application."""

from __future__ import annotations

from seawall.appeal.projections import PROJECTIONS
from seawall.appeal.queries import entries_by_reporter
from seawall.model import ReportReceived
from seawall.storage import EventSpec
from seawall.storage.component import Component

COMPONENT = Component(
    name="appeal",
    events=(EventSpec("report.received", ReportReceived),),
    projections=PROJECTIONS,
    migrations="seawall.appeal.migrations",
    api="seawall.api.appeal",
    entries_by=entries_by_reporter,
    confidential=("report/",),
)
