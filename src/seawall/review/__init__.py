"""Human review: cases, the leases that reviewers hold on them, and reviews, which become decisions.

    from seawall import review

    lease = review.next_case(database, person, queue="hate")      # None when nothing waits
    review.renew(database, lease.case, person)                    # the heartbeat; leases last ten minutes
    decision = review.submit_review(
        ledger, rulebook, lease.case, person,
        review.ReviewAnswer(answer=review.VIOLATES, policy="hateful-conduct", actions=(Action("remove"),),
                      reason="clear_violation", note="Names a person."),
        find_item=screen.status_of,
    )

``machine`` is the case's state machine as a pure function; ``projections`` store each case's state.
"""

from seawall.review.abilities import (
    ANY_CASE,
    Abilities,
    Reviewer,
    UntakenCases,
    abilities_of,
    has_skills_of,
    reads_queue,
    untaken_cases,
)
from seawall.review.account_cases import ReviewedAccount, account_of_case, account_type, find_reviewed
from seawall.review.assignments import (
    ASSIGNED_MS,
    MOST_AT_ONCE,
    WHY_ASSIGN,
    WHY_DECLINE,
    assign,
    assign_most_urgent,
    decline,
    take_away,
)
from seawall.review.case_policies import CasePolicy, gravest_first, preset_policy
from seawall.review.component import COMPONENT
from seawall.review.errors import (
    BadAnswer,
    CannotAssign,
    CannotUndo,
    CaseMoved,
    CaseRestricted,
    CaseTaken,
    NoSuchCase,
    OwnDecision,
    ReviewError,
)
from seawall.review.events import Attention
from seawall.review.leases import (
    LEASE_MS,
    WHY_SKIP,
    Lease,
    assigned_to,
    case_held_by,
    holder,
    is_decider,
    is_waiting,
    next_case,
    release,
    renew,
    skip_case,
    take,
)
from seawall.review.machine import ACCOUNT, APPEALS_QUEUE, REPORTS_QUEUE, SPECIALISTS_QUEUE, Case, CaseState, case_id
from seawall.review.passing_on import WHY, pass_on
from seawall.review.queue_file import read_queues
from seawall.review.queues import Queues, QueueSettings
from seawall.review.review_answer import (
    DOES_NOT_VIOLATE,
    KEEPS_MEASURE,
    NOT_JUDGED,
    REASONS,
    VIOLATES,
    ReviewAnswer,
    Rulebook,
    kept_measures,
    preset_actions,
)
from seawall.review.reviews import REVIEW_RULE, AppealAnswer, held_case, let_go, preview_review, submit_review
from seawall.review.undo import reopen_case, undo_review

__all__ = [
    "ACCOUNT",
    "ANY_CASE",
    "APPEALS_QUEUE",
    "ASSIGNED_MS",
    "COMPONENT",
    "DOES_NOT_VIOLATE",
    "KEEPS_MEASURE",
    "LEASE_MS",
    "MOST_AT_ONCE",
    "NOT_JUDGED",
    "REASONS",
    "REPORTS_QUEUE",
    "REVIEW_RULE",
    "SPECIALISTS_QUEUE",
    "VIOLATES",
    "WHY",
    "WHY_ASSIGN",
    "WHY_DECLINE",
    "WHY_SKIP",
    "Abilities",
    "AppealAnswer",
    "Attention",
    "BadAnswer",
    "CannotAssign",
    "CannotUndo",
    "Case",
    "CaseMoved",
    "CasePolicy",
    "CaseRestricted",
    "CaseState",
    "CaseTaken",
    "Lease",
    "NoSuchCase",
    "OwnDecision",
    "QueueSettings",
    "Queues",
    "ReviewAnswer",
    "ReviewError",
    "ReviewedAccount",
    "Reviewer",
    "Rulebook",
    "UntakenCases",
    "abilities_of",
    "account_of_case",
    "account_type",
    "assign",
    "assign_most_urgent",
    "assigned_to",
    "case_held_by",
    "case_id",
    "decline",
    "find_reviewed",
    "gravest_first",
    "has_skills_of",
    "held_case",
    "holder",
    "is_decider",
    "is_waiting",
    "kept_measures",
    "let_go",
    "next_case",
    "pass_on",
    "preset_actions",
    "preset_policy",
    "preview_review",
    "read_queues",
    "reads_queue",
    "release",
    "renew",
    "reopen_case",
    "skip_case",
    "submit_review",
    "take",
    "take_away",
    "undo_review",
    "untaken_cases",
]
