"""Tables of the enforcement service. ``endpoint`` is operational; the others are projections."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table, Text

from seawall.storage.database import metadata

enforcement = Table(
    "enforcement",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("decision", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("subject", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("parameters", Text, nullable=False),  # JSON object, keys sorted
    Column("state", Text, nullable=False),  # active | reversed
    Column("reversed_at", BigInteger),
    Column("reversed_by", Text),  # decision, or the lifting by a person
    Index("ix_enforcement_item", "item", "state"),
    Index("ix_enforcement_subject", "subject", "state"),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("enforcement", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("change", Text, nullable=False),  # applied | reversed
    Column("state", Text, nullable=False),  # queued | retrying | delivered | dead | cancelled
    Column("attempts", Integer, nullable=False),
    Column("status", Integer),
    Column("detail", Text, nullable=False),
    Column("queued_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("ix_delivery_enforcement", "enforcement"),
    Index("ix_delivery_state", "state", "queued_at"),
)

endpoint = Table(
    "endpoint",
    metadata,
    Column("id", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("secret", LargeBinary, nullable=False),  # sealed by the vault's master key
    Column("content_types", Text, nullable=False),  # JSON list; empty: all
    Column("enabled", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
