"""What fails again and again is logged once, then now and then."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from seawall.publish.banks.bank_cache import BankCache
from seawall.storage.failure_log import FailureLog
from support.app import eventually, opened


def test_an_hour_of_failures_is_one_traceback_and_a_line_a_minute() -> None:
    now = [0.0]
    failures = FailureLog("it failed", lambda: now[0])
    with capture_logs() as logs:
        failures.worked()
        for half_seconds in range(7_200):
            now[0] = half_seconds / 2
            failures.failed(OSError("down"))
        failures.worked()
        failures.worked()
        failures.failed(OSError("down again"))
    assert [one["event"] for one in logs] == ["it failed"] * 60 + ["works again", "it failed"]
    assert [number for number, one in enumerate(logs) if "exc_info" in one] == [0, 61]
    assert logs[59]["error"] == "OSError: down"
    assert logs[60]["failures"] == 7_200


def test_a_process_whose_database_is_down_tells_it_once(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path, sqlite_url) as rig:
        tries, works = [], threading.Event()
        refresh = BankCache.refresh

        def down(banks: BankCache) -> bool:
            tries.append("again")
            if not works.is_set():
                raise OSError("the database is down")
            return refresh(banks)

        with capture_logs() as logs:
            monkeypatch.setattr(BankCache, "refresh", down)
            eventually(lambda: len(tries) >= 3)
            works.set()
            eventually(lambda: any(one["event"] == "works again" for one in logs))
        assert [one["log_level"] for one in logs if "refresh failed" in one["event"]] == ["error"]
        assert rig.screen("hello").verdict == "allow"
