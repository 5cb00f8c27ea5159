"""Leases on cases: exclusive, expiring, renewed by a heartbeat.

A lease is one row, taken by one atomic statement (insert, or take over an expired lease), so that two reviewers never
hold the same case, on SQLite or PostgreSQL.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Select, exists, select
from sqlalchemy import case as sql_case
from sqlalchemy.dialects import postgresql, sqlite

from seawall.model import now_ms
from seawall.review.errors import CaseMoved, CaseTaken, NoSuchCase
from seawall.review.machine import CaseState
from seawall.review.tables import case as case_table
from seawall.review.tables import lease, skip
from seawall.storage.database import Database

LEASE_MS = 10 * 60 * 1000
SKIP_MS = 60 * 60 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A person's lease on a case until ``until`` (ms since 1970)."""

    case: str
    person: str
    until: int


def next_case(
    database: Database, person: str, *, queue: str | None = None, content_type: str | None = None, ms: int = LEASE_MS
) -> Lease | None:
    """Lease the most urgent open case that is free; a case that ``person`` already holds comes first.

    None when no case is waiting. Cases that the person skipped recently are not offered.
    """
    while True:
        now = now_ms()
        with database.read() as connection:
            wanted = connection.execute(_waiting(person, queue, content_type, now)).scalar()
        if wanted is None:
            return None
        try:
            return take(database, wanted, person, ms=ms)
        except (CaseTaken, CaseMoved):  # another reviewer was faster: the next search omits it
            continue


def take(database: Database, case: str, person: str, *, ms: int = LEASE_MS) -> Lease:
    """Lease this case, or renew the lease. Raises NoSuchCase, CaseMoved (closed) or CaseTaken (held by another)."""
    with database.write() as connection:
        state = connection.execute(select(case_table.c.state).where(case_table.c.id == case)).scalar()
        if state is None:
            raise NoSuchCase
        if state != CaseState.OPEN:
            raise CaseMoved("This case is closed: it was decided, or a later evaluation cleared it.")
        now = now_ms()
        _take_over(connection, case, person, now, now + ms)
        held = connection.execute(select(lease).where(lease.c.case == case)).one()
        if held.person != person:
            raise CaseTaken("Another reviewer is working on this case.")
    return Lease(case=held.case, person=held.person, until=held.until)


def renew(database: Database, case: str, person: str, *, ms: int = LEASE_MS) -> Lease:
    """The heartbeat: extend the lease by ``ms``. Raises as ``take`` does."""
    return take(database, case, person, ms=ms)


def release(database: Database, case: str, person: str) -> None:
    """Release the case, if this person holds it."""
    with database.write() as connection:
        connection.execute(lease.delete().where(lease.c.case == case, lease.c.person == person))


def skip_case(database: Database, case: str, person: str, *, ms: int = SKIP_MS) -> None:
    """Release the case, and do not offer it to this person again for ``ms``."""
    now = now_ms()
    with database.write() as connection:
        connection.execute(lease.delete().where(lease.c.case == case, lease.c.person == person))
        connection.execute(
            skip.delete().where((skip.c.case == case) & (skip.c.person == person) | (skip.c.until < now))
        )
        connection.execute(skip.insert().values(case=case, person=person, until=now + ms))


def holder(connection: Connection, case: str, now: int) -> Lease | None:
    """The lease in force on the case at ``now``, or None."""
    row = connection.execute(select(lease).where(lease.c.case == case, lease.c.until > now)).first()
    return Lease(case=row.case, person=row.person, until=row.until) if row else None


def _take_over(connection: Connection, case: str, person: str, now: int, until: int) -> None:
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(lease).values(case=case, person=person, until=until)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[lease.c.case],
            set_={"person": statement.excluded.person, "until": statement.excluded.until},
            where=(lease.c.until <= now) | (lease.c.person == person),
        )
    )


def _waiting(person: str, queue: str | None, content_type: str | None, now: int) -> Select[str]:
    mine = exists().where(lease.c.case == case_table.c.id, lease.c.person == person, lease.c.until > now)
    others = exists().where(lease.c.case == case_table.c.id, lease.c.person != person, lease.c.until > now)
    skipped = exists().where(skip.c.case == case_table.c.id, skip.c.person == person, skip.c.until > now)
    statement = select(case_table.c.id).where(case_table.c.state == CaseState.OPEN, ~others, mine | ~skipped)
    if queue is not None:
        statement = statement.where(case_table.c.queue == queue)
    if content_type is not None:
        statement = statement.where(case_table.c.content_type == content_type)
    first = sql_case((mine, 0), else_=1)
    return statement.order_by(first, case_table.c.priority.desc(), case_table.c.opened_at, case_table.c.id).limit(1)
