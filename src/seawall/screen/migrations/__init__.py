"""Migrations of the component ``screen``: see storage/migrate.py."""
