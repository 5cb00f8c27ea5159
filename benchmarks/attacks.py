"""Normal screenings beside every attack on the server that was tried, against the same on a quiet server.

    ./run bench attacks            # all; or some: ./run bench attacks A1 A9

``beside.py`` says how it is measured. Wanted: the same verdicts, nothing degraded, and a p99 of at most three times the
quiet one; while the database takes no writes, every answer within its deadline and a quarter of a second. Exits with 1
when it is not so. Numbers of attacks are those of the report in which they were found.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from typing import Any

from benchmarks.beside import MOST, Comparison, Target, compare, heading, many, report, request, server
from benchmarks.sign_in_flood import flood
from benchmarks.slow_files import animation, encoded, scanned, texture

DEADLINE_MS, MARGIN_MS = 500, 250
MIB = 1 << 20
HISTORY_DAYS = 200  # of minutes with decisions, before the metrics are read


def main() -> int:
    """Print a table, then one line of JSON; 1 when a figure is not as wanted."""
    usual = tuple(encoded(texture(number, (1_280, 960)), "JPEG") for number in range(40))
    large = tuple(data + bytes(int(1.2 * MIB)) for data in usual)
    attacks: dict[str, Callable[[Target], Comparison]] = {
        "A1 flood of sign-ins": lambda target: compare(target, flood),
        "A2 slow, endless heads": lambda target: compare(target, slow_heads),
        "A6 metrics, long history": lambda target: compare(target, metrics),
        "A15 stalled uploads": lambda target: compare(target, stalled_uploads, pictures=large),
        "A16 large, without scope": lambda target: compare(target, large_bodies),
        "A10 locked database": lambda target: compare(target, locked_database, deadline_ms=DEADLINE_MS),
        "A4 slow pictures": lambda target: compare(target, slow_pictures, rounds=1, pictures=usual),
        "A9 bulk work": lambda target: compare(target, bulk_work, rounds=1),
    }
    wanted = [name for name in attacks if not sys.argv[1:] or name.split()[0] in sys.argv[1:]]
    found: dict[str, Comparison] = {}
    heading()
    for worker in (False, True):  # without one, so that what the server itself does is measured
        names = [name for name in wanted if (name == "A9 bulk work") is worker]
        if names:
            with server(history, worker=worker) as target:
                for name in names:
                    found[name] = attacks[name](target)
                    report(name, found[name])
    wrong = [name for name, comparison in found.items() if not is_wanted(name, comparison)]
    print("wanted figures missed: " + (", ".join(wrong) or "none"))
    print(json.dumps({name: figures(comparison) for name, comparison in found.items()}))
    return int(bool(wrong))


def is_wanted(name: str, found: Comparison) -> bool:
    """Whether an attack changed nothing that it must not."""
    if name.startswith("A10"):  # nothing can be committed, which counts as degraded: what is promised is the deadline
        same = not found.attacked.changed and not found.attacked.refused
        return same and found.attacked.ms(0.99) <= DEADLINE_MS + MARGIN_MS
    return found.is_unchanged and found.ratio <= MOST


def figures(found: Comparison) -> dict[str, Any]:
    """For the line of JSON."""
    return {"quiet": found.quiet.figures(), "attacked": found.attacked.figures(), "p99_ratio": found.ratio}


# ── the attacks ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def slow_heads(target: Target, answered: Counter[str]) -> None:
    """A2: 300 connections that never end the head of their request, two that send header lines without end."""

    async def one(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
        try:
            writer.write(b"POST /v1/screen HTTP/1.1\r\nHost: x\r\n")
            while not reader.at_eof():
                writer.write(b"X: y\r\n" * 4_000 if number < 2 else b"X: y\r\n")
                await writer.drain()
                if number >= 2:
                    await asyncio.sleep(1)
                with suppress(TimeoutError):
                    if answer := await asyncio.wait_for(reader.read(1_024), 0.01):
                        answered[answer.split(b" ", 2)[1].decode()] += 1
        finally:
            writer.close()

    await many(302, one)


async def metrics(target: Target, answered: Counter[str]) -> None:
    """A6: forty clients that ask for the metrics, without end."""

    async def one(number: int) -> None:
        status, _ = await request(target.port, "/metrics", None)
        answered[str(status)] += 1

    await many(40, one)


async def stalled_uploads(target: Target, answered: Counter[str]) -> None:
    """A15: sixteen uploads that declare 64 MiB each and send a little of it."""

    async def one(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
        head = f"POST /v1/screen HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {target.key}\r\n"
        try:
            writer.write(f"{head}Content-Type: application/json\r\nContent-Length: {64 * MIB}\r\n\r\n{{".encode())
            answer = await reader.read()
            answered[answer.split(b" ", 2)[1].decode() if answer else "closed"] += 1
        finally:
            writer.close()

    await many(16, one)


async def large_bodies(target: Target, answered: Counter[str]) -> None:
    """A16: four clients that send 16 MB of JSON with a key that may only read."""
    body = b"[" + b"{}," * (16 * MIB // 3) + b"{}]"

    async def one(number: int) -> None:
        authorization = f"Authorization: Bearer {target.read_key}\r\n"
        status, _ = await request(target.port, "/v1/reports", body, "application/json", authorization)
        answered[str(status)] += 1

    await many(4, one)


async def locked_database(target: Target, answered: Counter[str]) -> None:
    """A10: another process that holds the write lock of the database for two seconds, again and again."""
    while True:
        with closing(sqlite3.connect(target.database, timeout=10, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                await asyncio.sleep(2)
                answered["locked"] += 1
            finally:
                connection.execute("ROLLBACK")
        await asyncio.sleep(0.3)


async def slow_pictures(target: Target, answered: Counter[str]) -> None:
    """A4: the slowest files that are not refused: four at first, then one every two seconds, of one account each."""
    files = [animation(), scanned()]
    sent: list[Awaitable[None]] = []

    async def one(number: int) -> None:
        data = base64.b64encode(files[number % 2] + number.to_bytes(8, "big")).decode()
        item = {
            "content_type": "post",
            "id": f"slow-{number}",
            "actor": {"id": f"eve-{number % 3}"},
            "fields": {"image": {"base64": data}},
        }
        authorization = f"Authorization: Bearer {target.key}\r\n"
        status, answer = await request(
            target.port, "/v1/screen", json.dumps(item).encode(), "application/json", authorization
        )
        verdict = json.loads(answer.partition(b"\r\n\r\n")[2]).get("verdict", "")
        answered[f"{status} {verdict}"] += 1

    for number in range(1_000):
        sent.append(asyncio.ensure_future(one(number)))
        await asyncio.sleep(0 if number < 4 else 2)
    await asyncio.gather(*sent)


async def bulk_work(target: Target, answered: Counter[str]) -> None:
    """A9: 6,000 items for the worker in six calls."""
    authorization = f"Authorization: Bearer {target.key}\r\n"
    for call in range(6):
        items = [
            {
                "content_type": "comment",
                "id": f"bulk-{call}-{number}",
                "actor": {"id": f"bulk-{number}"},
                "fields": {"body": f"Loved the second verse, number {number} of {call}."},
                "language": "en",
            }
            for number in range(1_000)
        ]
        body = json.dumps({"items": items}).encode()
        status, _ = await request(target.port, "/v1/items", body, "application/json", authorization)
        answered[str(status)] += 1
    await asyncio.Event().wait()


def history(database: str) -> None:
    """Minutes with decisions, as months of traffic leave them behind."""
    minute = 60_000
    now = int(time.time() * 1000) // minute * minute
    rows = (
        (now - number * minute, "comment", "detectors", verdict, 40, 1)
        for number in range(60, HISTORY_DAYS * 24 * 60)
        for verdict in ("allow", "hold")
    )
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executemany("INSERT INTO traffic VALUES (?, ?, ?, ?, ?, ?)", rows)


if __name__ == "__main__":
    sys.exit(main())
