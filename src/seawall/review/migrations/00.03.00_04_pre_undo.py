"""Reviews that were taken back, how they came about, and cases that were passed on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Add columns and a table."""
    op.add_column("review_case", sa.Column("cannot_tell", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.add_column("review", sa.Column("undone_at", sa.BigInteger()))
    op.add_column("review", sa.Column("seconds", sa.Float()))
    op.add_column("review", sa.Column("unveiled", sa.Integer()))
    op.add_column("review", sa.Column("untouched", sa.Text()))
    op.add_column("review", sa.Column("by_evidence", sa.Boolean()))
    op.add_column("review", sa.Column("ends_appeal", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_review_decision", "review", ["decision"])
    op.create_table(
        "case_passing",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("case", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_case_passing"),
    )
    op.create_index("ix_case_passing_case", "case_passing", ["case", "person"])
