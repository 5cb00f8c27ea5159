"""Kept searches may have a name, and be shared with colleagues."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Add two columns; what was kept so far has no name and is its person's own."""
    op.add_column("saved_search", sa.Column("sealed_name", sa.LargeBinary()))
    op.add_column("saved_search", sa.Column("shared", sa.Boolean(), nullable=False, server_default=sa.false()))
