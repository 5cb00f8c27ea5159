"""Letters drawn as shapes, and text that is clipped or covered: seen as a reader sees it, or said to be unread."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from media.document_files import Page, pdf
from media.samples import encode, noise
from seawall.media import DocumentContent, ImageWords, Media
from seawall.media.decoders import pdfs
from seawall.media.decoders.document_parts import DocumentParts
from seawall.model import ExtractionGap

THREAT = "I will kill you tonight"
BY_WORDS = ExtractionGap("no_text_layer", "words")
IMAGE = (encode(noise(1), "JPEG"), 320, 240)


def read(media: Media, data: bytes) -> DocumentContent:
    found = media.document(data)
    assert isinstance(found, DocumentContent), found
    return found


def drawn(operators: str, **more: str) -> str:
    finds = DocumentParts(max_characters=100_000, max_images=9, max_bytes=1 << 20)
    pdfs.read(pdf(Page(["x"], drawn=operators, **more)), finds, 9, 1_000_000)
    return str(finds.texts[0]["text"]).removeprefix("x").strip("\n")


# ── letters drawn as shapes ─────────────────────────────────────────────────────────────────────────────────────────


def outlines(
    text: str, left: float = 60, bottom: float = 600, size: float = 14, paint: str = "f*", *, each: bool = False
) -> str:
    """Letters as polygons: as one path, or a path for each line of it."""
    image = Image.new("L", (60 * len(text), 140), 0)
    ImageDraw.Draw(image).text((10, 10), text, fill=255, font=ImageFont.load_default(100))
    lines, _ = cv2.findContours(np.asarray(image), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_TC89_L1)
    scale, out = size / 100, []
    for line in lines:
        points = [(left + x * scale, bottom + (140 - y) * scale) for x, y in line[:, 0, :].tolist()]
        path = " ".join(f"{x:.2f} {y:.2f} {'l' if at else 'm'}" for at, (x, y) in enumerate(points))
        out.append(f"{path} h {paint if each else ''}")
    return " ".join(out) + ("" if each else f" {paint}")


@pytest.mark.parametrize(
    "shapes",
    [
        outlines(THREAT),
        outlines(THREAT, paint="S"),
        outlines(THREAT, paint="B", each=True),
        outlines(THREAT, size=8),
        outlines(THREAT, size=40, left=20),
        f"1 0 0 rg {outlines(THREAT)}",
        f"0 g 40 590 500 60 re f 1 g {outlines(THREAT)}",
        f"q .5 0 0 .5 100 100 cm {outlines(THREAT, size=28)} Q",
    ],
)
@pytest.mark.parametrize("lines", [["An ordinary page with words."], []])
def test_letters_drawn_as_shapes_are_rendered_and_read(media: Media, shapes: str, lines: list[str]) -> None:
    found = read(media, pdf(Page(lines, drawn=shapes)))
    assert {gap.code for gap in found.gaps} == {"no_text_layer"}
    assert (BY_WORDS in found.gaps) or not lines
    (image,) = found.images
    said = media.words(image.data)
    assert isinstance(said, ImageWords)
    assert "killyoutonight" in "".join(line.text for line in said.lines).replace(" ", "")


def test_too_many_shapes_are_a_gap(media: Media) -> None:
    places = [(at % 90 * 6, at // 90 * 6) for at in range(7_000)]
    shapes = " ".join(f"{x} {y} m {x + 3} {y + 3} l {x + 5} {y} l f" for x, y in places)
    found = read(media, pdf(Page(["hello"], drawn=f"{outlines(THREAT)} {shapes}")))
    assert found.gaps == (ExtractionGap("no_text_layer"),)


def chart() -> str:
    """Axes, ticks, bars, a line with round marks, a legend."""
    out = "0 0 1 RG 100 400 m 500 400 l S 100 400 m 100 700 l S "
    out += " ".join(f"{100 + 40 * at} 396 m {100 + 40 * at} 400 l S" for at in range(10))
    out += " ".join(f" .5 g {110 + 40 * at} 400 20 {50 + 17 * (at * 7 % 11)} re f" for at in range(9))
    for at in range(12):
        x, y = 110 + 30 * at, 500 + 9 * (at * 5 % 7)
        points = [(x + 3 * math.cos(turn / 2), y + 3 * math.sin(turn / 2)) for turn in range(13)]
        out += " " + " ".join(f"{a:.2f} {b:.2f} {'l' if n else 'm'}" for n, (a, b) in enumerate(points)) + " f"
    return out


def table() -> str:
    out = " ".join(f"60 {700 - 20 * row} m 500 {700 - 20 * row} l S" for row in range(20))
    out += " " + " ".join(f"{60 + 55 * column} 320 m {60 + 55 * column} 700 l S" for column in range(9))
    out += " " + " ".join(f".9 g {60 + 55 * (at % 8)} {680 - 20 * (at // 8)} 55 20 re f" for at in range(60))
    return out + " " + " ".join(f"{70 + 20 * at} 200 8 8 re S" for at in range(12))


def pie() -> str:
    out = ""
    for at in range(7):
        first, last = at * 0.9, at * 0.9 + 0.9
        out += f"300 500 m {300 + 80 * math.cos(first):.2f} {500 + 80 * math.sin(first):.2f} l "
        out += f"{300 + 80 * math.cos(last):.2f} {500 + 80 * math.sin(last):.2f} l h f "
    return out


BULLETS = " ".join(f"60 {700 - 20 * at} m 64 {704 - 20 * at} l 60 {708 - 20 * at} l h f" for at in range(25))
ICONS = " ".join(
    f"{60 + 90 * at} 750 m {70 + 90 * at} {760 + at} l {80 + 90 * at} 750 l {75 + 80 * at} {740 - at} l h f"
    for at in range(5)
)


@pytest.mark.parametrize("shapes", [chart(), table(), pie(), BULLETS, ICONS])
def test_charts_and_tables_are_no_letters(media: Media, shapes: str) -> None:
    found = read(media, pdf(Page(["A report with words"], drawn=shapes)))
    assert (found.gaps, found.images) == ((), ())


def test_a_name_drawn_as_a_mark_leaves_nothing_unread(media: Media) -> None:
    """It is handed on as an image, as the same mark would be as a picture."""
    found = read(media, pdf(Page(["An invoice"], drawn=outlines("Seawall"))))
    assert (len(found.images), found.gaps) == (1, ())


# ── what is not seen ────────────────────────────────────────────────────────────────────────────────────────────────

AGAIN = "BT /F 14 Tf 1 0 0 1 101.2 700 Tm (ll you) Tj ET"  # where the unseen letters began


@pytest.mark.parametrize(
    "hidden",
    [
        "q 300 300 50 50 re W n {} Q",
        "q 0 0 0 0 re W n {} Q",
        "q 101 700 0 0 re W n {} Q",
        "q 0 0 600 800 re W n 300 300 50 50 re W* n {} Q",
        "q 300 300 m 350 300 l 320 340 l h W n {} Q",
        "{} 1 g 100 695 30 20 re f",
    ],
)
def test_text_that_is_clipped_or_covered_comes_after_what_is_seen(hidden: str) -> None:
    text = "BT /F 14 Tf 1 0 0 1 101.2 700 Tm (xx) Tj ET"
    assert drawn(f"BT /F 14 Tf 60 700 Td (I will ki) Tj ET {hidden.format(text)} 0 g {AGAIN}") == "I will kill you\nxx"


@pytest.mark.parametrize(
    "clip",
    [
        "0 0 600 800 re W n",
        "50 690 300 30 re W n",
        "q 300 300 50 50 re W n Q",
        "300 300 50 50 re n",
        "1 g 50 690 300 30 re f 0 g",  # a background
    ],
)
def test_text_within_a_clip_or_on_a_background_is_seen(clip: str) -> None:
    text = "BT /F 14 Tf 60 700 Td (I will ki) Tj ET BT /F 14 Tf 1 0 0 1 101.2 700 Tm (xx) Tj ET"
    assert drawn(f"{clip} {text}") == "I will kixx"


def test_a_picture_over_the_text_is_what_is_seen(media: Media) -> None:
    page = Page(drawn="BT /F 14 Tf 100 400 Td (a recipe) Tj ET q 400 0 0 300 60 300 cm /I Do Q", image=IMAGE)
    found = read(media, pdf(page))
    assert found.gaps == (BY_WORDS,)
    beside = Page(drawn="BT /F 14 Tf 100 700 Td (a recipe) Tj ET q 400 0 0 300 60 300 cm /I Do Q", image=IMAGE)
    assert read(media, pdf(beside)).gaps == ()
