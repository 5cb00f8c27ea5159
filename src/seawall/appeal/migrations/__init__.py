"""Migrations of the component ``appeal``: see storage/migrate.py."""
