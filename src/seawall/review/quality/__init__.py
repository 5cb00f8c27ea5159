"""Quality of reviews: blind second reviews, golden cases, and how far people agree.

    from seawall.review import quality

    task = quality.next_task(ledger, settings, person, policies=policies)  # None: go on with the queue
    quality.submit_second_review(ledger, policies, task, person, quality.BlindAnswer(answer="violates", …))
    quality.adjudicate(ledger, policies, task, specialist, quality.BlindAnswer(…))    # where the two disagree
    quality.mark_golden(ledger, policies, case, item, specialist, answer="violates", policy="hateful-conduct")

A *task* is one blind review that is asked of somebody: of a case that another person decided, or of a golden case. Who
answers cannot tell which. Nothing is enforced by an answer.
"""

from seawall.review.quality.blind_answers import BlindAnswer, adjudicate, submit_second_review, withdraw
from seawall.review.quality.component import COMPONENT
from seawall.review.quality.golden import mark_golden, retire_golden
from seawall.review.quality.settings import QualitySettings
from seawall.review.quality.tasks import (
    TaskLease,
    may_take,
    next_task,
    release_task,
    renew_task,
    skip_task,
    take_task,
    task_lease,
)

__all__ = [
    "COMPONENT",
    "BlindAnswer",
    "QualitySettings",
    "TaskLease",
    "adjudicate",
    "mark_golden",
    "may_take",
    "next_task",
    "release_task",
    "renew_task",
    "retire_golden",
    "skip_task",
    "submit_second_review",
    "take_task",
    "task_lease",
    "withdraw",
]
