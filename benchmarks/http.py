"""``POST /v1/screen`` of a short text, durable before the answer, against a bare ASGI JSON echo on the same server.

    ./run bench http

Each server is a process of its own with one event loop; this process is the load: ``CLIENTS`` connections that each
send the next request when the last is answered. CPU is the server process's own (user + system), without the client's.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import resource
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeAlias

CLIENTS = 32
Request: TypeAlias = Callable[[int], tuple[str, bytes]]  # by number: path and body
REQUESTS = 6_000
ROUNDS = 3
TEXT = "Loved the second verse, the drums come in so late and then it all makes sense. Playing it again tonight!"


def main() -> None:
    """Print a table, then one line of JSON."""
    figures: dict[str, Any] = {"clients": CLIENTS, "requests": REQUESTS, "rounds": ROUNDS}
    rows = []
    for name in ("echo", "screen", "screen_with_model"):
        runs = [asyncio.run(_measure(name)) for _ in range(ROUNDS)]
        best = min(runs, key=lambda run: run["cpu_us"])
        figures[name] = {key: statistics.median(run[key] for run in runs) for key in best}
        rows.append((name, figures[name]))
    echo = figures["echo"]["cpu_us"]
    print(f"{'server':<20}{'req/s':>9}{'req/CPU-s':>11}{'CPU µs':>9}{'p50 ms':>9}{'p99 ms':>9}{'x echo':>8}")
    for name, run in rows:
        print(
            f"{name:<20}{run['per_s']:>9.0f}{1e6 / run['cpu_us']:>11.0f}{run['cpu_us']:>9.0f}"
            f"{run['p50_ms']:>9.2f}{run['p99_ms']:>9.2f}{run['cpu_us'] / echo:>8.2f}"
        )
    figures["cpu_ratio_without_model"] = figures["screen"]["cpu_us"] / echo
    figures["cpu_ratio_with_model"] = figures["screen_with_model"]["cpu_us"] / echo
    print(json.dumps(figures))


async def _measure(name: str) -> dict[str, float]:
    here, there = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        process = context.Process(target=_serve, args=(name, folder, there))
        process.start()
        try:
            port, key = here.recv()
            body = _body(0)
            await load(port, key, 200, _screening("warm-up"))
            here.send("cpu")
            before = here.recv()
            started = time.perf_counter()
            latencies = await load(port, key, REQUESTS, _screening("run"))
            wall = time.perf_counter() - started
            here.send("cpu")
            cpu = here.recv() - before
            assert body
        finally:
            here.send("stop")
            process.join(timeout=20)
            if process.is_alive():
                process.kill()
    latencies.sort()
    return {
        "per_s": REQUESTS / wall,
        "cpu_us": 1e6 * cpu / REQUESTS,
        "p50_ms": 1e3 * latencies[len(latencies) // 2],
        "p99_ms": 1e3 * latencies[int(len(latencies) * 0.99)],
    }


def _body(number: int, run: str = "run") -> bytes:
    return json.dumps(
        {
            "content_type": "comment",
            "id": f"{run}-{number}",
            "actor": {"id": f"account-{number % 500}"},
            "fields": {"body": TEXT},
            "language": "en",
        }
    ).encode()


def _screening(run: str) -> Request:
    return lambda number: ("/v1/screen", _body(number, run))


async def load(port: int, key: str, requests: int, request: Request, clients: int = CLIENTS) -> list[float]:
    """Closed loop over some kept connections; seconds of each request. Fails on an answer that is not 200."""
    latencies: list[float] = []
    numbers = iter(range(requests))

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            path, body = request(number)
            head = (
                f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            started = time.perf_counter()
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(answer.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            payload = await reader.readexactly(length)
            latencies.append(time.perf_counter() - started)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"the server refused: {answer!r} {payload!r}")
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return latencies


def _serve(name: str, folder: str, pipe: Connection) -> None:
    """One server process: serves until told to stop, and tells its CPU time when asked."""
    import threading
    from contextlib import ExitStack

    import uvicorn

    from seawall.api.connections import BoundedHttpProtocol, ConnectionServer

    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    with ExitStack() as stack:
        application, key = _application(name, Path(folder), stack)
        http = "httptools" if name == "echo" else BoundedHttpProtocol  # as 'seawall serve' runs it
        config = uvicorn.Config(
            application, log_level="error", access_log=False, loop="uvloop", http=http, proxy_headers=False
        )
        server = ConnectionServer(config)
        thread = threading.Thread(target=lambda: _answer(server, pipe, listening.getsockname()[1], key), daemon=True)
        thread.start()
        server.run(sockets=[listening])


def _answer(server: Any, pipe: Connection, port: int, key: str) -> None:
    while not server.started:
        time.sleep(0.01)
    pipe.send((port, key))
    while pipe.recv() == "cpu":
        usage = resource.getrusage(resource.RUSAGE_SELF)
        pipe.send(usage.ru_utime + usage.ru_stime)
    server.should_exit = True


def _application(name: str, folder: Path, stack: Any) -> tuple[Any, str]:
    if name == "echo":
        return _echo, "sw_none"
    from seawall import access, api
    from seawall.app import migrate, open_app
    from seawall.policy import PolicySource
    from seawall.publish import Sources, read_sources
    from seawall.settings import Settings

    settings = Settings.from_env({}, data_dir=folder)
    migrate(settings)
    app = stack.enter_context(open_app(settings))
    sources = read_sources()
    if name == "screen":
        sources = Sources(policies=_without_model(sources.policies, PolicySource), content_types=sources.content_types)
    app.publish(sources, by="benchmark")
    return api.build(app), access.create_key(app.ledger, "benchmark", ["screen"])


_MODEL_SIGNALS = ("hate", "harassment", "sexism", "spam", "sexual", "toxic", "joint_hate")


def _without_model(policies: Any, source: Any) -> Any:
    """The shipped policies that read no signal of the text model."""
    from seawall.app import BANKS
    from seawall.detect import Runner
    from seawall.detectors import default_detectors
    from seawall.detectors.banks import BankDetector
    from seawall.policy import build_bundle
    from seawall.publish import read_sources

    with Runner(default_detectors(BankDetector(BANKS)), ()) as runner:
        specs = runner.specs
    types = read_sources().content_types
    kept = []
    for policy in policies:
        bundle = build_bundle([policy], types, specs, BANKS)
        used = set().union(*(bundle.program(one.name).signals for one in types))
        if not used & set(_MODEL_SIGNALS):
            kept.append(policy)
    return tuple(kept)


async def _echo(scope: Any, receive: Any, send: Any) -> None:
    """The peer: decode the JSON, encode it again, answer."""
    if scope["type"] != "http":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    payload = json.dumps(json.loads(body)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(payload)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": payload})


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    sys.exit(main())
