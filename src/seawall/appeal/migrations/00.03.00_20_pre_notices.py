"""Notices about content that is not known yet, and the API keys that report for others than users."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Create the tables; a report says with which reporter key it came."""
    op.add_column("report", sa.Column("reporter_key", sa.Text()))
    op.create_index("ix_report_reporter_key", "report", ["reporter_key", "seq"])
    op.create_table(
        "notice",
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text()),
        sa.Column("target", sa.LargeBinary()),
        sa.Column("reporter", sa.Text()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reporter_key", sa.Text()),
        sa.Column("policy", sa.Text()),
        sa.Column("harm", sa.Text()),
        sa.Column("illegal", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("item", sa.Text()),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("person", sa.Text()),
        sa.PrimaryKeyConstraint("report", name="pk_notice"),
    )
    op.create_index("ix_notice_state", "notice", ["state", "seq"])
    op.create_index("ix_notice_target", "notice", ["target"])
    op.create_index("ix_notice_reporter", "notice", ["reporter"])
    op.create_table(
        "reporter_key",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("harms", sa.Text(), nullable=False),
        sa.Column("declared_at", sa.BigInteger(), nullable=False),
        sa.Column("declared_by", sa.Text(), nullable=False),
        sa.Column("suspended_at", sa.BigInteger()),
        sa.Column("suspended_by", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("key", name="pk_reporter_key"),
    )
