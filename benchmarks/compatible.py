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
from typing import Any

from benchmarks.http import _serve

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
                await _load(name, port, key, 20, "warm-up")
            for number in range(ROUNDS):
                for name in ROUTES:
                    here.send("cpu")
                    before = here.recv()
                    began = time.perf_counter()
                    latencies = sorted(await _load(name, port, key, REQUESTS, f"run-{number}"))
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


def _request(name: str, number: int, run: str) -> tuple[str, dict[str, Any]]:
    """Path and body."""
    text = TEXT.format(number=f"{number} {run}")
    if name == "screen":
        item = {"content_type": "comment", "id": f"{run}-{number}", "actor": {"id": f"account-{number % 500}"}}
        return "/v1/screen", {**item, "fields": {"body": text}, "language": "en"}
    if name == "moderations":
        return "/v1/moderations", {"input": text}
    names = ("TOXICITY",) if name == "analyze_one" else ("TOXICITY", "IDENTITY_ATTACK", "INSULT", "THREAT", "SPAM")
    wanted: dict[str, Any] = {each: {} for each in names}
    return "/v1alpha1/comments:analyze", {"comment": {"text": text}, "requestedAttributes": wanted, "languages": ["en"]}


async def _load(name: str, port: int, key: str, requests: int, run: str) -> list[float]:
    """Closed loop over ``CLIENTS`` kept connections; seconds of each request. Fails on an answer that is not 200."""
    latencies: list[float] = []
    numbers = iter(range(requests))

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            path, asked = _request(name, number, run)
            body = json.dumps(asked).encode()
            head = (
                f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            began = time.perf_counter()
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(answer.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            payload = await reader.readexactly(length)
            latencies.append(time.perf_counter() - began)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"the server refused: {answer!r} {payload!r}")
        writer.close()

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return latencies


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    sys.exit(main())
