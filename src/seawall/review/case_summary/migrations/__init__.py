"""Migrations of case summaries."""
