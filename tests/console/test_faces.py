"""Faces are blurred on demand in a real Chromium, remembered for the person, and what was found is said plainly."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from seawall.access import Preferences
from seawall.model import Image as ImageFile
from seawall.model import Item
from support.console import LONG_MEMOS, Rig, open_page, small
from support.items import content_type_text

MEMO = content_type_text(
    "memo",
    {"scan": "{type: image, role: media, extract: []}"},
    pre_publish="{budget: 5s, on_unknown: allow_and_rescreen, rescreen_within: 1m}",
)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with small(tmp_path_factory.mktemp("faces"), MEMO, LONG_MEMOS) as made:
        yield made


def portrait() -> bytes:
    skimage = pytest.importorskip("skimage", reason="scikit-image is in the group oracle")
    return (Path(skimage.__file__).parent / "data" / "astronaut.png").read_bytes()


def noise() -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (80, 120, 3), dtype=np.uint8)).save(out, "PNG")
    return out.getvalue()


def submitted(rig: Rig, data: bytes, id: str) -> str:
    fields: dict[str, Any] = {"body": "look", "scan": ImageFile(data)}
    return rig.app.screener.screen(Item(content_type="memo", id=id, fields=fields)).item


def test_the_picture_with_blurred_faces_and_their_number(rig: Rig) -> None:
    item, browser = submitted(rig, portrait(), "portrait"), rig.browser("reviewer")
    address = f"/items/{item}/1/image/scan"
    plain, blurred = (browser.get(f"{address}{query}") for query in ("", "?faces=blurred"))
    assert plain.headers["content-type"] == blurred.headers["content-type"] == "image/webp"
    assert blurred.headers["cache-control"] == "no-store"
    faces = [
        np.asarray(Image.open(io.BytesIO(each.content)).convert("L"), float)[70:158, 178:264]
        for each in (plain, blurred)
    ]
    assert faces[1].std(axis=1).mean() < faces[0].std(axis=1).mean()
    assert np.abs(faces[0] - faces[1]).mean() > 10
    assert browser.get(f"{address}?faces=count").json() == {"faces": 1}
    none = submitted(rig, noise(), "noise")
    assert browser.get(f"/items/{none}/1/image/scan?faces=count").json() == {"faces": 0}
    assert browser.get(f"/items/{none}/1/image/other?faces=count").status_code == 404


def test_the_choice_is_kept_with_the_others(rig: Rig) -> None:
    item, browser = submitted(rig, noise(), "kept"), rig.browser("reviewer")
    assert "?faces=blurred" not in browser.get(f"/items/{item}").text
    assert browser.post("/account/faces", blur="yes").json() == {"blurred": True}
    page = browser.get(f"/items/{item}").text
    assert f'src="/items/{item}/1/image/scan?faces=blurred"' in page
    assert 'name="blur_faces" value="1" checked' in browser.get("/account").text
    assert browser.post("/account/faces", blur="no").json() == {"blurred": False}
    assert "?faces=blurred" not in browser.get(f"/items/{item}").text
    assert browser.post("/account/look", theme="", blur="medium", blur_faces="1").status_code == 303
    assert "?faces=blurred" in browser.get(f"/items/{item}").text
    assert browser.post("/account/look", theme="", blur="medium").status_code == 303
    assert Preferences().blur_faces is False


def test_faces_are_blurred_and_shown_by_keyboard(chromium: object, url: str, rig: Rig) -> None:
    item, none = submitted(rig, portrait(), "pressed"), submitted(rig, noise(), "nobody")
    page: Any
    page, complaints = open_page(chromium, url, "reviewer")
    page.goto(f"{url}/items/{item}")
    button = page.get_by_role("button", name="Blur faces")
    button.focus()
    page.keyboard.press("Enter")
    page.get_by_text("Faces blurred: 1. The detector may miss others.").wait_for()
    assert page.locator(".image img").get_attribute("src").endswith("?faces=blurred")
    page.locator("[data-unveil]").first.click()
    if folder := os.environ.get("SEAWALL_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/faces.png", full_page=True)

    page.goto(f"{url}/items/{none}")  # remembered
    page.get_by_text("No face was found. The detector may miss faces.").wait_for()
    page.get_by_role("button", name="Show faces").press("Enter")
    page.get_by_role("button", name="Blur faces").wait_for()
    assert page.locator(".image img").get_attribute("src").endswith("/image/scan")
    assert page.locator("[data-faces] [role=status]").inner_text() == ""
    assert complaints == []
