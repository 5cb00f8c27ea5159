"""Migrations of the component ``exposure``: see storage/migrate.py."""
