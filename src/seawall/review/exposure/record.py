"""Records what people saw beyond the page itself, and that a break was ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from seawall.model import now_ms
from seawall.review.errors import ReviewError
from seawall.review.exposure.events import BreakEnded, ContentUnveiled, ContentWatched
from seawall.review.exposure.queries import was_unveiled
from seawall.storage.database import Database
from seawall.storage.ledger import Ledger

REPEAT_MS: Final = 5 * 60 * 1000  # as of views: the same part again within this time is the same sight
MOST_SECONDS: Final = 3_600.0

BREAK_REASONS: Final[Mapping[str, str]] = {
    "somebody_in_danger": "Somebody is in danger, and nobody else can look",
    "counted_wrongly": "It was counted wrongly",
    "asked_for_it": "The person asked for it",
}
"""Why a break may be ended: code and title. Words of one's own would be about a person, and the ledger keeps none."""


class BadBreak(ReviewError):
    """A break cannot be ended in this way."""


def record_unveiled(database: Database, ledger: Ledger, unveiled: ContentUnveiled) -> None:
    """Record that a veil was lifted; again only after ``REPEAT_MS``."""
    with database.read() as connection:
        if was_unveiled(
            connection,
            unveiled.person,
            unveiled.item.ref,
            unveiled.part,
            unveiled.modality,
            now_ms() - REPEAT_MS,
        ):
            return
    ledger.commit(lambda tx: tx.append(unveiled))


def record_watched(ledger: Ledger, unveiled: ContentUnveiled, seconds: float) -> None:
    """Record how long a medium was in sight. Raises ValueError for seconds out of 0 to ``MOST_SECONDS``."""
    if not 0 <= seconds <= MOST_SECONDS:
        raise ValueError(f"{seconds} seconds")
    watched = ContentWatched(
        person=unveiled.person,
        item=unveiled.item,
        part=unveiled.part,
        modality=unveiled.modality,
        harm=unveiled.harm,
        seconds=seconds,
        controls=unveiled.controls,
    )
    ledger.commit(lambda tx: tx.append(watched))


def end_break(ledger: Ledger, person: str, reason: str, *, by: str) -> None:
    """Let a person's exposure count anew from now. Raises BadBreak for a reason that is none, and for oneself."""
    if reason not in BREAK_REASONS:
        raise BadBreak("Choose why the break ends.")
    if person == by:
        raise BadBreak("You cannot end your own break. Ask another administrator.")
    ledger.commit(lambda tx: tx.append(BreakEnded(person=person, by=by, reason=reason)))
