"""Covers are drawn, not stored; the known picture comes back changed."""

from __future__ import annotations

import io
import random

import numpy as np
from PIL import Image

from seawall.demo import seed_banks
from seawall.demo.pictures import known_picture, synthetic_cover, variant_of
from seawall.match import PDQ_RADIUS, pdq


def test_a_seed_draws_one_picture() -> None:
    assert synthetic_cover(3) == synthetic_cover(3) != synthetic_cover(4)


def test_a_variant_has_other_bytes_and_another_size() -> None:
    variant = variant_of(known_picture(), random.Random(2))
    with Image.open(io.BytesIO(known_picture())) as original, Image.open(io.BytesIO(variant)) as changed:
        assert changed.size != original.size
        assert changed.format == "JPEG"


def test_the_known_picture_is_known_in_every_variant_and_no_cover_is_mistaken_for_it() -> None:
    entry = seed_banks()["blocked-images"][0]
    known = int(entry.value, 16)
    variants = [variant_of(known_picture(), random.Random(seed)) for seed in range(12)]
    covers = [synthetic_cover(seed) for seed in range(12)]
    assert all(distance(known, picture) <= PDQ_RADIUS for picture in variants)
    assert all(distance(known, picture) > 2 * PDQ_RADIUS for picture in covers)


def distance(known: int, picture: bytes) -> int:
    with Image.open(io.BytesIO(picture)) as opened:
        found = pdq(np.asarray(opened.convert("RGB")))
    return (known ^ int.from_bytes(found.hash, "big")).bit_count()
