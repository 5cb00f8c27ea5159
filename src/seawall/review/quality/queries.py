"""Reading blind reviews and golden cases, as typed rows. Pages read through here and never import the tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, literal, or_, select

from seawall.review.quality.tables import blind_review, golden_case
from seawall.review.review_answer import VIOLATES
from seawall.review.tables import review


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindReviewRow:
    """One task with what its answer is compared with: the first review's answer. Notes are in the vault."""

    id: str
    seq: int
    at: int
    case: str
    item: str
    content_type: str
    revision: int
    queue: str
    state: str  # waiting | answered | adjudicated | withdrawn
    first_review: str | None  # None: a golden case
    first_reviewer: str | None
    first_decision: str | None
    first_answer: str | None
    first_policy: str | None
    first_reason: str | None
    reviewer: str | None
    answered_at: int | None
    answer: str | None
    policy: str | None
    reason: str | None
    adjudicator: str | None
    adjudicated_at: int | None
    final_answer: str | None
    final_policy: str | None
    final_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRow:
    """What a person who answers a task may know about it."""

    id: str
    case: str
    item: str
    content_type: str
    revision: int
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPair:
    """Two independent answers on one case."""

    queue: str
    first: tuple[str, str | None]  # answer, policy
    second: tuple[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindJudgement:
    """What a second reviewer, or with ``is_final`` the adjudicator, says about one policy.

    ``violates`` None: the final answer names another policy, and says nothing about this one.
    """

    task: str
    at: int
    item: str
    content_type: str
    revision: int
    decision: str | None  # of the first reviewer
    person: str | None
    policy: str
    violates: bool | None
    is_final: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewerCounts:
    """How often a reviewer agreed with others, and was right on golden cases."""

    person: str
    pairs: int  # cases of which there is another answer: given first or second
    agreed: int
    golden: int
    right: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenCaseRow:
    """One golden case, and how it was answered."""

    id: str
    seq: int
    at: int
    case: str
    item: str
    content_type: str
    queue: str
    answer: str
    policy: str | None
    marked_by: str
    retired_at: int | None
    retired_by: str | None
    retired_reason: str | None
    answered: int
    right: int


_OWN = [name for name in BlindReviewRow.__dataclass_fields__ if not name.startswith("first_")]
_ROW = select(
    *(blind_review.c[name] for name in _OWN),
    review.c.id.label("first_review"),
    *(review.c[name].label(f"first_{name}") for name in ("reviewer", "decision", "answer", "policy", "reason")),
).outerjoin_from(blind_review, review, review.c.id == blind_review.c.review)

_DONE = blind_review.c.state.in_(("answered", "adjudicated"))
_STANDS = review.c.undone_at.is_(None)  # what the first reviewer took back was no answer
_SAME = and_(blind_review.c.answer == review.c.answer, blind_review.c.policy.is_not_distinct_from(review.c.policy))
_RIGHT = and_(
    blind_review.c.answer == golden_case.c.answer, blind_review.c.policy.is_not_distinct_from(golden_case.c.policy)
)


def get_task(connection: Connection, task: str) -> TaskRow | None:
    """One task, without any answer."""
    query = select(*(blind_review.c[name] for name in TaskRow.__dataclass_fields__)).where(blind_review.c.id == task)
    row = connection.execute(query).mappings().first()
    return None if row is None else TaskRow(**row)


def get_blind_review(connection: Connection, task: str) -> BlindReviewRow | None:
    """One task with all answers; for those who may see them."""
    row = connection.execute(_ROW.where(blind_review.c.id == task)).mappings().first()
    return None if row is None else BlindReviewRow(**row)


def list_disagreements(
    connection: Connection,
    *,
    policy: str = "",
    state: str = "",
    severities: Mapping[str, int] = MappingProxyType({}),
    limit: int,
    skip: int = 0,
) -> list[BlindReviewRow]:
    """Where a second reviewer answered otherwise, the most severe first, then the newest.

    ``policy``: one that either named; ``state``: open | adjudicated; empty: all. ``severities``: of policies, by name;
    the graver of the two that the answers name counts.
    """
    query = _ROW.where(_DONE, review.c.id.is_not(None), _STANDS, ~_SAME)
    if policy:
        query = query.where(or_(blind_review.c.policy == policy, review.c.policy == policy))
    if state:
        query = query.where(blind_review.c.state == ("adjudicated" if state == "adjudicated" else "answered"))
    query = query.order_by(_severity(severities).desc(), blind_review.c.seq.desc())
    return [BlindReviewRow(**row) for row in connection.execute(query.limit(limit).offset(skip)).mappings()]


def _severity(severities: Mapping[str, int]) -> ColumnElement[int]:
    """The severity of the gravest policy that either answer names; 0 for one that is not known any more."""
    named: dict[int, list[str]] = {}
    for policy, severity in sorted(severities.items(), key=lambda item: -item[1]):
        named.setdefault(severity, []).append(policy)
    whens = [
        (or_(blind_review.c.policy.in_(names), review.c.policy.in_(names)), literal(severity))
        for severity, names in named.items()
    ]
    return case(*whens, else_=literal(0)) if whens else literal(0)


def answer_pairs(connection: Connection, *, since: int = 0, until: int | None = None) -> list[AnswerPair]:
    """All pairs of independent answers of which the second was given from ``since`` until ``until`` (ms)."""
    query = (
        select(blind_review.c.queue, review.c.answer, review.c.policy, blind_review.c.answer, blind_review.c.policy)
        .join_from(blind_review, review, review.c.id == blind_review.c.review)
        .where(_DONE, _STANDS, blind_review.c.answered_at >= since)
        .order_by(blind_review.c.seq)
    )
    if until is not None:
        query = query.where(blind_review.c.answered_at < until)
    return [
        AnswerPair(queue=queue, first=(answer, policy), second=(second, second_policy))
        for queue, answer, policy, second, second_policy in connection.execute(query)
    ]


def judgements_of_blind_reviews(connection: Connection) -> list[BlindJudgement]:
    """Those of all blind reviews of cases that stand, oldest first, about the policies that either answer names."""
    query = _ROW.where(_DONE, review.c.id.is_not(None), _STANDS).order_by(blind_review.c.seq)
    found = []
    for row in connection.execute(query).mappings():
        one = BlindReviewRow(**row)
        for policy in sorted({name for name in (one.first_policy, one.policy, one.final_policy) if name is not None}):
            found.append(_judgement(one, policy, is_final=False))
            if one.state == "adjudicated":
                found.append(_judgement(one, policy, is_final=True))
    return found


def _judgement(row: BlindReviewRow, policy: str, *, is_final: bool) -> BlindJudgement:
    answer, named = (row.final_answer, row.final_policy) if is_final else (row.answer, row.policy)
    at = row.adjudicated_at if is_final else row.answered_at
    assert at is not None
    return BlindJudgement(
        task=row.id,
        at=at,
        item=row.item,
        content_type=row.content_type,
        revision=row.revision,
        decision=row.first_decision,
        person=row.adjudicator if is_final else row.reviewer,
        policy=policy,
        violates=True if named == policy else None if answer == VIOLATES else False,
        is_final=is_final,
    )


def count_waiting(connection: Connection) -> int:
    """Second reviews that nobody has answered yet."""
    query = select(func.count()).where(blind_review.c.state == "waiting", blind_review.c.review.is_not(None))
    return connection.execute(query).scalar_one()


def reviewer_counts(
    connection: Connection, *, since: int = 0, until: int | None = None, person: str | None = None
) -> list[ReviewerCounts]:
    """Each reviewer's agreement and golden cases, of blind answers given from ``since`` until ``until``."""
    when = [_DONE, blind_review.c.answered_at >= since]
    if until is not None:
        when.append(blind_review.c.answered_at < until)
    second = select(blind_review.c.reviewer, func.count(), _times(_SAME)).join_from(
        blind_review, review, and_(review.c.id == blind_review.c.review, _STANDS)
    )
    first = select(review.c.reviewer, func.count(), _times(_SAME)).join_from(
        blind_review, review, and_(review.c.id == blind_review.c.review, _STANDS)
    )
    golden = select(blind_review.c.reviewer, func.count(), _times(_RIGHT)).join_from(
        blind_review, golden_case, golden_case.c.id == blind_review.c.golden
    )
    found: dict[str, list[int]] = {}
    for query, who, place in ((second, blind_review, 0), (first, review, 0), (golden, blind_review, 2)):
        query = query.where(*when).group_by(who.c.reviewer)
        if person is not None:
            query = query.where(who.c.reviewer == person)
        for name, times, same in connection.execute(query):
            counts = found.setdefault(name, [0, 0, 0, 0])
            counts[place] += times
            counts[place + 1] += same
    return [
        ReviewerCounts(person=name, pairs=counts[0], agreed=counts[1], golden=counts[2], right=counts[3])
        for name, counts in sorted(found.items())
    ]


def list_golden_cases(connection: Connection, *, limit: int, before: int | None = None) -> list[GoldenCaseRow]:
    """Golden cases, newest first, with how often they were answered and answered right."""
    answered = func.coalesce(func.sum(case((_DONE, 1), else_=0)), 0).label("answered")
    right = func.coalesce(func.sum(case((and_(_DONE, _RIGHT), 1), else_=0)), 0).label("right")
    columns = [golden_case.c[name] for name in GoldenCaseRow.__dataclass_fields__ if name not in ("answered", "right")]
    query: Select[Any] = (
        select(*columns, answered, right)
        .outerjoin_from(golden_case, blind_review, blind_review.c.golden == golden_case.c.id)
        .group_by(*columns)
    )
    if before is not None:
        query = query.where(golden_case.c.seq < before)
    rows = connection.execute(query.order_by(golden_case.c.seq.desc()).limit(limit)).mappings()
    return [GoldenCaseRow(**row) for row in rows]


def _times(holds: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((holds, 1), else_=0))
