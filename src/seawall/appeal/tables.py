"""Tables of the appeal service: a projection of reports."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text

from seawall.storage.database import metadata

report = Table(
    "report",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("item", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("reporter", Text),
    Column("kind", Text, nullable=False),
    Column("policy", Text),
    Index("ix_report_item", "item", "seq"),
)
