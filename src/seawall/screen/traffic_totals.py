"""Totals of all decisions, kept beside the counts by minute, so that reading them costs the same after years."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any, Final

from sqlalchemy import delete, insert, select

from seawall.model import now_ms
from seawall.screen.queries import TrafficCount, totalled_until, traffic_between
from seawall.screen.tables import traffic_total
from seawall.storage import Transaction
from seawall.storage.component import ServiceContext

_MINUTE: Final = 60_000
_SETTLED_AFTER_MS: Final = 60 * _MINUTE  # no decision is recorded under a minute that is older than this


def add_settled_minutes(context: ServiceContext, *, now: int | None = None) -> None:
    """Add the minutes that no decision will join to the totals. Of workers that do it at once, one counts."""
    until = ((now_ms() if now is None else now) - _SETTLED_AFTER_MS) // _MINUTE * _MINUTE
    with context.database.read() as connection:
        since = totalled_until(connection)
        if since is not None and since >= until:
            return
        fresh = traffic_between(connection, since, until)
    if fresh:
        context.ledger.commit(partial(_add, since=since, until=until, fresh=fresh), bulk=True)


def _add(tx: Transaction, since: int | None, until: int, fresh: list[TrafficCount]) -> None:
    rows = tx.execute(select(traffic_total)).all()
    if since != max((row.until for row in rows), default=None):
        return  # another worker added them
    decisions: Counter[tuple[str, str, str]] = Counter()
    degraded: Counter[tuple[str, str, str]] = Counter()
    counted: list[Any] = [*rows, *fresh]
    for row in counted:
        decisions[row.content_type, row.source, row.verdict] += row.decisions
        degraded[row.content_type, row.source, row.verdict] += row.degraded
    names = ("content_type", "source", "verdict")
    tx.execute(delete(traffic_total))
    tx.execute(
        insert(traffic_total).values(
            [
                {**dict(zip(names, key, strict=True)), "decisions": count, "degraded": degraded[key], "until": until}
                for key, count in decisions.items()
            ]
        )
    )
