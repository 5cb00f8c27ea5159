"""Bulk decisions through the console: chosen, previewed, confirmed, approved, carried out, taken back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seawall import access, review
from seawall.access import PersonRole
from seawall.model import now_ms
from seawall.review import bulk
from seawall.review.bulk.queries import get_bulk_decision, items_of_bulk
from seawall.review.queries import get_case, reviews_of_item
from seawall.screen.queries import get_item
from seawall.worker import Worker
from support.console import PASSWORD, Browser, Rig, open_page, opened, served

REMOVE = {"answer": "violates", "policy": "rudeness", "reason": "clear_violation", "action": ["remove", "strike"]}


@pytest.fixture
def rig(database_url: str, tmp_path: Path) -> Iterator[Rig]:
    with opened(tmp_path, database_url=database_url, environment={"SEAWALL_BULK_ALONE": "3"}) as made:
        yield made


@pytest.fixture
def ada(rig: Rig) -> Browser:
    return rig.browser("reviewer")


def colleague(rig: Rig) -> Browser:
    access.create_person(rig.app.ledger, "ben@example.org", "Ben", PASSWORD, [PersonRole.REVIEWER])
    browser = Browser(rig.asgi, rig.app.settings.public_url)
    assert browser.sign_in("ben@example.org", PASSWORD).status_code == 303
    return browser


def held(rig: Rig, count: int, text: str = "Thank you silly") -> list[str]:
    """Comments that wait for a person, by different authors."""
    return [rig.screen(f"{text} {number}", id=f"c-{number}", actor=f"a-{number}").item for number in range(count)]


def prepared(browser: Browser, items: list[str], **answer: Any) -> str:
    """The address of a preview."""
    browser.get("/bulk-decisions/new?" + "&".join(f"item={item}" for item in items))
    sent = browser.post("/bulk-decisions", items=" ".join(items), source="search", q="", **(answer or REMOVE))
    assert sent.status_code == 303, sent.text
    return str(sent.headers["location"])


def work(rig: Rig) -> None:
    """A worker does what waits."""
    worker = Worker(rig.app)
    for job in rig.app.context.jobs.claim([bulk.approval.BULK_JOB], "w", limit=10, lease_ms=60_000):
        worker.do(job)


def verdicts(rig: Rig, items: list[str]) -> list[str | None]:
    with rig.app.database.read() as connection:
        return [found.verdict if (found := get_item(connection, item)) else None for item in items]


def state(rig: Rig, address: str) -> str:
    with rig.app.database.read() as connection:
        found = get_bulk_decision(connection, address.rpartition("/")[2])
    assert found is not None
    return found.state(now_ms())


def why(rig: Rig, address: str) -> dict[str, str | None]:
    with rig.app.database.read() as connection:
        return {row.item: row.why for row in items_of_bulk(connection, address.rpartition("/")[2])}


def test_what_was_previewed_is_decided_and_taken_back(rig: Rig, ada: Browser) -> None:
    items = held(rig, 3)
    address = prepared(ada, items)
    page = ada.get(address).text
    assert "3 items: Visitors will no longer find it. The author gets a strike of 1" in page
    assert "It concerns 3 accounts" in page
    assert verdicts(rig, items) == ["hold"] * 3  # nothing is decided by looking
    assert ada.post(f"{address}/confirm").status_code == 303
    work(rig)
    assert state(rig, address) == "done"
    assert verdicts(rig, items) == ["block"] * 3
    with rig.app.database.read() as connection:
        for item in items:
            (answer,) = reviews_of_item(connection, item, limit=5)
            assert answer.bulk == address.rpartition("/")[2]
            assert get_case(connection, review.case_id(item), now_ms()).state == "closed"  # type: ignore[union-attr]
    assert "Taking it back puts 3 items as they were before" in ada.get(address).text
    assert ada.post(f"{address}/undo").status_code == 303
    work(rig)
    assert state(rig, address) == "undone"
    assert verdicts(rig, items) == ["hold"] * 3
    with rig.app.database.read() as connection:
        assert {get_case(connection, review.case_id(item), now_ms()).state for item in items} == {"open"}  # type: ignore[union-attr]
    assert rig.app.ledger.rebuild().equal


def test_above_the_threshold_somebody_else_approves(rig: Rig, ada: Browser) -> None:
    items = held(rig, 4)
    address = prepared(ada, items)
    assert "Ask for approval" in ada.get(address).text
    ada.post(f"{address}/confirm")
    work(rig)
    assert (state(rig, address), verdicts(rig, items)) == ("waiting", ["hold"] * 4)
    refused = ada.post(f"{address}/approve")
    assert refused.status_code == 409
    assert "somebody else must approve it" in refused.text
    ben = colleague(rig)
    assert "Approve: decide 4 items" in ben.get(address).text
    assert ben.post(f"{address}/approve").status_code == 303
    work(rig)
    assert verdicts(rig, items) == ["block"] * 4


def test_small_parts_within_an_hour_count_together(rig: Rig, ada: Browser) -> None:
    items = held(rig, 4)
    ada.post(f"{prepared(ada, items[:2])}/confirm")
    second = prepared(ada, items[2:])
    ada.post(f"{second}/confirm")
    assert state(rig, second) == "waiting"


def test_a_colleague_refuses_and_the_proposer_withdraws(rig: Rig, ada: Browser) -> None:
    items = held(rig, 4)
    address = prepared(ada, items)
    ada.post(f"{address}/confirm")
    ben = colleague(rig)
    ben.get(address)
    ben.post(f"{address}/cancel")
    assert state(rig, address) == "refused"
    again = ada.post(f"{address}/confirm")
    assert (again.status_code, "refused" in again.text) == (409, True)
    other = prepared(ada, items[:1])
    ada.post(f"{other}/cancel")
    assert state(rig, other) == "withdrawn"
    work(rig)
    assert verdicts(rig, items) == ["hold"] * 4


def test_what_changed_since_the_preview_is_left_out(rig: Rig, ada: Browser) -> None:
    edited, reported, taken = held(rig, 3)
    address = prepared(ada, [edited, reported, taken])
    rig.screen("Thank you silly, edited", id="c-0", actor="a-0")
    rig.report("c-1")
    access.create_person(rig.app.ledger, "ben@example.org", "Ben", PASSWORD, [PersonRole.REVIEWER])
    ben = access.find_person(rig.app.database, "ben@example.org").id
    review.take(rig.app.database, review.case_id(taken), ben, child_safety=False)
    ada.post(f"{address}/confirm")
    work(rig)
    assert why(rig, address) == {edited: "changed", reported: "reported", taken: "leased"}
    assert verdicts(rig, [edited, reported, taken]) == ["hold"] * 3
    assert "It was edited or decided again since the preview." in ada.get(address).text


def test_undo_leaves_what_others_decided_since(rig: Rig, ada: Browser) -> None:
    items = held(rig, 2)
    address = prepared(ada, items)
    ada.post(f"{address}/confirm")
    work(rig)
    rig.screen("Nice weather", id="c-1", actor="a-1")
    page = ada.get(address).text
    assert "Taking it back puts 1 item as it was before" in page
    assert "1 stays: It was edited, erased or decided again since this bulk decision." in page
    ada.post(f"{address}/undo")
    work(rig)
    assert verdicts(rig, items[:1]) == ["hold"]
    assert why(rig, address)[items[1]] == "edited"


class Killed(BaseException):
    """What ends the process between two transactions."""


def test_a_worker_that_dies_in_between_decides_nothing_twice(
    rig: Rig, ada: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = held(rig, 14)
    address = prepared(ada, items)
    ada.post(f"{address}/confirm")
    ben = colleague(rig)
    ben.get(address)
    ben.post(f"{address}/approve")
    jobs = rig.app.context.jobs

    def die(*_: object) -> None:
        raise Killed

    (job,) = jobs.claim([bulk.approval.BULK_JOB], "dead", limit=1, lease_ms=1)
    with monkeypatch.context() as patched:
        patched.setattr(type(jobs), "heartbeat", die)
        with pytest.raises(Killed):
            bulk.work.carry_out(rig.app.context, job)
    decided = verdicts(rig, items)
    assert 0 < decided.count("block") < 14
    while state(rig, address) == "running":  # the lease of the dead one has ended after a millisecond
        work(rig)
    assert verdicts(rig, items) == ["block"] * 14
    with rig.app.database.read() as connection:
        assert [len(reviews_of_item(connection, item, limit=5)) for item in items] == [1] * 14
    assert rig.app.ledger.rebuild().equal


def test_a_wrong_answer_is_refused_with_what_was_chosen(rig: Rig, ada: Browser) -> None:
    items = held(rig, 2)
    ada.get("/bulk-decisions/new?" + "&".join(f"item={item}" for item in items))
    wrong = {"answer": "violates", "reason": "clear_violation"}
    answer = ada.post("/bulk-decisions", items=" ".join(items), source="search", q="silly", **wrong)
    assert answer.status_code == 422
    assert "Choose the policy that it violates" in answer.text
    assert all(item in answer.text for item in items)
    assert "No item is chosen" in ada.get("/bulk-decisions/new?item=it_00").text
    assert ada.get("/bulk-decisions/bulk_00").status_code == 404


def test_all_that_a_search_finds_and_all_that_wait(rig: Rig, ada: Browser) -> None:
    items = held(rig, 3)
    found = ada.get("/bulk-decisions/new?q=verdict:hold&all=search").text
    assert all(item in found for item in items)
    waiting = ada.get("/bulk-decisions/new?queue=rudeness&all=queue").text
    assert all(item in waiting for item in items)


def test_near_duplicates_are_found_and_decided(rig: Rig, ada: Browser) -> None:
    text = "Thank you silly people for nothing at all, see you never again in this town"
    first = rig.screen(text, id="n-0", actor="a-0").item
    second = rig.screen(f"{text} !!", id="n-1", actor="a-1").item
    rig.screen("Something quite different about the weather in spring", id="n-2", actor="a-2")
    page = ada.get(f"/cases/{review.case_id(first)}/near-duplicates").text
    assert re.findall(r'name="item" value="(it_\w+)"', page) == [second]
    found = ada.get(f"/cases/{review.case_id(first)}/near-duplicates.json").json()
    assert [one["item"]["ref"] for one in found["near_duplicates"]] == [second]
    assert (found["looked_at"], found["unreadable"], found["cut"]) == (2, 0, False)


def test_ticked_in_the_queue_by_keyboard_in_a_real_browser(rig: Rig, chromium: object) -> None:
    items = held(rig, 4)
    with served(rig) as url:
        page: Any
        page, complaints = open_page(chromium, url, "reviewer")
        page.goto(f"{url}/queue?queue=rudeness")
        for _ in items:
            page.keyboard.press("j")
            page.keyboard.press("x")
        page.click("text=Decide the ticked ones")
        page.wait_for_url("**/bulk-decisions/new?**")
        page.keyboard.press("v")
        page.select_option("#policy", "rudeness")
        page.keyboard.press("Escape")
        page.keyboard.press("1")
        page.keyboard.press("x")
        page.click("text=Show what it would do")
        page.wait_for_selector("text=4 items: Visitors will no longer find it.")
        page.keyboard.press("c")
        page.wait_for_selector("text=It waits for the approval of a second person")
        address = page.url
        access.create_person(rig.app.ledger, "ben@example.org", "Ben", PASSWORD, [PersonRole.REVIEWER])
        other: Any
        other, more = open_page(chromium, url, "ben")
        other.goto(f"{url}/queue")
        other.click("text=Bulk decisions 1")
        other.click("tbody a")
        assert other.url == address
        other.keyboard.press("c")
        other.wait_for_selector("text=A worker is at it")
        work(rig)
        assert verdicts(rig, items) == ["block"] * 4
        page.reload()
        page.keyboard.press("r")
        page.wait_for_selector("text=A worker is at it")
        work(rig)
        assert verdicts(rig, items) == ["hold"] * 4
        assert (complaints, more) == ([], [])
