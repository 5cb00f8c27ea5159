"""The public form to report content: what it takes, what it refuses, and what its receipt says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seawall import access, review
from seawall.appeal.notices import MATCHER
from seawall.appeal.queries import get_notice, get_report, notice_texts
from seawall.storage import following
from support.console import Rig, opened
from support.report_form import FILLED, FORM, fill


@pytest.fixture
def own(database_url: str, tmp_path: Path) -> Iterator[Rig]:
    with opened(tmp_path, database_url=database_url, environment=FORM) as rig:
        yield rig


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever fills in the form has read it."""
    monkeypatch.setattr("seawall.console.appeal.public_form.SOONEST_MS", 0)


def follow(rig: Rig) -> None:
    following.follow(rig.app.context, MATCHER, "tests")


def notices(rig: Rig) -> list[Any]:
    return [event.body for event in rig.app.ledger.events() if event.kind == "notice.received"]


@pytest.mark.usefixtures("patient")
def test_a_report_by_form_becomes_a_case_and_its_receipt_says_what_was_decided(own: Rig) -> None:
    screened = own.screen("A plain thing to say", id="c-1")
    browser = own.browser()
    answer = fill(browser)
    assert answer.status_code == 303
    receipt = answer.headers["location"]
    page = browser.get(receipt)
    assert "We have received it" in page.text
    assert "c-1" not in page.text
    (notice,) = notices(own)
    with own.app.database.read() as connection:
        row = get_report(connection, notice.report)
        kept = get_notice(connection, notice.report)
    assert row is not None
    assert kept is not None
    assert (row.item, row.kind, row.policy, kept.state, kept.illegal) == (
        screened.item,
        "user",
        "rudeness",
        "matched",
        True,
    )
    text = notice_texts(own.app.vault, [kept])[notice.report]
    assert (text.name, text.email) == ("Ada Example", "Ada@example.org")
    assert "ada@" not in repr(own.app.ledger.events()).casefold()
    reviewer = own.browser("reviewer")
    case = f"/cases/{review.case_id(screened.item)}"
    shown = reviewer.get(case).text
    assert "insults my neighbour" in shown
    assert "Ada" not in shown
    assert own.app.ledger.rebuild().equal


@pytest.mark.usefixtures("patient")
def test_a_report_of_a_link_that_nobody_knows_waits(own: Rig) -> None:
    browser = own.browser()
    receipt = fill(browser, address="https://example.org/c/c%2D404").headers["location"]
    assert "waits for it" in browser.get(receipt).text
    own.screen("A plain thing to say", id="c-404")
    follow(own)
    assert "waits for it" not in browser.get(receipt).text
    elsewhere = fill(browser, address="The third post from above on the page about boats").headers["location"]
    assert "waits for it" in browser.get(elsewhere).text


@pytest.mark.usefixtures("patient")
def test_the_form_and_its_receipt_are_in_the_language_of_the_browser(own: Rig) -> None:
    own.screen("A plain thing to say", id="c-1")
    browser = own.browser()
    german = {"Accept-Language": "de-AT,en;q=0.5"}
    form = browser.get("/report", headers=german)
    assert '<html lang="de">' in form.text
    assert "Inhalt melden" in form.text
    assert "Mindestens 20 Zeichen." in form.text
    address = fill(browser).headers["location"]
    receipt = browser.get(address, headers=german)
    assert "Ihre Meldung ist eingegangen" in receipt.text
    assert "We have received it" in browser.get(address).text


@pytest.mark.usefixtures("patient")
def test_the_query_names_the_content_and_is_escaped(own: Rig) -> None:
    own.screen("A plain thing to say", id="c-1")
    browser = own.browser()
    page = browser.get("/report?content_type=comment&id=%3Cscript%3Ealert(1)%3C/script%3E&policy=rudeness")
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text
    assert 'value="rudeness" selected' in page.text
    answer = fill(browser, "/report?content_type=comment&id=c-1", address="")
    assert answer.status_code == 303
    assert "waits for it" not in browser.get(answer.headers["location"]).text


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("address", "", "Say where it is."),
        ("policy", "", "Choose what is wrong."),
        ("policy", "nonsense", "Choose what is wrong."),
        ("note", "too short", "at least 20 characters"),
        ("name", "", "Give your name."),
        ("email", "", "Give your e-mail address."),
        ("email", "nobody", "This is not an e-mail address."),
        ("good_faith", "", "in good faith"),
        ("name", "x" * 300, "at most 200 characters"),
        ("note", "x" * 20_000, "10000"),
        ("stamp", "1.2.3", "This form has expired"),
        ("stamp", "", "This form has expired"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_lost(own: Rig, field: str, value: str, text: str) -> None:
    answer = fill(own.browser(), **{field: value})
    assert answer.status_code == 422
    assert text in answer.text
    if field != "note":
        assert "insults my neighbour" in answer.text
    assert notices(own) == []


def test_a_bot_gains_nothing(own: Rig) -> None:
    browser = own.browser()
    assert "very fast" in fill(browser).text
    trapped = fill(browser, website="https://buy.example")
    assert trapped.status_code == 303
    assert "We have received it" in browser.get(trapped.headers["location"]).text
    assert notices(own) == []


@pytest.mark.usefixtures("patient")
def test_sending_twice_is_one_report_and_two_tabs_are_two(own: Rig) -> None:
    browser = own.browser()
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', browser.get("/report").text))
    first, second = (browser.post("/report", **{**hidden, **FILLED}) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]
    changed = browser.post("/report", **{**hidden, **FILLED, "note": FILLED["note"] + " And the second."})
    other_tab = fill(browser)
    assert len({one.headers["location"] for one in (first, changed, other_tab)}) == 3
    assert len(notices(own)) == 3


@pytest.mark.usefixtures("patient")
def test_a_flood_from_one_address_is_refused_and_its_words_are_kept(own: Rig) -> None:
    browser = own.browser()
    answers = [fill(browser) for _ in range(11)]
    assert [one.status_code for one in answers] == [303] * 10 + [429]
    assert "insults my neighbour" in answers[-1].text
    assert int(answers[-1].headers["retry-after"]) > 0
    assert len(notices(own)) == 10


def test_the_limit_is_for_each_address_and_for_all(own: Rig) -> None:
    now = 1_000_000
    throttle = access.FormThrottle(own.app.database, "f", per_address=2, total=3, clock=lambda: now)
    assert [throttle.take("1.1.1.1") > 0 for _ in range(3)] == [False, False, True]
    assert [throttle.take("2001:db8::1") > 0, throttle.take("2001:db8:1::1") > 0] == [False, True]
    now += 15 * 60 * 1000
    assert throttle.take("1.1.1.1") == 0


@pytest.mark.parametrize("token", ["rep_1", "rep_1.", "rep_1.00", "%00.%ff", "x" * 5000, "rep_1." + "é" * 40])
def test_a_bad_token_shows_nothing(own: Rig, token: str) -> None:
    assert own.browser().get(f"/report/{token}").status_code == 404


@pytest.mark.usefixtures("patient")
def test_the_form_is_framed_by_the_named_origins_only(own: Rig) -> None:
    browser = own.browser()
    for answer in (browser.get("/report"), browser.get(fill(browser).headers["location"])):
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors https://example.org http://localhost:9" in policy
        assert "script-src" not in policy
        assert "default-src 'none'" in policy
        assert "x-frame-options" not in answer.headers
    assert "frame-ancestors 'none'" in browser.get("/sign-in").headers["content-security-policy"]
    assert browser.get("/sign-in").headers["x-frame-options"] == "DENY"


def test_the_form_is_off_unless_switched_on(rig: Rig) -> None:
    browser = rig.browser()
    assert browser.get("/report").status_code == 404
    assert browser.post("/report", **FILLED).status_code == 404
    assert browser.get("/report/rep_1.00").status_code == 404


@pytest.mark.usefixtures("patient")
def test_a_signed_in_person_may_use_the_form(own: Rig) -> None:
    assert fill(own.browser("reviewer")).status_code == 303


@pytest.mark.usefixtures("patient")
def test_a_reporter_by_form_is_warned_before_a_person_may_mute_them(own: Rig) -> None:
    browser, reviewer = own.browser(), own.browser("reviewer")
    for number in range(3):
        screened = own.screen("A plain thing to say", id=f"c-{number}")
        receipt = fill(browser, address=f"https://example.org/c/c-{number}").headers["location"]
        assert "were refused lately" not in browser.get(receipt).text
        case = f"/cases/{review.case_id(screened.item)}"
        reviewer.get(case)
        reviewer.post(f"{case}/take")
        answer = {"answer": "does_not_violate", "reason": "not_a_violation", "seen": screened.decision}
        sent = reviewer.post(f"{case}/decide", **answer)
        assert sent.status_code == 303, re.findall(r'class="note[^>]*>([^<]*)', sent.text)
    receipt = fill(browser, address="https://example.org/c/later").headers["location"]
    assert "were refused lately" in browser.get(receipt).text
    assert sum(event.kind == "reporter.warned" for event in own.app.ledger.events()) == 1
