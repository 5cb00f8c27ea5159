"""What one person opened is found without reading what all others opened."""

from __future__ import annotations

from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    """Create the index."""
    op.create_index("ix_content_view_person", "content_view", ["person", "seq"])
