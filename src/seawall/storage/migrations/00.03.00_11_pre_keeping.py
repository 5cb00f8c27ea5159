"""Keeping and forgetting: who seals an entry, legal holds, the signed head, key rotation; no replaced events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Add them."""
    op.add_column("vault", sa.Column("holder", sa.Text()))
    op.create_index(
        "ix_vault_holder",
        "vault",
        ["holder"],
        sqlite_where=sa.text("holder IS NOT NULL"),
        postgresql_where=sa.text("holder IS NOT NULL"),
    )
    op.create_table(
        "legal_hold",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.BigInteger(), nullable=False),
        sa.Column("lifted_at", sa.BigInteger()),
        sa.Column("lifted_by", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_legal_hold"),
    )
    op.create_index("ix_legal_hold_subject", "legal_hold", ["subject"])
    op.create_table(
        "ledger_head",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("chain", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_ledger_head"),
    )
    op.create_table(
        "rewrapped_key",
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("ref", name="pk_rewrapped_key"),
    )
    if op.get_bind().dialect.name == "sqlite":
        # INSERT OR REPLACE deletes without firing the trigger on DELETE.
        op.execute(
            "CREATE TRIGGER event_no_replace BEFORE INSERT ON event "
            "WHEN NEW.seq <= (SELECT max(seq) FROM event) "
            "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        )
