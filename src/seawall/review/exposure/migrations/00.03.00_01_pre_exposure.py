"""What people saw: counted by harm and intensity."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Create the table."""
    op.create_table(
        "exposure",
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("item", sa.Text()),
        sa.Column("part", sa.Text()),
        sa.Column("modality", sa.Text()),
        sa.Column("harm", sa.Text()),
        sa.Column("intensity", sa.Float(), nullable=False),
        sa.Column("media", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("controls", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_exposure"),
    )
    op.create_index("ix_exposure_person", "exposure", ["person", "at"])
    op.create_index("ix_exposure_at", "exposure", ["at"])
