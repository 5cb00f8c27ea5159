"""State machine of a case, as a pure function: no database, no clock.

A case is about one item. A review request by a decision or a report opens it, a review closes it, anything new reopens
it. A person can reopen it too, or take their review back; then it is as it was before. A case opened only by automated
decisions closes when a later, complete evaluation finds nothing. Three stay open until a person answers: one that was
reported, one in which an earlier revision was flagged for a severe harm (otherwise whoever sent that revision would
close its case by an edit), and one with an open appeal. An appealed case waits in the queue ``appeals``; when the
appeal is answered, it goes back to where it waited before, or closes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, TypeAlias

from seawall.model import HARMS, Decision, DecisionSource, ItemRef, Reason, Verdict, gravest

REPORTS_QUEUE = "reports"
SPECIALISTS_QUEUE: Final = "specialists"
"""Where a case goes that a reviewer passed on to a specialist, or about which several reviewers could not tell."""
CANNOT_TELL_LIMIT: Final = 2
"""After how many reviewers who cannot tell a case goes to the specialists."""
APPEALS_QUEUE = "appeals"

APPEAL_PRIORITY: Final = 0.75
"""Priority of an appeal, on the scale of a rule's priority: its window runs, and somebody may be restricted wrongly."""

REPORT_PRIORITY: Mapping[str, float] = {
    "user": 0.4,
    "staff": 0.7,
    "guard": 0.7,  # a guard diverts an action to review
    "trusted_flagger": 0.8,
    "authority": 0.95,
}
"""Priority of a report by kind of reporter, on the scale of a rule's priority (1: now)."""


SEVERE: Final = 5
"""Severity of a harm (``Harm.severity``) from which a flagged revision is judged, whatever is sent after it."""


NOT_MY_LANGUAGE: Final = "not_my_language"
CANNOT_TELL: Final = "cannot_tell"
NEEDS_SPECIALIST: Final = "needs_specialist"
_BY_PEOPLE: Final = (DecisionSource.REVIEW, DecisionSource.UNDO)


class CaseState(StrEnum):
    """The state of a case. ``NONE``: the item has no case yet."""

    NONE = "none"
    OPEN = "open"
    CLOSED = "closed"


class CaseTrigger(StrEnum):
    """Events that affect a case."""

    ASKED = "asked"  # a decision sends the item to review
    CLEARED = "cleared"  # a complete decision allows it and asks for no review
    DECIDED = "decided"  # any other decision about the item
    REPORTED = "reported"
    REVIEWED = "reviewed"
    UNDONE = "undone"  # a reviewer took their review back
    REOPENED = "reopened"  # a person wants to decide it again
    PASSED_ON = "passed_on"  # a reviewer leaves it to others
    APPEALED = "appealed"
    APPEAL_ANSWERED = "appeal_answered"  # by a person, or withdrawn by the appellant


TRANSITIONS: Mapping[tuple[CaseState, CaseTrigger], CaseState] = {
    (CaseState.NONE, CaseTrigger.ASKED): CaseState.OPEN,
    (CaseState.NONE, CaseTrigger.CLEARED): CaseState.NONE,
    (CaseState.NONE, CaseTrigger.DECIDED): CaseState.NONE,
    (CaseState.NONE, CaseTrigger.REPORTED): CaseState.OPEN,
    (CaseState.OPEN, CaseTrigger.ASKED): CaseState.OPEN,
    (CaseState.OPEN, CaseTrigger.CLEARED): CaseState.CLOSED,  # unless ``_needs_a_person``
    (CaseState.OPEN, CaseTrigger.DECIDED): CaseState.OPEN,
    (CaseState.OPEN, CaseTrigger.REPORTED): CaseState.OPEN,
    (CaseState.OPEN, CaseTrigger.REVIEWED): CaseState.CLOSED,
    (CaseState.NONE, CaseTrigger.APPEALED): CaseState.OPEN,
    (CaseState.OPEN, CaseTrigger.APPEALED): CaseState.OPEN,
    (CaseState.OPEN, CaseTrigger.APPEAL_ANSWERED): CaseState.CLOSED,  # unless something else waits: ``_answered``
    (CaseState.CLOSED, CaseTrigger.APPEALED): CaseState.OPEN,
    (CaseState.CLOSED, CaseTrigger.APPEAL_ANSWERED): CaseState.CLOSED,  # the ledger never rejects a past event
    (CaseState.CLOSED, CaseTrigger.ASKED): CaseState.OPEN,
    (CaseState.CLOSED, CaseTrigger.CLEARED): CaseState.CLOSED,
    (CaseState.CLOSED, CaseTrigger.DECIDED): CaseState.CLOSED,
    (CaseState.CLOSED, CaseTrigger.REPORTED): CaseState.OPEN,
    (CaseState.OPEN, CaseTrigger.UNDONE): CaseState.OPEN,  # it was reported since the review
    (CaseState.OPEN, CaseTrigger.REOPENED): CaseState.OPEN,  # as below
    (CaseState.OPEN, CaseTrigger.PASSED_ON): CaseState.OPEN,
    (CaseState.CLOSED, CaseTrigger.REVIEWED): CaseState.CLOSED,  # the ledger never rejects a past event
    (CaseState.CLOSED, CaseTrigger.UNDONE): CaseState.OPEN,
    (CaseState.CLOSED, CaseTrigger.REOPENED): CaseState.OPEN,
    (CaseState.CLOSED, CaseTrigger.PASSED_ON): CaseState.CLOSED,  # as above
}
"""All transitions. Missing ones are impossible, such as a review of a case that never existed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One item's case. ``reports`` counts the reporters since it was last opened (an anonymous report is one);
    ``reports_received`` all reports ever, ``reviews`` all reviews. ``severe_revision``: the first revision that was
    flagged for a severe harm since it was opened. ``cannot_tell``: reviewers who could not tell, since then.
    ``appeals``: open ones; ``returns_to``: the queue in which it waits for something else as well, once they are
    answered."""

    id: str
    item: str
    content_type: str
    actor: str | None = None
    queue: str = REPORTS_QUEUE
    priority: float = 0.0
    state: CaseState = CaseState.NONE
    opened_at: int = 0
    closed_at: int | None = None
    decision: str | None = None
    policy: str | None = None
    rule: str | None = None
    harm: str | None = None
    reports: int = 0
    reviews: int = 0
    answer: str | None = None
    reports_received: int = 0
    severe_revision: int | None = None
    cannot_tell: int = 0
    appeals: int = 0
    returns_to: str | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision about the item was made."""

    decision: Decision


@dataclass(frozen=True, slots=True)
class Reported:
    """The item was reported; ``repeated``: by somebody who has reported it since the case was opened."""

    kind: str
    policy: str | None
    reporter: str | None = None
    repeated: bool = False
    muted: bool = False


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A person reviewed it."""

    answer: str


@dataclass(frozen=True, slots=True)
class ReviewTakenBack:
    """The reviewer took their review back."""


@dataclass(frozen=True, slots=True)
class ReopenedByPerson:
    """A person reopened it."""


@dataclass(frozen=True, slots=True)
class PassedOn:
    """A reviewer passed it on: ``why`` is one of the three above."""

    why: str


@dataclass(frozen=True, slots=True)
class Appealed:
    """A decision about the item was appealed."""

    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class AppealAnswered:
    """An appeal about the item is not open any more."""


Fact: TypeAlias = (
    Decided | Reported | Reviewed | ReviewTakenBack | ReopenedByPerson | PassedOn | Appealed | AppealAnswered
)


def asks_for_review(decision: Decision) -> bool:
    """Whether the decision sends the item to review."""
    return any(action.kind == "review" for action in decision.actions)


def case_id(item: str) -> str:
    """The id of an item's one case: ``it_x`` → ``case_x``."""
    return f"case_{item.partition('_')[2] or item}"


def new_case(item: ItemRef) -> Case:
    """The initial case of an item."""
    return Case(id=case_id(item.ref), item=item.ref, content_type=item.content_type)


def step(case: Case, fact: Fact, at: int) -> Case:
    """The case after ``fact``, which happened at ``at`` (ms). Raises ValueError for an impossible transition."""
    trigger = _trigger(fact)
    target = TRANSITIONS.get((case.state, trigger))
    if target is None:
        raise ValueError(f"A case in state {case.state!r} cannot be {trigger!r}: {case.id}")
    if trigger is CaseTrigger.CLEARED and case.state is CaseState.OPEN and _needs_a_person(case, fact):
        target = CaseState.OPEN
    if trigger is CaseTrigger.REVIEWED and case.appeals > 0:
        target = CaseState.OPEN  # it closes when the appeal is answered
        case = replace(case, severe_revision=None, returns_to=None)  # whatever else waited was judged
    if trigger is CaseTrigger.APPEAL_ANSWERED:
        return _answered(case, at)
    opening = target is CaseState.OPEN and case.state is not CaseState.OPEN
    if opening and trigger in (CaseTrigger.UNDONE, CaseTrigger.REOPENED):
        case = replace(case, closed_at=None)  # its queue, its policy and what is severe in it are as they were
    elif opening:
        case = replace(case, opened_at=at, closed_at=None, reports=0, priority=0.0, queue=REPORTS_QUEUE)
        case = replace(case, severe_revision=None, cannot_tell=0)
    closing = target is CaseState.CLOSED and case.state is CaseState.OPEN
    moved = replace(case, state=target, closed_at=at) if closing else replace(case, state=target)
    match fact:
        case Decided(decision):
            return _with_appeal(moved, _decided(moved, decision, opening=opening), fact)
        case Reported():
            return _with_appeal(moved, _reported(moved, fact, opening=opening), fact)
        case Appealed(reasons):
            return _appealed(moved, reasons, opening=opening)
        case AppealAnswered():
            raise AssertionError("answered above")
        case Reviewed(answer):
            return replace(moved, reviews=moved.reviews + 1, answer=answer)
        case ReviewTakenBack():
            return replace(moved, reviews=moved.reviews - 1, answer=None)
        case ReopenedByPerson():
            return replace(moved, severe_revision=None) if opening else moved  # it was judged
        case PassedOn(why):
            return _passed_on(moved, why)


def _needs_a_person(case: Case, fact: Fact) -> bool:
    """Whether an open case waits for a person although a complete evaluation found nothing."""
    about = fact.decision.item.revision if isinstance(fact, Decided) else None
    return case.reports > 0 or case.appeals > 0 or case.severe_revision not in (None, about)


def _appealed(case: Case, reasons: Sequence[Reason], *, opening: bool) -> Case:
    returns_to = case.returns_to if opening or case.appeals else case.queue
    reason = gravest(reasons)
    if reason is not None and (opening or _severity(reason.harm) > _severity(case.harm)):
        case = replace(case, policy=reason.policy, rule=reason.rule, harm=reason.harm)
    priority = max(case.priority, APPEAL_PRIORITY)
    return replace(case, queue=APPEALS_QUEUE, priority=priority, appeals=case.appeals + 1, returns_to=returns_to)


def _severity(harm: str | None) -> int:
    return HARMS[harm].severity if harm in HARMS else 0


def _with_appeal(before: Case, after: Case, fact: Decided | Reported) -> Case:
    """An appealed case stays in the queue of appeals; what came meanwhile waits there with it."""
    if before.appeals == 0 or after.state is not CaseState.OPEN:
        return after
    returns_to = after.returns_to
    if isinstance(fact, Reported):
        returns_to = returns_to or REPORTS_QUEUE
    elif asked := [action for action in fact.decision.actions if action.kind == "review"]:
        first = max(asked, key=lambda action: _priority(action.parameters.get("priority")))
        returns_to = str(first.parameters["queue"])
    return replace(after, queue=APPEALS_QUEUE, returns_to=returns_to)


def _answered(case: Case, at: int) -> Case:
    """One appeal less. Without another it goes back to what it waited for before, or closes."""
    case = replace(case, appeals=max(0, case.appeals - 1))
    if case.appeals > 0 or case.state is not CaseState.OPEN:
        return case
    if case.returns_to is not None or case.severe_revision is not None:
        return replace(case, queue=case.returns_to or REPORTS_QUEUE, returns_to=None)
    return replace(case, state=CaseState.CLOSED, closed_at=at)


def _trigger(fact: Fact) -> CaseTrigger:
    match fact:
        case Reported():
            return CaseTrigger.REPORTED
        case Reviewed():
            return CaseTrigger.REVIEWED
        case ReviewTakenBack():
            return CaseTrigger.UNDONE
        case ReopenedByPerson():
            return CaseTrigger.REOPENED
        case PassedOn():
            return CaseTrigger.PASSED_ON
        case Decided(decision):
            if asks_for_review(decision) and decision.source is not DecisionSource.UNDO:
                return CaseTrigger.ASKED
            complete = decision.verdict is Verdict.ALLOW and not decision.degraded
            by_machine = decision.source not in _BY_PEOPLE
            return CaseTrigger.CLEARED if complete and by_machine else CaseTrigger.DECIDED
        case Appealed():
            return CaseTrigger.APPEALED
        case AppealAnswered():
            return CaseTrigger.APPEAL_ANSWERED


def _decided(case: Case, decision: Decision, *, opening: bool) -> Case:
    if case.state is CaseState.NONE:
        return case
    case = replace(case, decision=decision.id, actor=decision.actor)
    if case.state is CaseState.OPEN and case.severe_revision is None and _is_severe(decision):
        case = replace(case, severe_revision=decision.item.revision)
    asked = [action for action in decision.actions if action.kind == "review"]
    if not asked or decision.source is DecisionSource.UNDO:  # which restores all actions, this one too
        return case
    first = max(asked, key=lambda action: _priority(action.parameters.get("priority")))
    priority = _priority(first.parameters.get("priority"))
    if not opening and priority < case.priority:
        return case
    case = replace(case, queue=str(first.parameters["queue"]), priority=priority)
    reason = gravest(decision.reasons)
    if reason is None:
        return case
    return replace(case, policy=reason.policy, rule=reason.rule, harm=reason.harm)


def _is_severe(decision: Decision) -> bool:
    harms = [HARMS[reason.harm] for reason in decision.reasons if reason.harm in HARMS]
    return decision.source not in _BY_PEOPLE and any(harm.severity >= SEVERE for harm in harms)


def _passed_on(case: Case, why: str) -> Case:
    unsure = case.cannot_tell + (why == CANNOT_TELL)
    to_specialists = why == NEEDS_SPECIALIST or (why == CANNOT_TELL and unsure >= CANNOT_TELL_LIMIT)
    moves = to_specialists and case.appeals == 0  # an appeal stays among the appeals
    return replace(case, cannot_tell=unsure, queue=SPECIALISTS_QUEUE if moves else case.queue)


def _reported(case: Case, fact: Reported, *, opening: bool) -> Case:
    if opening and case.reviews == 0 and case.decision is None:
        case = replace(case, policy=fact.policy)
    return replace(
        case,
        reports=case.reports + (0 if fact.repeated and not opening else 1),
        reports_received=case.reports_received + 1,
        policy=case.policy or fact.policy,
        priority=max(case.priority, 0.0 if fact.muted else REPORT_PRIORITY.get(fact.kind, REPORT_PRIORITY["user"])),
    )


def _priority(value: str | float | None) -> float:
    """A rule's priority; 0.5 by default."""
    return float(value) if value is not None else 0.5
