"""The investigation page: queries over past decisions, what they say, who sees what, and the draft they become."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from seawall.policy import PolicySource
from seawall.publish import draft_of
from seawall.screen.events import ContentSearched
from seawall.storage.erasure import erase_subject
from support.console import Browser, Rig, open_page


@pytest.fixture
def browser(rig: Rig) -> Browser:
    return rig.browser("policy")


def asked(browser: Browser, query: str, **more: Any) -> dict[str, Any]:
    answer = browser.get("/investigate.json", params={"q": query, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def test_a_query_is_answered_with_numbers_and_items(rig: Rig, browser: Browser) -> None:
    rig.screen("You fool, see https://bad-shop.example/a", id="inv-1", actor="investigated")
    rig.screen("A silly thing on bad-shop.example/b", id="inv-2", actor="investigated")
    rig.screen("Thank you", id="inv-3", actor="investigated")
    told = asked(browser, "rudeness >= 0.5", account="investigated")
    found, entities = told["result"], told["entities"]
    assert (found["matched"], found["not_matched"], found["unknown"], found["unreadable"]) == (2, 1, 0, 0)
    assert {one["item"] for one in found["newest"]} <= {rig.app.vault.find("item:comment", f"inv-{n}") for n in (1, 2)}
    assert entities["domains"] == [{"domain": "bad-shop.example", "items": 2}]
    account = rig.app.vault.find("account", "investigated")
    assert found["actors"] == [{"name": account, "matched": 2, "read": None}]
    page = browser.get("/investigate", params={"q": "rudeness >= 0.5", "account": "investigated"}).text
    assert 'data-matched="2"' in page
    assert "You fool" in page
    assert f'href="/accounts/{account}"' in page
    assert f"account={account}" in page  # the same query for this account
    assert "/search?q=%22bad-shop.example%22" in page
    assert 'class="plot"' in page
    assert page.count("<table") >= 7  # the chart has a twin


def test_it_narrows_by_type_verdict_and_day(rig: Rig, browser: Browser) -> None:
    rig.screen("You fool", id="narrow-1", actor="narrowed")
    rig.screen("A silly thing", id="narrow-2", actor="narrowed")
    mine = {"account": "narrowed"}
    assert asked(browser, "rudeness > 0", verdict="block", **mine)["result"]["matched"] == 1
    assert asked(browser, "rudeness > 0", type="playlist", **mine)["result"]["total"] == 0
    assert asked(browser, "rudeness > 0", **{"from": "2020-01-01", "to": "2020-01-02"}, **mine)["result"]["total"] == 0
    for wrong in ({"from": "2020-02-02", "to": "2020-01-01"}, {"from": "x"}, {"from": "2010-01-01"}, {"type": "nope"}):
        assert browser.get("/investigate", params={"q": "rudeness > 0", **wrong}).status_code == 422, wrong
    assert browser.get("/investigate", params={"q": "rudeness > 0", "account": "never met"}).status_code == 404


def test_a_wrong_query_is_told_its_place_as_in_a_policy(browser: Browser) -> None:
    answer = browser.get("/investigate", params={"q": "rudenes >= 0.5"})
    assert answer.status_code == 422
    said = html.unescape(answer.text)
    assert "query:1:1: unknown name 'rudenes'" in said
    assert "| ^^^^^^^" in said
    assert "nearest: rudeness" in said
    assert browser.get("/investigate.json", params={"q": "rudenes >= 0.5"}).status_code == 422
    surrogate = "a\ud800".encode("utf-8", "surrogatepass")
    for hostile in ("<script>alert(1)</script>", "(" * 6_000, "\0", surrogate, "{{ 7 }}"):
        answer = browser.get("/investigate", params={"q": hostile})
        assert answer.status_code == 422, hostile
        assert "<script>alert" not in answer.text


def test_what_no_rule_read_is_named_with_the_remedy(rig: Rig, browser: Browser) -> None:
    rig.screen("You fool", id="missing-1", actor="missing")
    query = 'rudeness >= 0.5 and count(actor, "comment", within="1h") >= 0'
    told = asked(browser, query, account="missing")["result"]
    assert (told["matched"], told["unknown"]) == (0, 1)
    assert told["missing"] == [{"name": 'count(actor, "comment", within="1h")', "why": "not stored", "decisions": 1}]
    assert "in shadow mode" in browser.get("/investigate", params={"q": query, "account": "missing"}).text


def test_reading_what_people_wrote_is_on_record_and_numbers_alone_are_not(rig: Rig, browser: Browser) -> None:
    rig.screen("A word that nobody said before: zanzibar", id="record-1", actor="recorded")
    before = rig.app.ledger.head()
    asked(browser, "rudeness >= 0.99", account="recorded")
    assert rig.app.ledger.head() == before
    asked(browser, 'contains(text, "zanzibar")', account="recorded")
    searched = rig.app.ledger.events(rig.app.ledger.head() - 1)[0].body
    assert isinstance(searched, ContentSearched)
    assert (searched.person, searched.found) == (rig.people["policy"].id, 1)


def test_what_was_erased_is_not_readable(rig: Rig, browser: Browser) -> None:
    rig.screen("soon gone", id="gone-1", actor="inv-goner")
    account = rig.app.vault.find("account", "inv-goner")
    assert account is not None
    erase_subject(rig.app.context, account, by="tests")
    told = asked(browser, 'contains(text, "gone")', account=account)["result"]
    assert (told["matched"], told["unreadable"]) == (0, 1)
    page = browser.get("/investigate", params={"q": 'contains(text, "gone")', "account": account}).text
    assert "Nobody can say any more" in page


def test_the_query_becomes_a_draft_that_can_be_published(rig: Rig, browser: Browser) -> None:
    rig.screen("You fool", id="draft-1", actor="drafted")
    for query in ('rudeness >= 0.5 and contains(text, "a: #b")', "rudeness >= 0.5\n  or gory > 0.5", "gory >= 0.6"):
        page = browser.get("/investigate", params={"q": query, "account": "drafted"}).text
        found = re.search(r'<textarea id="text" name="text"[^>]*>(.*?)</textarea>', page, re.DOTALL)
        assert found is not None
        text = html.unescape(found[1])
        made = draft_of(rig.app.bundle, [PolicySource("draft.yaml", text)])
        (policy,) = [one for one in rig.app.build(made.sources).policies if one.name.startswith("draft-")]
        (rule,) = policy.rules
        assert (rule.mode, " ".join(rule.when.text.split())) == ("shadow", " ".join(query.split()))
        assert policy.harm in ("harassment", "violence", "terms")
    assert 'action="/drafts/new"' in page
    reviewer = rig.browser("reviewer").get("/investigate", params={"q": "gory > 0.5"}).text
    assert "policy: draft-" in reviewer, "to be shown to those who publish"
    assert 'action="/drafts/new"' not in reviewer


def test_the_empty_page_teaches_with_conditions_in_force(browser: Browser) -> None:
    page = browser.get("/investigate").text
    examples = re.findall(r'<tr data-row><td class="break"><a href="(/investigate\?q=[^"]+)"', page)
    assert len(examples) >= 2
    for link in examples:
        assert browser.get(html.unescape(link)).status_code == 200


def test_it_is_asked_by_keyboard_alone(chromium: object, url: str, rig: Rig) -> None:
    rig.screen("A silly thing", id="keyboard-1")
    page: Any
    page, complaints = open_page(chromium, url, "policy")
    page.goto(f"{url}/investigate")
    assert page.evaluate("document.activeElement.name") == "q"
    page.keyboard.type("rudeness >= 0.5")
    while page.evaluate("document.activeElement.textContent") != "Ask":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-matched]")
    assert page.locator("[data-row]").count() > 0
    assert "q=rudeness" in page.url
    assert complaints == []
