"""Migrations of the component ``counters``: see storage/migrate.py."""
