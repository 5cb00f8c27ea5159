"""Covers are drawn, not stored; the known image comes back changed."""

from __future__ import annotations

import io
import random

import numpy as np
from PIL import Image

from seawall.demo import seed_banks
from seawall.demo.images import known_image, synthetic_cover, variant_of
from seawall.match import PDQ_RADIUS, pdq


def test_a_seed_draws_one_image() -> None:
    assert synthetic_cover(3) == synthetic_cover(3) != synthetic_cover(4)


def test_a_variant_has_other_bytes_and_another_size() -> None:
    variant = variant_of(known_image(), random.Random(2))
    with Image.open(io.BytesIO(known_image())) as original, Image.open(io.BytesIO(variant)) as changed:
        assert changed.size != original.size
        assert changed.format == "JPEG"


def test_the_known_image_is_known_in_every_variant_and_no_cover_is_mistaken_for_it() -> None:
    entry = seed_banks()["blocked-images"][0]
    known = int(entry.value, 16)
    variants = [variant_of(known_image(), random.Random(seed)) for seed in range(12)]
    covers = [synthetic_cover(seed) for seed in range(12)]
    assert all(distance(known, image) <= PDQ_RADIUS for image in variants)
    assert all(distance(known, image) > 2 * PDQ_RADIUS for image in covers)


def distance(known: int, image: bytes) -> int:
    with Image.open(io.BytesIO(image)) as opened:
        found = pdq(np.asarray(opened.convert("RGB")))
    return (known ^ int.from_bytes(found.hash, "big")).bit_count()
