"""Whether suggested answers change what reviewers answer: agreement where they were seen, against where hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seawall.measure import Interval, wilson
from seawall.review.case_summary.queries import SuggestedAnswer
from seawall.review.review_answer import VIOLATES


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionAgreement:
    """How often reviewers answered as was suggested. NaN: nobody answered."""

    name: str  # hidden | shown | expanded
    answers: int
    agreed: int
    share: Interval


def by_visibility(answers: Sequence[SuggestedAnswer]) -> list[SuggestionAgreement]:
    """Hidden by chance; shown, closed or opened; and of these the opened ones, which their readers chose."""
    return [
        _agreement("hidden", [one for one in answers if one.hidden]),
        _agreement("shown", [one for one in answers if one.shown and not one.hidden]),
        _agreement("expanded", [one for one in answers if one.expanded and not one.hidden]),
    ]


def agrees(one: SuggestedAnswer) -> bool:
    """Whether the person answered as suggested: a violation of the same policy, or none."""
    if (one.suggested[0] == VIOLATES) != (one.given[0] == VIOLATES):
        return False
    return one.suggested[0] != VIOLATES or one.suggested[1] == one.given[1]


def _agreement(name: str, answers: Sequence[SuggestedAnswer]) -> SuggestionAgreement:
    agreed = sum(agrees(one) for one in answers)
    return SuggestionAgreement(name=name, answers=len(answers), agreed=agreed, share=wilson(agreed, len(answers)))
