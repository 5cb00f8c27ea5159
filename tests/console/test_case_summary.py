"""The summary of a case in a real Chromium: folded, opened by keyboard, counted, and without findings of axe."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe

from providers.service import Service
from seawall import review
from seawall.review.case_summary.jobs import FOLLOWER, KIND, summarise
from seawall.review.case_summary.queries import summary_use
from seawall.storage.following import follow
from support.app import eventually
from support.console import Rig, open_page, opened
from support.pages import LOOKS

RULES: Final = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
SUMMARY: Final = "Somebody insults a gardener for who they are."
SUGGESTED: Final = {"summary": SUMMARY, "answer": "violates", "policy": "rudeness", "reasons": ["It attacks a person."]}


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    service = Service()
    message = {"role": "assistant", "content": json.dumps(SUGGESTED)}
    service.say({"choices": [{"finish_reason": "stop", "message": message}]})
    folder: Path = tmp_path_factory.mktemp("summaries")
    file = folder / "summaries.yaml"
    file.write_text(f"model: small-judge\nurl: {service.url}/v1\nhidden_share: 0\n")
    with opened(folder / "rig", environment={"SEAWALL_SUMMARIES": str(file)}) as made:
        follow(made.app.context, FOLLOWER, "tests")
        yield made
    service.close()


def summarised(rig: Rig, id: str) -> str:
    screened = rig.screen("You fool of a gardener", id=id)
    follow(rig.app.context, FOLLOWER, "tests")
    for job in rig.app.jobs.claim([KIND], "tests", 50, 60_000):
        summarise(rig.app.context, job)
    return f"/cases/{review.case_id(screened.item)}"


def test_it_is_folded_and_opening_it_is_counted(chromium: object, url: str, rig: Rig) -> None:
    path = summarised(rig, "folded")
    page: Any
    page, complaints = open_page(chromium, url, "reviewer")
    page.goto(url + path)
    page.keyboard.press("t")
    page.wait_for_selector("[data-lease]")
    summary = page.get_by_text(SUMMARY)
    assert not summary.is_visible()
    assert page.locator("[name=answer]:checked").count() == 0
    page.locator("details.summary > summary").focus()
    page.keyboard.press("Enter")
    summary.wait_for(state="visible")
    assert page.get_by_text("It suggests: violates, Rudeness").is_visible()

    def counted() -> bool:
        with rig.app.database.read() as connection:
            use = summary_use(connection)
        return (use.shown, use.expanded) == (1, 1)

    assert eventually(counted)
    assert page.locator("[name=answer]:checked").count() == 0
    assert complaints == []


@pytest.mark.parametrize(("theme", "width", "height"), LOOKS)
def test_axe_finds_nothing(chromium: object, url: str, rig: Rig, theme: str, width: int, height: int) -> None:
    path = summarised(rig, f"axe-{theme}-{width}")
    page: Any
    page, _ = open_page(chromium, url, "admin", width, height)
    page.emulate_media(color_scheme=theme)
    found = []
    for where in (path, "/quality"):
        page.goto(url + where)
        if where == path:
            page.locator("details.summary > summary").click()
        results = Axe().run(page, options={**RULES, "resultTypes": ["violations"]}).response
        found += [(where, one["id"], node["html"][:160]) for one in results["violations"] for node in one["nodes"]]
        if folder := os.environ.get("SEAWALL_SCREENSHOTS"):
            name = where.split("/")[1]
            page.screenshot(path=f"{folder}/{name}-{theme}-{width}.png", full_page=True)
    assert found == []
