"""Reports name the colleague who asked for a review."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Add a column."""
    op.add_column("report", sa.Column("person", sa.Text()))
