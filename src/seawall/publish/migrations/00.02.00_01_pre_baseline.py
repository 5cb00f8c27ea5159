"""The first tables of publishing: bundles, banks and exchanges."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Create them."""
    op.create_table(
        "bundle",
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("previous", sa.Text()),
        sa.Column("policies", sa.Integer(), nullable=False),
        sa.Column("rules", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_bundle"),
    )
    op.create_table(
        "bank",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("thresholds", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("harm", sa.Text()),
        sa.Column("expires_after_days", sa.Integer()),
        sa.Column("flood_limit", sa.Integer()),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_bank"),
    )
    op.create_table(
        "bank_entry",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("bank", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger()),
        sa.Column("threshold", sa.Integer()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_at", sa.BigInteger(), nullable=False),
        sa.Column("state_by", sa.Text(), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=False),
        sa.Column("exchange", sa.Text()),
        sa.Column("record", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_bank_entry"),
    )
    op.create_index("ix_bank_entry_bank", "bank_entry", ["bank", "state", "id"])
    op.create_index("ix_bank_entry_digest", "bank_entry", ["digest", "bank"])
    op.create_index("ix_bank_entry_number", "bank_entry", ["number"])
    op.create_index("ix_bank_entry_record", "bank_entry", ["exchange", "record"])
    op.create_index("ix_bank_entry_seq", "bank_entry", ["seq"])
    op.create_table(
        "bank_hit",
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("bank", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("effect", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text()),
        sa.Column("outcome_at", sa.BigInteger()),
        sa.Column("complaints", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("item", "entry", name="pk_bank_hit"),
    )
    op.create_index("ix_bank_hit_entry", "bank_hit", ["entry", "at"])
    op.create_table(
        "retro_search",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("after_seq", sa.BigInteger(), nullable=False),
        sa.Column("up_to_seq", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("before_item", sa.Text(), nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("hits", sa.Integer(), nullable=False),
        sa.Column("unreadable", sa.Integer(), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("left_out", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_retro_search"),
    )
    op.create_index("ix_retro_started_at", "retro_search", ["started_at"])
    op.create_table(
        "exchange",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("every_s", sa.Integer()),
        sa.Column("checkpoint", sa.Text()),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("whole", sa.Integer(), nullable=False),
        sa.Column("progress_at", sa.BigInteger()),
        sa.Column("tried_at", sa.BigInteger()),
        sa.Column("synced_at", sa.BigInteger()),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("added", sa.BigInteger(), nullable=False),
        sa.Column("removed", sa.BigInteger(), nullable=False),
        sa.Column("skipped", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_exchange"),
    )
    op.create_table(
        "exchange_record",
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("exchange", "record", name="pk_exchange_record"),
    )
    op.create_table(
        "exchange_signal",
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("bank", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("exchange", "record", "entry", name="pk_exchange_signal"),
    )
    op.create_index("ix_exchange_signal_entry", "exchange_signal", ["entry"])
