"""Counters: activities counted per second by one process, what a read costs, and the memory of a number kept.

    ./run bench counters

A synthetic day of plays (accounts by a Zipf-like law, every tenth activity late) through an engine with one counter,
with five as the shipped examples use them, and with two of the latest activities. An *update* is one activity in one
table. CPU time, best of 3.
"""

from __future__ import annotations

import json
import random
import sys
import time
import tracemalloc

import msgspec

from seawall.counters import Activity, CounterEngine, windows_of
from seawall.model.counters import CounterFunction, CounterSpec

AIM = 500_000  # updates per second
ACTIVITIES = 200_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = 1_800_000_000_000
RUNS = 3

ONE = [CounterSpec(function=CounterFunction.COUNT, by=("actor",), activity="play", within=10 * MINUTE)]
FIVE = [
    *ONE,
    CounterSpec(function=CounterFunction.COUNT, by=("actor", "track"), activity="play", within=DAY),
    CounterSpec(function=CounterFunction.DISTINCT, by=("actor",), activity="play", value="track", within=DAY),
    CounterSpec(function=CounterFunction.SUM, by=("actor",), activity="play", value="seconds", within=HOUR),
    CounterSpec(
        function=CounterFunction.COUNT,
        by=("actor",),
        activity="play",
        within=DAY,
        where=("and", ("compare", "seconds", ">=", 30), ("compare", "seconds", "<=", 35)),
    ),
]

LATEST = [
    CounterSpec(function=CounterFunction.SINCE_LAST, by=("actor",), activity="play", within=400 * DAY, last=1),
    CounterSpec(
        function=CounterFunction.AMONG_LAST,
        by=("actor",),
        activity="play",
        within=400 * DAY,
        where=("compare", "seconds", "<", 35),
        last=20,
    ),
]


def day() -> list[Activity]:
    """One day of plays."""
    chance = random.Random(1)
    made = []
    for number in range(ACTIVITIES):
        received = START + number * DAY // ACTIVITIES
        late = chance.randrange(2 * HOUR) if chance.random() < 0.1 else 0
        attributes = {
            "actor": f"en_{int(20_000 * chance.random() ** 3):032x}",
            "track": f"{int(5_000 * chance.random() ** 2) * 0x9E3779B97F4A7C15 % 2**64:016x}",
            "seconds": chance.randrange(1, 300),
        }
        made.append(Activity("play", received - late, received, attributes))
    return made


def no_texts(text: str) -> str:
    """No condition of this workload compares texts."""
    raise AssertionError(text)


def updates_per_second(specs: list[CounterSpec], log: list[Activity]) -> float:
    """The best rate of some runs."""
    best = 0.0
    for _ in range(RUNS):
        engine = CounterEngine(windows_of(specs), no_texts)
        began = time.process_time()
        engine.apply(log)
        best = max(best, len(log) * len(windows_of(specs)) / (time.process_time() - began))
    return best


def main() -> None:
    """Print the figures, then one line of JSON."""
    log = day()
    one, five, latest = (updates_per_second(specs, log) for specs in (ONE, FIVE, LATEST))
    tracemalloc.start()
    engine = CounterEngine(windows_of(FIVE), no_texts)
    engine.apply(log)
    memory = tracemalloc.get_traced_memory()[0] / engine.entries
    tracemalloc.stop()
    at, keys = log[-1].received, [activity.attributes for activity in log[::50]]
    began = time.process_time()
    for key in keys:
        for spec in FIVE:
            engine.read(spec, key, at)
    read_us = (time.process_time() - began) / len(keys) / len(FIVE) * 1e6
    began = time.process_time()
    state = msgspec.msgpack.encode(engine.snapshot())
    snapshot_s = time.process_time() - began
    print(f"one counter   {one:>12,.0f} updates/s")
    print(f"five counters {five:>12,.0f} updates/s")
    print(f"latest ones   {latest:>12,.0f} updates/s")
    print(f"one read      {read_us:>12.1f} µs")
    print(f"numbers kept  {engine.entries:>12,} at {memory:.0f} bytes each; a snapshot of {len(state):,} bytes")
    figures = {
        "unit": "updates per CPU-second",
        "aim": AIM,
        "one_counter": round(one),
        "five_counters": round(five),
        "latest": round(latest),
        "aim_met": min(one, five, latest) >= AIM,
        "read_us": round(read_us, 2),
        "entries": engine.entries,
        "bytes_per_entry": round(memory),
        "snapshot_s": round(snapshot_s, 3),
        "snapshot_bytes": len(state),
    }
    print(json.dumps({"benchmark": "counters", "python": sys.version.split()[0], **figures}))


if __name__ == "__main__":
    main()
