"""Cases with all their policies, who may see them, and their place in the order."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Add columns and indexes."""
    for column in (
        sa.Column("policies", sa.Text(), nullable=False, server_default=sa.text("'[]'")),
        sa.Column("child_safety", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        sa.Column("queue_by", sa.Text(), nullable=False, server_default=sa.text("'rule'")),
        sa.Column("reporter", sa.Text()),
        sa.Column("unnamed_claim", sa.Float(), nullable=False, server_default=sa.text("0")),
        sa.Column("visible", sa.Boolean(), nullable=False, server_default=sa.text("true")),
        sa.Column("score", sa.Float(), nullable=False, server_default=sa.text("0")),
    ):
        op.add_column("review_case", column)
    op.create_index("ix_review_case_score", "review_case", ["state", "score", "id"])
    op.create_index("ix_review_case_queue_score", "review_case", ["state", "queue", "score", "id"])
