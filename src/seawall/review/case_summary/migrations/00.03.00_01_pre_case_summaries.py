"""The tables of case summaries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Create them."""
    op.create_table(
        "case_summary",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("case", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text()),
        sa.Column("policy", sa.Text()),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_case_summary"),
    )
    op.create_index("ix_case_summary_case", "case_summary", ["case", "revision"])
    op.create_table(
        "case_summary_view",
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("shown_at", sa.BigInteger(), nullable=False),
        sa.Column("expanded_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("summary", "person", name="pk_case_summary_view"),
    )
