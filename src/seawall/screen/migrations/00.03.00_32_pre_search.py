"""Saved searches, notes about accounts, and the threads of items."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Create the tables. A follower fills ``item_thread`` for the items that are there, the projection its own."""
    op.create_table(
        "saved_search",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_saved_search"),
    )
    op.create_index("ix_saved_search_person", "saved_search", ["person", "at"])
    op.create_table(
        "account_note",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("enforcement", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_account_note"),
    )
    op.create_index("ix_account_note_account", "account_note", ["account", "seq"])
    op.create_table(
        "item_thread",
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("thread", sa.Text(), nullable=True),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("item", name="pk_item_thread"),
    )
    op.create_index("ix_item_thread_thread", "item_thread", ["thread", "at"])
    op.create_index("ix_item_thread_parent", "item_thread", ["parent", "at"])
