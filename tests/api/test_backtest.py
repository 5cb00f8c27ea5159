"""POST /v1/backtest: what comes out, and what a caller is told when there are no figures."""

from __future__ import annotations

import threading

import httpx
import pytest

from seawall.backtest import served
from seawall.backtest.columnar import ColumnarProgram
from support.api import Client, problem
from support.app import POLICIES

DRAFT = POLICIES["rude"].replace("rudeness >= 0.5", "rudeness >= 0.9")


def ask(client: Client) -> httpx.Response:
    client.screen("a silly thing", id="backtest")
    return client.send("POST", "/v1/backtest", key="read", json={"policies": [DRAFT]})


def test_what_would_change(client: Client) -> None:
    found = ask(client).json()
    assert found["directions"]["hold → allow"] >= 1
    assert found["checked"] >= 1


def test_a_second_one_is_told_when_to_come_back(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = threading.Lock()
    lock.acquire()
    monkeypatch.setattr(served, "_ONE", lock)
    answer = ask(client)
    assert problem(answer, 429)["title"] == "Too many backtests"
    assert answer.headers["retry-after"] == "10"


def test_when_the_engines_disagree_there_are_no_figures(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ColumnarProgram, "masks_of_row", lambda self, row: dict.fromkeys(self.words, 1 << 5))
    found = problem(ask(client), 500)
    assert found["title"] == "The two engines disagree"
    assert "under the bundle" in found["detail"]
    assert "rows" not in found
