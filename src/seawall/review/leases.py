"""Leases on cases: exclusive, expiring, renewed by a heartbeat.

A lease is one row, taken by one atomic statement (insert, or take over an expired lease), so that two reviewers never
hold the same case, on SQLite or PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, or_, select
from sqlalchemy import case as sql_case
from sqlalchemy.dialects import postgresql, sqlite

from seawall.model import now_ms
from seawall.model.case_scope import EVERY_CASE, CaseScopes
from seawall.review.abilities import ANY_CASE, Abilities, suits
from seawall.review.case_scopes import in_scopes
from seawall.review.errors import BadAnswer, CaseMoved, CaseRestricted, CaseTaken, NoSuchCase, OwnDecision
from seawall.review.events import CaseSkipped
from seawall.review.machine import CaseState
from seawall.review.tables import case as case_table
from seawall.review.tables import case_assignment, case_decider, case_passing, lease, skip
from seawall.storage.database import Database
from seawall.storage.ledger import Ledger
from seawall.storage.transaction import Transaction

LEASE_MS = 10 * 60 * 1000
SKIP_MS = 60 * 60 * 1000

WHY_SKIP: Final[Mapping[str, str]] = {
    "not_given": "No reason given",
    "later": "I come back to it",
    "takes_long": "Takes long",
    "does_not_load": "The content does not load",
    "know_them": "I know the people in it",
}
"""Codes of why a case was skipped, stored in the ledger, and their titles."""


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
    child_safety: bool = False,
    push: Mapping[str, float | None] = MappingProxyType({}),
    scopes: CaseScopes = EVERY_CASE,
    abilities: Abilities = ANY_CASE,
    ms: int = LEASE_MS,
) -> Lease | None:
    """Lease the most urgent open case that is free; a case that ``person`` already holds comes first.

    Then comes what was assigned to them, of whatever queue and content type. None when no case is waiting. Cases that
    the person skipped recently or left to others are not offered, nor those of the harms in ``excluded``; those of
    child safety only with ``child_safety``, for its specialists; and only those that one of the ``scopes`` admits and
    that suit the person's ``abilities``, which do not matter for what they hold or what was assigned to them.
    ``push``: queues whose cases are only given to whom they are assigned, until they have waited for so many seconds
    (None: always).
    """
    while True:
        now = now_ms()
        wanted = _Wanted(person, queue, content_type, excluded, child_safety, scopes, now, push, abilities)
        # In one transaction, and past the rows that others take at this moment: people who press the key together do
        # not all try the same case.
        free = _waiting(wanted).with_for_update(of=case_table, skip_locked=True)  # SQLite: it is exclusive anyway
        with suppress(CaseTaken), database.write() as connection:
            found = _held(connection, wanted) or _assigned(connection, wanted) or connection.execute(free).scalar()
            if found is not None:
                return _lease(connection, found, person, ms, sees_reports=True, child_safety=child_safety)
        with database.read() as connection:
            if _assigned(connection, wanted) is None and connection.execute(_waiting(wanted)).first() is None:
                return None


def case_held_by(connection: Connection, person: str, now: int) -> str | None:
    """An open case that this person holds, the one leased last; None: they hold none."""
    mine = (lease.c.person == person) & (lease.c.until > now) & (case_table.c.state == CaseState.OPEN)
    query = select(lease.c.case).join(case_table, case_table.c.id == lease.c.case).where(mine)
    return connection.execute(query.order_by(lease.c.until.desc(), lease.c.case).limit(1)).scalar()


def take(database: Database, case: str, person: str, *, child_safety: bool = False, ms: int = LEASE_MS) -> Lease:
    """Lease this case, or renew the lease; the person is about to see the case with all its reports.

    Raises NoSuchCase, CaseMoved (closed), CaseTaken (held by another or assigned to one), OwnDecision (the person
    decided what is appealed in it) or, without ``child_safety``, CaseRestricted.
    """
    with database.write() as connection:
        return _lease(connection, case, person, ms, sees_reports=True, child_safety=child_safety)


def _lease(connection: Connection, case: str, person: str, ms: int, *, sees_reports: bool, child_safety: bool) -> Lease:
    columns = (case_table.c.state, case_table.c.reports_received, case_table.c.child_safety)
    # Locked, as by whoever assigns the case: of the two that come at one moment, the second sees what the first did.
    query = select(*columns).where(case_table.c.id == case).with_for_update()
    found = connection.execute(query).one_or_none()
    if found is None or found.state == CaseState.NONE:
        raise NoSuchCase
    if found.child_safety and not child_safety:
        raise CaseRestricted
    if found.state != CaseState.OPEN:
        raise CaseMoved("This case is closed: it was decided, or a later evaluation cleared it.")
    if is_decider(connection, case, person):
        raise OwnDecision
    now = now_ms()
    if assigned_to(connection, case, now) not in (None, person):
        raise CaseTaken(ASSIGNED_TO_ANOTHER)
    row = {"case": case, "person": person, "until": now + ms, "reports_received": found.reports_received}
    _take_over(connection, row, now, sees_reports=sees_reports)
    held = connection.execute(select(lease).where(lease.c.case == case)).one()
    if held.person != person:
        raise CaseTaken("Another reviewer is working on this case.")
    return Lease(case=held.case, person=held.person, until=held.until)


def renew(database: Database, case: str, person: str, *, child_safety: bool = False, ms: int = LEASE_MS) -> Lease:
    """The heartbeat: extend the lease by ``ms``. Reports that came since ``take`` stay unseen. Raises as ``take``."""
    with database.write() as connection:
        return _lease(connection, case, person, ms, sees_reports=False, child_safety=child_safety)


def release(database: Database, case: str, person: str) -> None:
    """Release the case, if this person holds it."""
    with database.write() as connection:
        connection.execute(lease.delete().where(lease.c.case == case, lease.c.person == person))


def skip_case(ledger: Ledger, case: str, person: str, *, why: str = "not_given", ms: int = SKIP_MS) -> None:
    """Release the case, and do not offer it to this person again for ``ms``. ``why``: a key of ``WHY_SKIP``.

    Raises BadAnswer.
    """
    if why not in WHY_SKIP:
        raise BadAnswer(f"Say why: {', '.join(WHY_SKIP)}.")

    def unit(tx: Transaction) -> None:
        held = select(lease.c.case).where(lease.c.case == case, lease.c.person == person, lease.c.until > tx.at)
        if tx.execute(held).first() is not None:
            tx.append(CaseSkipped(case=case, by=person, why=why))
        tx.execute(lease.delete().where(lease.c.case == case, lease.c.person == person))
        not_offered(tx, case, person, ms)

    ledger.commit(unit)


def not_offered(tx: Transaction, case: str, person: str, ms: int) -> None:
    """Do not offer the case to this person for ``ms``."""
    tx.execute(skip.delete().where((skip.c.case == case) & (skip.c.person == person) | (skip.c.until < tx.at)))
    tx.execute(skip.insert().values(case=case, person=person, until=tx.at + ms))


ASSIGNED_TO_ANOTHER: Final = "This case is assigned to another reviewer. Take the next one, or ask who assigned it."


def assigned_to(reader: Connection | Transaction, case: str, now: int) -> str | None:
    """Whom the case is assigned to at ``now``; None: nobody."""
    query = select(case_assignment.c.person).join(case_table, case_table.c.id == case_assignment.c.case)
    found = reader.execute(query.where(case_assignment.c.case == case, in_force(now))).first()
    return None if found is None else found.person


def in_force(now: int) -> ColumnElement[bool]:
    """Whether a row of ``case_assignment``, beside its case, counts at ``now``.

    It ends with its time, when the case was closed, and when its reviewer may no longer see or answer the case: what
    became a case of child safety, or an appeal against their own decision, must not wait for them.
    """
    decided = exists().where(
        case_decider.c.case == case_assignment.c.case, case_decider.c.person == case_assignment.c.person
    )
    return and_(
        case_assignment.c.until > now,
        case_assignment.c.at >= case_table.c.opened_at,
        or_(case_table.c.child_safety.is_(False), case_assignment.c.sees_child_safety.is_(True)),
        ~decided,
    )


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


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which case a person asks for."""

    person: str
    queue: str | None
    content_type: str | None
    excluded: Collection[str]
    child_safety: bool
    scopes: CaseScopes
    now: int
    push: Mapping[str, float | None]
    abilities: Abilities


def is_waiting(
    connection: Connection,
    person: str,
    now: int,
    *,
    queue: str | None,
    content_type: str | None,
    child_safety: bool = False,
    push: Mapping[str, float | None] = MappingProxyType({}),
    scopes: CaseScopes = EVERY_CASE,
    abilities: Abilities = ANY_CASE,
) -> bool:
    """Whether a case waits that ``next_case`` would offer to this person if no harm were excluded."""
    wanted = _Wanted(person, queue, content_type, (), child_safety, scopes, now, push, abilities)
    return connection.execute(_waiting(wanted)).first() is not None


def _open_cases(wanted: _Wanted) -> Select[Any]:
    """Open cases that the person may see, with their scores."""
    statement = select(case_table.c.id, case_table.c.score).where(case_table.c.state == CaseState.OPEN)
    if not wanted.child_safety:
        statement = statement.where(case_table.c.child_safety.is_(False))
    if wanted.scopes != EVERY_CASE:
        statement = statement.where(in_scopes(wanted.scopes))
    if wanted.queue is not None:
        statement = statement.where(case_table.c.queue == wanted.queue)
    if wanted.content_type is not None:
        statement = statement.where(case_table.c.content_type == wanted.content_type)
    decided = exists().where(case_decider.c.case == case_table.c.id, case_decider.c.person == wanted.person)
    return statement.where(~decided)


def _held(connection: Connection, wanted: _Wanted) -> str | None:
    """The most urgent case that the person holds: found through the leases, which are few, not through the cases."""
    mine = select(lease.c.case).where(lease.c.person == wanted.person, lease.c.until > wanted.now)
    held = connection.execute(mine).scalars().all()
    if not held:
        return None
    rows = connection.execute(_open_cases(wanted).where(case_table.c.id.in_(held))).all()
    return str(max(rows, key=lambda row: (row.score, row.id)).id) if rows else None


def _assigned(connection: Connection, wanted: _Wanted) -> str | None:
    """The most urgent case that is assigned to the person and that they may take now; there are few."""
    mine = case_assignment.c.person == wanted.person
    query = select(case_assignment.c.case).where(mine, case_assignment.c.until > wanted.now)
    if not (cases := connection.execute(query).scalars().all()):
        return None
    anywhere = replace(wanted, queue=None, content_type=None, abilities=ANY_CASE)  # they suited when they were assigned
    offered = _offered(anywhere).join(case_assignment, case_assignment.c.case == case_table.c.id)
    offered = offered.where(case_table.c.id.in_(cases), in_force(wanted.now))
    return connection.execute(offered.order_by(*_ORDER).limit(1)).scalar()


_ORDER = (case_table.c.score.desc(), case_table.c.id.desc())


def _offered(wanted: _Wanted) -> Select[Any]:
    """Cases that suit the person, that nobody holds, and that they have neither skipped nor left to others."""
    held = exists().where(lease.c.case == case_table.c.id, lease.c.until > wanted.now)
    skipped = exists().where(skip.c.case == case_table.c.id, skip.c.person == wanted.person, skip.c.until > wanted.now)
    passed_on = exists().where(
        case_passing.c.case == case_table.c.id,
        case_passing.c.person == wanted.person,
        case_passing.c.at >= case_table.c.opened_at,
    )
    free = _open_cases(wanted).where(~held, ~skipped, ~passed_on)
    for harm in sorted(wanted.excluded):  # any of the case's policies may be about it
        free = free.where(~case_table.c.policies.contains(f'"harm":"{harm}"', autoescape=True))
    return free if wanted.abilities == ANY_CASE else free.where(suits(wanted.abilities))


def _waiting(wanted: _Wanted) -> Select[Any]:
    """The most urgent of these cases that is assigned to nobody else; an index has the order."""
    to_another = exists().where(
        case_assignment.c.case == case_table.c.id, case_assignment.c.person != wanted.person, in_force(wanted.now)
    )
    free = _offered(wanted).where(~to_another)
    for queue, most_s in sorted(wanted.push.items()):
        to_be_assigned = case_table.c.queue == queue
        if most_s is not None:  # nobody assigned it in time: whoever comes takes it
            to_be_assigned &= case_table.c.opened_at > wanted.now - round(most_s * 1000)
        free = free.where(~to_be_assigned)
    return free.order_by(*_ORDER).limit(1)


def unassigned_cases(
    tx: Transaction,
    person: str,
    *,
    queue: str | None,
    excluded: Collection[str],
    child_safety: bool,
    scopes: CaseScopes,
    abilities: Abilities,
    most: int,
) -> list[str]:
    """The most urgent cases that nobody has, and that this person could be given; locked until the unit ends."""
    wanted = _Wanted(person, queue, None, excluded, child_safety, scopes, tx.at, MappingProxyType({}), abilities)
    to_anybody = exists().where(case_assignment.c.case == case_table.c.id, in_force(tx.at))
    query = _offered(wanted).where(~to_anybody).order_by(*_ORDER).limit(most)
    return list(tx.execute(query.with_for_update(of=case_table, skip_locked=True)).scalars())
