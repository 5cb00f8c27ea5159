"""Seawall, the open safety platform: screen, decide, enforce, review, appeal and account for user content."""

__version__ = "0.2.0"
