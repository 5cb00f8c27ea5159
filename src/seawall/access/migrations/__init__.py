"""Migrations of the component ``access``: see storage/migrate.py."""
