"""Tables of the counters. Their numbers are in memory; see ``follower``."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text

from seawall.storage.database import metadata

activity = Table(
    "activity",
    metadata,
    Column("id", Text, primary_key=True),  # keyed digest of the platform's id
    Column("actor", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Index("ix_activity_actor", "actor"),
)
