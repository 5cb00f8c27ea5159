"""Submission of a review, which becomes a decision in one unit of the ledger."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from sqlalchemy import Row, select

from seawall import enforce
from seawall.model import (
    ACTIONS,
    Action,
    ContentType,
    Decision,
    DecisionSource,
    ItemRef,
    ParameterType,
    Reason,
    new_id,
)
from seawall.model.events import DecisionMade
from seawall.policy import verdict_of
from seawall.review.errors import BadAnswer, CaseMoved, CaseTaken, NoSuchCase
from seawall.review.events import ReviewSubmitted
from seawall.review.machine import CaseState
from seawall.review.tables import case as case_table
from seawall.review.tables import lease
from seawall.storage.ledger import Ledger, Transaction

VIOLATES: Final = "violates"
DOES_NOT_VIOLATE: Final = "does_not_violate"

REASONS: Final[Mapping[str, str]] = {
    "clear_violation": "Clear violation",
    "violation_in_context": "Violation in its context",
    "repeated_behaviour": "Repeated behaviour",
    "known_content": "Known content",
    "not_a_violation": "No violation",
    "quoted_or_condemned": "Quotes or condemns the violation",
    "reclaimed_or_joking": "Reclaimed speech or banter",
    "detector_mistaken": "The detector was mistaken",
    "not_enough_evidence": "Not enough evidence",
}
"""Codes stored in the ledger, and their titles. Free text belongs in the note."""

REVIEW_RULE: Final = "review"
"""What stands for a rule in the reasons of a decision that a person made."""

NOTE_MAX = 4_000
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewAnswer:
    """A reviewer's answer on a case. ``reason`` is a code; ``note`` is free text, sealed in the vault."""

    answer: str  # violates | does_not_violate
    policy: str | None = None
    actions: tuple[Action, ...] = ()
    reason: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """What an answer may refer to: the content types, and the harm of each active policy."""

    content_types: Mapping[str, ContentType]
    harms: Mapping[str, str]


class ReviewedItem(Protocol):
    """What a review must know of the item as it stands: its newest revision and the decision in force."""

    @property
    def actor(self) -> str | None: ...

    @property
    def revision(self) -> int: ...

    @property
    def decision(self) -> str | None: ...


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
) -> Decision:
    """Decide ``case`` as ``person``, who must hold it. Returns the decision, durable.

    ``seen`` is the decision that was in force when the reviewer opened the case (None: there was none, if
    ``seen_revision`` is given), ``seen_revision`` the item's newest revision: if one of them changed, the answer is
    rejected, because it would be about what the reviewer has not seen. So it is if the item was reported since the
    reviewer took the case. Of several simultaneous answers exactly one is accepted. Raises BadAnswer, NoSuchCase,
    CaseTaken or CaseMoved.
    """
    _check(answer, rulebook)
    review_id = new_id("rev")

    def unit(tx: Transaction) -> Decision:
        found = _open_case(tx, case, person)
        item = find_item(tx, found.item)
        if item is None:
            raise CaseMoved("The item of this case no longer exists.")
        if seen_revision is not None and item.revision != seen_revision:
            raise CaseMoved("The item was edited since you opened the case. Look at the new revision, then decide.")
        if (seen is not None or seen_revision is not None) and item.decision != seen:
            raise CaseMoved("The item was decided again since you opened the case. Review it again.")
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
            )
        )
        tx.append(DecisionMade(decision=decision))
        enforce.apply(tx, decision, item_is_new=False)
        if answer.note:
            tx.seal(found.item, f"review/{review_id}", answer.note.encode(), _author(tx, item))
        tx.execute(lease.delete().where(lease.c.case == case))
        return decision

    return ledger.commit(unit)


def _author(tx: Transaction, item: ReviewedItem) -> str | None:
    """Whom the note is about: who wrote the revision. None when they were erased meanwhile."""
    return None if item.actor is None or tx.is_erased(item.actor) else item.actor


def _open_case(tx: Transaction, case: str, person: str) -> Row[Any]:
    found = tx.execute(select(case_table).where(case_table.c.id == case)).first()
    if found is None:
        raise NoSuchCase
    if found.state != CaseState.OPEN:
        raise CaseMoved("This case is closed: it was decided, or a later evaluation cleared it.")
    held = tx.execute(select(lease).where(lease.c.case == case)).first()
    if held is None or held.until <= tx.at:
        raise CaseTaken("Your lease on this case expired. Open it again to decide it.")
    if held.person != person:
        raise CaseTaken("Another reviewer is working on this case.")
    if found.reports_received != held.reports_received:
        raise CaseMoved("The item was reported since you opened the case. Read the new report, then decide.")
    return found


def _decision(
    case: Row[Any], item: ReviewedItem, person: str, answer: ReviewAnswer, rulebook: Rulebook, at: int
) -> Decision:
    content_type = rulebook.content_types.get(case.content_type)
    if content_type is None and answer.actions:
        raise BadAnswer(
            f"The content type {case.content_type} is no longer in force, so nothing says which actions it allows. "
            "Publish it again to act on its items; that one does not violate can be said without."
        )
    allowed = content_type.actions if content_type is not None else ()
    if refused := sorted({action.kind for action in answer.actions} - set(allowed)):
        raise BadAnswer(f"Content of type {case.content_type} does not allow {', '.join(refused)}.")
    reasons: tuple[Reason, ...] = ()
    if answer.policy is not None:
        reasons = (Reason(policy=answer.policy, rule=REVIEW_RULE, harm=rulebook.harms[answer.policy]),)
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


def _check(answer: ReviewAnswer, rulebook: Rulebook) -> None:
    if not _CODE.fullmatch(answer.reason):
        raise BadAnswer("Choose a reason.")
    if len(answer.note) > NOTE_MAX:
        raise BadAnswer(f"A note may have at most {NOTE_MAX} characters.")
    if answer.answer == DOES_NOT_VIOLATE:
        if answer.actions or answer.policy is not None:
            raise BadAnswer("An answer without violation takes no policy and no action.")
        return
    if answer.answer != VIOLATES:
        raise BadAnswer(f"An answer must be {VIOLATES} or {DOES_NOT_VIOLATE}.")
    if answer.policy not in rulebook.harms:
        raise BadAnswer("Choose the policy that it violates, one of the active ones.")
    if not answer.actions:
        raise BadAnswer("Choose at least one action.")
    for action in answer.actions:
        _check_action(action)
    if len({action.kind for action in answer.actions}) < len(answer.actions):
        raise BadAnswer("Choose each action only once.")


def _check_action(action: Action) -> None:
    kind = ACTIONS.get(action.kind)
    if kind is None:
        raise BadAnswer(f"There is no action {action.kind!r}.")
    parameters = {parameter.name: parameter for parameter in kind.parameters}
    for name in action.parameters:
        if name not in parameters:
            raise BadAnswer(f"The action {kind.name} has no parameter {name!r}.")
    for name, parameter in parameters.items():
        value = action.parameters.get(name)
        if value is None:
            if parameter.required:
                raise BadAnswer(f"The action {kind.name} needs {name}.")
        elif parameter.type is ParameterType.TEXT:
            if not isinstance(value, str) or not _CODE.fullmatch(value.replace("-", "_")):
                raise BadAnswer(f"{name} of {kind.name} must be a code such as 'graphic' (it is stored in the ledger).")
        elif isinstance(value, str) or not 0 < value < 1e12:
            raise BadAnswer(f"{name} of {kind.name} must be a number above 0.")
