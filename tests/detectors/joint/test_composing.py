"""What is read together: each image with all the words of its post, in whatever order they were found."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from seawall.detect import Runner
from seawall.detectors.joint import JointDetector
from seawall.detectors.joint.selection import MOST_IMAGES, JointInput, joint_inputs
from seawall.learn.joint_scenes import FONT, find, glyph
from seawall.media import Media, default_extractors
from seawall.model import ExtractedParts, ExtractorSpec, Modality, Part, Unknown, UnknownReason
from support.examples import examples

needs_font = pytest.mark.skipif(not FONT.is_file() and "CI" not in os.environ, reason="no emoji font here")


def text(words: str, path: str = "body", language: str | None = None) -> Part:
    root, found, _ = path.partition(">")
    parent = path.rpartition(">")[0] if found else None
    return Part(path=path, modality=Modality.TEXT, field=root, text=words, language=language, parent=parent)


def image(path: str = "cover", data: bytes = b"picture") -> Part:
    root, found, _ = path.partition(">")
    parent = path.rpartition(">")[0] if found else None
    return Part(path=path, modality=Modality.IMAGE, field=root, data=data, parent=parent)


def beside(composed: JointInput) -> list[str]:
    return [part.path for part in composed.beside]


POST = [
    text("typed"),
    image("cover"),
    image("photo"),
    Part(path="clip", modality=Modality.VIDEO, field="clip", data=b"film"),
    text("on the cover", "cover>words.0"),
    text("on the photo", "photo>words.0"),
    text("in a code", "photo>code.0"),
    *(image(f"clip>frame.{number}") for number in range(12)),
    text("subtitle", "clip>frame.2>words.0"),
    text("Subtitle ", "clip>frame.10>words.0"),
    text("said", "clip>audio>transcript.0"),
    text("said later", "clip>audio>transcript.1"),
]


def test_each_image_is_read_with_all_words_its_own_first() -> None:
    cover, photo, frame, *_ = joint_inputs(POST)
    rest = ["clip>audio>transcript.0", "clip>audio>transcript.1", "clip>frame.2>words.0"]
    assert beside(cover) == ["body", "cover>words.0", "photo>code.0", "photo>words.0", *rest]
    assert beside(photo) == ["body", "photo>code.0", "photo>words.0", "cover>words.0", *rest]
    assert (frame.path, len(frame.beside)) == ("clip>frame.0", 7)  # the same subtitle counts once


def test_own_images_come_first_then_the_first_frames() -> None:
    assert [part.path for part in joint_inputs(POST)] == ["cover", "photo", *(f"clip>frame.{at}" for at in range(6))]
    assert len(joint_inputs([image(f"image.{at}") for at in range(12)])) == MOST_IMAGES
    assert joint_inputs([text("hi")]) == []


@settings(max_examples=examples(40))
@given(st.permutations(POST[4:]))
def test_the_order_in_which_extractors_answer_makes_no_difference(found: Sequence[Part]) -> None:
    assert joint_inputs([*POST[:4], *found]) == joint_inputs(POST)


def test_found_words_in_another_language_are_left_out() -> None:
    german = "das ist nicht so gut und wir wissen auch nicht wie es ist"
    parts = [text("typed"), image(), text(german, "cover>words.0"), text("said", "cover>transcript.0", "de")]
    assert beside(joint_inputs(parts)[0]) == ["body"]
    assert joint_inputs([text(german), image()])[0].typed == german  # typed: told as unknown, not passed over


def test_the_language_is_that_of_what_was_typed() -> None:
    assert joint_inputs([text("typed", language="en"), image()])[0].language == "en"
    assert joint_inputs([replace(image(), language="de")])[0].language is None  # pictograms need none


# ── with the real extractors ──


def poster(words: str, *emoji: str) -> bytes:
    """Words, and below them pictograms in a row, on light blue."""
    canvas = Image.new("RGB", (640, 360), (200, 220, 240))
    if words:
        ImageDraw.Draw(canvas).text((40, 30), words, "black", ImageFont.load_default(44))
    for place, each in enumerate(emoji):
        drawn = find(each)
        assert drawn is not None
        canvas.paste(glyph(*drawn), (40 + 170 * place, 160), glyph(*drawn))
    out = io.BytesIO()
    canvas.save(out, "PNG")
    return out.getvalue()


class Speaker:
    """Hears the same in every audio file."""

    spec = ExtractorSpec(
        name="transcript",
        version="1",
        modalities=frozenset({Modality.AUDIO}),
        gives=frozenset({Modality.TEXT}),
        makes="transcript",
    )

    def extract(self, parts: Sequence[Part]) -> Sequence[ExtractedParts | Unknown]:
        return [ExtractedParts((text("with my new friend", f"{part.path}>transcript.0", "en"),)) for part in parts]


class Blind:
    """Cannot read words."""

    spec = ExtractorSpec(
        name="words",
        version="1",
        modalities=frozenset({Modality.IMAGE}),
        gives=frozenset({Modality.TEXT}),
        makes="words",
    )

    def extract(self, parts: Sequence[Part]) -> Sequence[ExtractedParts | Unknown]:
        return [
            Unknown(detector="words", part=part.path, reason=UnknownReason.UNREADABLE, detail="time_limit")
            for part in parts
        ]


@pytest.fixture
def media() -> Iterator[Media]:
    made = Media()
    yield made
    made.close()


@needs_font
def test_words_in_the_image_and_speech_are_read_with_its_pictograms(media: Media) -> None:
    words = next(each for each in default_extractors(media) if each.spec.name == "words")
    post = [
        text("I would love to some", language="en"),
        image(data=poster("some time tomorrow", "🔪", "👳🏾")),
        Part(path="voice", modality=Modality.AUDIO, field="voice", data=b"sound"),
    ]
    wishes = {"cover": ("words",), "voice": ("transcript",)}
    detector = JointDetector(media=media)
    with Runner([detector], [words, Speaker()]) as runner:
        found = runner.start(post, wanted={"joint"}, extract=wishes).wait()
        (batched,) = runner.run_batch([post], wanted={"joint"}, extract=wishes)
    assert [(each.part, each.evidence) for each in found.signals] == [("cover", "text+picture+words+voice")]
    assert batched.signals == found.signals
    assert found.unknown == ()
    assert detector.detect([image(data=poster("", "🔪"))]) != [()]  # an image alone


@needs_font
def test_words_that_stay_unknown_leave_a_signal_that_says_so(media: Media) -> None:
    post = [text("I would love to some", language="en"), image(data=poster("tomorrow", "🔪", "👳🏾"))]
    with Runner([JointDetector(media=media)], [Blind()]) as runner:
        found = runner.start(post, wanted={"joint"}, extract={"cover": ("words",)}).wait()
    assert [(each.part, each.evidence) for each in found.signals] == [("cover", "text+picture")]
    assert {(each.detector, each.part) for each in found.unknown} == {("words", "cover")}


@needs_font
def test_an_image_is_read_once_however_often_it_is_asked_about(media: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    detector = JointDetector(media=media)
    once = detector.pictograms

    def counted(part: Part) -> list[str] | Unknown:
        read.append(part.path)
        return once(part)

    monkeypatch.setattr(detector, "pictograms", counted)
    cover = image(data=poster("", "🔪"))
    one, two = (detector.detect(joint_inputs([text(words), cover])) for words in ("hello", "hello again"))
    assert one != two
    assert read == ["cover"]
