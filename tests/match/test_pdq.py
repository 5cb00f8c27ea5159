"""The hash is PDQ's, and survives what people do to images."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from seawall.match import PDQ_MIN_QUALITY, PDQ_RADIUS, pdq
from seawall.match.pdq import pdq_luma, pdq_of_bytes


def _image(kind: int, height: int, width: int) -> NDArray[np.uint8]:
    random = np.random.default_rng(kind)
    if kind == 0:  # noise
        return random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    if kind == 1:  # waves
        y, x = np.mgrid[0:height, 0:width]
        waves = [np.sin(x / (7 + channel) + y / (9 - channel)) * 127 + 128 for channel in range(3)]
        return np.stack(waves, axis=-1).astype(np.uint8)
    blocks = random.integers(0, 256, (max(2, height // 20), max(2, width // 20), 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(blocks).resize((width, height), Image.Resampling.BICUBIC))


def _distance(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


# Hashes that pdqhash 0.2.8 (the reference C++ code) gave for these images.
@pytest.mark.parametrize(
    ("kind", "height", "width", "expected", "quality"),
    [
        (0, 64, 64, "691b0eeb307dcdef6e00e5bdd2ec5173203502e8620bdbe0a0dec9bab309ee49", 100),
        (1, 100, 200, "548bfe2a448afe2a00fffe2a548afe2a448afe2a548a562a00ff01ffab5501df", 100),
        (2, 333, 777, "efb7bb7af5002aa4825fb9b2a7e554a98515721b807d1033d1369d4f73a41b03", 100),
        (2, 1080, 1920, "2825d5be7750f1f4331ae275bb49d285e21de83c70a32124ac94039fbbf4d8da", 100),
        (2, 20, 20, "525264a94968f8da2d2d921a2525cf4b5a52edbd5a5aa492496d96d6692deb5b", 15),
    ],
)
def test_hashes_of_the_reference_code(kind: int, height: int, width: int, expected: str, quality: int) -> None:
    found = pdq(_image(kind, height, width))
    assert (found.hash.hex(), found.quality) == (expected, quality)


@pytest.mark.parametrize(
    ("height", "width"),
    [(5, 9), (20, 20), (64, 64), (65, 64), (127, 129), (333, 777), (720, 1280), (2000, 37)],
)
@pytest.mark.parametrize("kind", [0, 1, 2])
def test_equal_to_the_reference_code_bit_for_bit(kind: int, height: int, width: int) -> None:
    pdqhash = pytest.importorskip("pdqhash", reason="the reference implementation pdqhash is not installed")
    image = np.ascontiguousarray(_image(kind, height, width))
    bits, quality = pdqhash.compute(image)
    found = pdq(image)
    assert found.hash == np.packbits(bits.astype(np.uint8)).tobytes()
    assert found.quality == quality


@pytest.mark.parametrize("change", ["smaller", "jpeg", "brighter", "grey"])
def test_the_same_image_stays_within_the_radius(change: str) -> None:
    image = Image.fromarray(_image(2, 480, 640))
    if change == "smaller":
        changed = image.resize((300, 220))
    elif change == "jpeg":
        encoded = io.BytesIO()
        image.save(encoded, "JPEG", quality=30)
        changed = Image.open(encoded)
    elif change == "brighter":
        changed = ImageEnhance.Brightness(image).enhance(1.2)
    else:
        changed = image.convert("L")
    distance = _distance(pdq(np.asarray(image)).hash, pdq(np.asarray(changed.convert("RGB"))).hash)
    assert distance <= PDQ_RADIUS


def test_different_images_are_far_apart() -> None:
    assert _distance(pdq(_image(2, 300, 300)).hash, pdq(_image(3, 300, 300)).hash) > 2 * PDQ_RADIUS


def test_a_flat_or_tiny_image_says_nothing() -> None:
    assert pdq(np.full((200, 200, 3), 77, dtype=np.uint8)).quality < PDQ_MIN_QUALITY
    assert pdq(np.zeros((4, 300, 3), dtype=np.uint8)).quality == 0


PHOTOGRAPHS = (
    *("astronaut.png", "brick.png", "camera.png", "cell.png", "chelsea.png", "clock_motion.png", "coffee.png"),
    *("coins.png", "grass.png", "gravel.png", "hubble_deep_field.jpg", "ihc.png", "microaneurysms.png", "moon.png"),
    *("motorcycle_left.png", "motorcycle_right.png", "retina.jpg", "rocket.jpg"),
)


def _photograph(name: str) -> Path:
    """An image that scikit-image ships: in the public domain, or given to it."""
    found = importlib.util.find_spec("skimage")
    if found is None or found.origin is None:
        pytest.skip("scikit-image, which ships photographs, is not installed")
    return Path(found.origin).parent / "data" / name


def _reference(image: NDArray[np.uint8]) -> tuple[bytes, int]:
    pdqhash = pytest.importorskip("pdqhash", reason="the reference implementation pdqhash is not installed")
    bits, quality = pdqhash.compute(np.ascontiguousarray(image))
    return np.packbits(bits.astype(np.uint8)).tobytes(), quality


def _jpeg(image: Image.Image, quality: int = 85) -> bytes:
    encoded = io.BytesIO()
    image.save(encoded, "JPEG", quality=quality)
    return encoded.getvalue()


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_photographs_hash_as_the_reference_code_does(name: str) -> None:
    """As shipped, and as a JPEG: the same bits, and the same quality."""
    with Image.open(_photograph(name)) as image:
        raster = image.convert("RGB")
    for data in (_photograph(name).read_bytes(), _jpeg(raster)):
        with Image.open(io.BytesIO(data)) as image:
            expected = _reference(np.asarray(image.convert("RGB")))
        found = pdq_of_bytes(data)
        assert (found.hash, found.quality) == expected


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_a_draft_stays_within_six_bits(name: str) -> None:
    """Enlarged to where drafts have half, a quarter of the size."""
    with Image.open(_photograph(name)) as image:
        raster = image.convert("RGB")
    for side in (1100, 2100):
        scale = side / min(raster.size)
        data = _jpeg(raster.resize((round(raster.width * scale), round(raster.height * scale))), 90)
        draft, full = pdq_of_bytes(data, draft=True), pdq_of_bytes(data)
        if full.quality >= PDQ_MIN_QUALITY:
            assert _distance(draft.hash, full.hash) <= 6


def test_a_small_image_or_another_format_has_no_draft() -> None:
    image = Image.fromarray(_image(2, 600, 700))
    encoded = io.BytesIO()
    image.save(encoded, "PNG")
    assert pdq_of_bytes(encoded.getvalue(), draft=True) == pdq_of_bytes(encoded.getvalue()) == pdq(np.asarray(image))
    small = _jpeg(image)
    assert _distance(pdq_of_bytes(small, draft=True).hash, pdq_of_bytes(small).hash) <= 2


def test_luma_alone_is_enough() -> None:
    image = Image.fromarray(_image(2, 480, 640))
    luma, full = np.asarray(image.convert("L")), pdq(np.asarray(image))
    assert _distance(pdq_luma(luma).hash, full.hash) <= 6
    video = np.round(luma * (219 / 255) + 16).astype(np.uint8)
    found = pdq_luma(video, limited_range=True)
    assert _distance(found.hash, full.hash) <= 6
    assert abs(found.quality - full.quality) <= 2
    exact = np.asarray(image).astype(np.float64) @ [0.299, 0.587, 0.114]
    assert pdq_luma(exact) == full


def test_quality_of_a_videos_luma_is_that_of_the_image() -> None:
    """A faint image, where the narrower range of a video's luma would cost it its quality."""
    luma = np.asarray(Image.fromarray(_image(2, 480, 640)).convert("L")) * 0.12 + 60
    video = luma * (219 / 255) + 16
    assert pdq_luma(video).quality < pdq_luma(luma).quality
    assert abs(pdq_luma(video, limited_range=True).quality - pdq_luma(luma).quality) <= 1


def test_tiny_images_say_nothing_in_any_way() -> None:
    tiny = np.zeros((4, 300, 3), dtype=np.uint8)
    assert pdq(tiny).quality == 0
    assert pdq_luma(tiny[..., 0]).quality == 0
