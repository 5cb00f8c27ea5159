"""Verification of the whole ledger by a worker: asked for by a person, its progress and result in a table.

``seawall ledger verify`` does the same at once, in its own process.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import Connection, Select, Update, insert, select, update

from seawall.model import new_id, now_ms
from seawall.storage.database import Database
from seawall.storage.jobs import Job
from seawall.storage.ledger import Ledger
from seawall.storage.replay import Verification
from seawall.storage.tables import job as jobs
from seawall.storage.tables import ledger_verification as table
from seawall.storage.transaction import Transaction

VERIFY_JOB: Final = "verify_ledger"
_KEY: Final = "ledger"  # one at a time
_EVERY_S: Final = 1.0  # between records of the progress
_STATES: Final = {"pending": "waiting", "leased": "running", "dead": "failed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerVerification:
    """One verification. ``state``: waiting (for a worker), running, failed (not tried again), or done.

    ``done`` of ``total`` events were read so far; a worker that takes over begins anew. ``intact`` and ``result`` are
    there once it is done; ``error`` is of the last try that failed.
    """

    id: str
    by: str
    asked_at: int
    state: str
    started_at: int | None
    ended_at: int | None
    done: int
    total: int
    intact: bool | None = None
    result: Verification | None = None
    error: str | None = None


def start_verification(ledger: Ledger, *, by: str) -> str:
    """Have a worker verify the ledger; return the verification's id: of the present one, if one is not done yet."""

    def unit(tx: Transaction) -> str:
        present = tx.execute(_unfinished()).scalar()
        if present is not None:
            return str(present)
        made = new_id("ver", tx.at)
        tx.execute(insert(table).values(id=made, by=by, asked_at=tx.at, done=0, total=0))
        tx.enqueue(VERIFY_JOB, _KEY, {"verification": made})
        return made

    return ledger.commit(unit)


def _unfinished() -> Select[tuple[str]]:
    working = select(jobs.c.id).where(jobs.c.kind == VERIFY_JOB, jobs.c.state.in_(("pending", "leased"))).exists()
    return select(table.c.id).where(table.c.ended_at.is_(None), working).order_by(table.c.id.desc()).limit(1)


def verify_in_job(database: Database, ledger: Ledger, job: Job) -> None:
    """Verify the ledger, record the progress once a second, and the result with the end of the job."""
    mine = update(table).where(table.c.id == job.payload["verification"])
    recorded_at = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal recorded_at
        if time.monotonic() - recorded_at >= _EVERY_S:
            _write(database, mine.values(done=done, total=total))
            recorded_at = time.monotonic()

    _write(database, mine.values(started_at=now_ms(), done=0, total=0))
    result = ledger.verify(progress=progress)

    def unit(tx: Transaction) -> None:
        found = msgspec.json.encode(result).decode()
        tx.execute(mine.values(ended_at=tx.at, done=result.events, result=found))
        tx.finish(job)

    ledger.commit(unit)


def _write(database: Database, statement: Update) -> None:
    with database.write() as connection:
        connection.execute(statement)


def find_verification(connection: Connection, id: str | None = None) -> LedgerVerification | None:
    """One verification, by default the last; None when there is none."""
    query = select(table) if id is None else select(table).where(table.c.id == id)
    row = connection.execute(query.order_by(table.c.asked_at.desc(), table.c.id.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    about = jobs.c.kind == VERIFY_JOB, jobs.c.payload == msgspec.json.encode({"verification": row.id})
    job = connection.execute(select(jobs.c.state, jobs.c.last_error).where(*about).limit(1)).one_or_none()
    result = None if row.result is None else msgspec.json.decode(row.result, type=Verification)
    if row.ended_at is None:
        state = "failed" if job is None else _STATES[job.state]
    else:
        state = "done"
    return LedgerVerification(
        id=row.id,
        by=row.by,
        asked_at=row.asked_at,
        state=state,
        started_at=row.started_at,
        ended_at=row.ended_at,
        done=row.done,
        total=row.total,
        intact=None if result is None else result.ok,
        result=result,
        error=None if job is None else job.last_error,
    )
