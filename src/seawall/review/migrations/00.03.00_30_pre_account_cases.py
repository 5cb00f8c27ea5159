"""A case is about an item or an account, counts the times that something new opened it, and remembers whether its last
review made it a case of child safety."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Add three columns."""
    op.add_column("review_case", sa.Column("subject", sa.Text(), nullable=False, server_default=sa.text("'item'")))
    op.add_column("review_case", sa.Column("openings", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.add_column(
        "review_case", sa.Column("marked_child_safety", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    )
