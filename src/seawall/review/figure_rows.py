"""Reading what the figures of leads are made of: closings, arrivals, open cases, and what people did besides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, case, exists, func, literal, select

from seawall.review.tables import case as case_table
from seawall.review.tables import case_closing, case_passing, case_skip
from seawall.review.tables import review as review_table
from seawall.storage.driver import run
from seawall.storage.queries import select_in_chunks


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureFilters:
    """Which cases count; None: all. ``child_safety``: with those of child safety."""

    queue: str | None = None
    policy: str | None = None
    reviewer: str | None = None
    child_safety: bool = False


class Closings(NamedTuple):
    """Openings of cases that ended, as columns: there may be many thousand. ``reviewer`` None: a later evaluation
    cleared it, or who appealed withdrew."""

    case: Sequence[str] = ()
    queue: Sequence[str] = ()
    policy: Sequence[str | None] = ()
    reviewer: Sequence[str | None] = ()
    opened_at: Sequence[int] = ()
    closed_at: Sequence[int] = ()
    seconds: Sequence[float | None] = ()  # that the reviewer had the page open


class ArrivalCount(NamedTuple):
    """Cases that were opened in one step of the period."""

    queue: str
    policy: str | None
    step: int
    times: int


class OpenCount(NamedTuple):
    """Cases that wait, in one class of age; ``late`` of them longer than their queue's SLA."""

    queue: str
    policy: str | None
    age: int
    times: int
    late: int


class ActCount(NamedTuple):
    """How often a person did something with cases of a queue and policy."""

    person: str
    queue: str
    policy: str | None
    why: str
    times: int


class AnsweredCase(NamedTuple):
    """By whom, where and under which policy a decision was made."""

    decision: str
    queue: str
    policy: str | None
    reviewer: str | None


def closings(connection: Connection, since: int, until: int, filters: FigureFilters) -> Closings:
    """Openings that ended from ``since`` until ``until`` (ms)."""
    columns = (case_closing.c[name] for name in Closings._fields)
    query = select(*columns).where(case_closing.c.closed_at >= since, case_closing.c.closed_at < until)
    rows = _run(connection, query.where(*_wanted(case_closing, filters, reviewer=True)))
    return Closings(*zip(*rows, strict=True)) if rows else Closings()


def arrivals(
    connection: Connection, since: int, until: int, step_ms: int, filters: FigureFilters
) -> list[ArrivalCount]:
    """Openings from ``since`` until ``until`` (ms), by queue, policy and step of ``step_ms``.

    An opening that a person opened once more, to decide it again, counts once.
    """
    again = exists().where(case_closing.c.case == case_table.c.id, case_closing.c.opened_at == case_table.c.opened_at)
    found: list[ArrivalCount] = []
    for table, more in ((case_closing, ()), (case_table, (case_table.c.state == "open", ~again))):
        step = ((table.c.opened_at - since) // literal(step_ms)).label("step")
        query = select(table.c.queue, table.c.policy, step, func.count())
        query = query.where(table.c.opened_at >= since, table.c.opened_at < until, *more)
        query = query.where(*_wanted(table, filters)).group_by(table.c.queue, table.c.policy, "step")
        found += [ArrivalCount._make(row) for row in connection.execute(query)]
    return found


def open_cases(
    connection: Connection, now: int, ages_ms: Sequence[int], sla_ms: Mapping[str, float], filters: FigureFilters
) -> list[OpenCount]:
    """Cases that wait at ``now``, by queue, policy and class of age: below the first of ``ages_ms``, and so on."""
    opened = case_table.c.opened_at
    steps = [(opened > now - most, place) for place, most in enumerate(ages_ms)]
    age = case(*steps, else_=len(ages_ms)).label("age")
    overdue = [(and_(case_table.c.queue == name, opened < now - sla), 1) for name, sla in sorted(sla_ms.items())]
    late: ColumnElement[Any] = func.sum(case(*overdue, else_=0)) if overdue else literal(0)
    query = select(case_table.c.queue, case_table.c.policy, age, func.count(), late)
    query = query.where(case_table.c.state == "open", *_wanted(case_table, filters))
    return [
        OpenCount._make(row)
        for row in connection.execute(query.group_by(case_table.c.queue, case_table.c.policy, "age"))
    ]


def skips(connection: Connection, since: int, until: int, filters: FigureFilters) -> list[ActCount]:
    """Skips with their reasons."""
    return _acts(connection, case_skip, case_skip.c.person, case_skip.c.why, case_skip.c.at, since, until, filters)


def passings(connection: Connection, since: int, until: int, filters: FigureFilters) -> list[ActCount]:
    """Cases that were left to others, with the reasons."""
    table = case_passing
    return _acts(connection, table, table.c.person, table.c.why, table.c.at, since, until, filters)


def undone(connection: Connection, since: int, until: int, filters: FigureFilters) -> list[ActCount]:
    """Answers that were taken back; ``why`` is empty."""
    table = review_table
    return _acts(connection, table, table.c.reviewer, None, table.c.undone_at, since, until, filters)


def answered_cases(connection: Connection, decisions: Sequence[str], filters: FigureFilters) -> list[AnsweredCase]:
    """Of these decisions those by which a person closed a case."""
    query = select(*(case_closing.c[name] for name in AnsweredCase._fields))
    query = query.where(*_wanted(case_closing, filters, reviewer=True))
    rows = select_in_chunks(connection, query, case_closing.c.decision, sorted(set(decisions)))
    return [AnsweredCase._make(row) for row in rows]


def policies_and_queues(connection: Connection, *, child_safety: bool) -> tuple[list[str], list[str]]:
    """All policies and queues of cases, for the filters: by name."""
    query = select(case_table.c.queue, case_table.c.policy).where(case_table.c.state.in_(("open", "closed")))
    shown = (False, True) if child_safety else (False,)
    rows = connection.execute(query.where(case_table.c.child_safety.in_(shown)).distinct()).all()
    return sorted({row.policy for row in rows if row.policy is not None}), sorted({row.queue for row in rows})


def _acts(
    connection: Connection,
    table: Any,
    person: ColumnElement[Any],
    why: ColumnElement[Any] | None,
    at: ColumnElement[Any],
    since: int,
    until: int,
    filters: FigureFilters,
) -> list[ActCount]:
    groups = (person, case_table.c.queue, case_table.c.policy, *(() if why is None else (why,)))
    query = select(*groups, *((literal(""),) if why is None else ()), func.count())
    query = query.join_from(table, case_table, case_table.c.id == table.c.case).where(at >= since, at < until)
    query = query.where(*_wanted(case_table, filters))
    if filters.reviewer is not None:
        query = query.where(person == filters.reviewer)
    return [ActCount._make(row) for row in connection.execute(query.group_by(*groups))]


def _wanted(table: Any, filters: FigureFilters, *, reviewer: bool = False) -> list[ColumnElement[bool]]:
    wanted = [] if filters.child_safety else [table.c.child_safety.is_(False)]
    if filters.queue is not None:
        wanted.append(table.c.queue == filters.queue)
    if filters.policy is not None:
        wanted.append(table.c.policy == filters.policy)
    if reviewer and filters.reviewer is not None:
        wanted.append(table.c.reviewer == filters.reviewer)
    return wanted


def _run(connection: Connection, query: Select[Any]) -> Sequence[Any]:
    compiled = query.compile(dialect=connection.dialect)
    given: Any = compiled.params
    if compiled.positiontup is not None:
        given = [compiled.params[name] for name in compiled.positiontup]
    return run(connection, str(compiled), given)
