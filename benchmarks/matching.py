"""Known images among a million and ten million: PDQ lookup beside threatexchange and FAISS, radius 31.

    ./run bench matching                 one million; a few minutes
    ./run bench matching --full          and ten million: 6 GB of memory, a quarter of an hour
    ./run bench matching --size 3000000  as many as you like, without threatexchange above a million

Each peer takes turns with ours, query by query in one process and on one thread, so that each finds the caches as the
other left them (``beside_ms`` is ours then, which the ratio ``x`` is to; the first row is ours alone). Every answer to
every timed query must be the same. Times of queries are CPU time of the thread: what a
query takes where no other program interrupts. Recall is counted over 10,000 queries (a tenth of that above a million
hashes) against comparing every hash. Hashes are synthetic: uniform, and PDQ hashes of faint clouds on light gradients,
in clusters.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.matching_workload import (
    RADIUS,
    Engine,
    Hashes,
    available,
    cpu_seconds,
    full_scan,
    make_queries,
    resident_mb,
    seawall,
    seconds,
    skewed,
    uniform,
)

from seawall.match.hashindex.index import HashIndex

TIMED, TIMED_LARGE = 600, 100  # queries, each asked three times; above a million hashes
ROUNDS = 3
RECALL = 10_000
AIM_RATIO, AIM_P50_MS, AIM_GB = 5.0, 0.25, 1.5


def compare(hashes: Hashes, peers: Sequence[str]) -> dict[str, Any]:
    """One table: every engine on the same hashes and queries."""
    makers, missing = available(peers)
    for package in missing:
        print(f"not measured: {package} is not installed (uv sync --group bench)")
    timed = TIMED if len(hashes) <= 10**6 else TIMED_LARGE
    queries = make_queries(hashes, timed, np.random.default_rng(2))
    figures: dict[str, Any] = {}
    with ExitStack() as stack:
        engines = []
        for make in (seawall, *makers):
            before = resident_mb()
            built: list[Engine] = []
            took = seconds(lambda make=make, built=built: built.append(make(hashes, stack)))  # type: ignore[misc]
            engines += built
            figures[built[0].name] = {"build_s": round(took, 2)}
            for query in queries[:50]:  # maps the pages that searching touches
                built[0].search(built[0].prepare(query))
            figures[built[0].name]["memory_mb"] = round(resident_mb() - before)
        figures[engines[0].name] |= summary(take_turns(engines[:1], queries)[engines[0].name])
        for engine in engines[1:]:
            times = take_turns([engines[0], engine], queries)
            figures[engine.name] |= summary(times[engine.name])
            beside = summary(times[engines[0].name])["p50_ms"]
            figures[engine.name] |= {"beside_ms": beside, "x": round(figures[engine.name]["p50_ms"] / beside, 1)}
        for engine in engines:
            adds = 3 if engine.name.startswith("threatexchange") else 50
            taken = [seconds(lambda e=engine, n=n: e.add(len(hashes) + n)) for n in range(adds)]  # type: ignore[misc]
            figures[engine.name]["add_ms"] = round(float(np.median(taken)) * 1e3, 3)
    figures["seawall"] |= {"beside_ms": figures["seawall"]["p50_ms"], "x": 1.0}
    print(f"\n{len(hashes):,} hashes, {timed} queries three times; each peer in turn with seawall (beside_ms)")
    columns = ("p50_ms", "beside_ms", "x", "p99_ms", "best_p99_ms", "build_s", "memory_mb", "add_ms")
    print(f"{'engine':<24}" + "".join(f"{name:>12}" for name in columns))
    for name, each in figures.items():
        print(f"{name:<24}" + "".join(f"{each[column]:>12,}" for column in columns), flush=True)
    return {"engines": figures, "missing": missing}


def take_turns(engines: Sequence[Engine], queries: Sequence[bytes]) -> dict[str, np.ndarray[Any, Any]]:
    """Seconds by engine, of shape (rounds, queries). Raises AssertionError where two engines disagree."""
    prepared = {engine.name: [engine.prepare(query) for query in queries] for engine in engines}
    times = {engine.name: np.empty((ROUNDS, len(queries))) for engine in engines}
    for turn in range(ROUNDS):
        for number in range(len(queries)):
            answers = []
            for engine in engines:
                query, kept = prepared[engine.name][number], []
                times[engine.name][turn, number] = cpu_seconds(lambda: kept.append(engine.search(query)))  # noqa: B023
                answers.append(engine.ids(kept[0]))
            assert all(answer == answers[0] for answer in answers), f"query {number}: {answers}"
    return times


def summary(times: np.ndarray[Any, Any]) -> dict[str, float]:
    """Milliseconds: of all calls, and of each query's best, which leaves out other programs' interruptions."""
    return {
        "p50_ms": round(float(np.percentile(times, 50)) * 1e3, 3),
        "p99_ms": round(float(np.percentile(times, 99)) * 1e3, 3),
        "best_p99_ms": round(float(np.percentile(times.min(axis=0), 99)) * 1e3, 3),
    }


def recall(hashes: Hashes, kind: str, count: int) -> dict[str, Any]:
    """Whether our answers are those of comparing every hash; and how the index lives: bytes, opening, merging."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        with HashIndex.open(folder) as index:
            index.add(np.arange(len(hashes)), hashes)
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        opening = min(seconds(lambda: HashIndex.open(folder).close()) for _ in range(5))
        index = stack.enter_context(HashIndex.open(folder))
        queries = make_queries(hashes, count, np.random.default_rng(3))
        expected = full_scan(hashes, queries)
        found = [{number for number, _ in index.search(query, RADIUS)} for query in queries]
        equal = sum(ours == theirs for ours, theirs in zip(found, expected, strict=True))
        times = np.array([[cpu_seconds(lambda q=q: index.search(q, RADIUS)) for q in queries]])  # type: ignore[misc]
        merging = while_merging(index, queries[:500])
    figures = {
        "queries": count,
        "equal": equal,
        "found": sum(map(len, expected)),
        "index_mb": round(size / 1e6),
        "open_ms": round(opening * 1e3, 2),
        **summary(times),
        "p50_merging_ms": merging,
    }
    print(
        f"{kind:<8} {len(hashes):>10,} hashes: {equal:,} of {count:,} answers equal to a full scan "
        f"({figures['found']:,} hits); alone p50 {figures['p50_ms']} ms, p99 {figures['p99_ms']}, "
        f"p50 {merging} while merging; "
        f"{figures['index_mb']:,} MB, opened in {figures['open_ms']} ms",
        flush=True,
    )
    return figures


def while_merging(index: HashIndex, queries: Sequence[bytes]) -> float:
    """Median milliseconds of a query while another thread merges 50,000 fresh entries, again and again."""
    random, ended = np.random.default_rng(4), threading.Event()

    def merge() -> None:
        number = 10**12
        while not ended.is_set():
            index.add(np.arange(number, number + 50_000), uniform(50_000, random))
            index.merge()
            number += 50_000

    thread = threading.Thread(target=merge)
    thread.start()
    try:
        taken = [cpu_seconds(lambda query=query: index.search(query, RADIUS)) for query in queries]  # type: ignore[misc]
    finally:
        ended.set()
        thread.join()
    return round(float(np.median(taken)) * 1e3, 3)


def main(argv: Sequence[str] | None = None) -> None:
    """Print tables, then one line of JSON."""
    parser = argparse.ArgumentParser(prog="./run bench matching")
    parser.add_argument("--size", type=int, action="append", help="how many hashes; may be given more than once")
    parser.add_argument("--full", action="store_true", help="one million and ten million")
    parser.add_argument("--queries", type=int, default=RECALL, help="against a full scan (10,000)")
    options = parser.parse_args(argv)
    sizes = [10**6, 10**7] if options.full else options.size or [10**6]
    figures: dict[str, Any] = {}
    for size in sizes:
        count = options.queries if size <= 10**6 else options.queries // 10
        hashes = uniform(size, np.random.default_rng(1))
        peers = ["flat", "multihash"] if size > 10**6 else ["threatexchange", "flat", "multihash"]
        figures[str(size)] = compare(hashes, peers) | {"uniform": recall(hashes, "uniform", count)}
        if size <= 10**6:
            hashes = skewed(size, np.random.default_rng(1))
            figures[str(size)]["skewed"] = recall(hashes, "skewed", count)
    aims = {"radius": RADIUS, "times_threatexchange": AIM_RATIO, "p50_ms": AIM_P50_MS, "gigabytes": AIM_GB}
    print(json.dumps({"benchmark": "matching", "python": sys.version.split()[0], "aims": aims, **figures}))


if __name__ == "__main__":
    main()
