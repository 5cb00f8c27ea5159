"""Backtest: what a change of policies would have done to items that were decided already. Nothing is recorded.

>>> rows = StoredRows(database, vault, bundles, [bundles.current, draft], since=month_ago)
>>> print(run_backtest(bundles.current, draft, rows.batches()).render())
"""

from seawall.backtest.item_rows import ItemRows
from seawall.backtest.past_rows import PastRow, StoredRows
from seawall.backtest.report import BacktestExample, BacktestReport
from seawall.backtest.rows_file import FileRows, RowsFileError, write_rows
from seawall.backtest.run import EnginesDisagree, run_backtest
from seawall.backtest.served import MOST_DAYS, WAIT_S, BacktestBusy, BadSince, looked_back, serve_backtest
from seawall.backtest.spread import RayUnavailable, backtest_parts, in_processes, in_this_process, on_ray

__all__ = [
    "MOST_DAYS",
    "WAIT_S",
    "BacktestBusy",
    "BacktestExample",
    "BacktestReport",
    "BadSince",
    "EnginesDisagree",
    "FileRows",
    "ItemRows",
    "PastRow",
    "RayUnavailable",
    "RowsFileError",
    "StoredRows",
    "backtest_parts",
    "in_processes",
    "in_this_process",
    "looked_back",
    "on_ray",
    "run_backtest",
    "serve_backtest",
    "write_rows",
]
