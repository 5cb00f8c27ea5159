"""Boxes over a video in a real Chromium: on the pixels where something was found, at its time alone."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from seawall.detect import Findings
from seawall.model import Image as PilImage
from seawall.model import Item, ItemRef, Modality, Part, Span, SpanUnit, Video
from seawall.screen.artifacts import artifacts_of, seal_artifacts
from support.console import LONG_MEMOS, Rig, open_page, small
from support.items import content_type_text

MEMO = content_type_text(
    "memo",
    {"clip": "{type: video, role: media, extract: []}", "scan": "{type: image, role: media, extract: []}"},
    pre_publish="{budget: 5s, on_unknown: allow_and_rescreen, rescreen_within: 1m}",
)
RED = (0.25, 0.125, 0.75, 0.375)  # where the red place lies, in shares of the image
FOUND_AT = 1.0  # seconds: the frames before are grey


def image(width: int, height: int, *, red: bool) -> Image.Image:
    made = Image.new("RGB", (width, height), (90, 90, 90))
    if red:
        box = [round(share * side) for share, side in zip(RED, (width, height) * 2, strict=True)]
        ImageDraw.Draw(made).rectangle((box[0], box[1], box[2] - 1, box[3] - 1), fill=(255, 0, 0))
    return made


def clip(container: str, codec: str, width: int, height: int, ratio: int = 1) -> bytes:
    """A second of grey, then two with a red place. ``ratio``: how wide a pixel is shown."""
    av = pytest.importorskip("av", reason="the extra 'media' is not installed")
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        video = file.add_stream(codec, rate=10)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.codec_context.thread_count = 1
        video.codec_context.sample_aspect_ratio = Fraction(ratio)
        for number in range(30):
            frame = av.VideoFrame.from_ndarray(np.asarray(image(width, height, red=number >= 10)), format="rgb24")
            frame.pts = number
            file.mux(video.encode(frame))
        file.mux(video.encode(None))
    return out.getvalue()


def moving() -> bytes:
    out = io.BytesIO()
    image(320, 160, red=False).save(out, "GIF", save_all=True, append_images=[image(320, 160, red=True)], duration=1000)
    return out.getvalue()


VIDEOS = {
    "tall": ("webm", "libvpx", 160, 320, 1),
    "wide pixels": ("mp4", "libx264", 160, 160, 2),
    "wide": ("webm", "libvpx", 640, 160, 1),
}


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with small(tmp_path_factory.mktemp("outlines"), MEMO, LONG_MEMOS) as made:
        yield made


def seen(rig: Rig, field: str, medium: Video | PilImage, id: str) -> str:
    """Screen it, and say that words were read at the red place of a frame of half its size."""
    answer = rig.app.screener.screen(Item(content_type="memo", id=id, fields={"body": "look", field: medium}))
    size = (80, 40)
    box = tuple(round(share * side) for share, side in zip(RED, size * 2, strict=True))
    sort = Modality.VIDEO if field == "clip" else Modality.IMAGE
    frame = f"{field}>frame.0"
    parts = (
        Part(path=field, modality=sort, field=field, data=medium.data),
        Part(
            path=frame,
            modality=Modality.IMAGE,
            field=field,
            parent=field,
            span=Span(SpanUnit.SECONDS, FOUND_AT, 3.0),
            size=size,
        ),
        Part(
            path=f"{frame}>words.0",
            modality=Modality.TEXT,
            field=field,
            text="red words",
            parent=frame,
            span=Span(SpanUnit.PIXELS, box=box),  # type: ignore[arg-type]
        ),
    )
    ref = ItemRef("memo", answer.item, 1)
    made = artifacts_of(Findings((), (), parts=parts), has_media=True)
    rig.app.ledger.commit(lambda tx: seal_artifacts(tx, answer.decision, ref, made, author=None, first=False))
    return answer.item


def red_place(page: Any, selector: str) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of what is red on the screen there, in CSS pixels of the element."""
    shot = Image.open(io.BytesIO(page.locator(selector).screenshot())).convert("RGB")
    pixels = np.asarray(shot).astype(int)
    rows, columns = np.nonzero((pixels[..., 0] > 180) & (pixels[..., 1] < 60) & (pixels[..., 2] < 60))
    return float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1)


def box_place(page: Any, selector: str) -> tuple[float, float, float, float]:
    """The same of the box that is drawn."""
    outer, inner = page.locator(selector).bounding_box(), page.locator(f"{selector} rect").bounding_box()
    left, top = inner["x"] - outer["x"], inner["y"] - outer["y"]
    return left, top, left + inner["width"], top + inner["height"]


def assert_on_the_red(page: Any, selector: str) -> None:
    red, box = red_place(page, selector), box_place(page, selector)
    assert np.abs(np.subtract(red, box)).max() <= 6, (red, box)  # the line itself and its shadow hide some red


def unveil(page: Any) -> None:
    while page.locator("[data-veiled] > [data-unveil]").count():
        page.keyboard.press("b")


STANDS = "() => { const video = document.querySelector('video'); return video.readyState > 1 && !video.seeking }"


@pytest.mark.parametrize("kind", VIDEOS)
def test_the_box_lies_where_the_words_are(chromium: object, url: str, rig: Rig, kind: str) -> None:
    item = seen(rig, "clip", Video(clip(*VIDEOS[kind])), f"f-{kind}")
    page, complaints = open_page(chromium, url, "reviewer")
    page.goto(f"{url}/items/{item}")
    shown = page.locator(".video rect:visible")
    button = page.locator("button[data-seek]").first
    button.click()
    assert page.evaluate("document.querySelector('video').readyState") == 0  # still blurred: nothing is loaded
    assert shown.count() == 0
    unveil(page)
    button.focus()
    page.keyboard.press("Enter")
    shown.wait_for()
    assert page.evaluate("document.querySelector('video').paused")
    assert_on_the_red(page, ".video")
    for width in (420, 1000):  # the video is laid out anew, and the box with it
        page.set_viewport_size({"width": width, "height": 900})
        assert shown.count() == 1
        assert_on_the_red(page, ".video")
    if folder := os.environ.get("SEAWALL_SCREENSHOTS"):
        page.locator(".video").screenshot(path=f"{folder}/video-{kind.replace(' ', '-')}.png")
    assert complaints == []


def test_the_box_is_gone_when_the_video_plays_or_stands_elsewhere(chromium: object, url: str, rig: Rig) -> None:
    item = seen(rig, "clip", Video(clip(*VIDEOS["tall"])), "f-gone")
    page, complaints = open_page(chromium, url, "reviewer")
    page.goto(f"{url}/items/{item}")
    unveil(page)
    shown = page.locator(".video rect:visible")
    button = page.locator("button[data-seek]").first
    button.click()
    shown.wait_for()
    page.evaluate("document.querySelector('video').play()")
    shown.wait_for(state="detached")
    button.click()  # while it plays: it stops there
    shown.wait_for()
    assert page.evaluate("document.querySelector('video').paused")
    page.evaluate("document.querySelector('video').currentTime = 2.5")
    shown.wait_for(state="detached")
    page.evaluate(f"document.querySelector('video').currentTime = {FOUND_AT}")  # by hand: nobody asked for the box
    page.wait_for_function(STANDS)
    assert shown.count() == 0
    page.locator("svg.line rect[data-seek]").first.click()
    shown.wait_for()
    page.locator(".found").focus()
    assert page.locator(".video rect.pointed").count() == 1
    assert complaints == []


def test_a_frame_of_a_moving_image_is_shown_with_its_box(chromium: object, url: str, rig: Rig) -> None:
    item = seen(rig, "scan", PilImage(moving()), "g-1")
    page, complaints = open_page(chromium, url, "reviewer")
    page.goto(f"{url}/items/{item}")
    frame = page.locator(".veil:has-text('at 1.0–3.0 s')")
    assert frame.get_attribute("data-veiled") is not None
    unveil(page)
    page.wait_for_function("() => [...document.querySelectorAll('.image img')].every((one) => one.naturalWidth > 0)")
    where = ".veil:has-text('at 1.0–3.0 s') .image"
    for width in (1280, 420):
        page.set_viewport_size({"width": width, "height": 900})
        assert_on_the_red(page, where)
        drawn = page.locator(f"{where} img").bounding_box()
        assert abs(drawn["width"] / drawn["height"] - 2) < 0.05
    assert "red words" in frame.inner_text()
    for wrong in ("1", "99"):
        assert page.request.get(f"{url}/items/{item}/1/image/scan/{wrong}").status == 404
    assert complaints == []
