"""Verification of the ledger as a job: progress and result outlive the process that asked and the one that works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seawall.storage import LeaseLost
from seawall.storage.verification import (
    VERIFY_JOB,
    LedgerVerification,
    find_verification,
    start_verification,
    verify_in_job,
)
from support.app import Rig, opened


def last(rig: Rig) -> LedgerVerification:
    with rig.app.database.read() as connection:
        found = find_verification(connection)
    assert found is not None
    return found


def test_what_one_process_asks_for_another_does_and_all_see(database_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, database_url, "rude") as rig:
        rig.screen("hello")
        asked = start_verification(rig.app.ledger, by="per_1")
        assert start_verification(rig.app.ledger, by="per_2") == asked
        assert (last(rig).state, last(rig).by, last(rig).result) == ("waiting", "per_1", None)
    with opened(tmp_path, database_url, publish=False) as rig:
        assert rig.work(VERIFY_JOB) == 1
        events = rig.app.ledger.head()
    with opened(tmp_path, database_url, publish=False) as rig:
        found = last(rig)
        assert (found.id, found.state, found.intact, found.done) == (asked, "done", True, events)
        assert found.result is not None
        assert found.result == rig.app.ledger.verify()
        assert start_verification(rig.app.ledger, by="per_2") != asked


@pytest.fixture
def rig(database_url: str, tmp_path: Path) -> Iterator[Rig]:
    with opened(tmp_path, database_url, "rude") as made:
        yield made


def test_a_worker_that_died_is_replaced_and_its_result_is_not_taken(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.screen("hello")
    start_verification(rig.app.ledger, by="per_1")
    (first,) = rig.app.jobs.claim([VERIFY_JOB], "slow", limit=1, lease_ms=0)
    real = rig.app.ledger.verify

    def overtaken(progress: Callable[[int, int], None]) -> object:
        progress(1, 9)
        assert (last(rig).state, last(rig).done, last(rig).total) == ("running", 1, 9)
        monkeypatch.setattr(rig.app.ledger, "verify", real)
        assert rig.work(VERIFY_JOB) == 1  # its lease is over: another has it, and begins anew
        return real()

    monkeypatch.setattr(rig.app.ledger, "verify", overtaken)
    with pytest.raises(LeaseLost):
        verify_in_job(rig.app.database, rig.app.ledger, first)
    assert (last(rig).state, last(rig).intact) == ("done", True)
    assert rig.work(VERIFY_JOB) == 0
