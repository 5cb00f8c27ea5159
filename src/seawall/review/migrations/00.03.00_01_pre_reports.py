"""Counts reporters once, and remembers how many reports a reviewer can have seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Add a table and two columns."""
    op.create_table(
        "case_reporter",
        sa.Column("case", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("reporter", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("case", "opened_at", "reporter", name="pk_case_reporter"),
    )
    for table in ("review_case", "lease"):
        op.add_column(table, sa.Column("reports_received", sa.Integer(), nullable=False, server_default=sa.text("0")))
