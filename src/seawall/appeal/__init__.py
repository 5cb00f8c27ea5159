"""What people say back: reports that an item is bad.

A report is about an item that Seawall knows, by its content type and the platform's id::

    report = receive_report(
        ledger,
        Report(content_type="comment", item_id="c-1", reporter="u-9", policy="harassment", note="…"),
        find_item=…,
    )

Whoever needs to act on it (a case is opened) reads the ledger's ``ReportReceived``. The note is personal: it is in the
vault, under the item, as ``note_name(report)``.
"""

from seawall.appeal.projections import PROJECTIONS
from seawall.appeal.reports import (
    FindItem,
    InvalidReport,
    Report,
    ReporterKind,
    UnknownItem,
    note_name,
    receive_report,
)

__all__ = [
    "PROJECTIONS",
    "FindItem",
    "InvalidReport",
    "Report",
    "ReporterKind",
    "UnknownItem",
    "note_name",
    "receive_report",
]
