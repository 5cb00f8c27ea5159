"""Background jobs in the console, and numbers that count items and not the looks at them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import update

from seawall.api.metrics import Collector
from seawall.storage.tables import job as job_table
from seawall.worker import Worker
from support.console import Rig, opened


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Rig]:
    with opened(tmp_path) as made:
        yield made


def test_a_dead_job_is_seen_and_run_again(alone: Rig) -> None:
    app = alone.app
    app.ledger.commit(lambda tx: tx.enqueue("rescreen", "it_gone", {"item": "it_gone", "revision": 1}))
    with app.database.write() as connection:
        connection.execute(update(job_table).values(attempts=49))
    (job,) = app.jobs.claim(["rescreen"], "tests", limit=1, lease_ms=60_000)
    Worker(app).do(job)
    page = alone.browser("reviewer").get("/jobs").text
    assert "there is no item" in page
    assert "Run again" not in page  # a reviewer sees it
    registry = CollectorRegistry()
    registry.register(Collector(app, {}))
    assert 'seawall_jobs{kind="rescreen",state="dead"} 1.0' in generate_latest(registry).decode()
    browser = alone.browser("admin")
    assert "Run again" in browser.get("/jobs").text
    assert browser.post(f"/jobs/{job.id}/requeue").headers["location"] == "/jobs"
    assert app.jobs.counts() == {("rescreen", "pending"): 1}
    assert browser.post(f"/jobs/{job.id}/requeue").status_code == 404
    assert "No dead jobs" in browser.get("/jobs").text


def test_an_item_that_is_decided_again_and_again_counts_once(alone: Rig) -> None:
    app = alone.app
    answer = alone.screen("crash")
    assert answer.degraded
    alone.screen("fine", id="c-2")
    worker = Worker(app)
    for _ in range(3):
        payload = {"item": answer.item, "revision": 1, "decision": answer.decision}
        app.ledger.commit(lambda tx, payload=payload: tx.enqueue("rescreen", answer.item, payload))
        for job in app.jobs.claim(["rescreen"], "tests", limit=9, lease_ms=60_000):
            worker.do(job)
    numbers = alone.browser("admin").get("/overview.json").json()
    assert numbers["decisions"] >= 5
    assert (numbers["items"], numbers["degraded"]) == (2, 1)
    assert sum(numbers["verdicts"].values()) == 2
