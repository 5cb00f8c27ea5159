"""Tables of bulk decisions. ``bulk_words`` is operational; the others are projections."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table, Text

from seawall.storage.database import metadata

bulk_decision = Table(
    "bulk_decision",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("policy", Text),
    Column("actions", Text, nullable=False),  # JSON: Action
    Column("reason", Text, nullable=False),
    Column("judged", Text, nullable=False),  # JSON: policy -> violates | does_not_violate
    Column("source", Text, nullable=False),
    Column("case", Text),
    Column("child_safety", Boolean, nullable=False),
    Column("items", Integer, nullable=False),
    Column("skipped", Integer, nullable=False),  # in the preview
    Column("confirmed_at", BigInteger),
    Column("needs_approval", Boolean, nullable=False),
    Column("expires_at", BigInteger),
    Column("approved_by", Text),
    Column("approved_at", BigInteger),
    Column("cancelled_by", Text),
    Column("cancelled_at", BigInteger),
    Column("cancelled_why", Text),
    Column("finished_at", BigInteger),
    Column("undo_by", Text),
    Column("undo_at", BigInteger),
    Column("undone_at", BigInteger),
    Index("ix_bulk_decision_seq", "seq"),
    Index("ix_bulk_decision_by", "by", "confirmed_at"),
)

bulk_item = Table(
    "bulk_item",
    metadata,
    Column("bulk", Text, primary_key=True),
    Column("case", Text, primary_key=True),  # that the item has, or will have
    Column("position", Integer, nullable=False),
    Column("item", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("decision", Text),
    Column("reports", Integer, nullable=False),
    Column("actor", Text),
    Column("case_state", Text, nullable=False),
    Column("applied", Text, nullable=False),  # comma-separated kinds of actions
    Column("reversed", Text, nullable=False),
    Column("no_actor", Boolean, nullable=False),
    Column("state", Text, nullable=False),  # skipped | planned | decided | undone | kept
    Column("why", Text),  # it was skipped, or could not be taken back
    Column("review", Text),
    Index("ix_bulk_item_state", "bulk", "state", "position"),
    Index("ix_bulk_item_review", "review"),
    Index("ix_bulk_item_case", "case"),
)

# The note and the words that were searched for, sealed under the master key: they may name somebody. Gone at the end.
bulk_words = Table(
    "bulk_words",
    metadata,
    Column("bulk", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
)
