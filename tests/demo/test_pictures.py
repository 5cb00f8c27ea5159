"""Covers are drawn, not stored; the known picture comes back changed."""

from __future__ import annotations

import io
import random

from PIL import Image

from seawall.demo.pictures import known_picture, synthetic_cover, variant_of


def test_a_seed_draws_one_picture() -> None:
    assert synthetic_cover(3) == synthetic_cover(3) != synthetic_cover(4)


def test_a_variant_has_other_bytes_and_another_size() -> None:
    variant = variant_of(known_picture(), random.Random(2))
    with Image.open(io.BytesIO(known_picture())) as original, Image.open(io.BytesIO(variant)) as changed:
        assert changed.size != original.size
        assert changed.format == "JPEG"
