"""Words in images through the real reader: put together as a person reads them, at their place."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from media.samples import encode, noise
from seawall.media import Media, TextLine, default_extractors
from seawall.media.blocks import blocks
from seawall.model import Cost, ExtractedParts, Modality, Part, SpanUnit, Unknown, UnknownReason


def written(
    *lines: tuple[str, tuple[int, int], int], size: tuple[int, int] = (900, 300), ground: str = "white"
) -> Image.Image:
    image = Image.new("RGB", size, ground)
    draw = ImageDraw.Draw(image)
    for text, place, height in lines:
        draw.text(place, text, fill="black", font=ImageFont.load_default(height))
    return image


def read(media: Media, data: bytes) -> ExtractedParts:
    [words] = [extractor for extractor in default_extractors(media) if extractor.spec.name == "words"]
    assert words.spec.cost is Cost.SLOW
    [answer] = words.extract([Part(path="cover", modality=Modality.IMAGE, field="cover", data=data)])
    assert isinstance(answer, ExtractedParts), answer
    return answer


def test_words_are_read_where_they_stand(media: Media) -> None:
    image = written(
        ("buy ten thousand", (40, 40), 36), ("streams tonight", (40, 88), 36), ("example.com", (560, 220), 36)
    )
    found = read(media, encode(image, "PNG")).parts
    assert [part.text for part in found] == ["buy ten thousand\nstreams tonight", "example.com"]
    assert [part.path for part in found] == ["cover>words.0", "cover>words.1"]
    assert {(part.parent, part.modality, part.field) for part in found} == {("cover", Modality.TEXT, "cover")}
    span = found[1].span
    assert span is not None
    assert span.unit is SpanUnit.PIXELS
    assert span.box is not None
    left, top, right, bottom = span.box
    assert 540 <= left <= 570 < right <= 800
    assert 205 <= top <= 240 < bottom <= 280


def test_a_long_screenshot_and_a_transparent_sticker_are_read(media: Media) -> None:
    lines = [(f"message number {number}", (40, 40 + 700 * number), 40) for number in range(4)]
    texts = [part.text for part in read(media, encode(written(*lines, size=(700, 2_400)), "PNG")).parts]
    assert texts == [f"message number {number}" for number in range(4)]
    sticker = Image.new("RGBA", (500, 120), (255, 255, 255, 0))
    ImageDraw.Draw(sticker).text((20, 30), "free pills", fill=(255, 255, 255, 255), font=ImageFont.load_default(48))
    assert [part.text for part in read(media, encode(sticker, "PNG")).parts] == ["free pills"]


def test_an_image_without_words_and_one_that_is_none(media: Media) -> None:
    assert read(media, encode(noise(1), "PNG")) == ExtractedParts()
    [words] = [extractor for extractor in default_extractors(media) if extractor.spec.name == "words"]
    [answer] = words.extract([Part(path="cover", modality=Modality.IMAGE, field="cover", data=b"no")])
    assert answer == Unknown(detector="words", part="cover", reason=UnknownReason.UNREADABLE, detail="not_an_image")


# ── how lines are put together ──────────────────────────────────────────────────────────────────────────────────────


def line(text: str, left: int, top: int, width: int = 200, height: int = 20) -> TextLine:
    return TextLine(text, 0.9, (left, top, left + width, top + height))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], []),
        ([line("one", 0, 0), line("two", 0, 25), line("three", 5, 50)], ["one\ntwo\nthree"]),
        ([line("one", 0, 0), line("far below", 0, 100)], ["one", "far below"]),
        ([line("left", 0, 0), line("right", 400, 0)], ["left", "right"]),
        ([line("left", 0, 0), line("right", 210, 2)], ["left right"]),
        (
            [line("left", 0, 0), line("right", 400, 0), line("left 2", 0, 25), line("right 2", 400, 25)],
            ["left\nleft 2", "right\nright 2"],
        ),
        ([line("HEADLINE", 0, 0, 400, 60), line("small print", 0, 65, 200, 14)], ["HEADLINE", "small print"]),
    ],
)
def test_lines_become_blocks(lines: list[TextLine], expected: list[str]) -> None:
    assert [text for text, _ in blocks(lines)] == expected


boxes = st.tuples(st.integers(0, 500), st.integers(0, 500), st.integers(1, 300), st.integers(1, 60))


@settings(deadline=None)
@given(st.lists(boxes, max_size=12))
def test_no_line_is_lost_or_moved(places: list[tuple[int, int, int, int]]) -> None:
    lines = [line(f"line{number}", *place) for number, place in enumerate(places)]
    found = blocks(lines)
    assert sorted(" ".join(text for text, _ in found).split()) == sorted(each.text for each in lines)
    for text, (left, top, right, bottom) in found:
        for each in (each for each in lines if each.text in text.split()):
            assert left <= each.box[0] < each.box[2] <= right
            assert top <= each.box[1] < each.box[3] <= bottom
