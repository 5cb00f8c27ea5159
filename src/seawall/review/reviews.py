"""Submission of a review, which becomes a decision in one unit of the ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, Row, select

from seawall import enforce
from seawall.enforce import ActiveEnforcement, EnforcementDiff, canonical_parameters
from seawall.model import Decision, DecisionSource, ItemRef, Reason, new_id, now_ms
from seawall.model.events import DecisionMade
from seawall.policy import verdict_of
from seawall.review.account_cases import (
    FindReviewedItem,
    ReviewedItem,
    account_type,
    as_appealed,
    find_reviewed,
)
from seawall.review.case_policies import CasePolicy, preset_policy, read_policies
from seawall.review.errors import BadAnswer, CaseMoved, CaseRestricted, CaseTaken, NoSuchCase, OwnDecision
from seawall.review.events import ReviewSubmitted
from seawall.review.leases import ASSIGNED_TO_ANOTHER, assigned_to, is_decider
from seawall.review.machine import ACCOUNT, Case, CaseState
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


ReviewedCase: TypeAlias = Row[Any] | CaseRow | Case
"""A case as the database or a query has it, or the one that an item without a case would get."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealAnswer:
    """That a review answers an appeal. ``record`` writes the appeal's outcome in the transaction of the review."""

    revision: int  # that the appealed decision is about: what it put on the author is reversed, whatever came after
    decision: str | None = None  # the appealed one
    record: Callable[[Transaction, Decision], None]


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
            raise CaseMoved(_APPEALED[found.subject])
        item = find_reviewed(tx, found.item, find_item)
        if item is None:
            raise CaseMoved("The item of this case no longer exists.")
        if seen_revision is not None and item.revision != seen_revision:
            raise CaseMoved(_NEWER[found.subject])
        if (seen is not None or seen_revision is not None) and item.decision != seen:
            raise CaseMoved(_DECIDED[found.subject])
        if appeal is not None:
            item = as_appealed(item, appeal.revision, appeal.decision)
        return record_review(tx, found, item, person, answer, rulebook, review_id, appeal=appeal)

    return ledger.commit(unit)


def record_review(
    tx: Transaction,
    case: ReviewedCase,
    item: ReviewedItem,
    person: str,
    answer: ReviewAnswer,
    rulebook: Rulebook,
    review_id: str,
    *,
    appeal: AppealAnswer | None = None,
    bulk: str | None = None,
) -> Decision:
    """Record an answer that was checked, with its decision and what that enforces, and end the lease.

    ``bulk``: the bulk decision that it belongs to. Raises BadAnswer.
    """
    active = enforce.in_force(tx, case.item)
    queue = rulebook.queues.of(case.queue)
    check_queue(answer, queue, [one.kind for one in active])
    if answer.answer == KEEPS_MEASURE:
        _check_kept(answer, active)
    decision = decision_of(case, item, person, answer, rulebook, tx.at)
    tx.append(
        ReviewSubmitted(
            review=review_id,
            case=case.id,
            reviewer=person,
            decision=decision.id,
            policy=answer.policy,
            answer=answer.answer,
            actions=answer.actions,
            reason=answer.reason,
            attention=answer.attention,
            ends_appeal=appeal is not None,
            judged=judgements(answer, [one.policy for one in policies_in(case)]),
            bulk=bulk,
            item=None if bulk is None else decision.item,
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
    if answer.note and not tx.is_erased(case.item):  # else there is no key under which it could be kept
        tx.seal(case.item, f"review/{review_id}", answer.note.encode(), author_of(tx, item))
    let_go(tx, case.id)
    return decision


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
    if overturned_revision is not None:
        item = as_appealed(item, overturned_revision, None)
    decision = decision_of(case, item, person, answer, rulebook, now_ms())
    return enforce.preview(connection, decision, overturned_revision=overturned_revision)


_APPEALED: Final = {
    "item": "A decision about this item was appealed. Answer the appeal, with its own form.",
    "account": "A decision about this account was appealed. Answer the appeal, with its own form.",
}
_DECIDED: Final = {
    "item": "The item was decided again since you opened the case. Review it again.",
    "account": "The account was decided again since you opened the case. Review it again.",
}
_REPORTED: Final = {
    "item": "The item was reported since you opened the case. Read the new report, then decide.",
    "account": "The account was reported since you opened the case. Read the new report, then decide.",
}
_NEWER: Final = {
    "item": "The item was edited since you opened the case. Look at the new revision, then decide.",
    "account": "Something new about this account opened the case again. Look at it, then decide.",
}


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
        raise CaseMoved(_REPORTED[found.subject])
    return found


def policies_in(case: ReviewedCase) -> Sequence[CasePolicy]:
    """The policies of a case, from its row in the database or from a typed one."""
    return read_policies(case.policies) if isinstance(case.policies, str) else case.policies


def _ground(case: ReviewedCase) -> tuple[str, str] | None:
    """Policy and harm of what stays in force: of the gravest policy that fired, not of one that a report claims."""
    first = preset_policy(policies_in(case))
    policy, harm = (case.policy, case.harm) if first is None else (first.policy, first.harm)
    return None if policy is None or harm is None else (policy, harm)


def decision_of(
    case: ReviewedCase, item: ReviewedItem, person: str, answer: ReviewAnswer, rulebook: Rulebook, at: int
) -> Decision:
    """The decision that an answer becomes. Raises BadAnswer for an action that the content type does not allow."""
    known = rulebook.content_types
    content_type = account_type(known.values()) if case.subject == ACCOUNT else known.get(case.content_type)
    chosen = answer.actions if answer.answer == VIOLATES else ()  # what only stays was allowed before
    if content_type is None and chosen:
        raise BadAnswer(
            f"The content type {case.content_type} is no longer in force, so nothing says which actions it allows. "
            "Publish it again to act on its items; that one does not violate can be said without."
        )
    allowed = content_type.actions if content_type is not None else ()
    if refused := sorted({action.kind for action in chosen} - set(allowed)):
        if case.subject == ACCOUNT:
            raise BadAnswer(f"An account does not allow {', '.join(refused)}.")
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
