"""``POST /v1/screen`` while strangers flood the sign-in page, against the same requests on a quiet server.

    ./run bench sign_in_flood

One server process (API and console, as ``seawall serve`` runs them, with the shipped policies); this process sends
``RATE`` screenings a second, each known in its verdict, first alone and then while ``STRANGERS`` connections from as
many addresses send wrong passwords as fast as they are answered. Wanted: the same verdicts, nothing degraded, and a p99
of at most three times the quiet one.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import re
import socket
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

RATE = 20
SECONDS = 15
STRANGERS = 40
TEXTS = (
    "Loved the second verse, the drums come in so late and then it all makes sense. Playing it again tonight!",
    "I will kill you tonight",
)


def main() -> None:
    """Print a table, then one line of JSON."""
    here, there = multiprocessing.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        process = multiprocessing.get_context("spawn").Process(target=_serve, args=(folder, there))
        process.start()
        try:
            port, key = here.recv()
            figures = asyncio.run(_measure(port, key))
        finally:
            here.send("stop")
            process.join(timeout=20)
            if process.is_alive():
                process.kill()
    print(f"{'phase':<10}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}{'degraded':>10}  verdicts")
    for phase in ("quiet", "flood"):
        run = figures[phase]
        verdicts = ", ".join(f"{name} {count}" for name, count in sorted(run["verdicts"].items()))
        times = "".join(f"{run[name]:>9.1f}" for name in ("p50_ms", "p99_ms", "max_ms"))
        print(f"{phase:<10}{times}{run['degraded']:>10}  {verdicts}")
    print(f"sign-ins answered: {figures['sign_ins']}")
    print(json.dumps(figures))


async def _measure(port: int, key: str) -> dict[str, Any]:
    with suppress(TimeoutError):  # the first page compiles its template
        await asyncio.wait_for(_stranger(port, STRANGERS, Counter()), 1)
    await _screen(port, key, "warm-up", 3)
    quiet = await _screen(port, key, "quiet", SECONDS)
    answered: Counter[str] = Counter()
    strangers = [asyncio.create_task(_stranger(port, number, answered)) for number in range(STRANGERS)]
    flood = await _screen(port, key, "flood", SECONDS)
    for one in strangers:
        one.cancel()
    await asyncio.gather(*strangers, return_exceptions=True)
    return {
        "quiet": quiet,
        "flood": flood,
        "p99_ratio": flood["p99_ms"] / quiet["p99_ms"],
        "sign_ins": dict(answered),
    }


async def _screen(port: int, key: str, run: str, seconds: int) -> dict[str, Any]:
    """Screenings at a fixed rate, whether or not earlier ones were answered."""
    started = time.perf_counter()

    async def one(number: int) -> tuple[float, dict[str, Any]]:
        due = started + number / RATE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        body = json.dumps(
            {
                "content_type": "comment",
                "id": f"{run}-{number}",
                "actor": {"id": f"account-{run}-{number}"},
                "fields": {"body": TEXTS[number % 2]},
                "language": "en",
            }
        ).encode()
        status, answer = await _request(
            port, "/v1/screen", body, "application/json", f"Authorization: Bearer {key}\r\n"
        )
        if status != 200:
            raise SystemExit(f"the server refused: {answer!r}")
        return time.perf_counter() - due, json.loads(answer.partition(b"\r\n\r\n")[2])

    done = await asyncio.gather(*(one(number) for number in range(RATE * seconds)))
    times = sorted(took for took, _ in done)
    return {
        "p50_ms": 1e3 * times[len(times) // 2],
        "p99_ms": 1e3 * times[int(len(times) * 0.99)],
        "max_ms": 1e3 * times[-1],
        "verdicts": dict(Counter(answer["verdict"] for _, answer in done)),
        "degraded": sum(answer["degraded"] for _, answer in done),
    }


async def _stranger(port: int, number: int, answered: Counter[str]) -> None:
    """Wrong passwords from one address, without end."""
    address = f"127.0.1.{number + 1}"
    _, page = await _request(port, "/sign-in", None, "", "", address)
    token = re.search(rb"seawall_form=([^;\r]+)", page)
    csrf = token[1].decode() if token else "none"  # too many strangers at once: the page was refused
    attempt = 0
    while True:
        attempt += 1
        form = urlencode({"csrf": csrf, "email": f"{number}-{attempt}@example.org", "password": "wrong"}).encode()
        cookie = f"Cookie: seawall_form={csrf}\r\n"
        status, _ = await _request(port, "/sign-in", form, "application/x-www-form-urlencoded", cookie, address)
        answered[str(status)] += 1


async def _request(
    port: int, path: str, body: bytes | None, kind: str, headers: str, address: str = "127.0.0.1"
) -> tuple[int, bytes]:
    """One request on a connection of its own; status and the whole answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
    try:
        method = "GET" if body is None else "POST"
        sent = "" if body is None else f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}{sent}\r\n".encode())
        writer.write(body or b"")
        answer = await reader.read()
    finally:
        writer.close()
    return int(answer.split(b" ", 2)[1]), answer


def _serve(folder: str, pipe: Connection) -> None:
    """The server process: serves until told to stop."""
    import threading

    import structlog

    from seawall import access
    from seawall.app import migrate, open_app
    from seawall.cli.serve import _server, asgi
    from seawall.settings import Settings

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    settings = Settings.from_env({}, data_dir=Path(folder))
    migrate(settings)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    with ExitStack() as stack:
        app = stack.enter_context(open_app(settings))
        app.publish(by="benchmark")
        app.runner.warm_up()
        server = _server(asgi(app), listening)
        key = access.create_key(app.ledger, "benchmark", ["screen"])

        def answer() -> None:
            while not server.started:
                time.sleep(0.01)
            pipe.send((listening.getsockname()[1], key))
            pipe.recv()
            server.should_exit = True

        threading.Thread(target=answer, daemon=True).start()
        server.run()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    sys.exit(main())
