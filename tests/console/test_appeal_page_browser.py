"""The appeal page in a real browser, from the block to the answer, without scripts, in both themes and languages."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from seawall.appeal.queries import appeals_of_item
from support.appeal_page import answered, link
from support.console import Rig
from support.pages import LOOKS

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def overturn(rig: Rig, screened: Any) -> None:
    with rig.app.database.read() as connection:
        (row,) = appeals_of_item(connection, screened.item, limit=9)
    answered(
        rig.browser("reviewer"),
        screened,
        row.id,
        screened.decision,
        answer="does_not_violate",
        reason="quoted_or_condemned",
        message="You are right: a quotation.",
    )


def elsewhere(run: Any, *given: Any) -> Any:
    """In a thread of its own: the browser's event loop runs in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run, *given).result()


def test_blocked_appealed_by_keyboard_overturned_and_told(chromium: Any, url: str, rig: Rig) -> None:
    blocked = rig.screen("You fool", id="told", actor="told-author")
    assert blocked.verdict == "block"
    page = chromium.new_context(java_script_enabled=False).new_page()
    page.goto(url + link(rig, blocked.decision))
    assert "Removed: nobody finds it any more" in page.inner_text("main")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "text"
    page.keyboard.type("It is a line from a song.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("We have received your appeal").wait_for()
    elsewhere(overturn, rig, blocked)
    page.reload()
    said = page.inner_text("main")
    assert "You were right: the decision was taken back" in said
    assert "You are right: a quotation." in said
    assert "In force since" not in said


@pytest.mark.parametrize(("theme", "width", "height"), LOOKS)
@pytest.mark.parametrize("language", ["en", "de"])
def test_axe_finds_nothing_in_any_state(
    chromium: Any, url: str, rig: Rig, theme: str, width: int, height: int, language: str
) -> None:
    name = f"axe-{theme}-{width}-{language}"
    path = link(rig, rig.screen("You fool", id=name, actor=name).decision)
    context = chromium.new_context(
        viewport={"width": width, "height": height}, color_scheme=theme, locale=language, java_script_enabled=True
    )
    page = context.new_page()
    found = []
    for state in ("form", "problem", "open", "none"):
        if state == "none":
            page.goto(f"{url}/appeal/none")
        elif state == "form":
            page.goto(url + path)
        else:
            page.evaluate("document.querySelector('form').noValidate = true")
            page.fill("#text", "" if state == "problem" else "It is a line from a song. " * 20)
            page.locator("form button").first.click()
            page.wait_for_selector("[role=alert]" if state == "problem" else "#received")
        if state == "open":
            page.click("summary")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), state
        results = Axe().run(page, options=RULES)
        found += [f"{state}: {one['id']} {one['nodes'][0]['html']}" for one in results.response["violations"]]
    assert not found, "\n".join(found)
