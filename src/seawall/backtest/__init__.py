"""Backtest: what a change of policies would have done to items that were decided already. Nothing is recorded.

>>> rows = StoredRows(database, vault, bundles, [bundles.current, draft], since=month_ago)
>>> print(run_backtest(bundles.current, draft, rows.batches()).render())
"""

from seawall.backtest.past_rows import FileRows, PastRow, RowsFileError, StoredRows
from seawall.backtest.report import BacktestExample, BacktestReport
from seawall.backtest.run import EnginesDisagree, run_backtest
from seawall.backtest.served import MOST_DAYS, WAIT_S, BacktestBusy, BadSince, looked_back, serve_backtest

__all__ = [
    "MOST_DAYS",
    "WAIT_S",
    "BacktestBusy",
    "BacktestExample",
    "BacktestReport",
    "BadSince",
    "EnginesDisagree",
    "FileRows",
    "PastRow",
    "RowsFileError",
    "StoredRows",
    "looked_back",
    "run_backtest",
    "serve_backtest",
]
