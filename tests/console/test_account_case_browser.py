"""The case of an account in a real Chromium: suspend until a date, take it back, answer again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall import review
from seawall.enforce.queries import EnforcementRow, enforcements_on
from support.console import Rig, open_page, opened, served

DAY = 86_400


@pytest.fixture
def rig(database_url: str, tmp_path: Path) -> Iterator[Rig]:
    """A house of the test's own, on both databases."""
    with opened(tmp_path / "house", database_url=database_url) as made:
        yield made


@pytest.fixture
def url(rig: Rig) -> Iterator[str]:
    with served(rig) as address:
        yield address


def in_force(rig: Rig, account: str) -> list[EnforcementRow]:
    with rig.app.database.read() as connection:
        rows = enforcements_on(connection, account, limit=20)
    return sorted((row for row in rows if row.state == "active"), key=lambda row: row.kind)


def test_an_account_is_suspended_until_a_date_in_a_real_browser(rig: Rig, url: str, chromium: object) -> None:
    rig.screen("You fool", id="acc-1", actor="ann")
    rig.screen("Thank you", id="acc-2", actor="ann")
    rig.report_account("ann", note="They follow me everywhere.")
    ann = rig.app.vault.find("account", "ann") or ""
    path = f"/cases/{review.case_id(ann)}"
    page, complaints = open_page(chromium, url, "reviewer")
    page.goto(f"{url}/queue?queue=reports")
    assert "ann" in page.inner_text("main table")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}{path}*")
    main = page.inner_text("main")
    for said in ("Account ann", "They follow me everywhere.", "2 items since", "1 allowed, 1 blocked", "Strike"):
        assert said in main, said
    rows = page.locator("#items-title >> xpath=../.. >> tbody tr").all_inner_texts()
    assert ["You fool" in rows[0], "Thank you" in rows[1]] == [True, True]  # the gravest first
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-lease]")
    assert page.locator("input[type=radio]:checked, input[name=action]:checked").count() == 0
    assert page.locator("input[name=action][value=remove]").count() == 0
    page.keyboard.press("v")
    page.select_option("#policy", "rudeness")
    page.keyboard.press("3")
    page.keyboard.press("u")
    page.wait_for_selector("#will >> text=Choose how long the account is suspended")
    page.select_option("[name='suspend.for']", str(7 * DAY))
    page.wait_for_selector("#will >> text=The account is suspended until")
    page.click("button:has-text('Decide')")
    page.wait_for_url("**done=*")
    strike, suspension = in_force(rig, ann)
    assert (strike.kind, suspension.kind, suspension.parameters) == ("strike", "suspend", {"for": 7.0 * DAY})
    page.keyboard.press("r")
    page.wait_for_url(f"{url}{path}*")
    page.wait_for_selector("text=Your answer is taken back.")
    assert [one.kind for one in in_force(rig, ann)] == ["strike"]
    page.keyboard.press("v")
    page.select_option("#policy", "rudeness")
    page.keyboard.press("3")
    page.keyboard.press("w")
    page.wait_for_selector("#will >> text=The account is warned.")
    page.click("button:has-text('Decide')")
    page.wait_for_url("**done=*")
    assert [one.kind for one in in_force(rig, ann)] == ["strike", "warn"]
    page.goto(f"{url}{path}")
    assert "closed" in page.inner_text(".head")
    page.click("text=Account page")
    review_card = page.inner_text("#review")
    assert ("Its case is closed" in review_card, "violates" in review_card) == (True, True)
    assert complaints == []
    assert rig.app.ledger.rebuild().equal
