"""Which blind review a person gets next, and the leases on them.

A lease is one row, taken by one atomic statement, as those of cases: two people never hold the same task.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from seawall.model import new_id, now_ms
from seawall.model.case_scope import EVERY_CASE, CaseScopes
from seawall.review.abilities import ANY_CASE, Abilities, in_languages
from seawall.review.case_scopes import in_scopes
from seawall.review.errors import CaseMoved, CaseTaken, NoSuchCase
from seawall.review.leases import LEASE_MS, SKIP_MS
from seawall.review.quality.events import GoldenCaseOffered
from seawall.review.quality.settings import QualitySettings
from seawall.review.quality.tables import blind_review, blind_review_lease, golden_case
from seawall.review.tables import case as case_table
from seawall.review.tables import review, skip
from seawall.storage.database import Database
from seawall.storage.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLease:
    """A person's lease on a task until ``until`` (ms since 1970)."""

    task: str
    person: str
    until: int


def next_task(
    ledger: Ledger,
    settings: QualitySettings,
    person: str,
    *,
    policies: Collection[str],
    queue: str | None = None,
    content_type: str | None = None,
    idle: bool = False,
    child_safety: bool = False,
    scopes: CaseScopes = EVERY_CASE,
    abilities: Abilities = ANY_CASE,
    draw: Callable[[], float] = random.random,
) -> str | None:
    """Lease a blind review for ``person`` before their next case, at the rate that the shares imply; or None.

    One that they hold comes first. Second reviews are offered at twice the rate at which they are asked for, so that
    those which had to wait are made up for; ``idle``: no case waits, so any of them is offered. Golden cases are
    offered at their rate only, each once to a person, and never to somebody who reviewed the case before; those whose
    policy is none of the active ``policies`` are not, because nobody could give their right answer. What is of child
    safety is offered with ``child_safety`` only, to its specialists. ``abilities``: as for the next case.
    """
    with ledger.database.read() as connection:
        if (held := _held(connection, person)) is not None:
            return held
        drawn = 1.0 if idle else draw()
        if not idle and drawn >= settings.golden_share + 2 * settings.blind_share:
            return None
        golden = None
        if drawn < settings.golden_share:
            chosen = [*_in(golden_case, queue, content_type), *_seen(golden_case, child_safety, scopes, abilities)]
            golden = _next_golden(connection, person, policies, chosen)
    if golden is not None:
        task = new_id("blind")
        ledger.commit(lambda tx: tx.append(GoldenCaseOffered(task=task, golden=golden, person=person)))
        return take_task(ledger.database, task, person).task
    chosen = [*_in(blind_review, queue, content_type), *_seen(blind_review, child_safety, scopes, abilities)]
    return _take_waiting(ledger.database, person, chosen)


def _take_waiting(database: Database, person: str, chosen: Sequence[ColumnElement[bool]]) -> str | None:
    while True:
        now = now_ms()
        with database.read() as connection:
            query = select(blind_review.c.id).where(_may_answer(person), *chosen, ~_held_by_others(person, now))
            query = query.where(~_skipped(person, now)).order_by(blind_review.c.seq).limit(1)
            wanted = connection.execute(query).scalar()
        if wanted is None:
            return None
        try:
            return take_task(database, wanted, person).task
        except (CaseTaken, CaseMoved):  # another reviewer was faster: the next search omits it
            continue


def take_task(database: Database, task: str, person: str, *, ms: int = LEASE_MS) -> TaskLease:
    """Lease the task, or renew the lease. Raises NoSuchCase, CaseMoved (answered) or CaseTaken (held by another)."""
    with database.write() as connection:
        found = connection.execute(select(blind_review.c.state).where(blind_review.c.id == task)).one_or_none()
        if found is None or not may_take(connection, task, person):
            raise NoSuchCase
        if found.state != "waiting":
            raise CaseMoved("This case was answered already. Take the next one.")
        now = now_ms()
        insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
        statement = insert(blind_review_lease).values(task=task, person=person, until=now + ms)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=[blind_review_lease.c.task],
                set_={"person": statement.excluded.person, "until": statement.excluded.until},
                where=(blind_review_lease.c.until <= now) | (blind_review_lease.c.person == person),
            )
        )
        held = connection.execute(select(blind_review_lease).where(blind_review_lease.c.task == task)).one()
        if held.person != person:
            raise CaseTaken("Another reviewer is working on this case.")
    return TaskLease(task=held.task, person=held.person, until=held.until)


renew_task = take_task
"""The heartbeat."""


def release_task(database: Database, task: str, person: str) -> None:
    """Release the task, if this person holds it."""
    with database.write() as connection:
        connection.execute(
            blind_review_lease.delete().where(blind_review_lease.c.task == task, blind_review_lease.c.person == person)
        )


def skip_task(database: Database, task: str, person: str, *, ms: int = SKIP_MS) -> None:
    """Release the task, and do not offer it to this person again for ``ms``."""
    release_task(database, task, person)
    now = now_ms()
    with database.write() as connection:
        connection.execute(
            skip.delete().where((skip.c.case == task) & (skip.c.person == person) | (skip.c.until < now))
        )
        connection.execute(skip.insert().values(case=task, person=person, until=now + ms))


def task_lease(connection: Connection, task: str, now: int) -> TaskLease | None:
    """The lease in force on the task at ``now``, or None."""
    query = select(blind_review_lease).where(blind_review_lease.c.task == task, blind_review_lease.c.until > now)
    row = connection.execute(query).first()
    return TaskLease(task=row.task, person=row.person, until=row.until) if row else None


def may_take(connection: Connection, task: str, person: str) -> bool:
    """Whether the task may be answered by this person: they are not the first reviewer, and it is not for another."""
    return connection.execute(select(exists().where(blind_review.c.id == task, _suits(person)))).scalar() is True


def _may_answer(person: str) -> ColumnElement[bool]:
    return and_(blind_review.c.state == "waiting", _suits(person))


def _suits(person: str) -> ColumnElement[bool]:
    reviewed = exists().where(review.c.case == blind_review.c.case, review.c.reviewer == person)
    return and_(~reviewed, or_(blind_review.c.person.is_(None), blind_review.c.person == person))


def _held(connection: Connection, person: str) -> str | None:
    query = (
        select(blind_review_lease.c.task)
        .join(blind_review, blind_review.c.id == blind_review_lease.c.task)
        .where(blind_review_lease.c.person == person, blind_review_lease.c.until > now_ms())
        .where(blind_review.c.state == "waiting")
    )
    found = connection.execute(query.limit(1)).scalar()
    return None if found is None else str(found)


def _held_by_others(person: str, now: int) -> ColumnElement[bool]:
    held = blind_review_lease
    return exists().where(held.c.task == blind_review.c.id, held.c.person != person, held.c.until > now)


def _skipped(person: str, now: int) -> ColumnElement[bool]:
    return exists().where(skip.c.case == blind_review.c.id, skip.c.person == person, skip.c.until > now)


def _in(table: Any, queue: str | None, content_type: str | None) -> list[ColumnElement[bool]]:
    chosen = {"queue": queue, "content_type": content_type}
    return [table.c[name] == value for name, value in chosen.items() if value is not None]


def _seen(table: Any, child_safety: bool, scopes: CaseScopes, abilities: Abilities) -> list[ColumnElement[bool]]:
    """Without what only the specialists of child safety may see, unless the person is one; in the scopes only, and
    what suits the person."""
    guarded = exists().where(case_table.c.id == table.c.case, case_table.c.child_safety.is_(True))
    admitted = exists().where(case_table.c.id == table.c.case, in_scopes(scopes))
    read = exists().where(case_table.c.id == table.c.case, in_languages(abilities))
    return [
        *([] if child_safety else [~guarded]),
        *([] if scopes == EVERY_CASE else [admitted]),
        *([] if abilities == ANY_CASE else [read, table.c.queue.not_in(sorted(abilities.other_queues))]),
    ]


def _next_golden(
    connection: Connection, person: str, policies: Collection[str], chosen: Sequence[ColumnElement[bool]]
) -> str | None:
    """A golden case that the person has neither met nor reviewed: the one that fewest have met."""
    met = exists().where(blind_review.c.golden == golden_case.c.id, blind_review.c.person == person)
    reviewed = exists().where(review.c.case == golden_case.c.case, review.c.reviewer == person)
    times = select(func.count()).where(blind_review.c.golden == golden_case.c.id).scalar_subquery()
    query = select(golden_case.c.id).where(
        golden_case.c.retired_at.is_(None), golden_case.c.marked_by != person, ~met, ~reviewed
    )
    query = query.where(golden_case.c.policy.is_(None) | golden_case.c.policy.in_(policies))
    query = query.where(*chosen).order_by(times, golden_case.c.seq).limit(1)
    found = connection.execute(query).scalar()
    return None if found is None else str(found)
