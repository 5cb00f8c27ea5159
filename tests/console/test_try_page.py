"""The page that tries an item: the form, both outcomes side by side, mistakes, and that nothing is kept."""

from __future__ import annotations

import io
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from selectolax.lexbor import LexborHTMLParser

from seawall.screen import ItemTrials
from seawall.screen.trying import TRIES_PER_MINUTE
from support.console import RUDENESS, Rig, open_page
from support.pages import LOOKS
from support.traces import kept_by

DRAFT = RUDENESS.replace("when: rudeness >= at_fpr(0.01)\n    do: [hold,", "when: rudeness >= 0.2\n    do: [demote,")


@pytest.fixture(autouse=True)
def _unlimited(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rig.app.context.get(ItemTrials), "_tries", {})


def text_of(answer: Any) -> str:
    body = LexborHTMLParser(answer.text).body
    assert body is not None
    return " ".join(body.text(separator=" ").split())


def test_a_sentence_shows_what_would_be_done(rig: Rig) -> None:
    browser = rig.browser("reviewer")
    assert "Nothing is recorded." in text_of(browser.get("/try"))
    before = kept_by(rig.app, without=("session",))
    shown = browser.post("/try", type="comment", **{"field.body": "You fool, you walrus"})
    assert shown.status_code == 200
    assert "Rudeness: Certain" in text_of(shown)
    assert "strike(weight=2)" in text_of(shown)
    assert "House rules, 1" in text_of(shown)
    assert "You fool, you walrus" in shown.text  # the form keeps what was written
    assert kept_by(rig.app, without=("session",)) == before


def test_a_draft_stands_beside_what_is_in_force_with_the_difference_first(rig: Rig) -> None:
    browser = rig.browser("policy")
    page = LexborHTMLParser(browser.get("/try?policy=rudeness").text)
    (draft,) = page.css("#draft")
    assert draft.text().strip() == RUDENESS.strip()
    shown = LexborHTMLParser(browser.post("/try", type="comment", draft=DRAFT, **{"field.body": "a silly thing"}).text)
    differences = {row.attributes["data-difference"]: row.text(separator=" ") for row in shown.css("[data-difference]")}
    assert set(differences) >= {"verdict", "actions"}
    assert "hold" in differences["verdict"]
    assert "allow" in differences["verdict"]
    assert [one.text() for one in shown.css("h2")][:3] == ["What the draft changes", "With the draft", "In force"]


def test_a_mistake_in_the_draft_is_shown_with_its_place(rig: Rig) -> None:
    shown = rig.browser("policy").post(
        "/try", type="comment", draft=RUDENESS.replace("rudeness >= 0.9", "rudenes >= 0.9"), **{"field.body": "x"}
    )
    assert shown.status_code == 422
    assert "draft.yaml:14:11: unknown name 'rudenes'" in text_of(shown)


def test_an_item_that_does_not_fit_is_explained(rig: Rig) -> None:
    browser = rig.browser("reviewer")
    browser.get("/try")
    empty = browser.post("/try", type="comment")
    assert (empty.status_code, "fields.body: is required" in text_of(empty)) == (422, True)
    age = browser.post("/try", type="comment", **{"field.body": "x", "actor.age": "old"})
    assert (age.status_code, "is no duration" in text_of(age)) == (422, True)
    assert browser.post("/try", type="nothing").status_code == 422


def test_too_many_tries_are_refused_with_the_time_to_wait(rig: Rig) -> None:
    browser = rig.browser("reviewer")
    browser.get("/try")
    for _ in range(TRIES_PER_MINUTE):
        assert browser.post("/try", type="comment", **{"field.body": "x"}).status_code == 200
    refused = browser.post("/try", type="comment", **{"field.body": "x"})
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert "seconds and try again" in text_of(refused)


def test_long_texts_of_any_script_fit(rig: Rig) -> None:
    browser = rig.browser("reviewer")
    browser.get("/try")
    shown = browser.post("/try", type="comment", draft=RUDENESS + "# " + "щ" * 50_000, **{"field.body": "fool " * 300})
    assert shown.status_code == 200


def test_hostile_texts_stay_text(rig: Rig) -> None:
    browser = rig.browser("reviewer")
    browser.get("/try")
    shown = browser.post("/try", type="comment", draft="<script>alert(1)</script>", **{"field.body": "</textarea><b>"})
    assert "<script>alert" not in shown.text
    assert "</textarea><b>" not in shown.text


def test_the_policy_page_shows_both_columns_when_somebody_asks_the_detectors(rig: Rig) -> None:
    browser = rig.browser("reviewer")
    page = LexborHTMLParser(browser.get("/policies/rudeness").text)
    logic = [row.css("td")[1].text(strip=True) for row in page.css("[data-examples] tbody tr")]
    real = [row.css("td")[2].text(strip=True) for row in page.css("[data-examples] tbody tr")]
    assert (logic, real) == (["passes", "fails"], ["not asked", "not asked"])
    before = kept_by(rig.app, without=("session",))
    assert browser.post("/policies/rudeness/examples").status_code == 303
    assert kept_by(rig.app, without=("session",)) == before
    page = LexborHTMLParser(browser.get("/policies/rudeness").text)
    real = [row.css("td")[2].text(separator=" ", strip=True) for row in page.css("[data-examples] tbody tr")]
    assert real[0].startswith("passed")
    assert " ".join(real[1].split()) == "failed verdict: expected hold, got allow rudeness is 0, given 0.1"
    assert "As screened: 1 of 2 pass" in text_of(browser.get("/policies/rudeness"))
    assert browser.post("/policies/nothing/examples").status_code == 404


@pytest.mark.parametrize(("theme", "width", "height"), LOOKS)
def test_the_result_is_accessible_and_fits(
    chromium: object, url: str, rig: Rig, theme: str, width: int, height: int
) -> None:
    page: Any
    page, _ = open_page(chromium, url, "policy", width, height)
    page.emulate_media(color_scheme=theme)
    page.goto(f"{url}/try?policy=rudeness")
    page.fill("[id='field.body']", "a silly thing, so much blood")
    page.fill("#draft", DRAFT)
    page.keyboard.press("Tab")
    page.click("text=Try >> nth=-1")
    page.wait_for_selector("[data-difference]")
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    found = Axe().run(page, options=options).response["violations"]
    assert [(one["id"], node["html"][:160]) for one in found for node in one["nodes"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_an_image_is_tried_and_not_kept(chromium: object, url: str, rig: Rig) -> None:
    with_cover = [kind for kind in rig.app.bundle.content_types.values() if any(f.type == "image" for f in kind.fields)]
    (kind, *_) = with_cover
    (field, *_) = [spec.name for spec in kind.fields if spec.type == "image"]
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(picture, "PNG")
    page: Any
    page, _ = open_page(chromium, url, "reviewer", 1280, 800)
    page.goto(f"{url}/try?type={kind.name}")
    before = kept_by(rig.app, without=("session",))
    title = next(spec.name for spec in kind.fields if spec.type == "text")
    page.fill(f"[id='field.{title}']", "hello")
    page.set_input_files(
        f"[id='field.{field}']", {"name": "a.png", "mimeType": "image/png", "buffer": picture.getvalue()}
    )
    page.click("button.main")
    page.wait_for_selector("#side-1")
    assert kept_by(rig.app, without=("session",)) == before
