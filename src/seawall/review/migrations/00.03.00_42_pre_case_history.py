"""To whom cases were given, and indexes by which the history of a case is read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Add a table and indexes."""
    op.create_table(
        "case_handover",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("case", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_case_handover"),
    )
    op.create_index("ix_case_handover_case", "case_handover", ["case"])
    op.create_index("ix_case_skip_case", "case_skip", ["case"])
    op.create_index("ix_bulk_item_case", "bulk_item", ["case"])
