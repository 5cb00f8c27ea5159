"""Events of reviews: the answers of people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from seawall.model import Action
from seawall.storage import EventSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewSubmitted:
    """One reviewer's answer on a case. The note is sealed in the vault under ``review/<id>``."""

    review: str
    case: str
    reviewer: str
    decision: str
    policy: str | None
    answer: str  # violates | does_not_violate
    actions: tuple[Action, ...]
    reason: str
    judged: Mapping[str, str] = field(default_factory=dict)  # policy → violates | does_not_violate | not_judged


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRouted:
    """A route of the queue file moved a case to a queue. Kept as an event, because the file may change."""

    case: str
    queue: str
    route: str  # the route's condition, "always", or "none": no route holds any more


EVENTS = (EventSpec("review.submitted", ReviewSubmitted), EventSpec("review.case_routed", CaseRouted))
