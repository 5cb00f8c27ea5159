"""Events of reviews: the answers of people."""

from __future__ import annotations

from dataclasses import dataclass

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


EVENTS = (EventSpec("review.submitted", ReviewSubmitted),)
