"""State machine of a case, as a pure function: no database, no clock.

A case is about one item, or about one account. A review request by a decision or a report opens it, a review closes
it, anything new reopens it. A person can reopen it too, or take their review back; then it is as it was before. A case
opened only by automated decisions closes when a later, complete evaluation finds nothing. Three stay open until a
person answers: one that was reported, one in which an earlier revision was flagged for a severe harm (otherwise whoever
sent that revision would close its case by an edit), and one with an open appeal. An appealed case waits in the queue
``appeals``; when the appeal is answered, it goes back to where it waited before, or closes.

What an account did in March is not what it did in January: each time that something new opens its case, the case is
about that, as an item's is about its revision. What was decided before stays, unless a person decides the same again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, Protocol, TypeAlias

from seawall.model import (
    CHILD_SAFETY_HARMS,
    HARMS,
    Action,
    Decision,
    DecisionSource,
    ItemRef,
    Reason,
    Verdict,
    is_account,
)
from seawall.review.case_policies import (
    DEFAULT_PRIORITY,
    CasePolicy,
    gravest_policy,
    merged,
    most_urgent_queue,
    policies_of,
    queue_of,
    rank,
)
from seawall.review.priority import UNKNOWN_SEVERITY, expected_harm, severity_of, urgency

REPORTS_QUEUE = "reports"
APPEALS_QUEUE = "appeals"
SPECIALISTS_QUEUE: Final = "specialists"
"""Where a case goes that a reviewer passed on to a specialist, or about which several reviewers could not tell."""
CANNOT_TELL_LIMIT: Final = 2
"""After how many reviewers who cannot tell a case goes to the specialists."""

APPEAL_PRIORITY: Final = 0.75
"""Priority of an appeal, on the scale of a rule's priority: its window runs, and somebody may be restricted wrongly."""

ITEM: Final = "item"
ACCOUNT: Final = "account"
"""What a case is about: ``Case.subject``."""

BY_RULE: Final = "rule"
BY_ROUTE: Final = "route"
BY_PERSON: Final = "person"

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
    """The state of a case. ``NONE``: the item has no case yet; it is stored if the item is of child safety."""

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
    ROUTED = "routed"  # a route moves it to another queue
    LANGUAGE_FOUND = "language_found"
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
    (CaseState.NONE, CaseTrigger.REVIEWED): CaseState.CLOSED,  # in bulk: an item for which nobody was asked
    (CaseState.OPEN, CaseTrigger.ASKED): CaseState.OPEN,
    (CaseState.OPEN, CaseTrigger.CLEARED): CaseState.CLOSED,  # unless ``_needs_a_person``
    (CaseState.OPEN, CaseTrigger.DECIDED): CaseState.OPEN,
    (CaseState.OPEN, CaseTrigger.REPORTED): CaseState.OPEN,
    (CaseState.OPEN, CaseTrigger.REVIEWED): CaseState.CLOSED,
    (CaseState.CLOSED, CaseTrigger.ASKED): CaseState.OPEN,
    (CaseState.CLOSED, CaseTrigger.CLEARED): CaseState.CLOSED,
    (CaseState.CLOSED, CaseTrigger.DECIDED): CaseState.CLOSED,
    (CaseState.CLOSED, CaseTrigger.REPORTED): CaseState.OPEN,
    (CaseState.CLOSED, CaseTrigger.REVIEWED): CaseState.CLOSED,  # the ledger never rejects a past event
    (CaseState.OPEN, CaseTrigger.ROUTED): CaseState.OPEN,
    (CaseState.CLOSED, CaseTrigger.ROUTED): CaseState.CLOSED,  # it was closed meanwhile
    (CaseState.OPEN, CaseTrigger.LANGUAGE_FOUND): CaseState.OPEN,
    (CaseState.CLOSED, CaseTrigger.LANGUAGE_FOUND): CaseState.CLOSED,
    (CaseState.NONE, CaseTrigger.APPEALED): CaseState.OPEN,
    (CaseState.OPEN, CaseTrigger.APPEALED): CaseState.OPEN,
    (CaseState.CLOSED, CaseTrigger.APPEALED): CaseState.OPEN,
    (CaseState.OPEN, CaseTrigger.APPEAL_ANSWERED): CaseState.CLOSED,  # unless something else waits: ``_answered``
    (CaseState.CLOSED, CaseTrigger.APPEAL_ANSWERED): CaseState.CLOSED,  # the ledger never rejects a past event
    (CaseState.OPEN, CaseTrigger.UNDONE): CaseState.OPEN,  # it was reported since the review
    (CaseState.CLOSED, CaseTrigger.UNDONE): CaseState.OPEN,  # unless it was closed before the review
    (CaseState.OPEN, CaseTrigger.REOPENED): CaseState.OPEN,  # as a review of a closed one
    (CaseState.CLOSED, CaseTrigger.REOPENED): CaseState.OPEN,
    (CaseState.OPEN, CaseTrigger.PASSED_ON): CaseState.OPEN,
    (CaseState.CLOSED, CaseTrigger.PASSED_ON): CaseState.CLOSED,  # as a review of a closed one
}
"""All transitions. Missing ones are impossible, such as a review of a case that never existed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The case of one item or account. ``reports`` counts the reporters since it was last opened (an anonymous report
    is one); ``reports_received`` all reports ever, ``reviews`` all reviews. ``severe_revision``: the first revision
    that was flagged for a severe harm since it was opened. ``cannot_tell``: reviewers who could not tell, since then.
    ``appeals``: open ones; ``returns_to``: the queue in which it waits for something else as well, once they are
    answered.

    ``policies``: all that fired or were named by a report since it was opened; ``policy``, ``rule`` and ``harm`` are
    those of the gravest. ``child_safety``: only specialists see the case, in whatever queue, until one of them says
    that it violates no policy of child safety; ``cleared_child_safety``: whether the last review said so, for the
    day when it is taken back. ``queue_by``: what put it into its queue (rule, route, person).
    ``reporter``: the kind of reporter that counts most. ``unnamed_claim``: the highest priority of the reports that
    named no policy. ``score``: its place in the order, see ``priority.urgency``.

    ``subject``: item or account, whose surrogate is ``item``. ``openings``: the times that something new opened it; an
    account's ``decision`` is one about the last of them. ``marked_child_safety``: whether the last review made it a
    case of child safety, which only a person's answer says of an account that nobody reported for it. ``language``: of
    the item; None: not known.
    """

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
    policies: tuple[CasePolicy, ...] = ()
    child_safety: bool = False
    cleared_child_safety: bool = False
    marked_child_safety: bool = False
    queue_by: str = "rule"
    reporter: str | None = None
    unnamed_claim: float = 0.0
    visible: bool = True
    score: float = 0.0
    subject: str = ITEM
    openings: int = 0
    language: str | None = None


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
    harm: str | None = None  # of the policy


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A person reviewed it. ``judged``: policy → what they said about it, for those that they judged by name."""

    answer: str
    judged: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Routed:
    """A route moved it to this queue."""

    queue: str


@dataclass(frozen=True, slots=True)
class LanguageFound:
    """The language of its item is known, or not any more."""

    language: str | None


@dataclass(frozen=True, slots=True)
class ReviewTakenBack:
    """The reviewer took their review back. ``was_open``: the case waited for a person before the review."""

    was_open: bool = True


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
    Decided
    | Reported
    | Reviewed
    | Routed
    | LanguageFound
    | ReviewTakenBack
    | ReopenedByPerson
    | PassedOn
    | Appealed
    | AppealAnswered
)


def asks_for_review(decision: Decision) -> bool:
    """Whether the decision sends the item to review."""
    return any(action.kind == "review" for action in decision.actions)


def is_of_child_safety(decision: Decision) -> bool:
    """Whether a rule that fired is about the safety of children."""
    return any(reason.harm in CHILD_SAFETY_HARMS for reason in decision.reasons)


def case_id(item: str) -> str:
    """The id of the one case of an item or account: ``it_x`` → ``case_x``."""
    return f"case_{item.partition('_')[2] or item}"


def new_case(item: ItemRef) -> Case:
    """The initial case of an item or an account."""
    case = Case(id=case_id(item.ref), item=item.ref, content_type=item.content_type)
    return replace(case, subject=ACCOUNT, actor=item.ref) if is_account(item.ref) else case


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
    if isinstance(fact, ReviewTakenBack) and not fact.was_open:
        target = case.state
    if case.state is CaseState.NONE and trigger is CaseTrigger.REVIEWED:
        case = replace(case, opened_at=at, closed_at=at)
    opening = target is CaseState.OPEN and case.state is not CaseState.OPEN
    if opening and trigger in (CaseTrigger.UNDONE, CaseTrigger.REOPENED):
        # Its queue, its policies and what is severe in it are as they were; no appeal waits any more.
        case = replace(case, closed_at=None, queue=REPORTS_QUEUE if case.queue == APPEALS_QUEUE else case.queue)
    elif opening:
        case = _opened(case, fact, at)
    closing = target is CaseState.CLOSED and case.state is CaseState.OPEN
    moved = replace(case, state=target, closed_at=at) if closing else replace(case, state=target)
    match fact:
        case Decided(decision):
            return _scored(_with_appeal(moved, _decided(moved, decision, opening=opening)))
        case Reported():
            return _scored(_with_appeal(moved, _reported(moved, fact, opening=opening), came=REPORTS_QUEUE))
        case Reviewed():
            return _reviewed(moved, fact)
        case LanguageFound(language):
            return replace(moved, language=language)
        case _:
            return _by_people(case, moved, fact, at, opening=opening)


def _by_people(before: Case, moved: Case, fact: Fact, at: int, *, opening: bool) -> Case:
    """The case after what people do with it besides reviewing and reporting. ``before``: in its former state."""
    match fact:
        case Routed(queue):
            return _routed(moved, queue)
        case ReviewTakenBack():
            return _taken_back(moved)
        case ReopenedByPerson():
            return replace(moved, severe_revision=None) if opening else moved  # it was judged
        case PassedOn(why):
            return _passed_on(moved, why)
        case Appealed(reasons):
            return _scored(_appealed(moved, reasons, opening=opening))
        case AppealAnswered():
            return _answered(before, at)
        case _:
            raise AssertionError(f"{fact!r} is handled by step")


def _opened(case: Case, fact: Fact, at: int) -> Case:
    """The case as it is opened (again). What a person sends on keeps its policies. An appeal is about something old."""
    sent_on = isinstance(fact, Decided) and fact.decision.source is DecisionSource.REVIEW
    anew = not isinstance(fact, Appealed)
    return replace(
        case,
        opened_at=at,
        closed_at=None,
        reports=0,
        reporter=None,
        priority=0.0,
        queue=REPORTS_QUEUE,
        queue_by=BY_RULE,
        unnamed_claim=0.0,
        policies=case.policies if sent_on else (),
        severe_revision=None,
        cannot_tell=0,
        openings=case.openings + anew,
        decision=None if anew and case.subject == ACCOUNT else case.decision,
    )


def _needs_a_person(case: Case, fact: Fact) -> bool:
    """Whether an open case waits for a person although a complete evaluation found nothing."""
    about = fact.decision.item.revision if isinstance(fact, Decided) else None
    return case.reports > 0 or case.appeals > 0 or case.severe_revision not in (None, about)


def _routed(case: Case, queue: str) -> Case:
    """A route moves an open case, unless a person put it where it is. An appealed one goes there afterwards."""
    if case.state is not CaseState.OPEN or case.queue_by == BY_PERSON:
        return case
    return replace(case, returns_to=queue) if case.appeals else replace(case, queue=queue, queue_by=BY_ROUTE)


def _taken_back(case: Case) -> Case:
    """The case before the last review: nobody has judged its policies, and what is of child safety is so again."""
    policies = tuple(replace(one, judged=None) for one in case.policies)
    guarded = (case.child_safety and not case.marked_child_safety) or case.cleared_child_safety
    case = replace(case, reviews=case.reviews - 1, answer=None, policies=policies)
    return _scored(replace(case, child_safety=guarded, cleared_child_safety=False, marked_child_safety=False))


def _passed_on(case: Case, why: str) -> Case:
    unsure = case.cannot_tell + (why == CANNOT_TELL)
    case = replace(case, cannot_tell=unsure)
    to_specialists = why == NEEDS_SPECIALIST or (why == CANNOT_TELL and unsure >= CANNOT_TELL_LIMIT)
    if not to_specialists or case.appeals:  # an appeal stays among the appeals
        return case
    return replace(case, queue=SPECIALISTS_QUEUE, queue_by=BY_PERSON)


def _appealed(case: Case, reasons: Sequence[Reason], *, opening: bool) -> Case:
    """The case in the queue of appeals, with the policies of what is appealed beside its own."""
    returns_to = case.returns_to if opening or case.appeals else case.queue
    named = [CasePolicy(policy=one.policy, rule=one.rule, harm=one.harm, priority=APPEAL_PRIORITY) for one in reasons]
    case = _named(replace(case, policies=merged(case.policies, named)))
    return replace(
        case,
        queue=APPEALS_QUEUE,
        priority=max(case.priority, APPEAL_PRIORITY),
        appeals=case.appeals + 1,
        returns_to=returns_to,
        child_safety=case.child_safety or any(one.harm in CHILD_SAFETY_HARMS for one in reasons),
    )


def _with_appeal(before: Case, after: Case, came: str | None = None) -> Case:
    """An appealed case stays in the queue of appeals; what came meanwhile waits there with it."""
    if before.appeals == 0 or after.state is not CaseState.OPEN:
        return after
    returns_to = after.queue if after.queue != APPEALS_QUEUE else after.returns_to or came
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
        case Routed():
            return CaseTrigger.ROUTED
        case LanguageFound():
            return CaseTrigger.LANGUAGE_FOUND
        case ReviewTakenBack():
            return CaseTrigger.UNDONE
        case ReopenedByPerson():
            return CaseTrigger.REOPENED
        case PassedOn():
            return CaseTrigger.PASSED_ON
        case Appealed():
            return CaseTrigger.APPEALED
        case AppealAnswered():
            return CaseTrigger.APPEAL_ANSWERED
        case Decided(decision):
            if asks_for_review(decision) and decision.source is not DecisionSource.UNDO:
                return CaseTrigger.ASKED
            complete = decision.verdict is Verdict.ALLOW and not decision.degraded
            by_machine = decision.source not in _BY_PEOPLE
            return CaseTrigger.CLEARED if complete and by_machine else CaseTrigger.DECIDED


def _decided(case: Case, decision: Decision, *, opening: bool) -> Case:
    by_person = decision.source is DecisionSource.REVIEW
    undoes = decision.source is DecisionSource.UNDO  # it restores a decision that the case knows
    if is_of_child_safety(decision) and (not by_person or case.subject == ACCOUNT):
        case = replace(case, child_safety=True, marked_child_safety=by_person and not case.child_safety)
    if case.state is CaseState.NONE:
        return case
    if case.subject == ACCOUNT:
        return replace(case, decision=decision.id) if decision.item.revision == case.openings else case
    case = replace(case, decision=decision.id, actor=decision.actor, visible=decision.verdict is Verdict.ALLOW)
    if case.state is not CaseState.OPEN or undoes:
        return case
    if case.severe_revision is None and _is_severe(decision):
        case = replace(case, severe_revision=decision.item.revision)
    fired = policies_of(decision)
    if by_person:
        return _sent_on(case, decision, fired)
    before = case
    case = _named(replace(case, policies=merged(case.policies, fired)))
    asked = most_urgent_queue(decision)
    if asked is None:
        return case
    priority = max(case.priority, *(_priority(each) for each in decision.actions if each.kind == "review"))
    queue = queue_of(case.policies) or asked
    return replace(_moved(case, before, queue, opening=opening), priority=priority)


def _moved(case: Case, before: Case, queue: str, *, opening: bool) -> Case:
    """The case in the queue that its rules ask for, if that changed. Where a person put it, it stays, unless something
    graver was found since."""
    graver = rank(gravest_policy(case.policies)) > rank(gravest_policy(before.policies))
    if opening or graver or (case.queue_by != BY_PERSON and queue != queue_of(before.policies)):
        return replace(case, queue=queue, queue_by=BY_RULE)
    return case


def _sent_on(case: Case, decision: Decision, named: tuple[CasePolicy, ...]) -> Case:
    """The case in the queue that a person chose, with what they named beside what was found before."""
    queue = most_urgent_queue(decision)
    if queue is None:
        return case
    known = {one.policy for one in case.policies}
    new = [replace(one, queue=None) for one in named if one.policy not in known]
    priority = max(case.priority, *(_priority(each) for each in decision.actions if each.kind == "review"))
    case = _named(replace(case, policies=merged(case.policies, new)))
    return replace(case, queue=queue, queue_by=BY_PERSON, priority=priority)


def _is_severe(decision: Decision) -> bool:
    harms = [HARMS[reason.harm] for reason in decision.reasons if reason.harm in HARMS]
    return decision.source not in _BY_PEOPLE and any(harm.severity >= SEVERE for harm in harms)


def _reported(case: Case, fact: Reported, *, opening: bool) -> Case:
    claimed = 0.0 if fact.muted else REPORT_PRIORITY.get(fact.kind, REPORT_PRIORITY["user"])
    if fact.harm in CHILD_SAFETY_HARMS:
        case = replace(case, child_safety=True)
    if fact.policy is not None:
        named = CasePolicy(policy=fact.policy, harm=fact.harm, priority=claimed, reported=True)
        case = _named(replace(case, policies=merged(case.policies, (named,))))
    return replace(
        case,
        reports=case.reports + (0 if fact.repeated and not opening else 1),
        reports_received=case.reports_received + 1,
        priority=max(case.priority, claimed),
        reporter=max((case.reporter, fact.kind), key=lambda kind: REPORT_PRIORITY.get(kind or "", 0.0)),
        unnamed_claim=case.unnamed_claim if fact.policy is not None else max(case.unnamed_claim, claimed),
    )


def _reviewed(case: Case, fact: Reviewed) -> Case:
    """The case after a person's answer: each policy with what they said about it."""
    cleared = fact.answer != "violates"
    policies = tuple(replace(one, judged=_judged(one, fact, cleared=cleared)) for one in case.policies)
    left = case.child_safety and not cleared
    if left and (mine := [one for one in policies if one.harm in CHILD_SAFETY_HARMS]):
        left = any(one.judged != "does_not_violate" for one in mine)
    return replace(
        case,
        reviews=case.reviews + 1,
        answer=fact.answer,
        policies=policies,
        child_safety=left,
        cleared_child_safety=case.child_safety and not left,
        marked_child_safety=False,
    )


def _judged(one: CasePolicy, fact: Reviewed, *, cleared: bool) -> str | None:
    said = "does_not_violate" if cleared else fact.judged.get(one.policy)
    return said if said in ("violates", "does_not_violate") else one.judged


def _named(case: Case) -> Case:
    """The case under the name of its gravest policy."""
    first = gravest_policy(case.policies)
    return case if first is None else replace(case, policy=first.policy, rule=first.rule, harm=first.harm)


def _scored(case: Case) -> Case:
    """The case with its place in the order."""
    if case.state is not CaseState.OPEN:
        return case
    severity, probability = main_chance(case)
    score = urgency(severity, probability, case.reports, visible=case.visible, opened_at=case.opened_at)
    return replace(case, score=score)


class RatedCase(Protocol):
    """What the order of cases depends on."""

    @property
    def policies(self) -> tuple[CasePolicy, ...]: ...

    @property
    def priority(self) -> float: ...

    @property
    def unnamed_claim(self) -> float: ...


def main_chance(case: RatedCase) -> tuple[int, float]:
    """Severity and probability of the harm that is to be expected most, of all that is said about the case."""
    chances = [(severity_of(one.harm), one.priority) for one in case.policies]
    if case.unnamed_claim or not chances:
        chances.append((UNKNOWN_SEVERITY, case.unnamed_claim or case.priority))
    return max(chances, key=lambda chance: expected_harm(*chance))


def _priority(asked: Action) -> float:
    """The priority of a review, 0 to 1."""
    value = asked.parameters.get("priority")
    return DEFAULT_PRIORITY if value is None else float(value)
