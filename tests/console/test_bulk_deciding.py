"""Deciding in bulk in a real browser: ticks, preview, a second person, undo."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import select

from seawall.enforce.tables import enforcement
from seawall.review.bulk.approval import BULK_JOB, BulkLimits
from seawall.review.tables import case as case_table
from seawall.worker import Worker
from support.console import Rig, open_page


def work(rig: Rig) -> int:
    """The jobs of bulk decisions that are due, once each."""
    jobs = rig.app.jobs.claim([BULK_JOB], "tests", limit=10, lease_ms=60_000)
    for job in jobs:
        Worker(rig.app).do(job)
    return len(jobs)


def in_force(rig: Rig, item: str) -> set[str]:
    query = select(enforcement.c.kind).where(enforcement.c.item == item, enforcement.c.state == "active")
    with rig.app.database.read() as connection:
        return set(connection.execute(query).scalars())


def case_state(rig: Rig, item: str) -> str:
    with rig.app.database.read() as connection:
        return str(connection.execute(select(case_table.c.state).where(case_table.c.item == item)).scalar_one())


def answer_removal(page: Any) -> None:
    """By keys: violates, clear violation, the policy, remove."""
    page.wait_for_url("**/bulk-decisions/choose", wait_until="load")
    page.keyboard.press("v")
    page.select_option("#policy", "rudeness")
    page.locator("#policy").blur()
    page.keyboard.press("1")
    page.keyboard.press("x")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/bulk-decisions/bulk_"))


def test_ticked_items_are_previewed_decided_and_taken_back(chromium: object, url: str, rig: Rig) -> None:
    items = [rig.screen(f"A silly wave {n}", id=f"wave-{n}", actor=f"surfer-{n}").item for n in range(3)]
    page: Any
    page, complaints = open_page(chromium, url, "reviewer")
    page.goto(f"{url}/search?q=wave")
    for item in items[:2]:
        page.check(f'[name=item][value="{item}"]')
    page.click("text=Decide the ticked ones")
    assert page.locator("h1").inner_text() == "One answer for 2 items"
    answer_removal(page)
    text = page.locator("main").inner_text()
    assert "2 of 2 items, by 2 authors" in text
    assert "Visitors will no longer find it." in text
    assert in_force(rig, items[0]) == {"hold"}, "nothing is decided by a preview"
    page.keyboard.press("Enter")
    page.wait_for_selector("text=In progress")
    assert work(rig) == 1
    page.reload()
    assert "2 decided, 0 to do, 0 left out." in page.locator("#state").inner_text()
    assert [in_force(rig, item) for item in items] == [{"remove"}, {"remove"}, {"hold"}]
    page.goto(f"{url}/items/{items[0]}")
    assert page.locator("a.chip", has_text="in bulk").count() == 1
    page.go_back()
    page.keyboard.press("r")
    page.wait_for_selector("text=Being taken back")
    assert work(rig) == 1
    page.reload()
    assert "2 taken back" in page.locator("#state").inner_text()
    assert [in_force(rig, item) for item in items] == [{"hold"}] * 3
    assert {case_state(rig, item) for item in items} == {"open"}
    assert not complaints


def test_above_the_threshold_a_second_session_approves(chromium: object, url: str, rig: Rig) -> None:
    items = [rig.screen(f"A silly flood {n}", id=f"flood-{n}", actor="flooder").item for n in range(3)]
    limits = rig.app.context.get(BulkLimits)
    object.__setattr__(limits, "alone", 2)
    try:
        first: Any
        first, _ = open_page(chromium, url, "reviewer")
        first.goto(f"{url}/search?q=flood")
        first.click("text=Decide all that the search finds")
        answer_removal(first)
        assert "need a second person" in first.locator("#state").inner_text()
        first.keyboard.press("Enter")
        first.wait_for_selector("text=Somebody else must approve it.")
        assert first.locator("text=Approve: decide").count() == 0
        assert work(rig) == 0
        second: Any
        second, complaints = open_page(chromium, url, "admin")
        second.goto(f"{url}/bulk-decisions")
        assert "You may approve" in second.locator("main").inner_text()
        second.click("main tbody a")
        second.click("text=Approve: decide 3 items")
        second.wait_for_selector("text=In progress")
        assert work(rig) == 1
        assert all(in_force(rig, item) == {"remove"} for item in items)
        assert not complaints
    finally:
        object.__setattr__(limits, "alone", 20)
