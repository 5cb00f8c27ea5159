"""Remembers which revision was flagged for a severe harm, so that a later one does not close its case unseen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Add a column."""
    op.add_column("review_case", sa.Column("severe_revision", sa.Integer()))
