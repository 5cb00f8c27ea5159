"""Cases remember their open appeals, where they return to, and who decided what is appealed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Add two columns and a table."""
    op.add_column("review_case", sa.Column("appeals", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.add_column("review_case", sa.Column("returns_to", sa.Text()))
    op.create_table(
        "case_decider",
        sa.Column("case", sa.Text(), nullable=False),
        sa.Column("appeal", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("case", "appeal", "person", name="pk_case_decider"),
    )
