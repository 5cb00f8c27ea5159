"""Migrations of the component ``enforce``: see storage/migrate.py."""
