"""What reviews say about policies, one by one, for labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, func, select

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
    return [one for event in _submitted(ledger) for one in _judgements(event) if one.review not in undone]


def newest_judgements(ledger: Ledger, since: int, *, most: int) -> list[ReviewJudgement]:
    """Those of the newest ``most`` reviews since then that stand and were no bulk decision, oldest first."""
    wanted = (review.c.at >= since, review.c.undone_at.is_(None), review.c.bulk.is_(None))
    query = select(review.c.seq).where(*wanted).order_by(review.c.seq.desc()).limit(most)
    with ledger.database.read() as connection:
        seqs = list(connection.scalars(query))
    return [one for event in ledger.events_at(seqs) for one in _judgements(event)]


def _judgements(event: Event) -> Iterator[ReviewJudgement]:
    body = event.body
    assert isinstance(body, ReviewSubmitted)
    for policy, said in (body.judged or _named(body)).items():
        if said != NOT_JUDGED:
            yield ReviewJudgement(
                review=body.review,
                at=event.at,
                reviewer=body.reviewer,
                decision=body.decision,
                policy=policy,
                violates=said == VIOLATES,
                bulk=body.bulk is not None,
            )


def undone_by_policy(connection: Connection, since: int) -> dict[str, int]:
    """By the policy that they named: reviews that their reviewers took back since then."""
    query = select(review.c.policy, func.count().label("count")).where(
        review.c.undone_at >= since, review.c.policy.is_not(None)
    )
    return {row.policy: row._mapping["count"] for row in connection.execute(query.group_by(review.c.policy))}


def _named(body: ReviewSubmitted) -> dict[str, str]:
    """Before answers named every policy, they named the one that is violated."""
    return {body.policy: VIOLATES} if body.policy is not None and body.answer == VIOLATES else {}


def _submitted(ledger: Ledger) -> Iterator[Event]:
    after = 0
    while page := ledger.events(after, _AT_ONCE, kinds=[_SUBMITTED]):
        yield from page
        after = page[-1].seq
