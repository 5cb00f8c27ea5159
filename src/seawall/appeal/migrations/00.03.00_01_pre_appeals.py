"""Appeals, their messages and rules, and the standing of reporters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Create the tables, and an index to find a reporter's reports."""
    op.create_index("ix_report_reporter", "report", ["reporter", "seq"])
    op.create_table(
        "appeal",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("appellant", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("report", sa.Text()),
        sa.Column("policy", sa.Text()),
        sa.Column("harm", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.BigInteger()),
        sa.Column("answered_by", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("new_decision", sa.Text()),
        sa.Column("settlement_body", sa.Text()),
        sa.Column("settlement_outcome", sa.Text()),
        sa.Column("settlement_date", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_appeal"),
    )
    op.create_index("ix_appeal_item", "appeal", ["item", "state"])
    op.create_index("ix_appeal_state", "appeal", ["state", "seq"])
    op.create_index("ix_appeal_decision", "appeal", ["decision"])
    op.create_index("ix_appeal_appellant", "appeal", ["appellant"])
    op.create_table(
        "appeal_rule",
        sa.Column("appeal", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("appeal", "policy", "rule", name="pk_appeal_rule"),
    )
    op.create_table(
        "appeal_message",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("appeal", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("person", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_appeal_message"),
    )
    op.create_index("ix_appeal_message_appeal", "appeal_message", ["appeal", "seq"])
    op.create_table(
        "reporter_standing",
        sa.Column("reporter", sa.Text(), nullable=False),
        sa.Column("warned_at", sa.BigInteger()),
        sa.Column("muted_at", sa.BigInteger()),
        sa.Column("muted_until", sa.BigInteger()),
        sa.Column("muted_by", sa.Text()),
        sa.PrimaryKeyConstraint("reporter", name="pk_reporter_standing"),
    )
