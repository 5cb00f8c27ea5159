"""Publishing under load: from the publication to the first answer by the new rules, and what it does to the others.

    ./run bench publish

One server with the shipped policies answers ``CLIENTS`` connections that each send ``RATE`` short comments a second;
they are in this process. Another process builds and publishes: the shipped policies, and one whose rule for a probe's
word alternates between two actions. A further connection sends that word all the time. *Effective* is the time from the
call that publishes (reading, building and checking included) to the first probe that is answered by the new rule; after
that, no probe may be answered by the old one.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.http import TEXT, _serve

CLIENTS, RATE = 4, 20
QUIET_S = 10.0
PUBLICATIONS = 12
PROBE_S = 0.02
MOST_S = 30.0
AIM_S = 5.0
POLICY = """\
policy: benchmark-probe
title: Probe of the benchmark
owner: benchmark
applies_to: [comment]
harm: terms
definition: A word that nobody uses.
statement: {{ground: incompatible, clause: "None"}}
rules:
  - id: word
    when: contains(item.body, "zwxqprobe")
    do: [{action}]
examples:
  - item: {{comment: {{body: "zwxqprobe"}}}}
    expect: {{verdict: {verdict}, actions: [{action}]}}
"""
VERDICTS = {"remove": "block", "hold": "hold"}


@dataclass
class Traffic:
    """What is answered: seconds of each request, with its time, and the probes' last verdict."""

    latencies: list[tuple[float, float]] = field(default_factory=list)
    probes: list[tuple[float, str]] = field(default_factory=list)  # when it was sent, and the verdict
    is_over: bool = False


def main() -> int:
    """Print a table, then one line of JSON."""
    with tempfile.TemporaryDirectory() as folder, _process(_serve, "screen_with_model", folder) as server:
        port, key = server.recv()
        with _process(_publisher, folder) as publisher:
            figures = asyncio.run(_measure(port, key, publisher))
    print(
        f"effective after {figures['p50_s']:.2f} s (p50), {figures['p95_s']:.2f} s (p95), {PUBLICATIONS} publications"
    )
    print(f"of these in the call itself {figures['call_p50_s']:.2f} s (p50)")
    print(
        f"p99 of a screening: quiet {figures['quiet_p99_ms']:.1f} ms, publishing {figures['publishing_p99_ms']:.1f} ms"
    )
    print(f"slowest: quiet {figures['quiet_most_ms']:.1f} ms, publishing {figures['publishing_most_ms']:.1f} ms")
    print(json.dumps(figures))
    return int(figures["p95_s"] > AIM_S or figures["taken_back"] > 0)


@contextmanager
def _process(target: Callable[..., None], *arguments: str) -> Iterator[Connection]:
    """A process of its own, and the pipe to it; it ends when it is told to stop."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=target, args=(*arguments, there))
    process.start()
    try:
        yield here
    finally:
        here.send("stop")
        process.join(timeout=20)
        if process.is_alive():
            process.kill()


def _publisher(folder: str, pipe: Connection) -> None:
    """Publishes with each action that it is told, and answers."""
    from seawall.app import open_app
    from seawall.settings import Settings

    with open_app(Settings.from_env({}, data_dir=Path(folder))) as app:
        while (action := pipe.recv()) != "stop":
            _publish(app, action)
            pipe.send("published")


def _ask(publisher: Connection, action: str) -> None:
    publisher.send(action)
    publisher.recv()


async def _measure(port: int, key: str, publisher: Connection) -> dict[str, Any]:
    traffic = Traffic()
    await asyncio.to_thread(_ask, publisher, "hold")
    async with asyncio.TaskGroup() as group:
        for number in range(CLIENTS):
            group.create_task(_client(port, key, traffic, number))
        group.create_task(_prober(port, key, traffic))
        await asyncio.sleep(2)
        began = time.perf_counter()
        await asyncio.sleep(QUIET_S)
        publishing = time.perf_counter()
        effective, calls, taken_back = [], [], 0
        for number in range(PUBLICATIONS):
            action = ("remove", "hold")[number % 2]
            started = time.perf_counter()
            await asyncio.to_thread(_ask, publisher, action)
            calls.append(time.perf_counter() - started)
            first = await _first(traffic, started, VERDICTS[action])
            effective.append(first - started)
            await asyncio.sleep(1)
            taken_back += sum(sent > first and verdict != VERDICTS[action] for sent, verdict in traffic.probes)
        ended = time.perf_counter()
        traffic.is_over = True
    quiet = sorted(took for at, took in traffic.latencies if began <= at < publishing)
    busy = sorted(took for at, took in traffic.latencies if publishing <= at < ended)
    return {
        "publications": PUBLICATIONS,
        "requests_per_s": CLIENTS * RATE,
        "p50_s": statistics.median(effective),
        "p95_s": sorted(effective)[int(len(effective) * 0.95)],
        "call_p50_s": statistics.median(calls),
        "taken_back": taken_back,
        "quiet_p99_ms": 1e3 * quiet[int(len(quiet) * 0.99)],
        "publishing_p99_ms": 1e3 * busy[int(len(busy) * 0.99)],
        "quiet_most_ms": 1e3 * quiet[-1],
        "publishing_most_ms": 1e3 * busy[-1],
    }


def _publish(app: Any, action: str) -> None:
    from seawall.policy import PolicySource
    from seawall.publish import read_sources

    probe = PolicySource("probe.yaml", POLICY.format(action=action, verdict=VERDICTS[action]))
    sources = read_sources()
    app.publish(replace(sources, policies=(*sources.policies, probe)), by="benchmark")


async def _first(traffic: Traffic, since: float, verdict: str) -> float:
    """When the first probe after ``since`` was answered so."""
    while time.perf_counter() < since + MOST_S:
        for sent, came in reversed(traffic.probes):
            if sent < since:
                break
            if came == verdict:
                return min(at for at, other in traffic.probes if at >= since and other == verdict)
        await asyncio.sleep(PROBE_S / 2)
    raise SystemExit(f"not effective after {MOST_S:.0f} s")


async def _client(port: int, key: str, traffic: Traffic, number: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    count = 0
    due = time.perf_counter() + number / CLIENTS / RATE
    while not traffic.is_over:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        started = max(due, time.perf_counter() - 1 / RATE)  # a request that waits for the last one's answer is late
        await _screen(reader, writer, key, f"load-{number}-{count}", TEXT)
        traffic.latencies.append((started, time.perf_counter() - started))
        due += 1 / RATE
        count += 1
    writer.close()


async def _prober(port: int, key: str, traffic: Traffic) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    count = 0
    while not traffic.is_over:
        sent = time.perf_counter()
        verdict = await _screen(reader, writer, key, f"probe-{count}", "zwxqprobe")
        traffic.probes.append((sent, verdict))
        count += 1
        await asyncio.sleep(PROBE_S)
    writer.close()


async def _screen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: str, item: str, text: str) -> str:
    body = json.dumps(
        {
            "content_type": "comment",
            "id": item,
            "actor": {"id": f"account-{hash(item) % 500}"},
            "fields": {"body": text},
            "language": "en",
        }
    ).encode()
    head = (
        f"POST /v1/screen HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    answer = await reader.readuntil(b"\r\n\r\n")
    payload = await reader.readexactly(int(answer.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
    if not answer.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"the server refused: {answer!r} {payload!r}")
    return str(json.loads(payload)["verdict"])


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    sys.exit(main())
