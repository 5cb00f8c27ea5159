"""Lists say what their rows are about, and blur what the content's own page blurs."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from PIL import Image as Pillow

from seawall import access, console, review
from seawall.model import Image, Item
from seawall.storage.erasure import erase_subject
from support.app import own_app
from support.console import PASSWORD, Browser, Rig

SECRET = "so much blood on the floor"


def cells(page: str, link: str) -> str:
    """The row of a list in which ``link`` stands."""
    return next(row for row in re.findall(r"<tr.*?</tr>", page, re.DOTALL) if link in row)


def veiled(row: str) -> bool:
    return "data-veiled" in row


def test_the_queue_and_the_decisions_say_what_they_are_about(rig: Rig) -> None:
    plain = rig.screen("You silly   person,\n sit down", id="list-1")
    graphic = rig.screen(SECRET, id="list-2")
    browser = rig.browser("reviewer")
    for path, prefix in (("/queue", "/cases/"), ("/decisions", "/decisions/")):
        page = browser.get(path).text
        row = cells(page, prefix + (review.case_id(plain.item) if prefix == "/cases/" else plain.decision))
        assert "You silly person, sit down" in row
        assert not veiled(row)
        row = cells(page, prefix + (review.case_id(graphic.item) if prefix == "/cases/" else graphic.decision))
        assert SECRET in row
        assert veiled(row)
        assert " inert" in row


def test_a_long_text_is_cut_and_a_hostile_one_is_text(rig: Rig) -> None:
    long = rig.screen("silly " + "word " * 60, id="list-long")
    hostile = rig.screen("silly <script>alert(1)</script> \u202egnp.exe", id="list-hostile")
    page = rig.browser("reviewer").get("/queue").text
    assert re.search(r">silly word [word ]{50,70}…<", cells(page, review.case_id(long.item)))
    row = cells(page, review.case_id(hostile.item))
    assert "<script>" not in row
    assert "\u202e" not in row


def test_other_items_of_the_actor_and_a_harm_that_is_not_the_first_are_blurred(rig: Rig) -> None:
    here = rig.screen("You silly person", id="list-a", actor="lister")
    rig.screen("You fool, so much blood", id="list-b", actor="lister")  # removed for rudeness, and gore fired beside
    page = rig.browser("reviewer").get(f"/cases/{review.case_id(here.item)}").text
    row = next(row for row in re.findall(r"<tr data-row>.*?</tr>", page, re.DOTALL) if "so much blood" in row)
    assert veiled(row)


def test_pending_rescreens_say_what_they_are_about(rig: Rig) -> None:
    waiting = rig.screen("this is stuck somewhere", id="list-pending", deadline_ms=30)
    rig.stuck.go_on.set()
    row = cells(rig.browser("reviewer").get("/pending-rescreens").text, waiting.item)
    assert "this is stuck somewhere" in row


def test_media_are_named_and_what_was_erased_is_said(rig: Rig) -> None:
    file = io.BytesIO()
    Pillow.new("RGB", (40, 40), "green").save(file, "PNG")
    item = Item(content_type="playlist", id="list-image", actor="painter", fields={"cover": Image(file.getvalue())})
    shown = rig.app.screener.screen(item)
    browser = rig.browser("reviewer")
    assert '<span class="chip">image</span>' in cells(browser.get("/decisions").text, shown.decision)
    account = rig.app.vault.find("account", "painter")
    assert account is not None
    erase_subject(rig.app.context, account, by="tests")
    assert "erased, or its retention ended" in cells(browser.get("/decisions").text, shown.decision)


def test_lists_are_shown_before_anything_was_published(tmp_path: Path) -> None:
    with own_app(tmp_path, publish=False, public_url="http://console.test") as app:
        access.create_person(app.ledger, "reviewer@example.org", "Reviewer", PASSWORD, ["reviewer"])
        browser = Browser(console.build(app), "http://console.test")
        browser.sign_in("reviewer@example.org", PASSWORD)
        assert browser.get("/queue").status_code == 200


def test_a_case_is_blurred_for_every_harm_that_was_found(rig: Rig) -> None:
    both = rig.screen("You fool, so much blood", id="list-both")
    browser = rig.browser("reviewer")
    for path in (f"/cases/{review.case_id(both.item)}", f"/items/{both.item}", f"/decisions/{both.decision}"):
        assert 'data-modality="text" data-veiled' in browser.get(path).text, path


@pytest.mark.parametrize("role", ["reviewer", "policy", "admin"])
def test_every_role_reads_the_lists(rig: Rig, role: str) -> None:
    browser = rig.browser(role)
    assert {browser.get(path).status_code for path in ("/queue", "/decisions", "/pending-rescreens")} == {200}
