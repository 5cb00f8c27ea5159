"""Errors of bank entries and settings."""

from __future__ import annotations


class BankError(Exception):
    """An invalid entry or invalid settings of a bank; the message names the place and the remedy."""


class NoSuchEntry(LookupError):
    """The bank has no such entry, or the entry is not in the required state."""
