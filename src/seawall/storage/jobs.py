"""Job queue with leases, retries and a dead state; jobs are enqueued in the transaction of their events.

At least once: when a worker dies, its lease expires and the job is claimed again. Effects in the own database are
exactly once, because ``Transaction.finish`` refuses to commit for a lost lease. Jobs of the same (kind, key) never
run at the same time.

Leases and due times are compared by the database's clock, so the workers' clocks need not agree.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select, update
from sqlalchemy.exc import DBAPIError

from seawall.storage.clock import database_now_ms
from seawall.storage.database import Database
from seawall.storage.errors import LeaseLost, is_conflict
from seawall.storage.tables import job as table

if TYPE_CHECKING:
    from seawall.storage.transaction import Transaction

T = TypeVar("T")

_CONFLICTS: Final = 5
_CLOCKS_DIFFER_MS: Final = 60_000  # machines' clocks, at most: beyond that, one of them was wrong
_ERROR_LENGTH: Final = 500
_UPGRADE_MS: Final = 600_000  # workers of two releases may run beside each other so long
_NO_HANDLER: Final = (
    "No component of this installation handles such jobs. Install the component or plug-in again, restart the workers, "
    "then requeue the job. Its kind: "
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A claimed job. ``attempts`` counts its claims, this one included, and identifies this lease."""

    id: str
    kind: str
    key: str
    payload: dict[str, Any]
    attempts: int
    due_at: int
    lease_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """A job in the queue, in the state pending, leased or dead."""

    id: str
    kind: str
    key: str
    state: str
    attempts: int
    due_at: int
    last_error: str | None


class Jobs:
    """The job queue, for workers. Safe for threads and several processes. Every method may raise StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, kinds: Sequence[str], worker: str, limit: int, lease_ms: int) -> list[Job]:
        """Up to ``limit`` due jobs of those kinds, longest due first, leased to ``worker`` for ``lease_ms``.

        Includes jobs whose lease expired. While nothing is due, this only reads: idle workers take no write lock.
        """
        with self._database.read() as conn:
            if conn.execute(select(table.c.id).where(_due(kinds, database_now_ms(conn))).limit(1)).first() is None:
                return []
        return self._transact(lambda conn: self._claim(conn, kinds, worker, limit, lease_ms))

    def _claim(self, conn: Connection, kinds: Sequence[str], worker: str, limit: int, lease_ms: int) -> list[Job]:
        now = database_now_ms(conn)
        other = table.alias("other")
        being_done = (
            select(other.c.id)
            .where(
                other.c.kind == table.c.kind,
                other.c.key == table.c.key,
                other.c.state == "leased",
                other.c.leased_until > now,
            )
            .exists()
        )
        ready = (
            select(table.c.id)
            .where(_due(kinds, now), or_(table.c.state == "leased", ~being_done))
            .order_by(table.c.due_at, table.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)  # SQLite: nothing; its transaction is exclusive
        )
        ids = conn.execute(ready).scalars().all()
        if not ids:
            return []
        lease = (
            update(table)
            .where(table.c.id.in_(ids))
            .values(state="leased", attempts=table.c.attempts + 1, worker=worker, leased_until=now + lease_ms)
            .returning(table.c.id, table.c.kind, table.c.key, table.c.payload, table.c.attempts, table.c.due_at)
        )
        rows = {row.id: row for row in conn.execute(lease)}
        return [
            Job(
                id=row.id,
                kind=row.kind,
                key=row.key,
                payload=msgspec.json.decode(row.payload),
                attempts=row.attempts,
                due_at=row.due_at,
                lease_ms=lease_ms,
            )
            for row in (rows[job_id] for job_id in ids)
        ]

    def bring_forward(self) -> None:
        """Make those new jobs due now that were enqueued in the future, when the clock was wrong.

        Otherwise they would wait until the clock is there, for hours or days.
        """
        with self._database.read() as conn:
            if not conn.execute(select(table.c.id).where(self._of_the_future(conn)).limit(1)).first():
                return

        def now_due(conn: Connection) -> None:
            conn.execute(update(table).where(self._of_the_future(conn)).values(due_at=database_now_ms(conn)))

        self._transact(now_due)

    @staticmethod
    def _of_the_future(conn: Connection) -> ColumnElement[bool]:
        now = database_now_ms(conn)
        future = table.c.id > _enqueued_after(now + _CLOCKS_DIFFER_MS)
        return and_(future, table.c.state == "pending", table.c.attempts == 0, table.c.due_at > now)

    def heartbeat(self, job: Job) -> None:
        """Extend the lease by its length from now. Raises LeaseLost when another worker has the job."""
        self._transact(lambda conn: self._change(conn, job, leased_until=database_now_ms(conn) + job.lease_ms))

    def retry(self, job: Job, due_at: int, error: str) -> None:
        """Return the job to the queue, due at ``due_at``. Raises LeaseLost.

        If the same (kind, key) was enqueued meanwhile, that job replaces this one and keeps its own due time.
        """

        def give_back(conn: Connection) -> None:
            duplicate = and_(table.c.kind == job.kind, table.c.key == job.key, table.c.state == "pending")
            if conn.execute(select(table.c.id).where(duplicate)).first() is None:
                self._change(
                    conn, job, state="pending", due_at=due_at, leased_until=None, worker=None, last_error=_short(error)
                )
            elif conn.execute(delete(table).where(_held(job))).rowcount == 1:
                conn.execute(update(table).where(duplicate).values(attempts=job.attempts, last_error=_short(error)))
            else:
                raise _lost(job)

        self._transact(give_back)

    def mark_dead(self, job: Job, error: str) -> None:
        """Mark the job dead until a person requeues it. Raises LeaseLost."""
        self._transact(
            lambda conn: self._change(conn, job, state="dead", leased_until=None, worker=None, last_error=_short(error))
        )

    def end_unhandled(self, kinds: Sequence[str]) -> int:
        """Mark those jobs dead that are of no kind in ``kinds`` and were due ten minutes ago; return how many.

        No worker claims them, so they would wait unseen. Ten minutes: during an upgrade a new server enqueues jobs that
        only the new workers know.
        """

        def end(conn: Connection) -> int:
            now = database_now_ms(conn)
            is_free = or_(table.c.state == "pending", and_(table.c.state == "leased", table.c.leased_until <= now))
            forgotten = and_(table.c.kind.not_in(kinds), is_free, table.c.due_at <= now - _UPGRADE_MS)
            if conn.execute(select(table.c.id).where(forgotten).limit(1)).first() is None:
                return 0
            ended = {"state": "dead", "leased_until": None, "worker": None, "last_error": _NO_HANDLER + table.c.kind}
            return conn.execute(update(table).where(forgotten).values(ended)).rowcount

        with self._database.read() as conn:
            known = select(table.c.id).where(table.c.kind.not_in(kinds), table.c.state != "dead")
            if conn.execute(known.limit(1)).first() is None:
                return 0
        return self._transact(end)

    def requeue(self, job_id: str) -> None:
        """Make a dead job due now, with its attempts at 0. Raises KeyError when there is no dead job of that id."""

        def raise_up(conn: Connection) -> None:
            dead = and_(table.c.id == job_id, table.c.state == "dead")
            row = conn.execute(select(table.c.kind, table.c.key).where(dead)).first()
            if row is None:
                raise KeyError(f"there is no dead job {job_id}")
            duplicate = and_(table.c.kind == row.kind, table.c.key == row.key, table.c.state == "pending")
            if conn.execute(select(table.c.id).where(duplicate)).first() is None:
                conn.execute(
                    update(table).where(dead).values(state="pending", due_at=database_now_ms(conn), attempts=0)
                )
            else:
                conn.execute(delete(table).where(dead))

        self._transact(raise_up)

    def listed(self, state: str | None = None, limit: int = 100) -> list[JobState]:
        """Jobs in the queue, longest due first; of one state, if named."""
        query = select(*(table.c[name] for name in JobState.__dataclass_fields__)).order_by(table.c.due_at, table.c.id)
        if state is not None:
            query = query.where(table.c.state == state)
        with self._database.read() as conn:
            return [JobState(**row) for row in conn.execute(query.limit(limit)).mappings()]

    def counts(self) -> dict[tuple[str, str], int]:
        """How many jobs of each (kind, state); states are pending, leased and dead."""
        with self._database.read() as conn:
            rows = conn.execute(select(table.c.kind, table.c.state, func.count()).group_by(table.c.kind, table.c.state))
            return {(kind, state): count for kind, state, count in rows}

    def _change(self, conn: Connection, job: Job, **values: Any) -> None:
        if conn.execute(update(table).where(_held(job)).values(**values)).rowcount != 1:
            raise _lost(job)

    def _transact(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a transaction, again when PostgreSQL reports a deadlock or the pending twin came first."""
        for attempt in range(_CONFLICTS):
            try:
                with self._database.write() as conn:
                    return work(conn)
            except DBAPIError as error:
                duplicate_came_first = "uq_job_pending" in str(error.orig) or "job.kind, job.key" in str(error.orig)
                if attempt == _CONFLICTS - 1 or not (is_conflict(error) or duplicate_came_first):
                    raise
        raise AssertionError("unreachable")


def withdraw(tx: Transaction, kind: str, keys: Collection[str]) -> set[str]:
    """Delete the jobs with those keys that no worker has claimed yet; return the keys of the deleted ones.

    None of the others can be claimed unnoticed meanwhile: whoever comes second finds the row gone, or leased.
    """
    unclaimed = and_(table.c.kind == kind, table.c.key.in_(keys), table.c.state == "pending", table.c.attempts == 0)
    return set(tx.execute(delete(table).where(unclaimed).returning(table.c.key)).scalars())


def _due(kinds: Sequence[str], now: int) -> ColumnElement[bool]:
    """Jobs of these kinds that are due, or whose lease expired."""
    return and_(
        table.c.kind.in_(kinds),
        or_(
            and_(table.c.state == "pending", table.c.due_at <= now),
            and_(table.c.state == "leased", table.c.leased_until <= now),
        ),
    )


def _enqueued_after(at: int) -> str:
    """The least id of a job that was enqueued at that time (ms): ids begin with 40 bits of the time, in hex."""
    return f"job_{at >> 8:010x}"


def _held(job: Job) -> ColumnElement[bool]:
    return and_(table.c.id == job.id, table.c.attempts == job.attempts, table.c.state == "leased")


def _lost(job: Job) -> LeaseLost:
    return LeaseLost(f"the lease of job {job.id} ({job.kind}) expired; another worker has it")


def _short(error: str) -> str:
    return error[:_ERROR_LENGTH]
