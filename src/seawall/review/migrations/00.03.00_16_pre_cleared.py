"""Cases remember whether their last review took them out of child safety: taking it back brings them in again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Add a column."""
    op.add_column(
        "review_case", sa.Column("cleared_child_safety", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    )
