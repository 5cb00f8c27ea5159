"""State of the exchanges, for the console, the command line and alerts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select

from seawall.model import now_ms
from seawall.publish.tables import exchange
from seawall.storage import Database

_STALE_AFTER: Final = 3  # intervals without a complete reading


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeState:
    """One exchange. Times are milliseconds since 1970; ``every_s`` None: no longer configured.

    ``stale``: not read completely for three intervals, or never.
    """

    name: str
    type: str
    every_s: int | None
    progress_at: int | None
    tried_at: int | None
    synced_at: int | None
    records: int
    added: int
    removed: int
    skipped: int
    failures: int
    error: str
    stale: bool
    whole: bool  # it is being read from the beginning


def list_exchanges(database: Database) -> list[ExchangeState]:
    """Every exchange that was ever configured, sorted by name."""
    with database.read() as connection:
        rows = connection.execute(select(exchange).order_by(exchange.c.name)).mappings().all()
    return [_state(dict(row)) for row in rows]


def _state(row: dict[str, Any]) -> ExchangeState:
    every_s, synced_at = row["every_s"], row["synced_at"]
    old = synced_at is None or now_ms() - synced_at > _STALE_AFTER * 1000 * (every_s or 0)
    kept = {name: row[name] for name in ExchangeState.__dataclass_fields__ if name not in ("stale", "whole")}
    return ExchangeState(**kept, stale=every_s is not None and old, whole=bool(row["whole"]))
