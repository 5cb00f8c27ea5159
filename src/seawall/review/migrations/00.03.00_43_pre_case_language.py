"""The language of what a case is about; null: not known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Add a column, and an index from which cases are counted by it."""
    op.add_column("review_case", sa.Column("language", sa.Text()))
    op.create_index("ix_review_case_language", "review_case", ["state", "child_safety", "queue", "language"])
