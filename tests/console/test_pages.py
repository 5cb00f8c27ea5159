"""What the pages tell: filters, numbers, policies, the ledger, people and keys."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from seawall import access
from seawall.storage import StorageError, Verification
from seawall.storage.verification import VERIFY_JOB
from seawall.worker import Worker
from support.console import Browser, Rig, opened


@pytest.fixture(scope="module")
def browser(rig: Rig) -> Browser:
    for text, id in [("You fool", "p-1"), ("How silly", "p-2"), ("Thank you", "p-3"), ("so LOUD", "p-4")]:
        rig.screen(text, id=id)
    return rig.browser("admin")


def test_the_overview_counts_the_last_hour(browser: Browser) -> None:
    numbers = browser.get("/overview.json").json()
    assert numbers["verdicts"] == {"allow": 2, "hold": 1, "block": 1}
    assert numbers["decisions"] == 4
    assert numbers["open_cases"] == 2
    page = browser.get("/").text
    assert 'hx-get="/overview/live"' in page
    assert "rudeness / certain" in page
    live = browser.get("/overview/live").text
    assert live.lstrip().startswith('<div class="tiles">')
    plot = browser.get("/overview/traffic.json").json()
    assert plot["names"] == ["allow", "hold", "block"]
    assert [sum(column) for column in plot["columns"][1:]] == [2, 1, 1]
    assert {len(column) for column in plot["columns"]} == {60}


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 4),
        ("verdict=block", 1),
        ("policy=rudeness", 3),
        ("policy=rudeness&rule=loud", 1),
        ("type=playlist", 0),
        ("source=review", 0),
        ("degraded=1", 0),
        ("verdict=nonsense", 0),
    ],
)
def test_decisions_can_be_filtered(browser: Browser, query: str, count: int) -> None:
    assert len(browser.get(f"/decisions.json?{query}").json()["decisions"]) == count
    assert browser.get(f"/decisions?{query}").status_code == 200


def test_a_decision_tells_what_would_have_changed_it(browser: Browser) -> None:
    (held,) = browser.get("/decisions.json?verdict=hold").json()["decisions"]
    page = browser.get(f"/decisions/{held['id']}").text
    assert "Smallest change to another verdict" in page
    assert "would allow it" in page
    assert "near miss" in page
    assert held["bundle"] in page
    record = browser.get(f"/decisions/{held['id']}.json").json()
    assert (record["id"], record["verdict"]) == (held["id"], "hold")


def test_a_decision_whose_policies_cannot_be_read_says_so(sqlite_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, database_url=sqlite_url) as rig:
        answer = rig.screen("you fool")
        bundle = rig.app.bundle.hash
        (tmp_path / "policies" / "gore.yaml").unlink()
        rig.app.publish(by="tests")
        (rig.app.settings.data_dir / "blobs" / bundle[:2] / bundle).unlink()
        browser = rig.browser("admin")
        for page in (f"/decisions/{answer.decision}", f"/items/{answer.item}"):
            shown = browser.get(page)
            assert shown.status_code == 200
            assert f"cannot be explained further. The policy bundle {bundle[:12]} cannot be read" in shown.text


def test_a_policy_shows_words_rules_numbers_source_and_its_tests(browser: Browser) -> None:
    assert "Graphic violence" in browser.get("/policies").text
    page = browser.get("/policies/rudeness").text
    assert "Attacks on a person for who they are." in page
    assert "1 of 2 pass" in page
    assert "verdict: expected hold, got allow" in page
    assert "rudeness: at_fpr(0.01) is 0.800 for insults 1.0" in page
    assert "for insults 1.0. The calibration split shows 0.00" in page
    assert 'id="line-1" data-line="1"' in page
    assert "fired 1×" in page
    assert browser.get("/policies/rudeness.json").json()["source"].startswith("policy: rudeness")


def test_a_policy_shows_what_has_no_effect_in_it(sqlite_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, database_url=sqlite_url) as rig:
        file = tmp_path / "policies" / "rudeness.yaml"
        file.write_text(file.read_text().replace("rules:", "rules:\n  - {id: idle, when: rudeness > 1, do: [hold]}", 1))
        rig.app.publish(by="tests")
        page = rig.browser("admin").get("/policies/rudeness").text
        assert "1 warning<" in page
        assert "&#39;rudeness &gt; 1&#39; is never true" in page
        assert "rudeness is from 0 to 1." in page
        (warning,) = rig.browser("admin").get("/policies/rudeness.json").json()["warnings"]
        assert (warning["rule"], warning["code"]) == ("idle", "threshold-out-of-range")


def test_a_policy_without_warnings_says_what_was_looked_for(browser: Browser) -> None:
    assert "Nothing was found that has no effect" in browser.get("/policies/rudeness").text
    assert browser.get("/policies/rudeness.json").json()["warnings"] == []


def work(rig: Rig) -> int:
    """Do the verifications that are due; how many there were."""
    jobs = rig.app.jobs.claim([VERIFY_JOB], "tests", limit=9, lease_ms=60_000)
    for job in jobs:
        Worker(rig.app).do(job)
    return len(jobs)


def test_the_ledger_lists_events_and_verifies(rig: Rig, browser: Browser) -> None:
    page = browser.get("/ledger?kind=decision.made").text
    assert "decision.made" in page
    assert "<strong>item.submitted</strong>" not in page
    assert browser.get("/ledger/verification").text.strip() == ""
    assert browser.post("/ledger/verify").headers["location"] == "/ledger"
    assert "a worker begins soon" in browser.get("/ledger/verification").text
    assert work(rig) == 1
    assert "Whole and unchanged" in browser.get("/ledger").text
    events = browser.get("/ledger.json?after=1").json()
    assert [event["seq"] for event in events["events"]] == list(range(2, events["next"] + 1))
    assert browser.get(f"/ledger.json?after={events['next']}").json()["events"] == []


def test_the_ledger_is_verified_by_a_worker_and_once_at_a_time(
    rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages: list[str] = []

    def seen(progress: Callable[[int, int], None]) -> Verification:
        progress(1_000, 5_000)
        browser.post("/ledger/verify")  # no second one
        pages.append(browser.get("/ledger").text)
        return Verification(4_711, "00", "event 4712 was changed")

    monkeypatch.setattr(rig.app.ledger, "verify", seen)
    browser.get("/ledger")
    browser.post("/ledger/verify")
    browser.post("/ledger/verify")
    assert work(rig) == 1
    (page,) = pages
    assert "1,000 of 5,000 events" in page or "1 000 of 5 000" in page or "1000 of 5000" in page, page
    assert 'hx-get="/ledger/verification"' in page
    assert "event 4712 was changed" in browser.get("/ledger").text
    assert work(rig) == 0

    def broken(progress: object) -> Verification:
        raise StorageError("The disk failed.")

    monkeypatch.setattr(rig.app.ledger, "verify", broken)
    browser.post("/ledger/verify")
    (job,) = rig.app.jobs.claim([VERIFY_JOB], "tests", limit=1, lease_ms=60_000)
    rig.app.jobs.mark_dead(job, "StorageError: The disk failed.")
    assert "Not verified: StorageError: The disk failed." in browser.get("/ledger").text
    browser.post("/ledger/verify")
    assert "a worker begins soon" in browser.get("/ledger").text
    assert work(rig) == 1
    assert "The last try ended with: StorageError: The disk failed." in browser.get("/ledger").text


def test_an_item_is_told_from_its_beginning(rig: Rig, browser: Browser) -> None:
    screened = rig.screen("You fool", id="told")
    rig.screen("You fool, again", id="told")
    page = browser.get(f"/items/{screened.item}").text
    assert "revision 2" in page
    submitted = [match.start() for match in re.finditer("was submitted", page)]
    assert len(submitted) == 2
    assert "again" not in browser.get(f"/items/{screened.item}?revision=1").text.partition("History")[0]
    record = browser.get(f"/items/{screened.item}.json").json()
    assert len(record["decisions"]) == 2
    assert {enforcement["kind"] for enforcement in record["enforcements"]} == {"remove", "strike"}


def link_in(page: str) -> str:
    """The path of the link that a page shows once."""
    (found,) = re.findall(r"http://console\.test(/choose-password\?link=[A-Za-z0-9_-]+)<", page)
    return str(found)


def test_people_are_invited_and_closed(rig: Rig, browser: Browser) -> None:
    browser.get("/access")
    link = link_in(browser.post("/access/people", name="New", email="new@example.org", role=["reviewer"]).text)
    page = browser.get("/access").text
    assert "new@example.org" in page
    assert link not in page
    newcomer = rig.browser()
    assert 'For the account of <span translate="no">New, new@example.org</span>' in newcomer.get(link).text
    token = link.partition("link=")[2]
    differ = newcomer.post("/choose-password", link=token, password="long enough words", again="long enough word")
    assert (differ.status_code, "The two passwords differ" in differ.text) == (422, True)
    short = newcomer.post("/choose-password", link=token, password="x", again="x")
    assert (short.status_code, "A password needs" in short.text) == (422, True)
    chosen = newcomer.post("/choose-password", link=token, password="long enough words", again="long enough words")
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/sign-in")
    again = newcomer.post("/choose-password", link=token, password="other enough words", again="other enough words")
    assert (again.status_code, "was used already" in again.text) == (410, True)
    assert newcomer.get(link).status_code == 410
    assert newcomer.sign_in("new@example.org", "long enough words").status_code == 303
    (person,) = [one for one in access.list_people(rig.app.database) if one.name == "New"]
    browser.get("/access")
    assert browser.post(f"/access/people/{person.id}/disable").status_code == 303
    assert newcomer.get("/").status_code == 303
    refused = browser.post("/access/people", name="New", email="new@example.org", role=["reviewer"])
    assert refused.status_code == 422
    assert "is already in use" in refused.text


def test_a_password_is_reset_by_a_link_and_not_by_an_administrator(rig: Rig, browser: Browser) -> None:
    who = access.create_person(rig.app.ledger, "lost@example.org", "Lost", "a forgotten wall", ["reviewer"])
    theirs = rig.browser()
    assert theirs.sign_in("lost@example.org", "a forgotten wall").status_code == 303
    browser.get("/access")
    token = link_in(browser.post(f"/access/people/{who.id}/link").text).partition("link=")[2]
    assert theirs.get("/").status_code == 200  # nothing ends before the link is used
    rig.browser().post("/choose-password", link=token, password="a wall I know", again="a wall I know")
    assert theirs.get("/").status_code == 303
    assert rig.browser().sign_in("lost@example.org", "a wall I know").status_code == 303
    refused = browser.post(f"/access/people/{rig.people['admin'].id}/link")
    assert (refused.status_code, "your own account" in refused.text) == (422, True)


def test_nobody_closes_their_own_account(rig: Rig, browser: Browser) -> None:
    browser.get("/access")
    answer = browser.post(f"/access/people/{rig.people['admin'].id}/disable")
    assert answer.status_code == 422
    assert "your own" in answer.text


def test_a_key_is_shown_once(rig: Rig, browser: Browser) -> None:
    browser.get("/access")
    page = browser.post("/access/keys", name="shop", scope=["screen", "read"]).text
    (token,) = re.findall(r"sw_[0-9a-f]{12}_[\w-]{43}", page)
    info = access.Keys(rig.app.database).authenticate(token)
    assert info is not None
    assert token not in browser.get("/access").text
    assert browser.post(f"/access/keys/{info.id}/revoke").status_code == 303
    assert "revoked" in browser.get("/access").text
    assert access.Keys(rig.app.database).authenticate(token) is None
