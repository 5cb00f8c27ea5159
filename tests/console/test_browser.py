"""The console in a real Chromium: sign in, take the top case, decide it by keyboard, see it explained."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from seawall import review
from seawall.review.queries import reviews_of_item
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


def _tasks() -> dict[str, list[str]]:
    """The keys of each task, as docs/reviewing.md tells them."""
    text = (Path(__file__).parents[2] / "docs" / "reviewing.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| (.+?) \| ((?:`\S+` ?)+)\|$", text.partition("| task | keys |")[2].partition("\n\n")[0], re.M
    )
    return {task: re.findall(r"`(\S+)`", keys) for task, keys in rows}


@pytest.mark.parametrize(
    ("task", "most", "policy"),
    [
        ("it violates, and the proposed policy and actions are right", 3, "rudeness"),
        ("it does not violate, for a reason", 3, None),
        ("it violates another policy: its first letter", 5, "gore"),
    ],
)
def test_the_usual_tasks_take_the_keys_that_the_documents_say(
    chromium: object, url: str, rig: Rig, task: str, most: int, policy: str | None
) -> None:
    keys = _tasks()[task]
    assert len(keys) <= most
    screened = rig.screen("A silly thing", id=f"b-{task[:20]}-{policy}")
    page, complaints = open_page(chromium, url, "reviewer")
    page.goto(f"{url}/cases/{review.case_id(screened.item)}")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-lease]")
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_selector("text=Decided and recorded")
    with rig.app.database.read() as connection:
        (answered,) = reviews_of_item(connection, screened.item, limit=2)
    assert (answered.answer, answered.policy) == ("violates" if policy else "does_not_violate", policy)
    assert complaints == []
    assert len(_tasks()["take the last answer back"]) == 1


def test_an_answer_is_taken_back_with_one_key(chromium: object, url: str, rig: Rig) -> None:
    slip = rig.screen("A silly thing", id="b-slip")
    rig.screen("You fool", id="b-next")
    page, complaints = open_page(chromium, url, "reviewer")
    page.goto(f"{url}/cases/{review.case_id(slip.item)}")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-lease]")
    page.keyboard.press("v")
    page.keyboard.press("1")
    page.wait_for_selector("#will >> text=Visitors will no longer find it.")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Decided and recorded")
    page.keyboard.press("r")
    page.wait_for_url(f"{url}/cases/{review.case_id(slip.item)}*")
    page.wait_for_selector("[data-lease]")  # it is the reviewer's again
    assert "taken back" in page.inner_text(".timeline")
    assert page.inner_text(".text mark") == "silly"  # what the detectors found is there
    assert "Rudeness: Likely" in page.inner_text("[aria-labelledby=why-title]")
    page.keyboard.press("8")
    page.wait_for_url(lambda where: review.case_id(slip.item) not in where)
    page.goto(f"{url}/cases/{review.case_id(slip.item)}")
    assert "left this case to others" in page.inner_text("main")
    page.keyboard.press("Enter")  # what one left can be taken all the same
    page.wait_for_selector("[data-lease]")
    for key in ("n", "1", "Enter"):
        page.keyboard.press(key)
    page.wait_for_selector("text=Decided and recorded")
    page.goto(f"{url}/cases/{review.case_id(slip.item)}")
    page.wait_for_selector("text=Take my answer back")
    assert complaints == []


def test_a_closed_case_is_decided_again(chromium: object, url: str, rig: Rig) -> None:
    done = rig.screen("A silly thing", id="b-again")
    case = f"/cases/{review.case_id(done.item)}"
    other, _ = open_page(chromium, url, "admin")
    other.goto(f"{url}{case}")
    other.keyboard.press("Enter")
    other.wait_for_selector("[data-lease]")
    for key in ("n", "1", "Enter"):
        other.keyboard.press(key)
    other.wait_for_selector("text=Decided and recorded")
    page, complaints = open_page(chromium, url, "reviewer")
    page.goto(f"{url}{case}")
    assert "Take my answer back" not in page.inner_text("main")  # it is another one's
    page.keyboard.press("r")
    page.wait_for_selector("[data-lease]")
    assert page.inner_text(".text mark") == "silly"
    page.keyboard.press("v")
    page.keyboard.press("2")
    page.wait_for_selector("#will >> text=Visitors will no longer find it.")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Decided and recorded")
    assert complaints == []


def test_a_case_and_its_scripts_speak_german(chromium: object, url: str, rig: Rig) -> None:
    case = review.case_id(rig.screen("You fool of a translator", id="b-german").item)
    page, complaints = open_page(chromium, url, "reviewer")
    page.set_extra_http_headers({"Accept-Language": "de"})
    page.goto(f"{url}/cases/{case}")
    assert page.inner_text("#order").startswith("Grund der Reihenfolge: Schwere 3 von 5; zu 0,")
    page.keyboard.press("t")
    page.wait_for_selector("[data-lease] >> text=Ihnen zugeteilt für")
    page.keyboard.press("v")
    page.wait_for_selector("#will >> text=Wählen Sie einen Grund.")
    page.keyboard.press("1")
    page.keyboard.press("i")
    page.wait_for_selector("#will >> text=Der Strike des Verfasserkontos wird zurückgenommen.")
    page.route("**/preview", lambda route: route.abort())
    page.keyboard.press("i")
    page.wait_for_selector("#will >> text=der Server antwortet nicht")
    assert [one for one in complaints if "ERR_FAILED" not in one] == []
    page.keyboard.press("s")
    page.wait_for_url(lambda address: case not in address)


@pytest.mark.parametrize("width", [390, 320])
def test_nothing_lies_on_the_buttons_that_leave_a_case_to_others(
    chromium: object, url: str, rig: Rig, width: int
) -> None:
    screened = rig.screen("You silly narrow person", id=f"narrow-{width}")
    page: Any
    page, _ = open_page(chromium, url, "reviewer", width, 844)
    page.goto(f"{url}/cases/{review.case_id(screened.item)}")
    page.click("#take button")
    page.wait_for_selector("#decide")
    jump = page.locator("a.jump")
    assert jump.is_visible()
    sticks_out = """one => one.getBoundingClientRect().right - one.closest('form').getBoundingClientRect().right"""
    for answer in page.locator("#decide .verdicts label").all():
        assert answer.evaluate(sticks_out) <= 0
        assert answer.evaluate("one => one.scrollWidth <= one.clientWidth")
    shot = os.environ.get("SEAWALL_SCREENSHOTS")
    if shot:
        page.screenshot(path=f"{shot}/narrow-top-{width}.png")
    for button in page.locator(".pass-on button[data-key]").all():
        for block in ("start", "center", "end"):
            button.evaluate("(one, block) => one.scrollIntoView({block, behavior: 'instant'})", block)
            assert button.evaluate(
                """one => { const box = one.getBoundingClientRect();
                   return one.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)); }"""
            )
            apart = """() => { const a = document.querySelector('a.jump').getBoundingClientRect();
                const b = document.querySelector('#decide').getBoundingClientRect(); return a.bottom <= b.top; }"""
            assert page.evaluate(apart)
        if shot:
            page.screenshot(path=f"{shot}/narrow-end-{width}.png")
    jump.evaluate("one => window.scrollTo(0, 0)")
    jump.click()
    assert page.evaluate("document.querySelector('#decide').getBoundingClientRect().top < innerHeight")
