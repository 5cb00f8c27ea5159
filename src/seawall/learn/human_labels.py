"""Labels from what people answered: reviews, blind second reviews, adjudications and appeals, and which of them counts.

    >>> from dataclasses import replace
    >>> first = HumanLabel(
    ...     item="it_1", content_type="comment", revision=1, policy="threats", violates=True,
    ...     source=LabelSource.REVIEW, at=10, by="per_1", decision="dec_1", answer="rev_1",
    ... )
    >>> overturned = replace(first, violates=False, source=LabelSource.APPEAL, at=90, answer="app_1")
    >>> [(label.violates, label.source.value) for label in resolve([first, overturned])]
    [(False, 'appeal')]

They are about cases that rules, reports and appeals chose: no share may be estimated from them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum


class LabelSource(StrEnum):
    """What kind of answer a label comes from."""

    REVIEW = "review"
    SECOND_REVIEW = "second_review"  # blind, of a case that another person decided
    ADJUDICATION = "adjudication"  # the final answer where the two disagree
    APPEAL = "appeal"


_RANK = {source: rank for rank, source in enumerate(LabelSource)}


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanLabel:
    """What somebody said about one revision of an item under one policy.

    ``violates`` None: they said something else, so what was said before is not known to be right any more.
    ``answer``: the id of the review, the blind review or the appeal; ``decision``: what it is about. ``bulk``: the
    review is part of a bulk decision, so nobody looked at the item for it.
    """

    item: str  # surrogate
    content_type: str
    revision: int
    policy: str
    violates: bool | None
    source: LabelSource
    at: int  # ms since 1970
    by: str | None
    decision: str | None
    answer: str
    bulk: bool = False


def resolve(answers: Iterable[HumanLabel]) -> list[HumanLabel]:
    """One label for each revision and policy, in the order of time; none where people disagree and nobody ended it.

    A later answer counts for more than an earlier one, and of the same moment the one that corrects the other: an
    adjudication the review, an appeal both. A second review corrects nothing by itself: it confirms, or leaves open.
    """
    groups: defaultdict[tuple[str, int, str], list[HumanLabel]] = defaultdict(list)
    for answer in answers:
        groups[answer.item, answer.revision, answer.policy].append(answer)
    found = [label for group in groups.values() if (label := _counting(group)) is not None]
    return sorted(found, key=lambda label: (label.at, label.item, label.revision, label.policy))


def _counting(group: Sequence[HumanLabel]) -> HumanLabel | None:
    ordered = sorted(group, key=lambda one: (one.at, _RANK[one.source]))
    counting: HumanLabel | None = None
    for one in ordered:
        if one.source is not LabelSource.SECOND_REVIEW or counting is None:
            counting = one
        elif counting.source is LabelSource.REVIEW and counting.violates != one.violates:
            counting = replace(one, violates=None)
    return counting if counting is not None and counting.violates is not None else None
