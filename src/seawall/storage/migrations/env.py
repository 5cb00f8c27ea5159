"""Alembic's entry: runs migrations on the connection it is given (see storage/migrate.py)."""

from __future__ import annotations

from alembic import context

from seawall.storage.database import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
