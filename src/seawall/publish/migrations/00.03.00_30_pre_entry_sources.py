"""Remembers the content that bank entries were made from, and what a bank does with them when it is erased."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Add a table and a column."""
    op.add_column("bank", sa.Column("on_erasure", sa.Text(), nullable=False, server_default=sa.text("'keep'")))
    op.create_table(
        "bank_entry_source",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("bank", sa.Text(), nullable=False),
        sa.Column("item", sa.Text()),
        sa.Column("account", sa.Text()),
        sa.Column("new", sa.Boolean(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("erased_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("seq", name="pk_bank_entry_source"),
    )
    for column in ("entry", "item", "account"):
        op.create_index(f"ix_bank_entry_source_{column}", "bank_entry_source", [column])
