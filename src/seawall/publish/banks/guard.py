"""The guard of the banks: follows the ledger, takes bad entries out of use, and opens cases for review instead.

It does three things, each in the transaction that moves its cursor, so each happens once:

- an entry whose matches people overturn is *suspended* when the lower 95 % bound (Wilson) of the share of overturned
  matches among all judged since it was added or restored is above one half (4 of 4, 7 of 8, 10 of 12);
- an entry found in more items within an hour than its bank's flood limit is *quarantined*;
- an item that a quarantined entry is found in gets a case, as if it had been reported.

Matches and review outcomes of entries that come from an exchange are enqueued as feedback to that exchange.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import structlog
from sqlalchemy import func, select

from seawall.measure import wilson
from seawall.model import DecisionMade, DecisionSource, Event, ItemRef, ReportReceived, new_id
from seawall.publish.banks.projections import GUARD, matches_of
from seawall.publish.banks.settings import BankSettings, all_settings
from seawall.publish.events import BankEntryQuarantined, BankEntrySuspended
from seawall.publish.tables import bank_entry, bank_hit
from seawall.storage import Database, Transaction
from seawall.storage.queries import select_in_chunks

_log = structlog.get_logger(__name__)

OVERTURNED_SHARE: Final = 0.5
"""An entry is suspended when it is almost certain that more than this share of its matches is wrong."""
_HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class EntryFeedback:
    """Feedback to an exchange about one of its records."""

    exchange: str
    bank: str
    record: str
    entry: str
    feedback: str  # seen | true_positive | false_positive


EnqueueFeedback = Callable[[Transaction, EntryFeedback], None]


@dataclass(slots=True)
class _Seen:
    """What a range of ledger events says about entries."""

    hit: set[str] = field(default_factory=set)  # entries with a match neither suppressed nor quarantined
    judged: set[str] = field(default_factory=set)  # items that a person decided
    quarantined: list[tuple[ItemRef, str, str]] = field(default_factory=list)  # item, entry, decision


class BankGuard:
    """A follower of the ledger: each decision counts once, however many processes run it."""

    def __init__(self, database: Database, tell: EnqueueFeedback = lambda tx, said: None) -> None:
        """``tell``: enqueues feedback to an exchange within the transaction."""
        self._database = database
        self._tell = tell

    def step(self, events: Sequence[Event]) -> Callable[[Transaction], None]:
        """The unit of work for the next events."""
        return partial(self._unit, _read(events), all_settings(self._database))

    def _unit(self, seen: _Seen, settings: dict[str, BankSettings], tx: Transaction) -> None:
        judged = _rows(tx, bank_hit.c.item, seen.judged)
        entries = {row.id: row for row in _entries(tx, seen.hit | {row.entry for row in judged})}
        self._stop_floods(tx, [entries[entry] for entry in sorted(seen.hit) if entry in entries], settings)
        _suspend_wrong(tx, [entries[entry] for entry in sorted({row.entry for row in judged}) if entry in entries])
        for item, entry, decision in seen.quarantined:
            _request_review(tx, item, entry, decision)
        for entry in sorted(seen.hit):
            self._say(tx, entries.get(entry), "seen")
        for row in judged:
            if row.outcome is not None:  # None: the review was taken back meanwhile
                self._say(tx, entries.get(row.entry), _FEEDBACK[row.outcome])

    def _stop_floods(self, tx: Transaction, rows: Sequence[Any], settings: dict[str, BankSettings]) -> None:
        for row in rows:
            limit = settings.get(row.bank, BankSettings()).most_hits
            if row.state != "active" or limit is None:
                continue
            since = max(tx.at - _HOUR_MS, row.state_at)
            count = select(func.count()).where(bank_hit.c.entry == row.id, bank_hit.c.at > since)
            hits = tx.execute(count.where(bank_hit.c.effect == "matched")).scalar_one()
            if hits > limit:
                tx.append(BankEntryQuarantined(bank=row.bank, entry=row.id, by=GUARD, hits=hits, limit=limit))
                _log.warning("entry quarantined", bank=row.bank, entry=row.id, hits=hits, limit=limit)

    def _say(self, tx: Transaction, row: Any, feedback: str) -> None:
        if row is not None and row.exchange is not None and row.record is not None:
            self._tell(tx, EntryFeedback(row.exchange, row.bank, row.record, row.id, feedback))


_FEEDBACK: Final = {"confirmed": "true_positive", "overturned": "false_positive"}


def is_wrong(confirmed: int, overturned: int) -> bool:
    """Whether reviews make it almost certain that most of an entry's matches are wrong."""
    return wilson(overturned, confirmed + overturned).lower > OVERTURNED_SHARE


def _read(events: Iterable[Event]) -> _Seen:
    seen = _Seen()
    for event in events:
        body = event.body
        if not isinstance(body, DecisionMade):
            continue
        decision = body.decision
        if decision.source is DecisionSource.REVIEW:
            seen.judged.add(decision.item.ref)
            continue
        for entry, (_, effect) in matches_of(decision).items():
            if effect == "matched":
                seen.hit.add(entry)
            elif effect == "quarantined":
                seen.quarantined.append((decision.item, entry, decision.id))
    return seen


def _suspend_wrong(tx: Transaction, rows: Sequence[Any]) -> None:
    for row in rows:
        if row.state not in ("active", "quarantined"):
            continue
        counted = (
            select(bank_hit.c.outcome, func.count().label("items"))
            .where(bank_hit.c.entry == row.id, bank_hit.c.outcome_at > row.state_at)
            .group_by(bank_hit.c.outcome)
        )
        outcomes: dict[str, int] = {row.outcome: row.items for row in tx.execute(counted)}
        confirmed, overturned = outcomes.get("confirmed", 0), outcomes.get("overturned", 0)
        if is_wrong(confirmed, overturned):
            tx.append(
                BankEntrySuspended(
                    bank=row.bank,
                    entry=row.id,
                    by=GUARD,
                    reason="overturned",
                    confirmed=confirmed,
                    overturned=overturned,
                )
            )
            _log.warning("entry suspended", bank=row.bank, entry=row.id, confirmed=confirmed, overturned=overturned)


def _request_review(tx: Transaction, item: ItemRef, entry: str, decision: str) -> None:
    """Open a case for an item with a quarantined entry, once, not at each later evaluation of the same revision."""
    first = select(bank_hit.c.decision).where(bank_hit.c.item == item.ref, bank_hit.c.entry == entry)
    if tx.execute(first).scalar() == decision:
        tx.append(ReportReceived(report=new_id("rep", tx.at), item=item, reporter=None, kind=GUARD))


def _entries(tx: Transaction, ids: Iterable[str]) -> list[Any]:
    columns = (bank_entry.c[name] for name in ("id", "bank", "state", "state_at", "exchange", "record"))
    return list(select_in_chunks(tx, select(*columns), bank_entry.c.id, sorted(ids)))


def _rows(tx: Transaction, column: Any, keys: Iterable[str]) -> list[Any]:
    """The judged matches of some items."""
    query = select(bank_hit.c.entry, bank_hit.c.outcome).where(bank_hit.c.outcome.is_not(None))
    return list(select_in_chunks(tx, query, column, sorted(keys)))
