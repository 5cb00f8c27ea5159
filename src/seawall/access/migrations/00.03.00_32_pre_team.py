"""The team of a person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Add the column."""
    op.add_column("person", sa.Column("team", sa.Text(), nullable=False, server_default=sa.text("''")))
