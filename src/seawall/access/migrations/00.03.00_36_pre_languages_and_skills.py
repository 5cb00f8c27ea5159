"""The languages that a person reads, and their skills; null: not stated."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Add the columns."""
    op.add_column("person", sa.Column("languages", sa.Text()))
    op.add_column("person", sa.Column("skills", sa.Text()))
