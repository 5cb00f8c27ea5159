"""Tables of what is in force: projections of bundles and bank entries."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from seawall.storage.database import metadata

bundle = Table(
    "bundle",
    metadata,
    Column("seq", BigInteger, primary_key=True),  # a bundle may be published again
    Column("hash", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("previous", Text),
    Column("policies", Integer, nullable=False),
    Column("rules", Integer, nullable=False),
)

bank_entry = Table(
    "bank_entry",
    metadata,
    Column("id", Text, primary_key=True),
    Column("bank", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("added_at", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),  # of the last change: banks are read by cursor
    Column("expires", BigInteger),
    Column("threshold", Integer),
    Column("removed_at", BigInteger),
    Index("ix_bank_entry_bank", "bank"),
    Index("ix_bank_entry_seq", "seq"),
)
