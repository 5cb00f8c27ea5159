"""Reading reports, as typed rows. Pages and programs read through here and never import the tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, select

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


_REPORT = select(*(report.c[name] for name in ReportRow.__dataclass_fields__))


def reports_of_item(connection: Connection, item: str, *, limit: int | None = None) -> list[ReportRow]:
    """The reports about an item, newest first."""
    query = _REPORT.where(report.c.item == item)
    rows = connection.execute(query.order_by(report.c.seq.desc()).limit(limit)).mappings()
    return [ReportRow(**row) for row in rows]


def entries_by_reporter(connection: Connection, reporter: str) -> list[tuple[str, str]]:
    """The vault entries of the notes that somebody wrote: the item, and the entry's name."""
    query = select(report.c.item, report.c.id).where(report.c.reporter == reporter)
    return [(row.item, f"report/{row.id}") for row in connection.execute(query)]


def items_with_report() -> Select[Any]:
    """A SELECT of the items that were reported, for a search."""
    return select(report.c.item)


def get_report(connection: Connection, report_id: str) -> ReportRow | None:
    """One report by its id."""
    row = connection.execute(_REPORT.where(report.c.id == report_id)).mappings().one_or_none()
    return None if row is None else ReportRow(**row)


def reports_by(connection: Connection, reporter: str, *, limit: int) -> list[ReportRow]:
    """The reports that an account filed, newest first."""
    query = _REPORT.where(report.c.reporter == reporter).order_by(report.c.seq.desc()).limit(limit)
    return [ReportRow(**row) for row in connection.execute(query).mappings()]


def reports_about(connection: Connection, items: Select[Any], *, limit: int) -> list[ReportRow]:
    """The reports about items that a SELECT of another service names, newest first."""
    query = _REPORT.where(report.c.item.in_(items)).order_by(report.c.seq.desc()).limit(limit)
    return [ReportRow(**row) for row in connection.execute(query).mappings()]
