"""Migrations of the component ``quality``: see storage/migrate.py."""
