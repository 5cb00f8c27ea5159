"""Misuse of reports (DSA Art. 23(2)): who is warned, who may be muted, and how accurate a reporter is. Pure.

The law asks for numbers, their share of all, and the circumstances; and for a warning before any suspension. So numbers
alone only warn. Muting is a person's act, is possible only after a warning that changed nothing, and ends by itself. A
muted reporter's reports are still received: one of them may be true.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from seawall.measure.intervals import Interval, wilson

DAY_MS: Final = 24 * 3_600_000
FEWEST_FOR_A_FIGURE: Final = 5
"""Decided reports below which a share would say nothing about a reporter."""
WARNING: Final = (
    "Several of this reporter's reports were refused lately. Report what breaks the rules; if that goes on, reports "
    "from this account may be looked at last for some time (DSA Art. 23)."
)
"""What a warned reporter is to be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedReport:
    """One report that a person decided. ``upheld``: the item was restricted or its author was."""

    at: int  # of the decision, ms since 1970
    upheld: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MisuseTerms:
    """When a reporter is warned: so many refused reports in so many days, and at least this share of those decided."""

    refused: int = 3
    days: int = 30
    share: float = 0.5
    mute_days: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ReporterAccuracy:
    """How many of a reporter's decided reports were upheld. ``share`` None: too few for a figure."""

    upheld: int
    decided: int
    share: Interval | None


def reporter_accuracy(reports: Sequence[DecidedReport]) -> ReporterAccuracy:
    """The share of upheld reports with its 95 % interval (Wilson)."""
    upheld = sum(one.upheld for one in reports)
    share = wilson(upheld, len(reports)) if len(reports) >= FEWEST_FOR_A_FIGURE else None
    return ReporterAccuracy(upheld=upheld, decided=len(reports), share=share)


def refused_since(reports: Sequence[DecidedReport], since: int) -> int:
    """How many reports were refused at or after ``since``."""
    return sum(not one.upheld and one.at >= since for one in reports)


def is_misuse(reports: Sequence[DecidedReport], since: int, terms: MisuseTerms) -> bool:
    """Whether enough reports, and a large enough share of those decided since then, were refused."""
    decided = sum(one.at >= since for one in reports)
    refused = refused_since(reports, since)
    return refused >= terms.refused and refused >= terms.share * decided


def should_warn(reports: Sequence[DecidedReport], warned_at: int | None, now: int, terms: MisuseTerms) -> bool:
    """Whether a warning is due: misuse within the days, and no warning within them."""
    since = now - terms.days * DAY_MS
    return (warned_at is None or warned_at < since) and is_misuse(reports, since, terms)


def may_mute(reports: Sequence[DecidedReport], warned_at: int | None, now: int, terms: MisuseTerms) -> bool:
    """Whether a person may mute the reporter: warned, and misuse again by reports refused after the warning."""
    if warned_at is None:
        return False
    return is_misuse(reports, max(warned_at + 1, now - terms.days * DAY_MS), terms)
