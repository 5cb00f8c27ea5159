"""The image reader on images drawn here; on photographs it must keep silent."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from seawall.detectors.joint import PictogramDetection, PictogramReader, ReaderError
from seawall.detectors.joint.pictogram_reader import in_reading_order, islands
from seawall.detectors.joint.pictograms import pictograms
from seawall.learn.joint_scenes import FONT, MILD, compose, find, photographs

needs_font = pytest.mark.skipif(not FONT.is_file() and "CI" not in os.environ, reason="no emoji font here")


@pytest.fixture(scope="module")
def reader() -> PictogramReader:
    return PictogramReader()


@needs_font
@pytest.mark.parametrize("text", ["🔪", "🐀", "😍", "👨🏿", "🏳️‍🌈", "🎂"])
def test_a_large_pictogram_on_a_plain_ground_is_named(reader: PictogramReader, text: str) -> None:
    drawn = find(text)
    assert drawn is not None
    raster = np.full((220, 260, 3), (90, 160, 200), dtype=np.uint8)
    from PIL import Image

    from seawall.learn.joint_scenes import glyph

    image = Image.fromarray(raster)
    image.paste(glyph(*drawn), (60, 40), glyph(*drawn))
    [seen] = reader.read(np.asarray(image))
    assert seen.pictogram == drawn[0]
    assert seen.name.startswith(pictograms()[drawn[0]].name)
    assert seen.probability > 0.3


@needs_font
def test_most_pictograms_of_made_scenes_are_read_in_order(reader: PictogramReader) -> None:
    generator = np.random.default_rng(3)
    found = wanted = 0
    for _ in range(12):
        drawn = [(int(generator.integers(0, len(pictograms()))), 0) for _ in range(3)]
        seen = [one.pictogram for one in reader.read(compose(drawn, generator, wear=MILD).pixels)]
        found += sum(number in seen for number, _ in drawn)
        wanted += len(drawn)
    assert found >= 0.6 * wanted


def test_photographs_and_plain_images_show_no_pictogram(reader: PictogramReader) -> None:
    pytest.importorskip("skimage")
    photos = [np.asarray(photo) for photo in photographs(["astronaut.png", "coffee.png", "rocket.jpg", "camera.png"])]
    assert sum(bool(reader.read(photo)) for photo in photos) <= 1
    assert reader.read(np.zeros((5, 300, 3), dtype=np.uint8)) == ()
    assert reader.read(np.full((1, 1, 3), 7, dtype=np.uint8)) == ()


def test_islands_are_cut_at_the_gaps() -> None:
    image = np.full((100, 160, 3), 255, dtype=np.uint8)
    image[20:60, 10:50] = 0
    image[30:80, 90:140] = (200, 0, 0)
    boxes = sorted(islands(image))
    assert len(boxes) == 2
    assert np.allclose(boxes[0], (10, 20, 50, 60), atol=3)
    assert np.allclose(boxes[1], (90, 30, 140, 80), atol=3)


def test_reading_order_is_line_by_line() -> None:
    places = {"d": (60, 50, 80, 70), "a": (0, 0, 20, 20), "c": (0, 52, 20, 72), "b": (60, 3, 80, 23)}
    seen = [PictogramDetection(0, 0, name, 1.0, box) for name, box in places.items()]
    assert "".join(one.name for one in in_reading_order(seen)) == "abcd"


def test_missing_networks_are_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match=r"finder\.onnx.*restore"):
        PictogramReader(tmp_path).find(np.zeros((8, 8, 3), dtype=np.uint8))
