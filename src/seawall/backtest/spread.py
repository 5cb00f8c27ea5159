"""A backtest over a Parquet file in several processes, of this machine or of a Ray cluster.

It is one map and one merge: every process counts a part of the rows, and the counts are added up. The same map runs in
one process, so the figures do not depend on where it runs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Final, TypeAlias

from seawall.backtest.counts import BacktestCounts
from seawall.backtest.frames import count_columns
from seawall.backtest.report import BacktestReport
from seawall.backtest.rows_file import parquet_length
from seawall.backtest.run import Engine, changed_rules
from seawall.policy import Bundle, load_bundle

PART: Final = 200_000
"""Rows that are counted together."""


class RayUnavailable(Exception):
    """There is no Ray here, or no cluster; the message names the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePart:
    """Rows of a file, from the first number (from 0) up to the second. Bundles are their published bytes and hashes."""

    path: Path
    rows: tuple[int, int]
    in_force: tuple[bytes, str]
    draft: tuple[bytes, str]


Map: TypeAlias = Callable[[Sequence[FilePart]], Iterator[BacktestCounts]]
"""Calls ``count_part`` of every part, somewhere; the counts come in any order."""


def backtest_parts(path: Path, in_force: Bundle, draft: Bundle, spread: Map, *, part: int = PART) -> BacktestReport:
    """The report on all rows of a Parquet file. Raises what ``run_backtest`` and ``spread`` raise."""
    length = parquet_length(path)
    parts = [
        FilePart(
            path=path.absolute(),
            rows=(start, min(start + part, length)),
            in_force=(in_force.canonical(), in_force.hash),
            draft=(draft.canonical(), draft.hash),
        )
        for start in range(0, length, part)
    ]
    for stored in ((in_force.canonical(), in_force.hash), (draft.canonical(), draft.hash)):
        load_bundle(*stored)  # what another process could not read is told here
    counts = BacktestCounts()
    for found in spread(parts):
        counts.add_counts(found)
    return counts.report(in_force, draft, changed_rules(in_force, draft))


def count_part(part: FilePart) -> BacktestCounts:
    """What differs in one part. Raises what ``run_backtest`` raises."""
    return count_columns((_engine(*part.in_force), _engine(*part.draft)), part.path, part.rows)


def in_this_process(parts: Sequence[FilePart]) -> Iterator[BacktestCounts]:
    """In this process, one after the other."""
    return map(count_part, parts)


@lru_cache(maxsize=2)
def _engine(stored: bytes, stored_hash: str) -> Engine:
    """A bundle's engine. It remembers the combinations of rules that it has decided, for the next part."""
    return Engine(load_bundle(stored, stored_hash))


def in_processes(count: int) -> Map:
    """So many processes of this machine."""

    def spread(parts: Sequence[FilePart]) -> Iterator[BacktestCounts]:
        with ProcessPoolExecutor(count, get_context("spawn")) as pool:
            try:
                yield from pool.map(count_part, parts)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    return spread


def on_ray(address: str) -> Map:
    """The Ray cluster at this address; ``local``: one that lives as long as this process.

    Every node needs this version of Seawall, and the file under the same path. Raises RayUnavailable.
    """
    try:
        import ray
        from ray.exceptions import RayError, RayTaskError
    except ImportError as error:
        raise RayUnavailable("Ray is not installed: pip install 'seawall[ray]', on every node") from error

    def spread(parts: Sequence[FilePart]) -> Iterator[BacktestCounts]:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a cluster that is started here reports to nobody
        try:
            ray.init(address=address, include_dashboard=False, log_to_driver=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise RayUnavailable(f"there is no Ray cluster at {address!r}: {error}") from error
        try:
            count = ray.remote(count_part)
            waiting = [count.remote(part) for part in parts]
            while waiting:
                done, waiting = ray.wait(waiting)
                yield from ray.get(done)
        except RayTaskError as error:
            raise error.cause from None
        except RayError as error:
            raise RayUnavailable(f"the Ray cluster at {address!r} did not finish: {error}") from error
        finally:
            ray.shutdown()

    return spread
