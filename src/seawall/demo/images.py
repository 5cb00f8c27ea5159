"""Covers and avatars drawn from a seed: the platform's images, and the one image that is in the bank."""

from __future__ import annotations

import io
import random
from functools import cache

from PIL import Image, ImageDraw, ImageFilter

_SIZE = 320
_KNOWN_SEED = 20_261_122


def synthetic_cover(seed: int) -> bytes:
    """A cover in the style of streaming services: a gradient, shapes, a little blur. PNG bytes."""
    return _encode(_draw(seed), "PNG")


@cache
def known_image() -> bytes:
    """The harmless image that the demo adds to the bank ``blocked-images``."""
    return synthetic_cover(_KNOWN_SEED)


def variant_of(raster: bytes, rng: random.Random) -> bytes:
    """A repost of the same image: resized, recompressed, slightly brighter. JPEG bytes."""
    with Image.open(io.BytesIO(raster)) as opened:
        image = opened.convert("RGB")
    side = rng.randrange(200, 420)
    gain = rng.uniform(0.94, 1.06)
    image = image.resize((side, side)).point(lambda value: min(255, int(value * gain)))
    return _encode(image, "JPEG", quality=rng.randrange(60, 92))


def _draw(seed: int) -> Image.Image:
    rng = random.Random(seed)  # noqa: S311 - a drawing
    top, bottom = (_colour(rng), _colour(rng))
    image = Image.new("RGB", (_SIZE, _SIZE))
    draw = ImageDraw.Draw(image)
    for y in range(_SIZE):
        mix = y / _SIZE
        draw.line([(0, y), (_SIZE, y)], fill=tuple(int(a + (b - a) * mix) for a, b in zip(top, bottom, strict=True)))
    for _ in range(rng.randrange(5, 9)):
        x, y, radius = rng.randrange(_SIZE), rng.randrange(_SIZE), rng.randrange(20, 130)
        box = (x - radius, y - radius, x + radius, y + radius)
        shape = rng.choice((draw.ellipse, draw.rectangle))
        shape(box, fill=_colour(rng))
    for _ in range(rng.randrange(2, 6)):
        points = [(rng.randrange(_SIZE), rng.randrange(_SIZE)) for _ in range(3)]
        draw.polygon(points, fill=_colour(rng))
    return image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.6)))


def _colour(rng: random.Random) -> tuple[int, int, int]:
    return rng.randrange(20, 236), rng.randrange(20, 236), rng.randrange(20, 236)


def _encode(image: Image.Image, form: str, **options: int) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()
