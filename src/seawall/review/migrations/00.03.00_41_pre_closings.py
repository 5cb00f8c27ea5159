"""How each opening of a case ended, and indexes for counts and figures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Add a table and indexes."""
    op.create_table(
        "case_closing",
        sa.Column("case", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text()),
        sa.Column("child_safety", sa.Boolean(), nullable=False),
        sa.Column("reviewer", sa.Text()),
        sa.Column("decision", sa.Text()),
        sa.Column("seconds", sa.Float()),
        sa.PrimaryKeyConstraint("case", "opened_at", name="pk_case_closing"),
    )
    op.create_index("ix_case_closing_closed", "case_closing", ["closed_at"])
    op.create_index("ix_case_closing_opened", "case_closing", ["opened_at", "child_safety", "queue", "policy"])
    op.create_index("ix_case_closing_decision", "case_closing", ["decision"])
    op.create_index(
        "ix_review_case_counts",
        "review_case",
        ["state", "child_safety", "queue", "content_type", "policy", "opened_at"],
    )
    op.create_index("ix_review_undone", "review", ["undone_at"])
    op.create_index("ix_case_passing_at", "case_passing", ["at"])
