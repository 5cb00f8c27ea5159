"""The hash is PDQ's, and survives what people do to pictures."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from seawall.match import PDQ_MIN_QUALITY, PDQ_RADIUS, pdq


def _picture(kind: int, height: int, width: int) -> NDArray[np.uint8]:
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


# Hashes that pdqhash 0.2.8 (the reference C++ code) gave for these pictures.
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
    found = pdq(_picture(kind, height, width))
    assert (found.hash.hex(), found.quality) == (expected, quality)


@pytest.mark.parametrize(
    ("height", "width"),
    [(5, 9), (20, 20), (64, 64), (65, 64), (127, 129), (333, 777), (720, 1280), (2000, 37)],
)
@pytest.mark.parametrize("kind", [0, 1, 2])
def test_equal_to_the_reference_code_bit_for_bit(kind: int, height: int, width: int) -> None:
    pdqhash = pytest.importorskip("pdqhash", reason="the reference implementation pdqhash is not installed")
    picture = np.ascontiguousarray(_picture(kind, height, width))
    bits, quality = pdqhash.compute(picture)
    found = pdq(picture)
    assert found.hash == np.packbits(bits.astype(np.uint8)).tobytes()
    assert found.quality == quality


@pytest.mark.parametrize("change", ["smaller", "jpeg", "brighter", "grey"])
def test_the_same_picture_stays_within_the_radius(change: str) -> None:
    picture = Image.fromarray(_picture(2, 480, 640))
    if change == "smaller":
        changed = picture.resize((300, 220))
    elif change == "jpeg":
        encoded = io.BytesIO()
        picture.save(encoded, "JPEG", quality=30)
        changed = Image.open(encoded)
    elif change == "brighter":
        changed = ImageEnhance.Brightness(picture).enhance(1.2)
    else:
        changed = picture.convert("L")
    distance = _distance(pdq(np.asarray(picture)).hash, pdq(np.asarray(changed.convert("RGB"))).hash)
    assert distance <= PDQ_RADIUS


def test_different_pictures_are_far_apart() -> None:
    assert _distance(pdq(_picture(2, 300, 300)).hash, pdq(_picture(3, 300, 300)).hash) > 2 * PDQ_RADIUS


def test_a_flat_or_tiny_picture_says_nothing() -> None:
    assert pdq(np.full((200, 200, 3), 77, dtype=np.uint8)).quality < PDQ_MIN_QUALITY
    assert pdq(np.zeros((4, 300, 3), dtype=np.uint8)).quality == 0
