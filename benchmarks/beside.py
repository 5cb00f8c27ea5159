"""Normal screenings beside an attack: a server process, an attacker's process, and requests at a fixed rate.

The server is API and console in one process, as ``seawall serve`` runs them, with the shipped policies. The attacker
is a process of the lowest priority, so that on few cores the server's answer to the attack is measured, and not the
attacker's own use of the processor. Quiet and attacked stretches alternate, so that what else the machine does meets
both. On a busy machine fewer requests are sent, so that the quiet server answers them in time.
"""

from __future__ import annotations

import asyncio
import base64
import json
import multiprocessing
import os
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeAlias

RATE = 85  # screenings a second, at most
SHARE = 0.4  # of the time in which one is answered after the other, at most
SECONDS = 12.5  # quiet, and as long attacked: more than a thousand requests each
PICTURES = 1 / 30  # for each of those, where pictures are sent as well
ROUNDS = 4
SETTLE_S = 0.7
EMAIL, PASSWORD = "ada@example.org", "a wall against the sea"
TEXTS = (
    (
        "Loved the second verse, the drums come in so late and then it all makes sense. Playing it again tonight!",
        "allow",
    ),
    ("I will kill you tonight", "hold"),
)


@dataclass(frozen=True)
class Target:
    """A running server. ``database``: its SQLite file."""

    port: int
    key: str  # may screen
    read_key: str  # may only read
    database: str


Attack: TypeAlias = Callable[[Target, "Counter[str]"], Awaitable[None]]
"""Attacks without end and counts what it was answered; a function of a module, since another process calls it."""


@dataclass
class Phase:
    """Answers to the screenings of one kind of stretch."""

    seconds: list[float] = field(default_factory=list)
    changed: int = 0  # other verdicts than the text deserves
    degraded: int = 0
    refused: Counter[int] = field(default_factory=Counter)  # by status

    def ms(self, share: float) -> float:
        """The time in which this share was answered."""
        times = sorted(self.seconds)
        return 1e3 * times[min(len(times) - 1, int(len(times) * share))]

    def figures(self) -> dict[str, Any]:
        """As printed."""
        return {
            "requests": len(self.seconds),
            "p50_ms": self.ms(0.5),
            "p99_ms": self.ms(0.99),
            "max_ms": self.ms(1.0),
            "changed": self.changed,
            "degraded": self.degraded,
            "refused": dict(self.refused),
        }


@dataclass(frozen=True)
class Comparison:
    """Quiet and attacked answers; what the attacker was answered."""

    quiet: Phase
    attacked: Phase
    answered: Counter[str]

    @property
    def ratio(self) -> float:
        """Attacked p99 by the quiet one."""
        return self.attacked.ms(0.99) / self.quiet.ms(0.99)

    @property
    def is_unchanged(self) -> bool:
        """Whether every request was answered, with its verdict, undegraded."""
        return not any(phase.changed or phase.degraded or phase.refused for phase in (self.quiet, self.attacked))


# ── the server ──────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def server(prepare: Callable[[str], None] | None = None, *, worker: bool = False) -> Iterator[Target]:
    """A server on new data. ``prepare`` gets its SQLite file before it starts."""
    here, there = multiprocessing.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        process = multiprocessing.get_context("spawn").Process(target=_serve, args=(folder, there, prepare, worker))
        process.start()
        try:
            yield here.recv()
        finally:
            with suppress(OSError):
                here.send("stop")
            process.join(timeout=20)
            if process.is_alive():
                process.kill()


def _serve(folder: str, pipe: Connection, prepare: Callable[[str], None] | None, worker: bool) -> None:
    """The server process: serves until told to stop."""
    import structlog

    from seawall import access
    from seawall.app import migrate, open_app
    from seawall.cli.serve import _server, asgi
    from seawall.screen.traffic_totals import add_settled_minutes
    from seawall.settings import Settings
    from seawall.worker import Worker

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    settings = Settings.from_env({}, data_dir=Path(folder))
    migrate(settings)
    database = str(next(Path(folder).glob("*.db")))
    if prepare is not None:
        prepare(database)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    with ExitStack() as stack:
        app = stack.enter_context(open_app(settings))
        app.publish(by="benchmark")
        app.runner.warm_up()
        add_settled_minutes(app.context)  # as a worker does every ten minutes
        if worker:
            stack.enter_context(Worker(app, beside_requests=True))
        running = _server(asgi(app), listening)
        keys = [access.create_key(app.ledger, f"benchmark {scope}", [scope]) for scope in ("screen", "read")]
        access.create_person(app.ledger, EMAIL, "Ada", PASSWORD, ["reviewer"])

        def answer() -> None:
            while not running.started:
                time.sleep(0.01)
            pipe.send(Target(listening.getsockname()[1], *keys, database))
            pipe.recv()
            running.should_exit = True

        threading.Thread(target=answer, daemon=True).start()
        running.run()


# ── the attacker ────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def attacker(attack: Attack, target: Target) -> Iterator[Connection]:
    """A process that attacks from a ``start`` to a ``stop`` sent to it; it then sends what it was answered."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_attack, args=(attack, target, there))
    process.start()
    try:
        here.recv()
        yield here
    finally:
        process.kill()
        process.join()


def _attack(attack: Attack, target: Target, pipe: Connection) -> None:
    os.nice(19)
    pipe.send("ready")
    while True:
        pipe.recv()
        pipe.send(asyncio.run(_wave(attack, target, pipe)))


async def _wave(attack: Attack, target: Target, pipe: Connection) -> Counter[str]:
    answered: Counter[str] = Counter()
    work = asyncio.ensure_future(attack(target, answered))
    await asyncio.to_thread(pipe.recv)
    if work.done():
        work.result()  # it raises why it gave up
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    return answered


async def many(count: int, one: Callable[[int], Awaitable[None]]) -> None:
    """So many attackers at once; one whose connection fails begins again."""

    async def again(number: int) -> None:
        while True:
            with suppress(OSError, EOFError, ValueError):
                await one(number)
            await asyncio.sleep(0.01)

    await asyncio.gather(*(again(number) for number in range(count)))


# ── normal requests ─────────────────────────────────────────────────────────────────────────────────────────────────


def compare(
    target: Target,
    attack: Attack,
    *,
    rounds: int = ROUNDS,
    deadline_ms: int | None = None,
    pictures: tuple[bytes, ...] = (),
    during: Callable[[Target], Awaitable[None]] | None = None,
) -> Comparison:
    """Screenings on a quiet server and beside an attack, by turns. ``pictures``: some of them as well.

    ``deadline_ms``: of every request. ``during``: what else is done in the attacked stretches.
    """
    quiet, attacked, answered = Phase(), Phase(), Counter[str]()

    async def stretches() -> None:
        rate = await usual_rate(target)
        normal = partial(screen, target, rate=rate, deadline_ms=deadline_ms, pictures=pictures)
        await normal(Phase(), seconds=2.0)
        for number in range(rounds):
            await normal(quiet, seconds=SECONDS / rounds, first=number * 10_000)
            pipe.send("start")
            beside = asyncio.ensure_future(during(target)) if during is not None else None
            await normal(attacked, seconds=SECONDS / rounds, first=number * 10_000)
            if beside is not None:
                beside.cancel()
                await asyncio.gather(beside, return_exceptions=True)
            pipe.send("stop")
            answered.update(await asyncio.to_thread(pipe.recv))
            await asyncio.sleep(SETTLE_S)

    with attacker(attack, target) as pipe:
        asyncio.run(stretches())
    return Comparison(quiet, attacked, answered)


async def usual_rate(target: Target) -> float:
    """Screenings a second that this machine answers in time, by those that it answers one after the other."""
    phase, began = Phase(), time.perf_counter()
    for number in range(60):
        await screen(target, phase, seconds=1.0, rate=1.0, first=number)
        began = time.perf_counter() if number == 19 else began
    return min(RATE, SHARE * 40 / (time.perf_counter() - began))


async def screen(
    target: Target,
    phase: Phase,
    *,
    seconds: float,
    rate: float,
    deadline_ms: int | None = None,
    pictures: tuple[bytes, ...] = (),
    first: int = 0,
) -> None:
    """Screenings at a fixed rate, whether or not earlier ones were answered."""
    began, run = time.perf_counter(), f"{id(phase)}"

    async def one(number: int, due: float, item: dict[str, Any], verdict: str, counts: bool) -> None:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        item = {"id": f"{run}-{number}", "actor": {"id": f"account-{run}-{number}"}, "language": "en", **item}
        if deadline_ms is not None:
            item["deadline_ms"] = deadline_ms
        headers = f"Authorization: Bearer {target.key}\r\n"
        sent = time.perf_counter()
        status, answer = await request(
            target.port, "/v1/screen", json.dumps(item).encode(), "application/json", headers
        )
        if counts:  # from when it was due, so that a request that could not be sent counts as well
            phase.seconds.append(time.perf_counter() - min(due, sent))
        if status != 200:
            phase.refused[status] += 1
            return
        found = json.loads(answer.partition(b"\r\n\r\n")[2])
        phase.changed += found["verdict"] != verdict
        phase.degraded += found["degraded"]

    texts = [(number, *TEXTS[number % 2]) for number in range(max(1, int(rate * seconds)))]
    tasks = [
        one(first + number, began + number / rate, {"content_type": "comment", "fields": {"body": text}}, verdict, True)
        for number, text, verdict in texts
    ]
    pictures_per_s = rate * PICTURES
    for number in range(int(pictures_per_s * seconds) if pictures else 0):
        fields = {"image": {"base64": base64.b64encode(pictures[number % len(pictures)]).decode()}}
        item = {"content_type": "post", "fields": fields}
        tasks.append(one(first + 5_000 + number, began + number / pictures_per_s, item, "allow", False))
    await asyncio.gather(*tasks)


async def request(
    port: int, path: str, body: bytes | None, kind: str = "", headers: str = "", address: str = "127.0.0.1"
) -> tuple[int, bytes]:
    """One request on a connection of its own; status and the whole answer. Raises OSError, ValueError."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
    try:
        method = "GET" if body is None else "POST"
        sent = "" if body is None else f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}{sent}\r\n".encode())
        writer.write(body or b"")
        answer = await reader.read()
    finally:
        writer.close()
    return int(answer.split(b" ", 2)[1]) if answer else 0, answer


# ── the report ──────────────────────────────────────────────────────────────────────────────────────────────────────

MOST = 3.0  # attacked p99 by the quiet one


def heading() -> None:
    """The table's first line."""
    print(
        f"{'attack':<26}{'requests':>8}{'quiet p50':>10}{'p99 ms':>8}{'attacked p50':>14}{'p99 ms':>8}{'ratio':>7}"
        f"{'verdicts':>11}{'degraded':>10}"
    )


def report(name: str, found: Comparison) -> None:
    """One line of the table."""
    quiet, attacked = found.quiet, found.attacked
    verdicts = "unchanged" if not attacked.changed and not attacked.refused else f"{attacked.changed} changed"
    print(
        f"{name:<26}{len(attacked.seconds):>8}{quiet.ms(0.5):>10.1f}{quiet.ms(0.99):>8.1f}{attacked.ms(0.5):>14.1f}{attacked.ms(0.99):>8.1f}"
        f"{found.ratio:>7.2f}{verdicts:>11}{attacked.degraded:>10}",
        flush=True,
    )
    for label, phase in (("quiet", quiet), ("attacked", attacked)):
        if phase.refused:
            print(f"    {label}: refused {dict(phase.refused)}")
    print(f"    the attacker was answered: {dict(found.answered)}", flush=True)
