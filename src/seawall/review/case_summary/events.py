"""Events of case summaries. What the model wrote may quote content: it is sealed in the vault, not written here."""

from __future__ import annotations

from dataclasses import dataclass

from seawall.model import ItemRef
from seawall.storage import EventSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSummarised:
    """A language model was asked to summarise a case, or was not asked for a reason.

    The text is sealed under ``summary/<summary>``. ``hidden``: reviewers do not see it, so that their answers can be
    compared with those of reviewers who do.
    """

    summary: str
    case: str
    item: ItemRef  # in the revision that was summarised
    model: str
    outcome: str  # given | unusable | refused | failed | no_text | child_safety
    answer: str | None  # suggested: violates | does_not_violate; None: none, or not one of those that were offered
    policy: str | None
    hidden: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSummaryShown:
    """A reviewer who has the case was shown its summary."""

    summary: str
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSummaryExpanded:
    """The reviewer opened it: the text and the suggested answer were read."""

    summary: str
    person: str


EVENTS = (
    EventSpec("summary.given", CaseSummarised),
    EventSpec("summary.shown", CaseSummaryShown),
    EventSpec("summary.expanded", CaseSummaryExpanded),
)
