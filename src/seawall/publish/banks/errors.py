"""What can be wrong with a bank's entry or settings."""

from __future__ import annotations


class BankError(Exception):
    """An entry that a bank cannot take, or settings it cannot have; with the place and the remedy."""


class NoSuchEntry(LookupError):
    """The bank holds no such entry, or not in the state that was asked for."""
