"""Backtest: 50 rules over stored feature columns, beside the row engine on the same rows in the same run.

    ./run bench backtest

First the rules alone: ten million rows stream through in batches, of which one is in memory. Each combination of fired
and undetermined rules is decided once by the row engine, which must find the same rules. Then what a user runs: a
Parquet file of ten million rows under the policy in force and under one with another threshold, as ``seawall policy
backtest --file rows.parquet --processes 2``. Rates are per CPU-second of all processes and threads; the wall time is
that of the machine.
"""

from __future__ import annotations

import gc
import json
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
from benchmarks.rules import POST, SCORER, policy
from benchmarks.rules_workload import make_rules

from seawall.backtest import BacktestReport, backtest_parts, in_processes
from seawall.backtest.columnar import ColumnarProgram
from seawall.content import load_content_type
from seawall.model import UNKNOWN
from seawall.policy import Bundle, PolicySource, build_bundle

RULES = 50
EVENTS = 10_000_000
BATCH = 100_000
DISTINCT = 200_000  # rows that are made; batches begin at varying places among them
BY_ROWS = 50_000
AIM_RATE = 800_000  # events per CPU-second
AIM_WALL_S = 60


def rows_of(columnar: ColumnarProgram, count: int) -> list[dict[str, Any]]:
    """Rows as decisions store them: everyday values, every twentieth without an answer of the scorer."""
    chance = random.Random(3)
    countries = ["US", "GB", "DE", "BR", "IN", "NG", "RU", "VN", "FR", "JP"]
    found = []
    for _ in range(count):
        row: dict[str, Any] = {
            "item.event_type": chance.choice(["post_create", "post_create", "post_edit"]),
            "actor.account_age_days": int(chance.expovariate(1 / 60)),
            "actor.followers": int(chance.expovariate(1 / 100)),
            "actor.verified": chance.random() < 0.1,
            "actor.reputation": chance.random(),
            "actor.prior_strikes": int(chance.expovariate(2)),
            "actor.country": chance.choice(countries),
            "item.num_links": int(chance.expovariate(1)),
            "item.num_mentions": int(chance.expovariate(0.3)),
            "spam": chance.random() ** 3,
            "toxicity": chance.random() ** 4,
        }
        if chance.random() < 0.05:
            row |= {"spam": UNKNOWN, "toxicity": UNKNOWN, "at_least(spam)": 0.0, "at_least(toxicity)": 0.0}
        for feature in columnar.features:
            row.setdefault(feature.name, chance.random() < 0.05)  # the patterns
        found.append(row)
    return found


def write_file(path: Path, rows: list[dict[str, Any]]) -> None:
    """The rows again and again, as ``seawall policy rows`` writes them, until there are EVENTS."""
    chance = random.Random(7)
    records = []
    for number, row in enumerate(rows):
        unknown = [name for name, value in row.items() if value is UNKNOWN]
        known = {name: value for name, value in row.items() if value is not UNKNOWN}
        records.append({
            "content_type": "post", "item": f"it_{number}", "decision": f"dec_{number}", "revision": 1, "snoozed": [],
            "actor": f"ac_{chance.randrange(EVENTS // 10)}", "language": chance.choice(["en", "de", None]),
            "label": chance.choice([True, False, *[None] * 18]), "age(actor)": None, **known,
            "unknown": unknown, "unknown_because": ["no detector was asked for it then"] * len(unknown),
        })  # fmt: skip
    frame = pl.DataFrame(records, infer_schema_length=None)
    pl.concat([frame.lazy()] * (EVENTS // len(rows))).sink_parquet(path)


def run_file(rows: list[dict[str, Any]], in_force: Bundle, draft: Bundle) -> tuple[BacktestReport, float, float, int]:
    """The report on the file, wall and CPU seconds, and MB of the largest process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        write_file(path, rows)
        before, wall = _cpu(), time.perf_counter()
        report = backtest_parts(path, in_force, draft, in_processes(2))
        wall = time.perf_counter() - wall
        return report, wall, _cpu() - before, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def main() -> None:
    """Print the figures, then one line of JSON."""
    content_type = load_content_type(POST, "post.yaml")
    text = policy(make_rules(RULES))
    in_force, draft = (
        build_bundle([PolicySource("workload.yaml", each)], [content_type], [SCORER], [])
        for each in (text, text.replace("spam > 0.95", "spam > 0.9"))
    )
    program = in_force.program("post")
    columnar = ColumnarProgram(program)
    rows = rows_of(columnar, DISTINCT)
    columns = columnar.columns(rows)
    gc.collect()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    counts: Counter[tuple[int, ...]] = Counter()
    seen: dict[tuple[int, ...], int] = {}
    chance = random.Random(5)
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(EVENTS // BATCH):
        start = chance.randrange(DISTINCT - BATCH)
        masks = columnar.masks(columns.slice(start, BATCH))
        grouped = masks.with_row_index("row").group_by(columnar.words).agg(pl.len(), pl.col("row").first())
        for *words, count, first in grouped.iter_rows():
            counts[tuple(words)] += count
            seen.setdefault(tuple(words), start + first)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    assert sum(counts.values()) == EVENTS
    for words, index in seen.items():
        assert tuple(columnar.masks_of_row(rows[index]).values()) == words, "the engines disagree"

    start = time.process_time()
    for row in rows[:BY_ROWS]:
        program.decide(row)
    by_rows = BY_ROWS / (time.process_time() - start)
    rate = EVENTS / cpu
    print(f"columns     {rate:>12,.0f} events per CPU-second; {EVENTS:,} in {wall:.1f} s, {cpu:.1f} s of CPU")
    print(f"row engine  {by_rows:>12,.0f} events per CPU-second: the columns are {rate / by_rows:.1f} times as fast")
    print(f"memory      {grown / 1024:>12,.0f} MB more than before the first batch")
    print(f"agreement   {len(seen):>12,} combinations of rules, each the same in the row engine")
    report, file_wall, file_cpu, memory_mb = run_file(rows, in_force, draft)
    assert report.rows == EVENTS
    file_rate = EVENTS / file_cpu
    print(f"file        {file_rate:>12,.0f} events per CPU-second; {EVENTS:,} in {file_wall:.1f} s, two processes of")
    print(
        f"            {memory_mb:,} MB at most; {report.changed:,} decided otherwise, "
        f"{report.checked:,} decisions by the row engine"
    )
    figures = {"rules": RULES, "events": EVENTS, "batch": BATCH, "columns": round(rate), "row_engine": round(by_rows)}
    figures |= {"ratio": round(rate / by_rows, 2), "wall_s": round(wall, 1), "cpu_s": round(cpu, 1)}
    figures |= {"grown_mb": round(grown / 1024), "combinations": len(seen), "aim_rate": AIM_RATE}
    figures |= {"file": round(file_rate), "file_wall_s": round(file_wall, 1), "file_mb": memory_mb}
    met = rate >= AIM_RATE and max(wall, file_wall) <= AIM_WALL_S
    figures |= {"file_changed": report.changed, "aim_wall_s": AIM_WALL_S, "aim_met": met}
    print(json.dumps({"benchmark": "backtest", "python": sys.version.split()[0], **figures}))


if __name__ == "__main__":
    main()
