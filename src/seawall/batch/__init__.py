"""Screening a file of rows (CSV, JSON lines, Parquet) without a database."""
