"""Interface of an exchange: a stream of changes with checkpoints, and feedback on records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


class ExchangeError(Exception):
    """Reading from the exchange or sending feedback failed. The text gives the cause, without URL, secret or record."""


class NotSupported(ExchangeError):
    """The exchange does not accept this feedback."""


class ExchangeFeedback(StrEnum):
    """Feedback on a record."""

    SEEN = "seen"  # something matched it
    TRUE_POSITIVE = "true_positive"  # a person agreed
    FALSE_POSITIVE = "false_positive"  # a person disagreed


@dataclass(frozen=True, slots=True)
class SharedEntry:
    """One value that a bank can store: see ``seawall.match.BankEntry`` for kinds and values."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRecord:
    """A record in its current state. ``raw``: the exchange's own JSON, stored encrypted and unchanged.

    ``skipped`` counts its values of kinds that no bank stores (PhotoDNA, URLs).
    """

    known: tuple[SharedEntry, ...]
    raw: Mapping[str, Any]
    skipped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeDelta:
    """Changes, in order. ``updates``: the exchange's key → the record, or None when it was withdrawn.

    ``restart``: the list starts over; records it has not named when the fetch ends are gone. ``progress_at``: time up
    to which the exchange's data are now known, in milliseconds since 1970.
    """

    updates: Mapping[str, ExchangeRecord | None] = field(default_factory=dict)
    checkpoint: str | None
    restart: bool = False
    progress_at: int | None = None


class Exchange(Protocol):
    """An opened exchange. Raises ExchangeError for any failure of the remote side or the network."""

    @property
    def feedback(self) -> frozenset[ExchangeFeedback]:
        """The feedback it accepts."""

    def fetch(self, checkpoint: str | None) -> Iterator[ExchangeDelta]:
        """The changes since ``checkpoint`` (None: everything). Ends when up to date; may be stopped after any delta."""

    def report(self, raw: Mapping[str, Any], feedback: ExchangeFeedback) -> None:
        """Send feedback on the record with this ``raw``; sending it twice is harmless. Raises NotSupported."""
