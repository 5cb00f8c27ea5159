"""Reads exchanges on schedule and writes feedback back: durable, resumable, each delta applied once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import msgspec
import structlog
from sqlalchemy import delete, func, select

from seawall.match.exchange import (
    Exchange,
    ExchangeConfig,
    ExchangeDelta,
    ExchangeError,
    ExchangeFeedback,
    NotSupported,
)
from seawall.publish.banks.guard import EntryFeedback
from seawall.publish.exchanges.applying import SUBJECT, AppliedDelta, RecordUpdate, apply_updates, forget, record_name
from seawall.publish.tables import exchange as exchange_table
from seawall.publish.tables import exchange_record, exchange_signal
from seawall.storage import Database, Job, Jobs, Ledger, Transaction, Vault

_log = structlog.get_logger(__name__)

EXCHANGE_JOB: Final = "exchange"
"""Kind of the job that reads one exchange; its key is the exchange's name."""
FEEDBACK_JOB: Final = "feedback"
"""Kind of the job that sends one piece of feedback to an exchange."""
_FIRST_RETRY_S: Final = 60
_FORGOTTEN_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class OpenedExchange:
    """A configured exchange with its open client."""

    config: ExchangeConfig
    exchange: Exchange


class Exchanges:
    """All configured exchanges. Safe for threads; several processes may run the jobs."""

    def __init__(
        self, ledger: Ledger, database: Database, vault: Vault, jobs: Jobs, opened: Mapping[str, OpenedExchange]
    ) -> None:
        self._ledger = ledger
        self._database = database
        self._vault = vault
        self._jobs = jobs
        self._opened = opened

    def schedule(self) -> None:
        """Enqueue a job for every exchange, and record which exchanges are configured."""

        def unit(tx: Transaction) -> None:
            known = set(tx.execute(select(exchange_table.c.name)).scalars())
            for name in sorted(known | self._opened.keys()):
                row = _row(tx, name)
                opened = self._opened.get(name)
                if opened is None:
                    row["every_s"] = None
                else:
                    row.update(type=opened.config.type, every_s=opened.config.every_s)
                    tx.enqueue(EXCHANGE_JOB, name, {})
                _keep(tx, row)

        self._ledger.commit(unit)

    # -- reading -------------------------------------------------------------------------------------------------

    def sync(self, job: Job) -> None:
        """Read changes of the exchange named by the job's key, and enqueue the next run. Raises LeaseLost."""
        opened = self._opened.get(job.key)
        if opened is None:  # no longer configured
            self._ledger.commit(lambda tx: tx.finish(job))
            return
        name, every_ms = opened.config.name, 1000 * opened.config.every_s
        try:
            for delta in opened.exchange.fetch(self._checkpoint(name)):
                self._take(job, opened.config, delta)
                self._jobs.heartbeat(job)
        except ExchangeError as error:
            _log.warning("exchange not read", exchange=name, error=str(error))
            self._ledger.commit(partial(_failed, job=job, name=name, why=str(error), every_ms=every_ms))
            return
        while self._ledger.commit(lambda tx: _sweep(tx, name), bulk=True):
            self._jobs.heartbeat(job)
        self._ledger.commit(lambda tx: _done(tx, job, name, every_ms))

    def _take(self, job: Job, config: ExchangeConfig, delta: ExchangeDelta) -> None:
        """Apply the delta in chunks, then store its checkpoint. After an interruption the same delta is read again;
        a record applied before writes one row only."""
        name = config.name
        if delta.restart:
            self._ledger.commit(lambda tx: _begin(tx, name))
        skipped = 0

        def unit(tx: Transaction, chunk: Sequence[RecordUpdate]) -> AppliedDelta:
            row = _row(tx, name)
            done = apply_updates(tx, name, config.banks, chunk, row["generation"])
            if done.added or done.removed:
                row.update(added=row["added"] + done.added, removed=row["removed"] + done.removed)
                _keep(tx, row)
            return done

        for _, done in self._ledger.commit_chunks(list(delta.updates.items()), unit):
            skipped += done.skipped
            self._jobs.heartbeat(job)
        self._ledger.commit(lambda tx: _reached(tx, name, delta, skipped))

    def _checkpoint(self, name: str) -> str | None:
        with self._database.read() as connection:
            query = select(exchange_table.c.checkpoint).where(exchange_table.c.name == name)
            found: str | None = connection.execute(query).scalar()
            return found

    # -- feedback ------------------------------------------------------------------------------------------------

    def tell(self, tx: Transaction, said: EntryFeedback) -> None:
        """Enqueue feedback for every exchange that supplied the entry, if it accepts it. For ``BankGuard``."""
        feedback = ExchangeFeedback(said.feedback)
        behind = select(exchange_signal.c.exchange, exchange_signal.c.record).where(
            exchange_signal.c.entry == said.entry
        )
        for row in tx.execute(behind).all():
            opened = self._opened.get(row.exchange)
            if opened is not None and feedback in opened.config.report and feedback in opened.exchange.feedback:
                payload = {"exchange": row.exchange, "record": row.record, "feedback": feedback.value}
                tx.enqueue(FEEDBACK_JOB, f"{row.exchange}/{row.record}/{feedback.value}", payload)

    def write_back(self, job: Job) -> None:
        """Send one piece of feedback; raises ExchangeError, after which the job is retried with growing delays."""
        opened = self._opened.get(job.payload["exchange"])
        raw = self._raw(job.payload["exchange"], job.payload["record"])
        if opened is not None and raw is not None:
            try:
                opened.exchange.report(raw, ExchangeFeedback(job.payload["feedback"]))
            except NotSupported as refusal:
                _log.info("feedback refused", exchange=opened.config.name, why=str(refusal))
        self._ledger.commit(lambda tx: tx.finish(job))

    def _raw(self, name: str, record: str) -> dict[str, Any] | None:
        """The raw record as the exchange sent it; None when it was withdrawn meanwhile."""
        subject = self._vault.find(SUBJECT, name)
        if subject is None:
            return None
        sealed = self._vault.open_many([(subject, record_name(record))]).get((subject, record_name(record)))
        found: dict[str, Any] | None = msgspec.json.decode(sealed) if sealed else None
        return found


def _row(tx: Transaction, name: str) -> dict[str, Any]:
    found = tx.execute(select(exchange_table).where(exchange_table.c.name == name)).mappings().one_or_none()
    if found is not None:
        return dict(found)
    return {
        "name": name,
        "type": "",
        "every_s": None,
        "checkpoint": None,
        "generation": 0,
        "whole": 0,
        "progress_at": None,
        "tried_at": None,
        "synced_at": None,
        "records": 0,
        "added": 0,
        "removed": 0,
        "skipped": 0,
        "failures": 0,
        "error": "",
    }


def _keep(tx: Transaction, row: dict[str, Any]) -> None:
    tx.execute(delete(exchange_table).where(exchange_table.c.name == row["name"]))
    tx.execute(exchange_table.insert().values(row))


def _begin(tx: Transaction, name: str) -> None:
    """Start reading from the beginning; interrupted before its first checkpoint, it starts again."""
    row = _row(tx, name)
    if not row["whole"]:
        row.update(whole=1, generation=row["generation"] + 1, skipped=0, checkpoint=None)
        _keep(tx, row)


def _reached(tx: Transaction, name: str, delta: ExchangeDelta, skipped: int) -> None:
    """Record that the whole delta was applied."""
    row = _row(tx, name)
    row.update(
        checkpoint=delta.checkpoint,
        progress_at=delta.progress_at or row["progress_at"],
        tried_at=tx.at,
        skipped=row["skipped"] + skipped,
    )
    _keep(tx, row)


def _sweep(tx: Transaction, name: str) -> bool:
    """After reading from the beginning, drop a chunk of records it did not contain; whether any were left."""
    row = _row(tx, name)
    if not row["whole"]:
        return False
    old = select(exchange_record.c.record).where(
        exchange_record.c.exchange == name, exchange_record.c.generation < row["generation"]
    )
    gone = list(tx.execute(old.limit(_FORGOTTEN_AT_ONCE)).scalars())
    row["removed"] += forget(tx, name, gone)
    _keep(tx, row)
    return bool(gone)


def _done(tx: Transaction, job: Job, name: str, every_ms: int) -> None:
    row = _row(tx, name)
    count = select(func.count()).where(exchange_record.c.exchange == name)
    row.update(
        whole=0,
        tried_at=tx.at,
        synced_at=tx.at,
        progress_at=row["progress_at"] or tx.at,
        records=tx.execute(count).scalar_one(),
        failures=0,
        error="",
    )
    _keep(tx, row)
    _again(tx, job, every_ms)


def _failed(tx: Transaction, job: Job, name: str, why: str, every_ms: int) -> None:
    """Record the failure for the console; retry soon at first, then at the usual interval."""
    row = _row(tx, name)
    row.update(tried_at=tx.at, failures=row["failures"] + 1, error=why[:500])
    _keep(tx, row)
    _again(tx, job, min(every_ms, 1000 * _FIRST_RETRY_S * 2 ** min(row["failures"] - 1, 16)))


def _again(tx: Transaction, job: Job, delay_ms: int) -> None:
    tx.finish(job)
    tx.enqueue(EXCHANGE_JOB, job.key, {}, due_at=tx.at + delay_ms)
