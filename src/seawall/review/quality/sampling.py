"""Which reviews are asked of a second person: a share, by a keyed hash of the review's id.

The same review gives the same answer whenever it is asked, and nobody without the key can tell which are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import select

from seawall.model import Event, is_account, new_id
from seawall.model.events import DecisionMade
from seawall.review.events import ReviewSubmitted
from seawall.review.quality.events import SecondReviewAsked
from seawall.review.quality.settings import QualitySettings
from seawall.review.queues import Queues
from seawall.review.tables import case as case_table
from seawall.review.tables import review as review_table
from seawall.storage.component import Follower, ServiceContext
from seawall.storage.ledger import Transaction

_DECISION = "decision.made"


def is_drawn(digest: Callable[[bytes], str], review: str, share: float) -> bool:
    """Whether the review is one of the share. ``digest``: a keyed digest in hex."""
    return int(digest(f"second-review:{review}".encode())[:13], 16) < share * 16**13


def ask(context: ServiceContext, events: Sequence[Event]) -> Callable[[Transaction], None] | None:
    """Ask for a second review of those that are drawn."""
    reviews = [(event.seq, event.body) for event in events if isinstance(event.body, ReviewSubmitted)]
    asked = [task for seq, review in reviews if (task := _task(context, seq, review)) is not None]

    def unit(tx: Transaction) -> None:
        for task in asked:
            tx.append(task)

    return unit if asked else None


def _task(context: ServiceContext, seq: int, review: ReviewSubmitted) -> SecondReviewAsked | None:
    """The task; None when the review is not drawn or was taken back, or when the case or the decision is not there, as
    in an imported ledger. A queue may have a share of its own."""
    with context.database.read() as connection:
        queue = connection.execute(select(case_table.c.queue).where(case_table.c.id == review.case)).scalar()
        share = context.get(Queues).of(queue or "").blind_share
        if share is None:
            share = context.get(QualitySettings).blind_share
        if not is_drawn(context.vault.digest, review.review, share):
            return None
        undone = select(review_table.c.undone_at).where(review_table.c.id == review.review)
        if connection.execute(undone).scalar() is not None:
            return None
    following = context.ledger.events(seq, limit=1, kinds=[_DECISION])  # it comes with the review, in one unit
    decided = [event.body.decision for event in following if isinstance(event.body, DecisionMade)]
    if queue is None or not decided or decided[0].id != review.decision:
        return None
    if is_account(decided[0].item.ref):
        return None  # a blind review shows the content; of an account it would show what was decided before
    return SecondReviewAsked(
        task=new_id("blind"), review=review.review, case=review.case, item=decided[0].item, queue=queue
    )


FOLLOWER = Follower(name="second_reviews", handles=(ReviewSubmitted,), step=ask, from_start=False)
"""From the end of the ledger: after an upgrade, what was decided years ago is not asked again."""
