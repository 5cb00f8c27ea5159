"""The console in a real Chromium: sign in, take the top case, decide it by keyboard, see it explained."""

from __future__ import annotations

import pytest

from seawall import review
from support.console import Rig, open_page


def test_a_case_is_decided_by_keyboard_and_explained(chromium: object, url: str, rig: Rig) -> None:
    urgent = rig.screen("You fool", id="b-1")
    other = rig.screen("A silly thing", id="b-2")
    page, complaints = open_page(chromium, url, "reviewer")
    page.wait_for_selector("#traffic canvas")
    page.goto(f"{url}/queue")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}/cases/{review.case_id(urgent.item)}*")
    assert page.inner_text(".text mark") == "fool"
    assert page.locator("[data-lease]").count() == 0
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-lease]")
    assert page.inner_text("[data-lease]").startswith("Leased to you for")
    assert page.locator("input[type=radio]:checked").count() == 0  # neither answer nor reason is preset
    page.keyboard.press("v")
    assert page.is_checked("input[value=violates]")
    assert page.is_checked("input[name=action][value=remove]")
    page.wait_for_selector("text=Choose a reason.")
    page.keyboard.press("1")
    page.wait_for_selector("#will >> text=Nothing changes")  # the rules removed it already
    page.keyboard.press("i")
    page.wait_for_selector("#will >> text=The author's strike is taken back.")
    page.keyboard.press("i")
    page.wait_for_selector("#will >> text=Nothing changes")
    page.keyboard.press("m")
    page.keyboard.type("nvs in the note are only letters")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}/cases/{review.case_id(other.item)}*")
    page.click("text=see the decision")
    page.wait_for_url(f"{url}/decisions/*")
    assert "Reviewer Person" in page.inner_text("main")
    assert "This decision is in force" in page.inner_text("main")
    page.goto(f"{url}/cases/{review.case_id(other.item)}")
    page.keyboard.press("n")
    assert not page.is_visible("select[name=policy]")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert] >> text=Choose a reason.")  # Enter alone records nothing that nobody meant
    assert page.is_checked("input[value=does_not_violate]")
    page.keyboard.press("4")
    page.wait_for_selector("#will >> text=It will be published.")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}/queue?*")
    assert [one for one in complaints if "409" not in one] == []  # the answer without a reason was refused


def test_no_key_and_no_preset_publishes_what_was_held_as_a_violation(chromium: object, url: str, rig: Rig) -> None:
    held = rig.screen("A silly thing", id="b-held")
    page, complaints = open_page(chromium, url, "reviewer")
    page.goto(f"{url}/cases/{review.case_id(held.item)}")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-lease]")
    for key in ("v", "1"):
        page.keyboard.press(key)
    page.wait_for_selector("#will >> text=Visitors will no longer find it.")
    page.keyboard.press("u")  # the letter of Suspend, which asks how long
    page.wait_for_selector("#will >> text=Choose how long the account is suspended")
    page.select_option("select[name='suspend.for']", "never")
    page.wait_for_selector("#will >> text=The author's account is suspended without an end.")
    page.keyboard.press("u")
    page.wait_for_selector("#will >> text=Visitors will no longer find it.")
    page.keyboard.press("n")  # another answer: the reason of the first is gone
    page.wait_for_selector("text=Choose a reason.")
    assert page.locator("input[name=reason]:checked").count() == 0
    assert complaints == []


def test_what_is_blurred_is_shown_on_request_and_keys_are_explained(chromium: object, url: str, rig: Rig) -> None:
    graphic = rig.screen("so much blood", id="b-3")
    page, complaints = open_page(chromium, url, "reviewer")
    page.goto(f"{url}/cases/{review.case_id(graphic.item)}")
    assert page.locator("[data-veiled]").count() == 1
    page.keyboard.press("b")
    assert page.locator("[data-veiled]").count() == 0
    page.keyboard.press("?")
    assert page.is_visible("dialog#keys")
    page.keyboard.press("Escape")
    assert not page.is_visible("dialog#keys")
    assert complaints == []


def test_the_overview_renews_itself(chromium: object, url: str, rig: Rig) -> None:
    from playwright.sync_api import expect

    page, complaints = open_page(chromium, url, "admin")
    decided = "#live .tile:first-child strong"
    before = int(page.inner_text(decided))
    for number in range(3):
        rig.screen("Thank you", id=f"b-live-{number}")
    expect(page.locator(decided)).to_have_text(str(before + 3))
    assert complaints == []


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_no_page_is_wider_than_the_screen(chromium: object, url: str, rig: Rig, width: int, height: int) -> None:
    long = rig.screen("silly " + "w" * 900, id=f"wide-{width}")
    page, complaints = open_page(chromium, url, "admin", width, height)
    for path in (
        "/",
        "/queue",
        f"/cases/{review.case_id(long.item)}",
        f"/items/{long.item}",
        "/decisions",
        f"/decisions/{long.decision}",
        "/pending-rescreens",
        "/deliveries",
        "/policies",
        "/policies/rudeness",
        "/ledger",
        "/access",
        "/account",
        "/exposure",
        "/exposure/compare",
    ):
        page.goto(url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    if width < 500:
        page.click("text=Menu")
        page.click("nav >> text=Queue")
        page.wait_for_url(f"{url}/queue")
    assert complaints == []
