"""Events of reviews: the answers of people, and what they do with cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seawall.model import Action, ItemRef
from seawall.storage import EventSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """How a reviewer came to an answer: labels and quality weigh it by this.

    ``untouched``: what was answered as the form proposed it, "policy" and kinds of actions. ``unveiled``: veiled
    pieces of content that were opened. ``by_evidence``: judged without opening them.
    """

    seconds: float  # with the page open
    unveiled: int
    untouched: tuple[str, ...]
    by_evidence: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewSubmitted:
    """One reviewer's answer on a case. The note is sealed in the vault under ``review/<id>``."""

    review: str
    case: str
    reviewer: str
    decision: str
    policy: str | None
    answer: str  # violates | does_not_violate | keeps_measure
    actions: tuple[Action, ...]
    reason: str
    attention: Attention | None = None  # None: not given through a page
    ends_appeal: bool = False  # it is the answer to an appeal, which the appellant was told
    judged: Mapping[str, str] = field(default_factory=dict)  # policy → violates | does_not_violate | not_judged
    bulk: str | None = None  # the bulk decision that it belongs to: nobody looked at this item for it
    item: ItemRef | None = None  # of a bulk decision: the item may have had no case


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRouted:
    """A route of the queue file moved a case to a queue. Kept as an event, because the file may change."""

    case: str
    queue: str
    route: str  # the route's condition, "always", or "none": no route holds any more


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseLanguageFound:
    """The language of what a case is about, as the item was submitted; None: it is not known any more."""

    case: str
    language: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewUndone:
    """A reviewer took their review back; ``decision`` restores what was in force before it.

    ``was_open``: the case was open before the review, and is again.
    """

    review: str
    case: str
    by: str
    decision: str
    was_open: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseReopened:
    """A person reopened a closed case, to decide it again."""

    case: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePassedOn:
    """A reviewer left a case to others. The note is sealed in the vault under ``review/<passing>``."""

    passing: str
    case: str
    by: str
    why: str  # not_my_language | cannot_tell | needs_specialist


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSkipped:
    """A reviewer put a case back for now. ``why``: a key of ``leases.WHY_SKIP``."""

    case: str
    by: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseAssigned:
    """A case was given to a reviewer, who has it to themselves until ``until`` (ms), also in place of another.

    ``sees_child_safety``: whether they may see cases of child safety. Without it the assignment ends when the case
    becomes one. The note is sealed in the vault under ``review/<assignment>``.
    """

    assignment: str
    case: str
    person: str
    by: str
    why: str  # a key of assignments.WHY_ASSIGN
    until: int
    sees_child_safety: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseUnassigned:
    """A case was declined by the reviewer it was assigned to, or taken away from them (``by`` is another person).

    ``assignment``: None when they only held it. The note is sealed in the vault under ``review/<ending>``.
    """

    ending: str
    assignment: str | None
    case: str
    person: str
    by: str
    why: str  # a key of assignments.WHY_DECLINE, or of WHY_ASSIGN


def _with_attention(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "attention": None, "ends_appeal": False, "judged": {}}


def _with_bulk(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "bulk": None, "item": None}


def _with_was_open(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "was_open": True}


EVENTS = (
    EventSpec("review.submitted", ReviewSubmitted, version=3, upcast={1: _with_attention, 2: _with_bulk}),
    EventSpec("review.case_routed", CaseRouted),
    EventSpec("review.case_language_found", CaseLanguageFound),
    EventSpec("review.undone", ReviewUndone, version=2, upcast={1: _with_was_open}),
    EventSpec("review.case_reopened", CaseReopened),
    EventSpec("review.case_passed_on", CasePassedOn),
    EventSpec("review.case_skipped", CaseSkipped),
    EventSpec("review.case_assigned", CaseAssigned),
    EventSpec("review.case_unassigned", CaseUnassigned),
)
