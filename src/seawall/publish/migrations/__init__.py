"""Migrations of the component ``publish``: see storage/migrate.py."""
