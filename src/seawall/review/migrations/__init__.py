"""Migrations of the component ``review``: see storage/migrate.py."""
