"""Posts with text, image, voice and video over HTTP, in several languages: each signal at its place in Chromium."""

from __future__ import annotations

import io
import os
import re
import shutil
import time
import warnings
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from media.document_files import Page, pdf
from seawall.demo.media import image_with_words, video_with_words, voice_note
from seawall.detectors import default_extractors
from support.processes import Process, cli, environment

pytestmark = pytest.mark.timeout(600)

CHROMIUM = os.environ.get("SEAWALL_CHROMIUM") or shutil.which("chromium")
SHOTS = os.environ.get("SEAWALL_SCREENSHOTS")  # a folder: keep the images of the documents there
EMAIL, PASSWORD = "ada@example.org", "a wall against the sea"
PATIENCE_S = 240


def missing(what: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="module", autouse=True)
def tools() -> None:
    extractors = default_extractors()
    names = {extractor.spec.name for extractor in extractors}
    for extractor in extractors:
        extractor.close()  # type: ignore[attr-defined]
    if not {"codes", "frames", "voice", "words"} <= names:
        missing("the extra 'media' is not installed")
    if "transcript" not in names:
        missing("the extra 'speech-en' is not installed")
    if shutil.which("espeak-ng") is None:
        missing("no espeak-ng: nobody can speak")
    if CHROMIUM is None:
        missing("no Chromium: install Debian's package chromium")


@pytest.fixture
def served(tmp_path: Path, database_url: str) -> Iterator[tuple[str, str]]:
    """A server as an operator starts it; its URL and a key."""
    env = environment(tmp_path, database_url)
    key = re.search(r"sw_\S+", cli(env, "key", "create", "test", "--scope", "screen", "--scope", "read")).group(0)  # type: ignore[union-attr]
    cli(env, "person", "create", EMAIL, "--name", "Ada", "--role", "reviewer", "--password", PASSWORD)
    running = Process(env, "serve", "--port", "0")
    yield running.url, key
    running.stop()


@pytest.fixture
def page(served: tuple[str, str]) -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Playwright's own, at import
        from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--mute-audio"],
        )
        made = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        made.complaints = []
        made.on("console", lambda message: made.complaints.append(message.text) if message.type == "error" else None)
        made.on("pageerror", lambda error: made.complaints.append(str(error)))
        yield made
        assert made.complaints == []
        browser.close()


def encoded(data: bytes | None) -> dict[str, str]:
    assert data is not None
    return {"base64": b64encode(data).decode()}


def post(url: str, key: str) -> dict[str, Any]:
    fields = {
        "body": "Look what I put together for you! Write to me: +44 20 7946 0018",
        "image": encoded(image_with_words("BUY XANAX ONLINE", "no prescription needed", "pharma-deals.example/rx")),
        "voice": encoded(voice_note("Good evening everybody. I will find you, and I will kill you.", 1.5)),
        "clip": encoded(
            video_with_words(
                "Welcome to my channel",
                "I will kill you",
                "Nice weather",
                said="Good evening, and welcome to the show.",
            )
        ),
    }
    asked = {"content_type": "post", "id": "p-1", "fields": fields, "actor": {"id": "a-1"}}
    answer = httpx.post(f"{url}/v1/screen", json=asked, headers={"Authorization": f"Bearer {key}"}, timeout=60)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def complete(url: str, key: str, item: str = "post/p-1") -> dict[str, Any]:
    """The decision after everything was looked at."""
    headers = {"Authorization": f"Bearer {key}"}
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        state = httpx.get(f"{url}/v1/items/{item}", headers=headers, timeout=30).json()
        made = httpx.get(f"{url}/v1/decisions/{state['decision']}", headers=headers, timeout=30).json()
        decision = made.get("decision", made)
        if not any(unknown["reason"] in ("later", "deadline") for unknown in decision["unknown"]):
            return dict(decision)
        time.sleep(1)
    raise AssertionError(f"not complete after {PATIENCE_S} s: {decision['unknown']}")


def test_a_post_in_four_modalities(served: tuple[str, str], page: Any) -> None:
    url, key = served
    answer = post(url, key)
    decision = complete(url, key)
    assert decision["unknown"] == []
    assert {reason["policy"] for reason in decision["reasons"]} >= {"illegal-goods", "threats"}
    sign_in(url, page)
    page.goto(f"{url}/queue")
    page.click("main a[href^='/cases/']")
    page.wait_for_url("**/cases/case_*")
    the_image(page)
    the_voice(page)
    the_video(page)
    the_table(page)
    if SHOTS:
        page.locator("section[aria-labelledby=content-title]").screenshot(path=f"{SHOTS}/case-media.png")
    page.goto(f"{url}/items/{answer['item']}")
    assert page.locator("[data-media]").count() == 3
    the_bytes(url, page, answer["item"])


def sign_in(url: str, page: Any) -> None:
    page.goto(url)
    page.fill("#email", EMAIL)
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}/")


def unveil(page: Any, field: str) -> Any:
    """The field's block, shown; what is blurred cannot be played or focused before."""
    block = page.locator(f"[data-media={field}]")
    assert block.locator(".veiled[inert]").count() >= 1
    while block.locator("[data-veiled] > [data-unveil]").count():
        block.locator("[data-veiled] > [data-unveil]").first.click()
    assert block.locator("[inert]").count() == 0
    return block


def player(page: Any, field: str) -> str:
    """The field's player, its length known."""
    found = f"document.querySelector('[data-media={field}]').querySelector('audio, video')"
    page.wait_for_function(f"() => {found}.readyState > 0", timeout=60_000)
    return found


def the_image(page: Any) -> None:
    """Its words are boxed where they stand, and what speaks against them is marked."""
    block = unveil(page, "image")
    page.wait_for_function("() => document.querySelector('[data-media=image] img').naturalWidth > 0")
    image, box = block.locator("img").bounding_box(), block.locator(".boxes rect").first.bounding_box()
    assert image["x"] <= box["x"] < image["x"] + image["width"] / 5
    assert image["y"] <= box["y"] < image["y"] + image["height"] / 3
    assert box["width"] > image["width"] / 4
    assert "BUY XANAX ONLINE" in block.locator(".found .text").first.inner_text()
    assert any("XANAX" in words for words in block.locator(".found mark").all_inner_texts())
    block.locator(".found").first.focus()
    assert block.locator("rect.pointed").count() == 1


def the_voice(page: Any) -> None:
    """The speech begins after the pause, and its mark leads there, by keyboard too."""
    block = unveil(page, "voice")
    sound = player(page, "voice")
    mark = block.locator("li:has-text('speech') button[data-seek]").first
    start = float(mark.get_attribute("data-seek"))
    assert 1.0 < start < 2.5
    assert mark.inner_text().startswith(f"{start:.1f}–")
    mark.focus()
    page.keyboard.press("Enter")
    page.wait_for_function(f"() => Math.abs({sound}.currentTime - {start}) < 0.2")
    threat = block.locator("li.notable")
    assert "kill you" in threat.locator(".text").inner_text()
    assert "threat_terms" in threat.inner_text()
    assert threat.locator("mark").count() >= 1
    said = float(threat.locator("button[data-seek]").get_attribute("data-seek"))
    assert 1.0 < said < 2.5, "after the pause"
    threat.locator("button[data-seek]").click()
    page.wait_for_function(f"() => Math.abs({sound}.currentTime - {said}) < 0.3")


def the_video(page: Any) -> None:
    """The threat stands in the second scene, at its time."""
    block = unveil(page, "clip")
    video = player(page, "clip")
    scene = block.locator("li.notable:has-text('I will kill you')")
    assert "I will kill you" in scene.locator(".text").inner_text()
    assert "threat_terms" in scene.inner_text()
    assert scene.locator("mark").count() >= 1
    button = scene.locator("button[data-seek]")
    assert button.inner_text() == "3.0–6.0 s"
    button.click()
    page.wait_for_function(f"() => Math.abs({video}.currentTime - 3) < 0.3")
    page.wait_for_function("() => document.querySelector('[data-media=clip] .notable button[aria-current]') !== null")
    assert float(block.locator("svg.line rect.frame.notable").get_attribute("data-seek")) == 3
    the_box(page, block, video)


def the_box(page: Any, block: Any, video: str) -> None:
    """Its words are boxed while the video stands there, and only then."""
    box = block.locator(".video rect:visible")
    box.wait_for()
    frame, drawn = block.locator("video").bounding_box(), box.bounding_box()
    assert frame["x"] < drawn["x"] < frame["x"] + frame["width"] / 4  # drawn at (36, 36) of 640 × 360
    assert frame["y"] < drawn["y"] < frame["y"] + frame["height"] / 4
    assert drawn["width"] > frame["width"] / 4
    page.evaluate(f"{video}.play()")
    box.wait_for(state="detached")
    page.evaluate(f"{video}.pause()")
    block.locator("li.notable:has-text('I will kill you') button[data-seek]").click()
    box.wait_for()


def the_table(page: Any) -> None:
    """Every signal with its place, and a button that leads there."""
    page.click("summary:has-text('more signals')")
    table = page.locator("table.signals")
    threats = "\n".join(table.locator("tr:has-text('threat_terms')").all_inner_texts())
    assert "clip, 3.0–6.0 s, words" in threats
    assert "transcript" in threats
    assert "image, words" in table.locator("tr:has-text('illegal_goods_terms')").first.inner_text()
    assert "body" in table.locator("tr:has-text('pii_contact')").first.inner_text()
    assert table.locator("tr:has-text('speech_unchecked')").count() == 0


def the_bytes(url: str, page: Any, item: str) -> None:
    """Pieces for players, of a kind that nothing runs, for people with a session alone."""
    where = f"{url}/items/{item}/1/media/voice"
    piece = page.request.get(where, headers={"Range": "bytes=0-99"})
    assert (piece.status, len(piece.body())) == (206, 100)
    assert piece.headers["content-type"] == "audio/wav"
    assert piece.headers["x-content-type-options"] == "nosniff"
    assert piece.headers["content-range"].startswith("bytes 0-99/")
    assert page.request.get(f"{url}/items/{item}/1/media/image").status == 404
    assert httpx.get(where).status_code == 303  # to the sign-in page


def test_a_message_with_a_document(served: tuple[str, str], page: Any) -> None:
    """A threat on the third page of a PDF and a link to a blocked domain on it; a scanned page says the rest."""
    url, key = served
    lines = [f"Line {at} of an ordinary letter about the summer." for at in range(35)]
    poster = image_with_words("BUY XANAX ONLINE", "no prescription needed")
    letter = pdf(
        Page(["Dear neighbour,"]),
        Page(),
        Page([*lines, "I will kill you tomorrow."], link="http://paypa1-prizes.example/claim"),
        Page(image=as_jpeg(poster)),
    )
    fields = {"body": "Read this", "attachment": encoded(letter), "conversation": "c-1", "first_contact": True}
    asked = {"content_type": "message", "id": "m-1", "fields": fields, "actor": {"id": "a-1"}}
    headers = {"Authorization": f"Bearer {key}"}
    answer = httpx.post(f"{url}/v1/screen", json=asked, headers=headers, timeout=60).json()
    decision = complete(url, key, "message/m-1")
    assert decision["unknown"] == []
    places = {(each["name"], each["part"]) for each in decision["signals"]}
    assert {("threat_terms", "attachment>page.2"), ("link_risk", "attachment>link.0")} <= places
    assert ("illegal_goods_terms", "attachment>image.0>words.0") in places
    sign_in(url, page)
    page.goto(f"{url}/items/{answer['item']}")
    block = page.locator("[data-media=attachment]")
    block.locator("[data-unveil]").click()
    threat = block.locator("ol.pages > li.notable", has_text="page 3")
    assert "kill you" in threat.locator("mark").all_inner_texts()
    assert "Line 34 of an ordinary letter" in threat.inner_text()
    assert "Line 0 of" not in threat.inner_text()
    assert "http://paypa1-prizes.example/claim" in threat.inner_text()
    assert "BUY XANAX ONLINE" in block.locator("ol.pages > li.notable", has_text="page 4").inner_text()
    assert "attachment, page 3" in page.locator("table.signals tr:has-text('threat_terms')").first.inner_text()
    if SHOTS:
        page.locator("section[aria-labelledby=content-title]").screenshot(path=f"{SHOTS}/item-document.png")
    with page.expect_download() as saved:
        block.locator("a[download]").click()
    assert Path(saved.value.path()).read_bytes() == letter


def as_jpeg(data: bytes) -> tuple[bytes, int, int]:
    """An image as a PDF holds it: its file, width and height."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        image.convert("RGB").save(out, "JPEG")
        return out.getvalue(), image.width, image.height


COMMENTS = {
    "de": ("hate", "Diese Ausländer sind Ungeziefer und gehören alle vernichtet"),
    "ar": ("hate", "هؤلاء المهاجرون حشرات قذرة ويجب طردهم جميعا"),
    "hi": ("sexism", "औरतों की औकात सिर्फ रसोई में है, साली रंडी"),
    "zh": ("hate", "这些外国人都是垃圾，应该全部消灭"),
}


def test_comments_in_four_languages_a_recording_and_a_cover(served: tuple[str, str], page: Any) -> None:
    """Nobody declares a language; each text is read in its own, and its signals say which."""
    url, key = served
    headers = {"Authorization": f"Bearer {key}"}

    def screened(kind: str, item: str, fields: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        asked = {"content_type": kind, "id": item, "fields": fields, "actor": {"id": "a-1"}}
        answer = httpx.post(f"{url}/v1/screen", json=asked, headers=headers, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()["item"], complete(url, key, f"{kind}/{item}")

    sign_in(url, page)
    for language, (harm, text) in COMMENTS.items():
        where, decision = screened("comment", f"c-{language}", {"body": text})
        found = {each["name"]: each for each in decision["signals"] if each["part"] == "body"}
        assert found[harm]["detector"] == f"multilingual-{harm}", language
        assert found[harm]["value"] > 0.5, language
        assert {each["reason"] for each in decision["unknown"]} == {"language"}  # the harms that nobody measured in it
        page.goto(f"{url}/items/{where}")
        row = page.locator("table.signals tr", has=page.locator(f"td:first-child strong:text-is('{harm}')"))
        assert row.locator(".place").inner_text().split() == ["body", language]
        assert page.locator("section[aria-labelledby=content-title] mark").count() >= 1
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/comment-{language}.png", full_page=True)

    said = encoded(voice_note("Good evening everybody. I will find you, and I will kill you.", 1.5))
    where, _ = screened("post", "p-said", {"body": "Listen to this, it is new", "voice": said})
    page.goto(f"{url}/items/{where}")
    threat = page.locator("table.signals tr:has-text('threat_terms')").first.locator(".place")
    assert "transcript" in threat.inner_text()
    assert threat.locator(".chip").inner_text() == "en"

    cover = encoded(image_with_words("Summer in the city", "the album"))
    where, decision = screened("playlist", "l-1", {"title": "Summer in the city", "cover": cover, "track_count": 9})
    assert {each["part"] for each in decision["signals"] if each["name"] == "sexual_image"} == {"cover"}
    page.goto(f"{url}/items/{where}")
    assert "cover" in page.locator("table.signals tr:has-text('sexual_image')").first.inner_text()
