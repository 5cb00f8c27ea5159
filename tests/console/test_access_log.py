"""The log of who opened whose content: each address that sends content is in it, and its page shows it."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from typing import Any, Final

import pytest
from PIL import Image as Pixels

from seawall import review
from seawall.access.queries import newest_views
from seawall.app import COMPONENTS
from seawall.console.routes import console_pages
from seawall.model import Audio, Image, Item
from support.console import Rig, small
from support.items import policy_text

NOTE: Final = """\
content_type: note
title: Note
owner: tests
surface: private
audience: general
actor: {}
fields:
  body: {type: text, role: body, required: true}
  picture: {type: image, role: media}
  voice: {type: audio, role: media}
stages:
  pre_publish: {budget: 80ms, on_unknown: hold}
actions: [hold, remove, review]
appeal: {window: 184d, route: /appeals}
retention: {content: 30d, decisions: 5y}
"""
FLAGGED: Final = policy_text("flagged", 'contains(item.body, "flagged")', '[hold, review(queue="odd")]', "note")

LOGGED: Final = {
    "/items/{item}": "item",
    "/items/{item}/{revision:int}/content": "item",
    "/items/{item}/{revision:int}/image/{field}": "media",
    "/items/{item}/{revision:int}/image/{field}/{frame:int}": "media",
    "/items/{item}/{revision:int}/media/{field}": "media",
    "/items/{item}/{revision:int}/document/{field}": "media",
    "/cases/{case}": "case",
    "/decisions/{decision}": "decision",
}
LISTS: Final = {"/cases/{case}/near-duplicates"}  # excerpts of many items, as in a search: not in the log


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with small(tmp_path_factory.mktemp("access-log"), NOTE, FLAGGED) as made:
        yield made


def picture() -> bytes:
    out = io.BytesIO()
    Pixels.new("RGB", (64, 64), "teal").save(out, "PNG")
    return out.getvalue()


def voice() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(16000))
    return out.getvalue()


def note(rig: Rig, id: str) -> Any:
    fields = {"body": "a flagged note", "picture": Image(picture()), "voice": Audio(voice())}
    return rig.app.screener.screen(Item(content_type="note", id=id, fields=fields, actor="author"))


def pages_of(rig: Rig, item: str) -> list[str]:
    with rig.app.database.read() as connection:
        return [row.page for row in newest_views(connection, limit=50, item=item)]


def test_the_table_names_each_address_that_sends_content_of_an_item() -> None:
    found = {
        page.path
        for page in console_pages(COMPONENTS).pages
        if page.method == "GET" and page.path.startswith(("/items/", "/cases/", "/decisions/"))
    }
    assert {path for path in found if not path.endswith(".json")} == set(LOGGED) | LISTS  # .json: without content


@pytest.mark.parametrize("path", sorted(set(LOGGED) - {p for p in LOGGED if "document" in p or "frame" in p}))
def test_opening_content_is_logged_once(rig: Rig, path: str) -> None:
    made = note(rig, f"n-{path}")
    places = {
        "item": made.item,
        "case": review.case_id(made.item),
        "decision": made.decision,
        "revision:int": "1",
        "field": "voice" if "/media/" in path else "picture",
    }
    address = path
    for name, value in places.items():
        address = address.replace("{" + name + "}", value)
    browser = rig.browser("reviewer")
    for _ in range(2):
        assert browser.get(address).status_code == 200
    assert pages_of(rig, made.item) == [LOGGED[path]]


def test_the_page_shows_who_opened_what_and_teaches_when_nothing_fits(rig: Rig) -> None:
    made = note(rig, "n-page")
    rig.browser("reviewer").get(f"/items/{made.item}")
    admin = rig.browser("admin")
    page = admin.get(f"/access/views?item={made.item}").text
    assert "reviewer" in page
    assert "the item&#39;s page" in page
    (row,) = admin.get(f"/access/views.json?item={made.item}").json()["views"]
    assert (row["item"], row["page"]) == (made.item, "item")
    assert "Nobody opened anything that fits" in admin.get("/access/views?item=it_none").text
    assert rig.browser("reviewer").get("/access/views").status_code == 403
