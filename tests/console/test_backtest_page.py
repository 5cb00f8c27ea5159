"""The page that shows what a draft would change: the form, the result, mistakes, and what is hidden from whom."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser

from seawall import access
from seawall.backtest import served
from seawall.backtest.columnar import ColumnarProgram
from seawall.model import Item
from support.appeal_page import decided
from support.child_safety import GROOMING, LETTER
from support.console import PASSWORD, RUDENESS, Rig, small
from support.items import policy_text
from support.traces import kept_by

DRAFT = RUDENESS.replace("when: rudeness >= at_fpr(0.01)", "when: rudeness >= 0.85")


def text_of(answer: Any) -> str:
    body = LexborHTMLParser(answer.text).body
    assert body is not None
    return " ".join(body.text(separator=" ").split())


def test_the_form_teaches_and_takes_a_policy_in_force(rig: Rig) -> None:
    browser = rig.browser("policy")
    assert "Paste a policy file" in text_of(browser.get("/drafts/backtest"))
    page = LexborHTMLParser(browser.get("/drafts/backtest?policy=rudeness").text)
    (area,) = page.css("#text")
    assert area.text().strip() == RUDENESS.strip()


def test_what_would_change_is_shown_and_nothing_is_recorded(rig: Rig) -> None:
    held = rig.screen("a silly thing", id="backtest-1", actor="backtest-author")
    browser = rig.browser("policy")
    browser.get("/drafts/backtest")
    before = kept_by(rig.app, without=("session",))
    shown = browser.post("/drafts/backtest", text=DRAFT)
    assert kept_by(rig.app, without=("session",)) == before
    assert shown.status_code == 200
    page = LexborHTMLParser(shown.text)
    assert [row.attributes["data-direction"] for row in page.css("[data-direction]")] == ["hold → allow"]
    assert held.item in shown.text
    assert "would be decided otherwise" in text_of(shown)
    told = browser.post("/drafts/backtest.json", text=DRAFT).json()
    assert told["directions"] == {"hold → allow": told["changed"]}


def test_mistakes_say_where_and_how(rig: Rig) -> None:
    browser = rig.browser("policy")
    browser.get("/drafts/backtest")
    wrong = browser.post("/drafts/backtest", text=RUDENESS.replace("rudeness >= 0.9", "rudenes >= 0.9"))
    assert (wrong.status_code, "draft.yaml:14:11: unknown name 'rudenes'" in text_of(wrong)) == (422, True)
    since = browser.post("/drafts/backtest", text=DRAFT, since="long ago")
    assert (since.status_code, "write 30d, 12h or 90m" in text_of(since)) == (422, True)


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another backtest runs."""
    lock = threading.Lock()
    lock.acquire()
    monkeypatch.setattr(served, "_ONE", lock)


@pytest.mark.usefixtures("busy")
def test_a_second_one_at_the_same_time_waits(rig: Rig) -> None:
    browser = rig.browser("policy")
    browser.get("/drafts/backtest")
    for path in ("/drafts/backtest", "/drafts/backtest.json"):
        answer = browser.post(path, text=DRAFT)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "10")
        assert "Another backtest is running now. Wait 10 seconds" in answer.text


@pytest.mark.usefixtures("busy")
def test_problems_are_told_in_the_language_of_the_page(rig: Rig) -> None:
    browser = rig.browser("admin")
    browser.get("/", headers={"Accept-Language": "de"})
    told = [
        browser.post(path, headers={"Accept-Language": "de"}, text=DRAFT, since=since).text
        for path in ("/drafts/backtest", "/drafts/backtest.json")
        for since in ("30d", "lange")
    ]
    assert ["ein anderer Rückvergleich" in one for one in told] == [True, False, True, False]
    assert ["ist kein Zeitraum für den Rückblick" in one for one in told] == [False, True, False, True]


def test_when_the_engines_disagree_there_are_no_figures(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.screen("a silly thing", id="backtest-differs")
    monkeypatch.setattr(ColumnarProgram, "masks_of_row", lambda self, row: dict.fromkeys(self.words, 1 << 5))
    browser = rig.browser("policy")
    browser.get("/drafts/backtest")
    page = browser.post("/drafts/backtest", text=DRAFT)
    assert (page.status_code, "The two engines disagree about dec_" in text_of(page)) == (500, True)
    assert "would be decided otherwise;" not in text_of(page)
    told = browser.post("/drafts/backtest.json", text=DRAFT)
    assert (told.status_code, list(told.json())) == (500, ["problem"])


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder: Path = tmp_path_factory.mktemp("backtest-child-safety")
    with small(folder, LETTER, GROOMING) as made:
        access.create_person(made.app.ledger, "policy@example.org", "policy", PASSWORD, ["policy"])
        yield made


@pytest.mark.parametrize(("role", "changed"), [("policy", 1), ("admin", 2)])
def test_a_draft_tells_nothing_of_what_its_author_may_not_see(guarded: Rig, role: str, changed: int) -> None:
    """No count and no example: a draft would otherwise ask what stands in an item of child safety."""
    for body, name in (("This stays our secret, a walrus", "s"), ("a walrus", "w")):
        guarded.app.screener.screen(Item(content_type="letter", id=name, fields={"body": body}, actor="a"))
    browser = guarded.browser(role)
    browser.get("/drafts/backtest")
    asks = policy_text("asks", 'contains(item.body, "walrus")', "[remove]", "letter")
    told = browser.post("/drafts/backtest.json", text=asks).json()
    assert (told["rows"], told["changed"], len(told["examples"])) == (changed, changed, changed)


def test_what_people_answered_is_the_truth_that_both_are_measured_by(rig: Rig) -> None:
    held = rig.screen("a silly thing", id="backtest-labelled", actor="backtest-labelled")
    reviewer = rig.browser("reviewer")
    reviewer.get("/")
    decided(reviewer, held)
    browser = rig.browser("policy")
    browser.get("/drafts/backtest")
    told = browser.post("/drafts/backtest.json", text=DRAFT).json()
    before, after = told["labels"]["in force"], told["labels"]["draft"]
    assert (before["recall"]["count"], before["recall"]["of"]) == (1, 1)
    assert (after["recall"]["count"], after["recall"]["of"]) == (0, 1)
    assert next(one for one in told["examples"] if one["item"] == held.item)["label"] is True
