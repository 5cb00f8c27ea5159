"""Backtests that people and programs wait for: one at a time in each process, within a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import Final

import structlog

from seawall.backtest.past_rows import StoredRows
from seawall.backtest.report import BacktestReport
from seawall.backtest.run import EnginesDisagree, run_backtest
from seawall.model import now_ms
from seawall.model.durations import parse_duration
from seawall.policy import Bundle, PublishedBundles
from seawall.storage import Database, Vault

SECONDS: Final = 10.0
"""How long history is read for an answer."""

WAIT_S: Final = 10
"""When to ask again while another backtest runs."""

MOST_DAYS: Final = 400
"""How far may be looked back."""

_log = structlog.get_logger(__name__)
_DAY_S: Final = 86_400
_ONE = threading.Lock()  # of the process: a backtest takes a whole core, and live traffic needs it more


class BacktestBusy(Exception):
    """Another backtest runs in this process."""

    def __init__(self) -> None:
        super().__init__("Another backtest is running now. Wait a moment and try again.")


class BadSince(ValueError):
    """A duration that cannot be looked back; the message says what to write."""

    def __init__(self, given: str) -> None:
        self.given = given
        super().__init__(f"{given!r} is no duration to look back; write 30d, 12h or 90m, at most {MOST_DAYS}d")


def looked_back(since: str) -> int:
    """The moment so long ago, in milliseconds since 1970. Raises BadSince."""
    seconds = parse_duration(since)
    if seconds is None or not 0 < seconds <= MOST_DAYS * _DAY_S:
        raise BadSince(since)
    return now_ms() - int(seconds * 1000)


def serve_backtest(
    database: Database,
    vault: Vault,
    published: PublishedBundles,
    build: Callable[[], Bundle],
    *,
    since: str,
    hidden: Callable[[Collection[str]], Collection[str]],
) -> BacktestReport:
    """Compare the bundle in force with the one that ``build`` makes.

    Of a long history the newest part is read; the report says so. Raises BacktestBusy, BadSince, EnginesDisagree, and
    what ``build`` raises.
    """
    start = looked_back(since)
    if not _ONE.acquire(blocking=False):
        raise BacktestBusy
    try:
        in_force, draft = published.current, build()
        rows = StoredRows(database, vault, published, [in_force, draft], since=start, hidden=hidden)
        return run_backtest(in_force, draft, rows.batches(), seconds=SECONDS)
    except EnginesDisagree as error:
        _log.error("backtest_engines_disagree", row=error.row, bundle=error.bundle)
        raise
    finally:
        _ONE.release()
