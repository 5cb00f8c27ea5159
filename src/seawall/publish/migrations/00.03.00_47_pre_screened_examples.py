"""Publications and proposals keep whether their examples were screened by the real detectors first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Add columns; the projections have new versions and fill them from the ledger."""
    op.add_column("bundle", sa.Column("screened", sa.Boolean()))
    op.add_column("bundle_proposal", sa.Column("screened", sa.Boolean()))
