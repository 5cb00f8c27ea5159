"""The language of what a case is about, null where it is not known, and indexes with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Add a column, an index from which cases are counted by it, and put it into those that have the order."""
    op.add_column("review_case", sa.Column("language", sa.Text()))
    op.create_index("ix_review_case_language", "review_case", ["state", "child_safety", "queue", "language"])
    op.drop_index("ix_review_case_score", "review_case")
    op.create_index("ix_review_case_score", "review_case", ["state", "score", "id", "language"])
    op.drop_index("ix_review_case_queue_score", "review_case")
    op.create_index("ix_review_case_queue_score", "review_case", ["state", "queue", "score", "id", "language"])
