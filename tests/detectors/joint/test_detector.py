"""The detector through the runner: words and image of one item together; silence, unknowns, other encoders."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from seawall.detect import Runner
from seawall.detectors.joint import FusionError, JointDetector, Mask, gather
from seawall.detectors.joint.detector import SIGNAL, shipped
from seawall.learn.joint_scenes import FONT, find, glyph
from seawall.media import Media
from seawall.model import Modality, Part, UnknownReason

needs_font = pytest.mark.skipif(not FONT.is_file() and "CI" not in os.environ, reason="no emoji font here")


def text(words: str, path: str = "body", language: str | None = "en") -> Part:
    return Part(path=path, modality=Modality.TEXT, field=path, text=words, language=language)


def image(data: bytes, path: str = "cover") -> Part:
    return Part(path=path, modality=Modality.IMAGE, field=path, data=data)


def raster(*emoji: str) -> bytes:
    """Pictograms in a row on light blue, as PNG."""
    canvas = Image.new("RGB", (40 + 170 * max(1, len(emoji)), 200), (200, 220, 240))
    for place, each in enumerate(emoji):
        drawn = find(each)
        assert drawn is not None
        canvas.paste(glyph(*drawn), (30 + 170 * place, 40), glyph(*drawn))
    out = io.BytesIO()
    canvas.save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def detector() -> Iterator[JointDetector]:
    media = Media()
    yield JointDetector(media=media)  # not its own: a runner that ends does not end it
    media.close()


def test_the_spec_needs_no_network(detector: JointDetector) -> None:
    [signal] = detector.spec.signals
    assert (signal.name, signal.harm) == (SIGNAL, "hate")
    assert [point.threshold for point in signal.operating_points] == sorted(
        point.threshold for point in signal.operating_points
    )


@needs_font
def test_words_and_image_of_one_item_are_read_together(detector: JointDetector) -> None:
    parts = [text("I would love to some"), image(raster("🔪", "👳🏾")), text("hello", path="title")]
    with Runner([detector]) as runner:
        findings = runner.start(parts, wanted={"joint"}).wait()
    [signal] = findings.signals
    assert (signal.name, signal.part, signal.evidence) == (SIGNAL, "cover", "text+picture")
    assert findings.unknown == ()


@needs_font
def test_the_same_words_with_another_image_are_another_post(detector: JointDetector) -> None:
    words = text("I would love to some")
    shown = [image(raster(*symbols)) for symbols in (("🔪", "👳🏾"), ("🤗", "🦊"))]
    found = [answer for one in shown for answer in detector.detect(detector.compose([words, one]))]
    threat, hug = (answer[0].value for answer in found if isinstance(answer, tuple))  # type: ignore[union-attr]
    assert threat > hug


def test_an_image_without_pictograms_says_nothing(detector: JointDetector) -> None:
    parts = [text("whatever it is"), image(raster())]
    with Runner([detector]) as runner:
        findings = runner.start(parts, wanted={"joint"}).wait()
    assert (findings.signals, findings.unknown) == ((), ())


def test_an_image_that_cannot_be_decoded_is_unknown(detector: JointDetector) -> None:
    with Runner([detector]) as runner:
        findings = runner.start([text("hi"), image(b"no image")], wanted={"joint"}).wait()
    [unknown] = findings.unknown
    assert (unknown.part, unknown.reason, unknown.detail) == ("cover", UnknownReason.UNREADABLE, "not_an_image")


def test_another_language_is_unknown(detector: JointDetector) -> None:
    with Runner([detector]) as runner:
        findings = runner.start([text("hallo", language="de"), image(raster())], wanted={"joint"}).wait()
    assert [one.reason for one in findings.unknown] == [UnknownReason.LANGUAGE]


def test_an_item_without_images_is_not_asked_about(detector: JointDetector) -> None:
    with Runner([detector]) as runner:
        assert runner.start([text("hi")], wanted={"joint"}).wait().signals == ()


def test_a_source_that_is_not_there_is_masked(detector: JointDetector) -> None:
    words = [text("I would love to some")]
    judged = [
        detector.judge(gather(parts, {"cover": ["kitchen knife"]})) for parts in (words, [image(b"never opened")])
    ]
    assert [one.mask for one in judged if one is not None] == [Mask.TEXT, Mask.IMAGE]
    assert detector.judge(gather([], {})) is None


def test_a_head_for_another_encoder_is_refused(tmp_path: Path) -> None:
    shutil.copytree(shipped(), tmp_path / "model")
    card = json.loads((tmp_path / "model" / "card.json").read_text(encoding="utf-8"))
    (tmp_path / "model" / "card.json").write_text(json.dumps({**card, "encoder": "another"}), encoding="utf-8")
    with pytest.raises(FusionError, match=r"another text encoder.*seawall\.learn\.joint"):
        JointDetector(folder=tmp_path / "model").judge(gather([text("hi")], {}))
    with pytest.raises(FusionError, match="no joint model"):
        _ = JointDetector(folder=tmp_path).spec
