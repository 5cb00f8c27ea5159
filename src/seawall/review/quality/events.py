"""Events of the quality of reviews. Notes are sealed in the vault, not written here."""

from __future__ import annotations

from dataclasses import dataclass

from seawall.model import ItemRef
from seawall.storage import EventSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondReviewAsked:
    """A review was drawn for a second, independent one by another person."""

    task: str
    review: str
    case: str
    item: ItemRef  # in the revision that the first reviewer judged
    queue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondReviewSubmitted:
    """A blind answer, on a case that another decided or on a golden one. The note: ``second-review/<task>``."""

    task: str
    reviewer: str
    answer: str  # violates | does_not_violate | keeps_measure
    policy: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondReviewWithdrawn:
    """A task that nobody can answer any more."""

    task: str
    by: str
    reason: str  # content_gone


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondReviewAdjudicated:
    """The final answer where two reviewers disagreed. The note is sealed under ``adjudication/<task>``."""

    task: str
    by: str
    answer: str
    policy: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenCaseMarked:
    """A decided case whose right answer is known; it will be mixed in unseen."""

    golden: str
    case: str
    item: ItemRef
    queue: str
    answer: str
    policy: str | None
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenCaseOffered:
    """A golden case was given to a reviewer as if it were any other."""

    task: str
    golden: str
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenCaseRetired:
    """A golden case is mixed in no more; the answers that were given count on."""

    golden: str
    by: str
    reason: str  # retired | content_gone


EVENTS = (
    EventSpec("quality.second_review_asked", SecondReviewAsked),
    EventSpec("quality.second_review_submitted", SecondReviewSubmitted),
    EventSpec("quality.second_review_withdrawn", SecondReviewWithdrawn),
    EventSpec("quality.second_review_adjudicated", SecondReviewAdjudicated),
    EventSpec("quality.golden_case_marked", GoldenCaseMarked),
    EventSpec("quality.golden_case_offered", GoldenCaseOffered),
    EventSpec("quality.golden_case_retired", GoldenCaseRetired),
)
