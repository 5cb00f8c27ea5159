"""Bulk decisions, their items, and reviews that belong to one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Add a column and three tables."""
    op.add_column("review", sa.Column("bulk", sa.Text()))
    op.create_table(
        "bulk_decision",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text()),
        sa.Column("actions", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("judged", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("case", sa.Text()),
        sa.Column("child_safety", sa.Boolean(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger()),
        sa.Column("needs_approval", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("approved_by", sa.Text()),
        sa.Column("approved_at", sa.BigInteger()),
        sa.Column("cancelled_by", sa.Text()),
        sa.Column("cancelled_at", sa.BigInteger()),
        sa.Column("cancelled_why", sa.Text()),
        sa.Column("finished_at", sa.BigInteger()),
        sa.Column("undo_by", sa.Text()),
        sa.Column("undo_at", sa.BigInteger()),
        sa.Column("undone_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_bulk_decision"),
    )
    op.create_index("ix_bulk_decision_seq", "bulk_decision", ["seq"])
    op.create_index("ix_bulk_decision_by", "bulk_decision", ["by", "confirmed_at"])
    op.create_table(
        "bulk_item",
        sa.Column("bulk", sa.Text(), nullable=False),
        sa.Column("case", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("decision", sa.Text()),
        sa.Column("reports", sa.Integer(), nullable=False),
        sa.Column("actor", sa.Text()),
        sa.Column("case_state", sa.Text(), nullable=False),
        sa.Column("applied", sa.Text(), nullable=False),
        sa.Column("reversed", sa.Text(), nullable=False),
        sa.Column("no_actor", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text()),
        sa.Column("review", sa.Text()),
        sa.PrimaryKeyConstraint("bulk", "case", name="pk_bulk_item"),
    )
    op.create_index("ix_bulk_item_state", "bulk_item", ["bulk", "state", "position"])
    op.create_index("ix_bulk_item_review", "bulk_item", ["review"])
    op.create_table(
        "bulk_words",
        sa.Column("bulk", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bulk", name="pk_bulk_words"),
    )
