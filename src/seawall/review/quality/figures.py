"""Agreement of independent answers, by queue and by policy: pure functions of the answers."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from seawall.measure import Interval, cohen_kappa, krippendorff_alpha, percent_agreement, wilson
from seawall.review.quality.queries import AnswerPair, ReviewerCounts
from seawall.review.review_answer import VIOLATES


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerAgreement:
    """How far first and second reviewers agree. NaN: undefined, because all answers are alike or there is none."""

    name: str
    pairs: int
    agreed: int
    share: Interval
    kappa: Interval
    alpha: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewerFigures:
    """One reviewer's agreement with others and accuracy on golden cases."""

    person: str
    pairs: int
    agreement: Interval
    golden: int
    accuracy: Interval


def by_queue(pairs: Sequence[AnswerPair]) -> list[AnswerAgreement]:
    """All queues together (named "all"), then each: do the two give the same answer under the same policy?"""
    queues = sorted({pair.queue for pair in pairs})
    return [
        _agreement(name, [(pair.first, pair.second) for pair in pairs if queue in (None, pair.queue)])
        for name, queue in [("all", None), *((queue, queue) for queue in queues)]
    ]


def by_policy(pairs: Sequence[AnswerPair]) -> list[AnswerAgreement]:
    """Each policy that somebody named, over all pairs: does the content violate this policy, yes or no?"""
    named = sorted({policy for pair in pairs for _, policy in (pair.first, pair.second) if policy is not None})
    return [
        _agreement(policy, [(pair.first == (VIOLATES, policy), pair.second == (VIOLATES, policy)) for pair in pairs])
        for policy in named
    ]


def of_reviewer(counts: ReviewerCounts) -> ReviewerFigures:
    """Shares with Wilson's intervals."""
    return ReviewerFigures(
        person=counts.person,
        pairs=counts.pairs,
        agreement=wilson(counts.agreed, counts.pairs),
        golden=counts.golden,
        accuracy=wilson(counts.right, counts.golden),
    )


def _agreement(name: str, pairs: Sequence[tuple[Hashable, Hashable]]) -> AnswerAgreement:
    first, second = [one for one, _ in pairs], [other for _, other in pairs]
    numbers = {label: float(place) for place, label in enumerate(sorted({*first, *second}, key=str))}
    return AnswerAgreement(
        name=name,
        pairs=len(pairs),
        agreed=sum(one == other for one, other in pairs),
        share=percent_agreement(first, second),
        kappa=cohen_kappa(first, second),
        alpha=krippendorff_alpha([(numbers[one], numbers[other]) for one, other in pairs]),
    )
