"""Latency of the routes in other services' shapes beside ``POST /v1/screen``, with the shipped policies and models.

    ./run bench compatible

One server process, one event loop; this process is the load: ``CLIENTS`` connections that each send the next request
when the last is answered. The routes take turns, ``ROUNDS`` times, so that what else the machine does falls on all of
them. Every request has another text, so that nothing is answered from a cache. ``/v1/screen`` decides and is durable
before it answers, and asks the encoder only where a threshold is near; the others give exact scores of every signal
that they name, and record nothing.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from functools import partial
from typing import Any

from benchmarks.http import _serve, load

CLIENTS = 8
REQUESTS = 400
ROUNDS = 3
TEXT = "Loved verse {number} of this, the drums come in so late and then it all makes sense. Playing it again tonight!"
ROUTES = ("screen", "analyze", "analyze_one", "moderations")


def main() -> None:
    """Print a table, then one line of JSON."""
    runs = asyncio.run(_runs())
    figures: dict[str, Any] = {"clients": CLIENTS, "requests": REQUESTS, "rounds": ROUNDS}
    for name in ROUTES:
        figures[name] = {key: statistics.median(run[key] for run in runs[name]) for key in runs[name][0]}
    screen = figures["screen"]
    print(f"{'route':<14}{'req/s':>9}{'CPU ms':>9}{'p50 ms':>9}{'p99 ms':>9}{'p50 x screen':>14}")
    for name in ROUTES:
        run = figures[name]
        run["p50_ratio"] = run["p50_ms"] / screen["p50_ms"]
        run["cpu_ratio"] = run["cpu_ms"] / screen["cpu_ms"]
        print(
            f"{name:<14}{run['per_s']:>9.0f}{run['cpu_ms']:>9.2f}{run['p50_ms']:>9.2f}{run['p99_ms']:>9.2f}"
            f"{run['p50_ratio']:>14.2f}"
        )
    print(json.dumps(figures))


async def _runs() -> dict[str, list[dict[str, float]]]:
    here, there = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ROUTES}
    with tempfile.TemporaryDirectory() as folder:
        process = context.Process(target=_serve, args=("screen_with_model", folder, there))
        process.start()
        try:
            port, key = here.recv()
            for name in ROUTES:
                await load(port, key, 20, partial(_request, name, "warm-up"), CLIENTS)
            for number in range(ROUNDS):
                for name in ROUTES:
                    here.send("cpu")
                    before = here.recv()
                    began = time.perf_counter()
                    latencies = sorted(
                        await load(port, key, REQUESTS, partial(_request, name, f"run-{number}"), CLIENTS)
                    )
                    wall = time.perf_counter() - began
                    here.send("cpu")
                    found[name].append(
                        {
                            "per_s": REQUESTS / wall,
                            "cpu_ms": 1e3 * (here.recv() - before) / REQUESTS,
                            "p50_ms": 1e3 * latencies[len(latencies) // 2],
                            "p99_ms": 1e3 * latencies[int(len(latencies) * 0.99)],
                        }
                    )
        finally:
            here.send("stop")
            process.join(timeout=20)
            if process.is_alive():
                process.kill()
    return found


def _request(name: str, run: str, number: int) -> tuple[str, bytes]:
    """Path and body."""
    text = TEXT.format(number=f"{number} {run}")
    if name == "screen":
        item = {"content_type": "comment", "id": f"{run}-{number}", "actor": {"id": f"account-{number % 500}"}}
        return "/v1/screen", json.dumps({**item, "fields": {"body": text}, "language": "en"}).encode()
    if name == "moderations":
        return "/v1/moderations", json.dumps({"input": text}).encode()
    names = ("TOXICITY",) if name == "analyze_one" else ("TOXICITY", "IDENTITY_ATTACK", "INSULT", "THREAT", "SPAM")
    wanted: dict[str, Any] = {each: {} for each in names}
    return "/v1alpha1/comments:analyze", json.dumps(
        {"comment": {"text": text}, "requestedAttributes": wanted, "languages": ["en"]}
    ).encode()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    sys.exit(main())
