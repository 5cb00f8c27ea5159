"""From ``POST /v1/banks/…/entries`` to matchable over HTTP, in two server processes on one bank of many images.

    ./run bench banks 1000000

Fills a bank with that many random PDQ hashes through ``import_entries`` (and tells how fast), starts two servers on the
same data, then adds ``ADDITIONS`` entries one by one at the first. Each time it asks both servers ``POST /v1/match``
until each finds the entry, then removes it and asks until neither does. Times are seconds from the first byte sent.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import secrets
import socket
import statistics
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

ADDITIONS = 20
LOOKUPS = 300
BANK = "blocked-images"


def main(argv: list[str] | None = None) -> None:
    """Print a table, then one line of JSON."""
    arguments = sys.argv[1:] if argv is None else argv
    size = int(arguments[0]) if arguments else 200_000
    with tempfile.TemporaryDirectory() as folder:
        figures: dict[str, Any] = {"entries": size, **_fill(Path(folder), size)}
        print(f"{size} entries imported at {figures['import_per_s']:.0f}/s, indexed in {figures['index_s']:.1f} s")
        figures.update(measure(Path(folder)))
    print(f"{'':<34}{'median s':>10}{'worst s':>10}")
    for name in ("add_here", "add_elsewhere", "remove_here", "remove_elsewhere", "lookup_miss", "lookup_hit"):
        row = figures[name]
        print(f"{name.replace('_', ' '):<34}{row['median']:>10.4f}{row['worst']:>10.4f}")
    print(json.dumps(figures))


def measure(folder: Path) -> dict[str, Any]:
    """The times on the data in ``folder``, which must hold a filled bank."""
    servers = [_Server(folder), _Server(folder)]
    try:
        found: dict[str, list[float]] = {}
        for _ in range(ADDITIONS):
            for name, seconds in _round(servers).items():
                found.setdefault(name, []).append(seconds)
        found["lookup_miss"] = [servers[0].look_up(secrets.token_hex(32))[1] for _ in range(LOOKUPS)]
        known = servers[0].add(value := secrets.token_hex(32))
        found["lookup_hit"] = [servers[0].look_up(value)[1] for _ in range(LOOKUPS)]
        servers[0].remove(known)
    finally:
        for server in servers:
            server.stop()
    return {name: {"median": statistics.median(times), "worst": max(times)} for name, times in found.items()}


def _fill(folder: Path, size: int) -> dict[str, float]:
    from seawall.app import migrate, open_app
    from seawall.publish import NewEntry, import_entries
    from seawall.publish.banks import ImportLine
    from seawall.settings import Settings

    settings = Settings.from_env({}, data_dir=folder)
    migrate(settings)
    with open_app(settings) as app:
        app.publish(by="benchmark")
        started = time.perf_counter()
        for first in range(0, size, 50_000):
            values = [secrets.token_hex(32) for _ in range(min(50_000, size - first))]
            lines = [ImportLine(0, NewEntry(kind="image", value=value, source="benchmark"), value) for value in values]
            import_entries(app.ledger, BANK, lines, "benchmark")
        imported = time.perf_counter() - started
        started = time.perf_counter()
        app.banks.refresh()
        app.banks.stored.merge()
        return {"import_per_s": size / imported, "index_s": time.perf_counter() - started}


def _round(servers: list[_Server]) -> dict[str, float]:
    value = secrets.token_hex(32)
    started = time.perf_counter()
    entry = servers[0].add(value)
    times = {}
    for name, server in zip(("here", "elsewhere"), servers, strict=True):
        while not server.look_up(value)[0]:
            pass
        times[f"add_{name}"] = time.perf_counter() - started
    started = time.perf_counter()
    servers[0].remove(entry)
    for name, server in zip(("here", "elsewhere"), servers, strict=True):
        while server.look_up(value)[0]:
            pass
        times[f"remove_{name}"] = time.perf_counter() - started
    return times


class _Server:
    """A server process on the data, and a client with one connection to it."""

    def __init__(self, folder: Path) -> None:
        import httpx

        self._pipe, there = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(target=_serve, args=(str(folder), there))
        self._process.start()
        port, key = self._pipe.recv()
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {key}"}, timeout=60
        )

    def add(self, value: str) -> str:
        """The new entry's id."""
        entries = [{"kind": "image", "value": value, "source": "benchmark"}]
        answer = self._client.post(f"/v1/banks/{BANK}/entries", json={"entries": entries})
        answer.raise_for_status()
        return str(answer.json()["entries"][0])

    def remove(self, entry: str) -> None:
        self._client.delete(f"/v1/banks/{BANK}/entries/{entry}").raise_for_status()

    def look_up(self, value: str) -> tuple[bool, float]:
        """Whether it is known, and how long that took."""
        started = time.perf_counter()
        answer = self._client.post("/v1/match", json={"pdq": value})
        seconds = time.perf_counter() - started
        answer.raise_for_status()
        return bool(answer.json()["matches"]), seconds

    def stop(self) -> None:
        self._client.close()
        self._pipe.send("stop")
        self._process.join(timeout=20)
        if self._process.is_alive():
            self._process.kill()


def _serve(folder: str, pipe: Connection) -> None:
    """One server process: serves until told to stop."""
    import threading

    import uvicorn

    from seawall import access, api
    from seawall.app import open_app
    from seawall.settings import Settings

    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    with open_app(Settings.from_env({}, data_dir=Path(folder))) as app:
        key = access.create_key(app.ledger, "benchmark", ["bank", "screen"])
        config = uvicorn.Config(api.build(app), log_level="error", access_log=False, loop="uvloop", http="httptools")
        server = uvicorn.Server(config)

        def tell() -> None:
            while not server.started:
                time.sleep(0.01)
            pipe.send((listening.getsockname()[1], key))
            with contextlib.suppress(EOFError):  # who asked is gone
                pipe.recv()
            server.should_exit = True

        threading.Thread(target=tell, daemon=True).start()
        server.run(sockets=[listening])


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    sys.exit(main())
