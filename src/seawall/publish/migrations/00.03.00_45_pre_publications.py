"""Publications keep how they came about, from which source, and the numbers of what they changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Add columns; the projection has a new version and fills them from the ledger."""
    op.add_column("bundle", sa.Column("kind", sa.Text(), nullable=False, server_default=sa.text("'publish'")))
    op.add_column("bundle", sa.Column("source", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.add_column("bundle", sa.Column("changes", sa.Text()))
