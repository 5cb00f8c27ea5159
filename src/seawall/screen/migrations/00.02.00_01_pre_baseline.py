"""The first tables of screening."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Create them."""
    op.create_table(
        "item",
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text()),
        sa.Column("language", sa.Text()),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("submitted_at", sa.BigInteger(), nullable=False),
        sa.Column("decision", sa.Text()),
        sa.Column("verdict", sa.Text()),
        sa.Column("degraded", sa.Boolean()),
        sa.Column("decided_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("ref", name="pk_item"),
    )
    op.create_index("ix_item_actor", "item", ["actor"])
    op.create_index("ix_item_submitted_at", "item", ["submitted_at"])
    op.create_table(
        "revision",
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("item", "revision", name="pk_revision"),
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("actor", sa.Text()),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text()),
        sa.Column("bundle", sa.Text()),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("degraded", sa.Boolean(), nullable=False),
        sa.Column("policy", sa.Text()),
        sa.Column("rule", sa.Text()),
        sa.Column("harm", sa.Text()),
        sa.Column("supersedes", sa.Text()),
        sa.Column("reviewer", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_decision"),
    )
    op.create_index("ix_decision_at", "decision", ["at"])
    op.create_index("ix_decision_item", "decision", ["item", "seq"])
    op.create_index("ix_decision_verdict", "decision", ["verdict", "seq"])
    op.create_table(
        "fired_rule",
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("harm", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("decision", "policy", "rule", name="pk_fired_rule"),
    )
    op.create_index("ix_fired_rule_policy", "fired_rule", ["policy", "rule", "at"])
    op.create_table(
        "pending_rescreen",
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text()),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("detectors", sa.Text(), nullable=False),
        sa.Column("fail_mode", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("resolved_by", sa.Text()),
        sa.Column("resolved_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("decision", name="pk_pending_rescreen"),
    )
    op.create_index("ix_pending_rescreen_actor", "pending_rescreen", ["actor"])
    op.create_index("ix_pending_rescreen_item", "pending_rescreen", ["item"])
    op.create_index("ix_pending_rescreen_state", "pending_rescreen", ["state", "due_at"])
    op.create_table(
        "traffic",
        sa.Column("minute", sa.BigInteger(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("decisions", sa.Integer(), nullable=False),
        sa.Column("degraded", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("minute", "content_type", "source", "verdict", name="pk_traffic"),
    )
    op.create_table(
        "idempotency",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("response", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_idempotency"),
    )
    op.create_table(
        "item_hashes",
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("item", "revision", name="pk_item_prints"),
    )
