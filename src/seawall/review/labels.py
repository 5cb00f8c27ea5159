"""What reviews say about policies, one by one, for labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from seawall.model import Event
from seawall.review.events import ReviewSubmitted
from seawall.review.review_answer import NOT_JUDGED, VIOLATES
from seawall.review.tables import review
from seawall.storage import Ledger

_SUBMITTED: Final = "review.submitted"
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewJudgement:
    """What one review says about one policy. ``decision``: the one it made, of the revision that was judged."""

    review: str
    at: int
    reviewer: str
    decision: str
    policy: str
    violates: bool
    bulk: bool  # of a bulk decision: nobody looked at the item for it


def judgements_of_reviews(ledger: Ledger) -> list[ReviewJudgement]:
    """Those of all reviews that stand, oldest first; what a reviewer did not judge is left out."""
    with ledger.database.read() as connection:
        undone = frozenset(connection.execute(select(review.c.id).where(review.c.undone_at.is_not(None))).scalars())
    return [
        ReviewJudgement(
            review=body.review,
            at=event.at,
            reviewer=body.reviewer,
            decision=body.decision,
            policy=policy,
            violates=said == VIOLATES,
            bulk=body.bulk is not None,
        )
        for event in _submitted(ledger)
        if isinstance(body := event.body, ReviewSubmitted) and body.review not in undone
        for policy, said in (body.judged or _named(body)).items()
        if said != NOT_JUDGED
    ]


def _named(body: ReviewSubmitted) -> dict[str, str]:
    """Before answers named every policy, they named the one that is violated."""
    return {body.policy: VIOLATES} if body.policy is not None and body.answer == VIOLATES else {}


def _submitted(ledger: Ledger) -> Iterator[Event]:
    after = 0
    while page := ledger.events(after, _AT_ONCE, kinds=[_SUBMITTED]):
        yield from page
        after = page[-1].seq
