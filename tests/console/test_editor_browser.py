"""The editor in a real browser: checked while one writes, the caret goes to the mistake, unsaved text is not lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from seawall.console.publish import editor
from seawall.policy import PolicySource
from support.console import RUDENESS, Rig, open_page, opened, served
from support.pages import LOOKS

ADDRESS = "/policies/rudeness/edit"
CHANGE = """(area, [from, to]) => {
  area.value = area.value.replace(from, to);
  area.dispatchEvent(new Event("input", { bubbles: true }));
}"""


def change(page: Any, before: str, after: str) -> None:
    page.locator("#text").evaluate(CHANGE, [before, after])


def test_the_text_is_checked_while_it_is_written(chromium: object, url: str) -> None:
    page: Any
    page, complaints = open_page(chromium, url, "policy")
    page.goto(url + ADDRESS)
    assert page.locator("[data-summary]").inner_text() == "No mistake; 0 warnings; 1 of 2 examples pass"
    change(page, "rudeness >= 0.9", "rudenes >= 0.9")
    page.wait_for_selector("[data-problem]")
    assert page.locator("[data-summary]").inner_text() == "1 mistake"
    assert page.locator("[data-stands]").inner_text() == "differs from what is in force"
    assert "nearest: rudeness" in page.locator("[data-problem]").inner_text()
    page.click("[data-problem] [data-line]")
    chosen = "[...document.querySelectorAll('#text')].map((t) => t.value.slice(t.selectionStart, t.selectionEnd))[0]"
    assert page.evaluate(chosen) == "rudenes >= 0.9"
    change(page, "rudenes >= 0.9", "rudeness >= 0.9")
    page.wait_for_selector("[data-problem]", state="detached")
    assert page.locator("[data-stands]").inner_text() == "as it is in force"
    assert complaints == []


def test_a_slow_screening_is_shown_and_its_end_too(
    chromium: object, url: str, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(editor, "_WAIT_S", 0.2)
    page: Any
    page, complaints = open_page(chromium, url, "policy")
    page.goto(f"{url}/policies/gore/edit")
    change(page, 'body: "blood"', 'body: "stuck in blood"')
    page.click("button[value=compare]")
    page.wait_for_selector("[data-would] [data-screening]")
    rig.stuck.go_on.set()
    page.wait_for_selector("[data-would] [data-screened] >> text=1 of 1 examples of this policy pass")
    assert page.locator("[data-screening]").count() == 0
    assert complaints == []


def test_unsaved_text_is_not_lost(chromium: object, url: str, rig: Rig) -> None:
    page: Any
    page, complaints = open_page(chromium, url, "policy")
    page.goto(url + ADDRESS)
    asked: list[str] = []
    page.on("dialog", lambda dialog: asked.append(dialog.type) or dialog.accept())
    page.locator("#text").press("Control+End")
    page.locator("#text").press_sequentially("# mine")
    page.goto(url + "/policies")
    assert asked == ["beforeunload"]
    page.goto(url + ADDRESS)
    assert "# mine" not in page.locator("#text").input_value()
    page.click("[data-kept] button")
    assert page.locator("#text").input_value().endswith("# mine")
    page.click("button[value=check]")  # the answer holds the text: nothing is asked
    page.wait_for_load_state()
    assert asked == ["beforeunload"]
    assert page.locator("#text").input_value().endswith("# mine")
    assert page.locator("[data-kept]").is_hidden()
    assert complaints == []


@pytest.mark.parametrize(("theme", "width", "height"), LOOKS)
def test_every_state_is_accessible_and_fits(
    chromium: object, url: str, rig: Rig, theme: str, width: int, height: int
) -> None:
    page: Any
    page, _ = open_page(chromium, url, "policy", width, height)
    page.emulate_media(color_scheme=theme)
    found: list[str] = []

    def look(state: str) -> None:
        rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
        for one in Axe().run(page, options=rules).response["violations"]:
            found.append(f"{state}: {one['id']}: {[node['html'] for node in one['nodes']][:3]}")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{state}: wider than the window")

    page.goto(url + ADDRESS)
    change(page, "rudeness >= 0.9", "rudenes >= 0.9")
    page.wait_for_selector("[data-problem]")
    look("a mistake")
    change(page, "rudenes >= 0.9", "rudeness > 1")
    page.wait_for_selector("[data-warning]")
    look("a warning")
    change(page, "expect: {verdict: hold}", "expect: {verdict: allow}")
    change(page, "- id: likely", "- id: likely\n    mode: shadow")
    page.locator("input[name=base]").evaluate("(one) => (one.value = 'another')")
    page.click("button[value=compare]")
    page.wait_for_selector("[data-moved]")
    look("changed by others")
    page.click("button[value=go_on]")
    page.wait_for_selector("[data-moved]", state="detached")
    change(page, "rudeness > 1", "rudeness >= 0.95")
    change(page, "actions: [remove, strike, review]", "actions: [remove, strike, review]")
    page.click("button[value=compare]")
    page.wait_for_selector("#would-title")
    look("compared")
    page.fill("[id='field.body']", "What an odd fool")
    page.click("button[value=try]")
    page.wait_for_selector("#tried")
    look("tried")
    page.goto(url + "/policies/rudeness")
    page.click("#history-title")
    page.locator("[data-change] summary").first.click()
    look("history")
    assert found == []


def test_a_long_title_and_one_written_from_right_to_left_stay_in_their_places(
    chromium: object, tmp_path: Path, sqlite_url: str
) -> None:
    long = RUDENESS.replace("title: Rudeness", f"title: {'Kapitänsrichtlinie' * 12}")
    right = RUDENESS.replace("policy: rudeness", "policy: right").replace("title: Rudeness", "title: מדיניות \u202e")
    with opened(tmp_path, database_url=sqlite_url) as rig:
        policies = (PolicySource("0.yaml", long), PolicySource("1.yaml", right))
        rig.app.publish(replace(rig.app.sources(), policies=policies), by="tests")
        decided = rig.screen("You fool", id="long-title").decision
        with served(rig) as address:
            page: Any
            for width in (1280, 320):
                page, _ = open_page(chromium, address, "policy", width)
                for path in ("/policies/rudeness", "/publications", f"/decisions/{decided}", "/policies/rudeness/edit"):
                    page.goto(address + path)
                    assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            page.set_viewport_size({"width": 1280, "height": 800})
            page.goto(address + "/policies")
            fits = "[...document.querySelectorAll('section')].every((one) => one.scrollWidth <= one.clientWidth)"
            assert page.evaluate(fits)
            page.goto(address + "/policies/right")
            assert page.locator("h1").evaluate("(one) => getComputedStyle(one).direction") == "rtl"
            assert page.locator("h1").inner_text().endswith("RLO")
