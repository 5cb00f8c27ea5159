"""Days in addresses and forms: YYYY-MM-DD, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from seawall.console.languages import gettext as _
from seawall.console.request import PageProblem
from seawall.model import now_ms

DAY_MS: Final = 86_400_000
MOST_DAYS: Final = 366
"""Days of a period that a page sums up."""


def today() -> int:
    """The beginning of the day, in ms since 1970."""
    return now_ms() // DAY_MS * DAY_MS


def read_day(text: str, otherwise: int) -> int:
    """A day as a form writes it, in ms; ``otherwise`` for an empty text. Raises PageProblem."""
    if not text:
        return otherwise
    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise PageProblem(422, _("Not a day"), _("Write a day as 2026-11-28: year, month, day.")) from None


def check_period(first: int, last: int) -> None:
    """Raises PageProblem unless the days are in order, and not too many."""
    if first > last:
        raise PageProblem(
            422, _("Not a period"), _("The first day is after the last one. Choose an earlier first day.")
        )
    if last - first >= MOST_DAYS * DAY_MS:
        raise PageProblem(
            422,
            _("Too long"),
            _("A period has at most %(days)d days. Choose a later first day.") % {"days": MOST_DAYS},
        )


def day_text(day: int) -> str:
    """A day as an address writes it."""
    return datetime.fromtimestamp(day / 1000, UTC).strftime("%Y-%m-%d")
