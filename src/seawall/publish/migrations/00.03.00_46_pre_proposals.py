"""Publications that wait for a second person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Add a table, and who approved a publication."""
    op.add_column("bundle", sa.Column("approved_by", sa.Text()))
    op.create_table(
        "bundle_proposal",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("bundle", sa.Text(), nullable=False),
        sa.Column("instead_of", sa.Text()),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("changes", sa.Text()),
        sa.Column("outcome", sa.Text()),
        sa.Column("closed_by", sa.Text()),
        sa.Column("closed_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_bundle_proposal"),
    )
    op.create_index("ix_bundle_proposal_at", "bundle_proposal", ["at"])
