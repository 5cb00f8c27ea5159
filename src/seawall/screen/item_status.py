"""Status of an item: its newest revision and the decision in force, read inside a ledger unit."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, FromClause, func, select

from seawall.model import Action, Decision, DecisionSource, Reason
from seawall.screen.events import DECISION_MADE
from seawall.screen.tables import decision, item
from seawall.storage import Transaction
from seawall.storage.ledger import event


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemStatus:
    """An item's newest revision and the decision in force.

    ``by_person``: a person decided this revision. ``review``: the last decision of a person about the item that
    was not taken back, in whichever revision.
    """

    ref: str
    actor: str | None
    revision: int
    digest: str
    decision: str | None
    verdict: str | None
    degraded: bool
    decided_at: int | None
    by_person: bool
    review: Decision | None = None

    @property
    def actions(self) -> tuple[Action, ...]:
        """The actions that the last review put on the item and its actor."""
        return () if self.review is None else self.review.actions

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """The reasons of the last review."""
        return () if self.review is None else self.review.reasons


def was_undone(reviewed: FromClause) -> ColumnElement[bool]:
    """Whether a review, a row of ``decision`` or of an alias of it, was taken back."""
    undo = decision.alias()
    same_item = undo.c.item == reviewed.c.item
    taken_back = (undo.c.source == DecisionSource.UNDO.value) & (undo.c.supersedes == reviewed.c.id)
    return select(undo.c.seq).where(same_item, taken_back).exists()


_reviewed = decision.alias("reviewed")
_LAST_REVIEW = (
    select(func.max(_reviewed.c.seq))
    .where(_reviewed.c.item == item.c.ref, _reviewed.c.source == DecisionSource.REVIEW.value, ~was_undone(_reviewed))
    .correlate(item)
    .scalar_subquery()
)
_STATUS = select(
    item, decision.c.source, decision.c.revision.label("decided_revision"), _LAST_REVIEW.label("last_review")
).select_from(item.outerjoin(decision, decision.c.id == item.c.decision))
_BODY = select(event.c.version, event.c.body)


def status_of(tx: Transaction, ref: str) -> ItemStatus | None:
    """The status of the item with that surrogate; None before its first submission."""
    row = tx.execute(_STATUS.where(item.c.ref == ref)).one_or_none()
    if row is None:
        return None
    return ItemStatus(
        ref=row.ref,
        actor=row.actor,
        revision=row.revision,
        digest=row.digest,
        decision=row.decision,
        verdict=row.verdict,
        degraded=bool(row.degraded),
        decided_at=row.decided_at,
        by_person=row.source == DecisionSource.REVIEW and row.decided_revision == row.revision,
        review=_recorded(tx, row.last_review) if row.last_review is not None else None,
    )


def fail_mode_in_force(tx: Transaction, status: ItemStatus) -> str | None:
    """The fail mode of the decision in force; None when it had every answer."""
    return decision_in_force(tx, status).fail_mode if status.degraded else None


def decision_in_force(tx: Transaction, status: ItemStatus) -> Decision:
    """The whole record of the decision in force about an item that was decided."""
    assert status.decision is not None, "a decided item"
    return recorded_decision(tx, status.decision)


def recorded_decision(tx: Transaction, found: str) -> Decision:
    """The whole record of one decision. Raises NoResultFound when there is none."""
    return _recorded(tx, tx.execute(select(decision.c.seq).where(decision.c.id == found)).scalar_one())


def _recorded(tx: Transaction, seq: int) -> Decision:
    stored = tx.execute(_BODY.where(event.c.seq == seq)).one()
    return DECISION_MADE.decode(stored.version, stored.body).decision
