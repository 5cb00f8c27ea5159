"""Reading reports, as typed rows. Pages and programs read through here and never import the tables."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from seawall.appeal.tables import report


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """One report about an item. The note is in the vault."""

    id: str
    seq: int
    at: int
    item: str
    content_type: str
    reporter: str | None
    kind: str
    policy: str | None


def reports_of_item(connection: Connection, item: str, *, limit: int | None = None) -> list[ReportRow]:
    """The reports about an item, newest first."""
    query = select(*(report.c[name] for name in ReportRow.__dataclass_fields__)).where(report.c.item == item)
    rows = connection.execute(query.order_by(report.c.seq.desc()).limit(limit)).mappings()
    return [ReportRow(**row) for row in rows]


def entries_by_reporter(connection: Connection, reporter: str) -> list[tuple[str, str]]:
    """The vault entries of the notes that somebody wrote: the item, and the entry's name."""
    query = select(report.c.item, report.c.id).where(report.c.reporter == reporter)
    return [(row.item, f"report/{row.id}") for row in connection.execute(query)]
