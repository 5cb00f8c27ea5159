"""Rules that are snoozed for an account."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Add a table."""
    op.create_table(
        "rule_snooze",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("harm", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("ended_by", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_rule_snooze"),
    )
    op.create_index("ix_rule_snooze_account", "rule_snooze", ["account", "seq"])
    op.create_index("ix_rule_snooze_until", "rule_snooze", ["until"])
    op.create_index("ix_rule_snooze_policy", "rule_snooze", ["policy", "rule"])
