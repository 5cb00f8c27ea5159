"""Tables of case summaries; both are projections."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text

from seawall.storage.database import metadata

case_summary = Table(
    "case_summary",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("case", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("model", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("answer", Text),  # suggested; null: the model suggests none
    Column("policy", Text),
    Column("hidden", Boolean, nullable=False),  # from reviewers, to compare
    Index("ix_case_summary_case", "case", "revision"),
)

# Whom a summary was shown to while they had the case, and whether they opened it.
case_summary_view = Table(
    "case_summary_view",
    metadata,
    Column("summary", Text, primary_key=True),
    Column("person", Text, primary_key=True),
    Column("shown_at", BigInteger, nullable=False),
    Column("expanded_at", BigInteger),
)
