"""Reports: users, trusted flaggers, authorities or staff report an item as bad.

A report refers to a known item by its content type and the platform's id::

    report = receive_report(
        ledger,
        Report(content_type="comment", item_id="c-1", reporter="u-9", policy="harassment", note="…"),
        find_item=…,
    )

Components that act on reports (for example by opening a case) read ``ReportReceived`` from the ledger. The note is
personal: it is stored in the vault, under the item, as ``note_name(report)``.
"""

from seawall.appeal.component import COMPONENT
from seawall.appeal.reports import (
    FindItem,
    InvalidReport,
    Report,
    ReporterKind,
    ReportKeyUsed,
    UnknownItem,
    note_name,
    receive_report,
)

__all__ = [
    "COMPONENT",
    "FindItem",
    "InvalidReport",
    "Report",
    "ReportKeyUsed",
    "ReporterKind",
    "UnknownItem",
    "note_name",
    "receive_report",
]
