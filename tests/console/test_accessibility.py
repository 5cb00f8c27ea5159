"""Every page against WCAG 2.2 AA, by the engine axe-core in a real Chromium, light and dark, wide and narrow."""

from __future__ import annotations

from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe

from seawall import access, review
from seawall.model import Item
from support.console import Rig, open_page
from support.pages import LOOKS, every_page

RULES: Final = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture(scope="module")
def paths(rig: Rig) -> tuple[str, ...]:
    """Every page that shows something, with something to show."""
    return every_page(rig)


@pytest.mark.timeout(300)  # some fifty pages
@pytest.mark.parametrize(("theme", "width", "height"), LOOKS)
def test_axe_finds_nothing(
    chromium: object, url: str, rig: Rig, paths: tuple[str, ...], theme: str, width: int, height: int
) -> None:
    page: Any
    page, _ = open_page(chromium, url, "admin", width, height)
    page.emulate_media(color_scheme=theme)
    found: list[str] = []
    for path in paths:
        page.goto(url + path)
        if page.locator("[data-key=t]").count():
            page.keyboard.press("t")  # the form of a case, with an answer
            page.wait_for_selector("[data-lease]")
            page.keyboard.press("v")
        found += _violations(page, path)
    page.goto(f"{url}/")
    page.keyboard.press("?")
    found += _violations(page, "keys")
    assert not found, "\n".join(found)


def test_axe_finds_nothing_on_the_sign_in_page(chromium: Any, url: str) -> None:
    page = chromium.new_context().new_page()
    page.goto(f"{url}/sign-in")
    assert _violations(page, "/sign-in") == []


@pytest.mark.timeout(300)  # some fifty pages
@pytest.mark.parametrize(("theme", "width", "height"), LOOKS)
def test_axe_finds_nothing_where_a_password_is_chosen(
    chromium: Any, url: str, rig: Rig, theme: str, width: int, height: int
) -> None:
    link = access.make_password_link(rig.app.ledger, rig.people["reviewer"].id)
    page = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=theme).new_page()
    for path in (link.path, "/choose-password?link=none"):
        page.goto(url + path)
        assert _violations(page, path) == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("theme", "width", "height"), LOOKS)
def test_axe_finds_nothing_where_languages_and_skills_are_stated(
    chromium: object, url: str, rig: Rig, theme: str, width: int, height: int
) -> None:
    item = Item(content_type="comment", id="axe-tr", fields={"body": "A silly thing"}, actor="author", language="tr")
    case = review.case_id(rig.app.screener.screen(item).item)
    for person in rig.people.values():
        access.change_languages(rig.app.ledger, person.id, ["de"])
        access.change_skills(rig.app.ledger, person.id, ["legal"])
    page: Any
    page, _ = open_page(chromium, url, "admin", width, height)
    page.emulate_media(color_scheme=theme)
    found: list[str] = []
    for path, shown in (
        ("/queue", "#untaken"),
        ("/queue?advice=unsuitable", "#advice"),
        (f"/cases/{case}", "#unsuitable"),
        ("/account", "#languages"),
        ("/access", "details"),
    ):
        page.goto(url + path)
        assert page.locator(shown).first.is_visible()
        if shown == "details":
            page.locator("details summary").first.click()
        found += _violations(page, path)
    assert not found, "\n".join(found)
    for person in rig.people.values():
        access.change_languages(rig.app.ledger, person.id, None)
        access.change_skills(rig.app.ledger, person.id, None)


def _violations(page: Any, path: str) -> list[str]:
    """Rule and element of each violation."""
    results = Axe().run(page, options={**RULES, "resultTypes": ["violations"]}).response
    return [f"{path}: {one['id']}: {node['html'][:160]}" for one in results["violations"] for node in one["nodes"]]
