"""What every exchange is to Seawall: a stream of changes with checkpoints, and somebody to tell opinions to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


class ExchangeError(Exception):
    """The exchange could not be read or told. The text says why and quotes no address, secret or record."""


class NotSupported(ExchangeError):
    """The exchange takes no such opinion."""


class ExchangeFeedback(StrEnum):
    """What there is to say about a record."""

    SEEN = "seen"  # something matched it
    TRUE_POSITIVE = "true_positive"  # a person agreed
    FALSE_POSITIVE = "false_positive"  # a person disagreed


@dataclass(frozen=True, slots=True)
class SharedEntry:
    """One thing that a bank can hold: see ``seawall.match.BankEntry`` for kinds and values."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRecord:
    """A record as it stands now. ``raw``: the exchange's own words, as JSON can hold them; kept, sealed, as they are.

    ``skipped`` counts what it holds of kinds that no bank takes (PhotoDNA, whole addresses).
    """

    known: tuple[SharedEntry, ...]
    raw: Mapping[str, Any]
    skipped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeDelta:
    """Some changes, in order. ``updates``: the exchange's key → the record, or None when it was taken back.

    With ``restart`` they begin the whole list again: once the fetch has ended, what it did not name is gone.
    ``progress_at``: as of when the exchange's data are known now, in milliseconds since 1970.
    """

    updates: Mapping[str, ExchangeRecord | None] = field(default_factory=dict)
    checkpoint: str | None
    restart: bool = False
    progress_at: int | None = None


class Exchange(Protocol):
    """An opened exchange. Raises ExchangeError for whatever the other side or the network does."""

    @property
    def feedback(self) -> frozenset[ExchangeFeedback]:
        """What it can be told."""

    def fetch(self, checkpoint: str | None) -> Iterator[ExchangeDelta]:
        """The changes since ``checkpoint``; None: all there is. Ends when up to date; may be left at any delta."""

    def report(self, raw: Mapping[str, Any], feedback: ExchangeFeedback) -> None:
        """Tell it about the record that it described with ``raw``; twice does no harm. Raises NotSupported."""
