"""In a process that also answers requests, bulk jobs are few at a time; promised work is not."""

from __future__ import annotations

import asyncio

from seawall.worker import Worker
from support.app import Rig, eventually, make


def running(rig: Rig) -> int:
    return rig.app.jobs.counts().get(("screen", "leased"), 0)


def test_submitted_items_give_way_to_requests_in_the_servers_process(rig: Rig) -> None:
    refs = asyncio.run(rig.app.screener.submit([make(f"stuck {n}", id=f"stuck {n}") for n in range(5)]))
    with Worker(rig.app, threads=4, beside_requests=True):
        eventually(lambda: running(rig) == 2)
        assert rig.screen("hello", id="asked", deadline_ms=100).decision
        rig.gore.go_on.set()
        eventually(lambda: all(rig.decisions(ref) for ref in refs))


def test_a_worker_of_its_own_runs_as_many_as_it_is_told(rig: Rig) -> None:
    refs = asyncio.run(rig.app.screener.submit([make(f"stuck {n}", id=f"stuck {n}") for n in range(5)]))
    with Worker(rig.app, threads=4):
        eventually(lambda: running(rig) == 4)
        rig.gore.go_on.set()
        eventually(lambda: all(rig.decisions(ref) for ref in refs))
    assert running(rig) == 0
