"""Faces: found in the portrait that scikit-image ships, blurred beyond recognition, and nowhere else."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from media.samples import encode, noise
from seawall.media import BlurredFaces, DisplayedImage, Media, UnreadableMedia
from seawall.media.decoders import faces

DIGEST = "7b0c967d9abbdfbde025eb9c786947d151b6426040d07a8f9562ed8fd90724b4"
FACE = (178, 70, 264, 158)  # of the portrait: forehead to chin


def shipped(name: str) -> Image.Image:
    skimage = pytest.importorskip("skimage", reason="scikit-image is in the group oracle")
    return Image.open(Path(skimage.__file__).parent / "data" / name).convert("RGB")


def blurred(media: Media, image: Image.Image, longest: int = 1_600) -> tuple[int, Image.Image]:
    found = media.blurred_faces(encode(image, "PNG"), longest)
    assert isinstance(found, BlurredFaces), found
    shown = found.image
    return found.faces, Image.frombytes("RGB", (shown.width, shown.height), shown.rgb)


def test_the_cascade_is_the_one_that_was_measured() -> None:
    assert hashlib.sha256(faces.CASCADE.read_bytes()).hexdigest() == DIGEST
    stages = faces.cascade()
    assert len(stages) == 20
    assert sum(len(stage.leaves) for stage in stages) == 1_047


def test_a_face_is_blurred_and_the_rest_stays(media: Media) -> None:
    portrait = shipped("astronaut.png")
    count, image = blurred(media, portrait)
    assert count == 1
    before, after = (np.asarray(each.convert("L"), float) for each in (portrait, image))
    left, top, right, bottom = FACE
    detail = [np.abs(np.diff(each[top:bottom, left:right], axis=1)).mean() for each in (before, after)]
    assert detail[1] < detail[0] / 3
    changed = np.argwhere(before != after)
    (first_y, first_x), (last_y, last_x) = changed.min(axis=0), changed.max(axis=0)
    assert first_x > left - 60
    assert last_x < right + 60
    assert first_y > top - 60
    assert last_y < bottom + 60


@pytest.mark.parametrize("factor", [0.5, 3.0])
def test_a_face_is_found_at_other_sizes(media: Media, factor: float) -> None:
    portrait = shipped("astronaut.png").crop((100, 0, 400, 300))
    assert blurred(media, portrait.resize((int(300 * factor), int(300 * factor))))[0] == 1


def test_a_turned_file_is_looked_at_as_it_is_shown(media: Media) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    portrait = shipped("astronaut.png").crop((0, 0, 512, 300))
    portrait.transpose(Image.Transpose.ROTATE_90).save(out, "JPEG", quality=95, exif=exif.tobytes())
    found = media.blurred_faces(out.getvalue(), 1_600)
    assert isinstance(found, BlurredFaces)
    assert (found.faces, found.image.width, found.image.height, found.image.full) == (1, 512, 300, (512, 300))


@pytest.mark.parametrize("name", ["chelsea.png", "coffee.png", "page.png"])
def test_no_face_is_found_where_there_is_none(media: Media, name: str) -> None:
    data = encode(shipped(name), "PNG")
    shown = media.shown(data, 1_600)
    assert isinstance(shown, DisplayedImage)
    assert media.blurred_faces(data, 1_600) == BlurredFaces(0, shown)


def test_pictures_of_one_colour_of_noise_and_smaller_than_a_face(media: Media) -> None:
    for picture in (
        Image.new("RGB", (300, 300), "white"),
        noise(3),
        Image.new("RGB", (5, 900)),
        noise(1).resize((9, 9)),
    ):
        assert blurred(media, picture)[0] == 0
    assert media.blurred_faces(b"no image", 1_600) == UnreadableMedia("not_an_image")


def test_windows_that_agree_are_one_face() -> None:
    near = np.array([(10, 10, 50, 50), (12, 11, 52, 51), (9, 10, 51, 52), (200, 200, 240, 240)], float)
    [face] = faces.grouped(near)
    assert np.allclose(face, near[:3].mean(axis=0))
    assert faces.grouped(np.zeros((0, 4))) == []


def test_a_blurred_face_keeps_its_edges_inside_the_image() -> None:
    image = noise(5).resize((60, 60))
    faces.blur(image, (-20, -20, 30, 30))
    faces.blur(image, (70, 70, 90, 90))
    assert image.size == (60, 60)
