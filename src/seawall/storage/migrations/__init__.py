"""Migrations of the component ``storage``: see storage/migrate.py."""
