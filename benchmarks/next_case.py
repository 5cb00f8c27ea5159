"""Time to take the next case, and to list cases, with 100,000 open ones.

    ./run bench next_case [DATABASE_URL]

On SQLite unless a URL is given (an empty database). A call is one search and the lease, durable; each is by another
person, who keeps the case: the search has to pass over all that are held.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from seawall import review
from seawall.app import migrate
from seawall.review.machine import Case, CaseState
from seawall.review.priority import urgency
from seawall.review.queries import CaseFilters, list_cases
from seawall.review.tables import case as case_table
from seawall.settings import Settings
from seawall.storage import Database, open_database
from seawall.storage.upsert import insert_rows

OPEN = 100_000
QUEUES = 8
CALLS = 100
AIM_MS = 20


def main() -> None:
    """Print a table, and the figures as JSON in the last line."""
    with tempfile.TemporaryDirectory() as folder:
        url = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{folder}/cases.db"
        migrate(Settings(data_dir=Path(folder), database_url=url))
        database = open_database(url)
        fill(database)
        print(f"{OPEN:,} open cases, {database.engine.dialect.name}; aim: {AIM_MS} ms or less")
        figures = {
            "next case of any queue": timed(lambda number: review.next_case(database, f"per_a{number}")),
            "next case of a queue": timed(lambda number: review.next_case(database, f"per_q{number}", queue="q3")),
            "next case, by a specialist": timed(
                lambda number: review.next_case(database, f"per_s{number}", child_safety=True)
            ),
            "next case, holding one": timed(lambda _: review.next_case(database, "per_a0")),
            "first page of the list": timed(lambda _: page(database, 0)),
            "eleventh page of the list": timed(lambda _: page(database, 500)),
        }
        for name, (median, high) in figures.items():
            print(f"{name:<28} median {median:6.2f} ms   p95 {high:6.2f} ms")
        print(json.dumps(figures))
        database.close()


def fill(database: Database, cases: int = OPEN) -> None:
    """Open cases with scores of all severities and probabilities; one in twenty is of child safety."""
    some = random.Random(1)
    rows = []
    for number in range(cases):
        opened_at = 1_790_000_000_000 + some.randrange(10**9)
        case = Case(
            id=f"case_{number:08}",
            item=f"it_{number:08}",
            content_type="comment",
            queue=f"q{some.randrange(QUEUES)}",
            state=CaseState.OPEN,
            opened_at=opened_at,
            child_safety=some.random() < 0.05,
            score=urgency(some.randint(1, 5), some.random(), 0, visible=True, opened_at=opened_at),
        )
        rows.append({name: getattr(case, name) for name in Case.__dataclass_fields__} | {"policies": "[]"})
    with database.write() as connection:
        insert_rows(connection, case_table, rows)


def page(database: Database, skip: int) -> None:
    """Fifty cases, as the queue page lists them."""
    with database.read() as connection:
        list_cases(connection, CaseFilters(), 0, limit=50, skip=skip)


def timed(call: Callable[[int], object]) -> tuple[float, float]:
    """Median and 95th percentile of the calls, in milliseconds."""
    found = []
    for number in range(CALLS):
        start = time.perf_counter()
        call(number)
        found.append((time.perf_counter() - start) * 1000)
    return statistics.median(found), sorted(found)[int(CALLS * 0.95)]


if __name__ == "__main__":
    main()
