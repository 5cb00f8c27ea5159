"""Submission of a review, which becomes a decision in one unit of the ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from sqlalchemy import Connection, Row, select

from seawall import enforce
from seawall.enforce import ActiveEnforcement, EnforcementDiff, canonical_parameters
from seawall.model import Decision, DecisionSource, ItemRef, Reason, new_id, now_ms
from seawall.model.events import DecisionMade
from seawall.policy import verdict_of
from seawall.review.case_policies import preset_policy, read_policies
from seawall.review.errors import BadAnswer, CaseMoved, CaseRestricted, CaseTaken, NoSuchCase, OwnDecision
from seawall.review.events import ReviewSubmitted
from seawall.review.leases import ASSIGNED_TO_ANOTHER, assigned_to, is_decider
from seawall.review.machine import CaseState
from seawall.review.queries import CaseRow
from seawall.review.review_answer import (
    KEEPS_MEASURE,
    VIOLATES,
    ReviewAnswer,
    Rulebook,
    check_answer,
    check_queue,
    judgements,
)
from seawall.review.tables import case as case_table
from seawall.review.tables import lease
from seawall.storage.ledger import Ledger, Transaction

REVIEW_RULE: Final = "review"
"""What stands for a rule in the reasons of a decision that a person made."""


class ReviewedItem(Protocol):
    """What a review must know of the item as it stands: its newest revision and the decision in force."""

    @property
    def actor(self) -> str | None: ...

    @property
    def revision(self) -> int: ...

    @property
    def decision(self) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealAnswer:
    """That a review answers an appeal. ``record`` writes the appeal's outcome in the transaction of the review."""

    revision: int  # that the appealed decision is about: what it put on the author is reversed, whatever came after
    record: Callable[[Transaction, Decision], None]


FindReviewedItem = Callable[[Transaction, str], ReviewedItem | None]
"""(transaction, item's surrogate) → the item as it stands in this transaction; ``screen.head_of`` is one."""


def submit_review(
    ledger: Ledger,
    rulebook: Rulebook,
    case: str,
    person: str,
    answer: ReviewAnswer,
    *,
    find_item: FindReviewedItem,
    seen: str | None = None,
    seen_revision: int | None = None,
    child_safety: bool = False,
    appeal: AppealAnswer | None = None,
) -> Decision:
    """Decide ``case`` as ``person``, who must hold it. Returns the decision, durable.

    ``seen`` is the decision that was in force when the reviewer opened the case (None: there was none, if
    ``seen_revision`` is given), ``seen_revision`` the item's newest revision: if one of them changed, the answer is
    rejected, because it would be about what the reviewer has not seen. So it is if the item was reported since the
    reviewer took the case. Of several simultaneous answers exactly one is accepted. Receivers are told of it
    after the queue's ``undo_s``, so that it can be taken back unseen. ``child_safety``: the person may decide cases
    of child safety. A case with an open appeal is decided with ``appeal``. Raises BadAnswer, NoSuchCase,
    CaseRestricted, CaseTaken, OwnDecision or CaseMoved.
    """
    check_answer(answer, rulebook)
    review_id = new_id("rev")

    def unit(tx: Transaction) -> Decision:
        found = held_case(tx, case, person, child_safety=child_safety)
        if found.appeals and appeal is None:
            raise CaseMoved("A decision about this item was appealed. Answer the appeal, with its own form.")
        item = find_item(tx, found.item)
        if item is None:
            raise CaseMoved("The item of this case no longer exists.")
        if seen_revision is not None and item.revision != seen_revision:
            raise CaseMoved("The item was edited since you opened the case. Look at the new revision, then decide.")
        if (seen is not None or seen_revision is not None) and item.decision != seen:
            raise CaseMoved("The item was decided again since you opened the case. Review it again.")
        active = enforce.in_force(tx, found.item)
        queue = rulebook.queues.of(found.queue)
        check_queue(answer, queue, [one.kind for one in active])
        if answer.answer == KEEPS_MEASURE:
            _check_kept(answer, active)
        decision = _decision(found, item, person, answer, rulebook, tx.at)
        tx.append(
            ReviewSubmitted(
                review=review_id,
                case=case,
                reviewer=person,
                decision=decision.id,
                policy=answer.policy,
                answer=answer.answer,
                actions=answer.actions,
                reason=answer.reason,
                attention=answer.attention,
                ends_appeal=appeal is not None,
                judged=judgements(answer, [one.policy for one in read_policies(found.policies)]),
            )
        )
        tx.append(DecisionMade(decision=decision))
        enforce.apply(
            tx,
            decision,
            item_is_new=False,
            send_at=tx.at + int(queue.undo_s * 1000) if queue.undo_s and appeal is None else None,
            overturned_revision=None if appeal is None else appeal.revision,
        )
        if appeal is not None:
            appeal.record(tx, decision)
        if answer.note:
            tx.seal(found.item, f"review/{review_id}", answer.note.encode(), author_of(tx, item))
        let_go(tx, case)
        return decision

    return ledger.commit(unit)


def preview_review(
    connection: Connection,
    case: CaseRow,
    item: ReviewedItem,
    person: str,
    answer: ReviewAnswer,
    rulebook: Rulebook,
    *,
    overturned_revision: int | None = None,
) -> EnforcementDiff:
    """What the answer would reverse and apply, by the code that enforces; nothing is changed. Raises BadAnswer."""
    check_answer(answer, rulebook)
    decision = _decision(case, item, person, answer, rulebook, now_ms())
    return enforce.preview(connection, decision, overturned_revision=overturned_revision)


def _check_kept(answer: ReviewAnswer, active: Sequence[ActiveEnforcement]) -> None:
    there = {(one.kind, one.parameters) for one in active}
    if not answer.actions or any((one.kind, canonical_parameters(one)) not in there for one in answer.actions):
        raise BadAnswer("There is no measure in force that could stay: answer 'does not violate'.")


def author_of(tx: Transaction, item: ReviewedItem) -> str | None:
    """Whom the note is about: who wrote the revision. None when they were erased meanwhile."""
    return None if item.actor is None or tx.is_erased(item.actor) else item.actor


def let_go(tx: Transaction, case: str) -> None:
    """End the lease on a case, in the transaction that answers it."""
    tx.execute(lease.delete().where(lease.c.case == case))


def held_case(tx: Transaction, case: str, person: str, *, child_safety: bool) -> Row[Any]:
    """The open case, which the person holds and may answer.

    Raises NoSuchCase, CaseRestricted (without ``child_safety``), CaseMoved, CaseTaken or OwnDecision.
    """
    # Locked first, then the lease: in the order in which a case is taken or assigned.
    found = tx.execute(select(case_table).where(case_table.c.id == case).with_for_update()).first()
    if found is None or found.state == CaseState.NONE:
        raise NoSuchCase
    if found.child_safety and not child_safety:
        raise CaseRestricted
    if found.state != CaseState.OPEN:
        raise CaseMoved("This case is closed: it was decided, or a later evaluation cleared it.")
    if assigned_to(tx, case, tx.at) not in (None, person):
        raise CaseTaken(ASSIGNED_TO_ANOTHER)
    held = tx.execute(select(lease).where(lease.c.case == case)).first()
    if held is None or held.until <= tx.at:
        raise CaseTaken("Your lease on this case expired. Open it again to decide it.")
    if held.person != person:
        raise CaseTaken("Another reviewer is working on this case.")
    if is_decider(tx, case, person):
        raise OwnDecision
    if found.reports_received != held.reports_received:
        raise CaseMoved("The item was reported since you opened the case. Read the new report, then decide.")
    return found


def _ground(case: Row[Any] | CaseRow) -> tuple[str, str] | None:
    """Policy and harm of what stays in force: of the gravest policy that fired, not of one that a report claims."""
    found = read_policies(case.policies) if isinstance(case.policies, str) else case.policies
    first = preset_policy(found)
    policy, harm = (case.policy, case.harm) if first is None else (first.policy, first.harm)
    return None if policy is None or harm is None else (policy, harm)


def _decision(
    case: Row[Any] | CaseRow, item: ReviewedItem, person: str, answer: ReviewAnswer, rulebook: Rulebook, at: int
) -> Decision:
    content_type = rulebook.content_types.get(case.content_type)
    chosen = answer.actions if answer.answer == VIOLATES else ()  # what only stays was allowed before
    if content_type is None and chosen:
        raise BadAnswer(
            f"The content type {case.content_type} is no longer in force, so nothing says which actions it allows. "
            "Publish it again to act on its items; that one does not violate can be said without."
        )
    allowed = content_type.actions if content_type is not None else ()
    if refused := sorted({action.kind for action in chosen} - set(allowed)):
        raise BadAnswer(f"Content of type {case.content_type} does not allow {', '.join(refused)}.")
    reasons: tuple[Reason, ...] = ()
    if answer.policy is not None:
        violated = [answer.policy, *(name for name, said in sorted(answer.judged.items()) if said == VIOLATES)]
        reasons = tuple(
            Reason(policy=name, rule=REVIEW_RULE, harm=rulebook.harms[name]) for name in dict.fromkeys(violated)
        )
    elif answer.answer == KEEPS_MEASURE and (ground := _ground(case)) is not None:
        reasons = (Reason(policy=ground[0], rule=REVIEW_RULE, harm=ground[1]),)
    return Decision(
        id=new_id("dec", at),
        at=at,
        item=ItemRef(case.content_type, case.item, item.revision),
        source=DecisionSource.REVIEW,
        verdict=verdict_of(answer.actions),
        actions=answer.actions,
        reasons=reasons,
        actor=item.actor,
        supersedes=item.decision,
        reviewer=person,
    )
