"""The first tables of the quality of reviews."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Create them."""
    op.create_table(
        "blind_review",
        *_case_columns(),
        sa.Column("review", sa.Text()),
        sa.Column("golden", sa.Text()),
        sa.Column("person", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reviewer", sa.Text()),
        sa.Column("answered_at", sa.BigInteger()),
        sa.Column("answer", sa.Text()),
        sa.Column("policy", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("adjudicator", sa.Text()),
        sa.Column("adjudicated_at", sa.BigInteger()),
        sa.Column("final_answer", sa.Text()),
        sa.Column("final_policy", sa.Text()),
        sa.Column("final_reason", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_blind_review"),
    )
    op.create_index("ix_blind_review_state", "blind_review", ["state", "seq"])
    op.create_index("ix_blind_review_queue", "blind_review", ["state", "queue", "seq"])
    op.create_index("ix_blind_review_golden", "blind_review", ["golden"])
    op.create_table(
        "golden_case",
        *_case_columns(),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text()),
        sa.Column("marked_by", sa.Text(), nullable=False),
        sa.Column("retired_at", sa.BigInteger()),
        sa.Column("retired_by", sa.Text()),
        sa.Column("retired_reason", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_golden_case"),
    )
    op.create_index("ix_golden_case_case", "golden_case", ["case"])
    op.create_table(
        "blind_review_lease",
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("task", name="pk_blind_review_lease"),
    )
    op.create_index("ix_blind_review_lease_person", "blind_review_lease", ["person"])


def _case_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("case", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
    ]
