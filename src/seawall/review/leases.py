"""Leases on cases: exclusive, expiring, renewed by a heartbeat.

A lease is one row, taken by one atomic statement (insert, or take over an expired lease), so that two reviewers never
hold the same case, on SQLite or PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Select, exists, select
from sqlalchemy import case as sql_case
from sqlalchemy.dialects import postgresql, sqlite

from seawall.model import now_ms
from seawall.review.errors import CaseMoved, CaseTaken, NoSuchCase, OwnDecision
from seawall.review.machine import CaseState
from seawall.review.tables import case as case_table
from seawall.review.tables import case_decider, case_passing, lease, skip
from seawall.storage.database import Database
from seawall.storage.transaction import Transaction

LEASE_MS = 10 * 60 * 1000
SKIP_MS = 60 * 60 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A person's lease on a case until ``until`` (ms since 1970)."""

    case: str
    person: str
    until: int


def next_case(
    database: Database,
    person: str,
    *,
    queue: str | None = None,
    content_type: str | None = None,
    excluded: Collection[str] = (),
    ms: int = LEASE_MS,
) -> Lease | None:
    """Lease the most urgent open case that is free; a case that ``person`` already holds comes first.

    None when no case is waiting. Cases that the person skipped recently or left to others are not offered, nor those of
    the harms in ``excluded``.
    """
    while True:
        now = now_ms()
        with database.read() as connection:
            wanted = connection.execute(_waiting(person, queue, content_type, now, excluded)).scalar()
        if wanted is None:
            return None
        try:
            return take(database, wanted, person, ms=ms)
        except (CaseTaken, CaseMoved, OwnDecision):  # another reviewer was faster: the next search omits it
            continue


def case_held_by(connection: Connection, person: str, now: int) -> str | None:
    """An open case that this person holds, the one leased last; None: they hold none."""
    mine = (lease.c.person == person) & (lease.c.until > now) & (case_table.c.state == CaseState.OPEN)
    query = select(lease.c.case).join(case_table, case_table.c.id == lease.c.case).where(mine)
    return connection.execute(query.order_by(lease.c.until.desc(), lease.c.case).limit(1)).scalar()


def take(database: Database, case: str, person: str, *, ms: int = LEASE_MS) -> Lease:
    """Lease this case, or renew the lease; the person is about to see the case with all its reports.

    Raises NoSuchCase, CaseMoved (closed), CaseTaken (held by another) or OwnDecision (the person decided what is
    appealed in it).
    """
    return _take(database, case, person, ms, sees_reports=True)


def _take(database: Database, case: str, person: str, ms: int, *, sees_reports: bool) -> Lease:
    with database.write() as connection:
        query = select(case_table.c.state, case_table.c.reports_received).where(case_table.c.id == case)
        found = connection.execute(query).one_or_none()
        if found is None:
            raise NoSuchCase
        if found.state != CaseState.OPEN:
            raise CaseMoved("This case is closed: it was decided, or a later evaluation cleared it.")
        if is_decider(connection, case, person):
            raise OwnDecision
        now = now_ms()
        row = {"case": case, "person": person, "until": now + ms, "reports_received": found.reports_received}
        _take_over(connection, row, now, sees_reports=sees_reports)
        held = connection.execute(select(lease).where(lease.c.case == case)).one()
        if held.person != person:
            raise CaseTaken("Another reviewer is working on this case.")
    return Lease(case=held.case, person=held.person, until=held.until)


def renew(database: Database, case: str, person: str, *, ms: int = LEASE_MS) -> Lease:
    """The heartbeat: extend the lease by ``ms``. Reports that came since ``take`` stay unseen. Raises as ``take``."""
    return _take(database, case, person, ms, sees_reports=False)


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


def is_decider(reader: Connection | Transaction, case: str, person: str) -> bool:
    """Whether the person decided what is appealed in the case."""
    query = select(case_decider.c.person).where(case_decider.c.case == case, case_decider.c.person == person)
    return reader.execute(query.limit(1)).first() is not None


def _take_over(connection: Connection, row: Mapping[str, object], now: int, *, sees_reports: bool) -> None:
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(lease).values(row)
    mine = lease.c.person == row["person"]
    new = statement.excluded
    decided = select(case_decider.c.person).where(case_decider.c.case == row["case"])
    kept = sql_case((mine, lease.c.reports_received), else_=new.reports_received)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[lease.c.case],
            set_={
                "person": new.person,
                "until": new.until,
                "reports_received": new.reports_received if sees_reports else kept,
            },
            where=(lease.c.until <= now) | mine | lease.c.person.in_(decided),  # they cannot answer any more
        )
    )


def is_waiting(connection: Connection, person: str, now: int, *, queue: str | None, content_type: str | None) -> bool:
    """Whether a case waits that ``next_case`` would offer to this person if no harm were excluded."""
    return connection.execute(_waiting(person, queue, content_type, now, ())).first() is not None


def _waiting(
    person: str, queue: str | None, content_type: str | None, now: int, excluded: Collection[str]
) -> Select[str]:
    mine = exists().where(lease.c.case == case_table.c.id, lease.c.person == person, lease.c.until > now)
    others = exists().where(lease.c.case == case_table.c.id, lease.c.person != person, lease.c.until > now)
    skipped = exists().where(skip.c.case == case_table.c.id, skip.c.person == person, skip.c.until > now)
    passed_on = exists().where(
        case_passing.c.case == case_table.c.id,
        case_passing.c.person == person,
        case_passing.c.at >= case_table.c.opened_at,
    )
    decided = exists().where(case_decider.c.case == case_table.c.id, case_decider.c.person == person)
    statement = select(case_table.c.id).where(
        case_table.c.state == CaseState.OPEN, ~others, mine | ~skipped & ~passed_on, ~decided
    )
    if queue is not None:
        statement = statement.where(case_table.c.queue == queue)
    if content_type is not None:
        statement = statement.where(case_table.c.content_type == content_type)
    if excluded:
        harm = case_table.c.harm
        statement = statement.where(mine | harm.is_(None) | harm.not_in(sorted(excluded)))
    first = sql_case((mine, 0), else_=1)
    return statement.order_by(first, case_table.c.priority.desc(), case_table.c.opened_at, case_table.c.id).limit(1)
