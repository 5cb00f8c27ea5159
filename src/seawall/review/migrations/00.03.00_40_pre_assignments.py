"""Assignments of cases, and skips with their reasons."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Add two tables."""
    op.create_table(
        "case_assignment",
        sa.Column("case", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("sees_child_safety", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("case", name="pk_case_assignment"),
    )
    op.create_index("ix_case_assignment_person", "case_assignment", ["person", "until"])
    op.create_table(
        "case_skip",
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("case", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_case_skip"),
    )
    op.create_index("ix_case_skip_at", "case_skip", ["at"])
