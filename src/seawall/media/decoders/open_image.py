"""Opens images: checks the size before decoding, and applies the EXIF rotation."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import Final

from PIL import Image, UnidentifiedImageError, features

from seawall.media.decoders.operation import DecodeRefused

FORMATS: Final = ("JPEG", "PNG", "GIF", "WEBP", *(("AVIF",) if features.check("avif") else ()))
_BACKGROUND: Final = (128, 128, 128)  # behind transparent images, where letters may be black or white
_ORIENTATION: Final = 0x0112  # EXIF
TURNS: Final = {  # EXIF orientation: transposition that gives the displayed image
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@contextlib.contextmanager
def opened(data: bytes, max_pixels: int) -> Iterator[Image.Image]:
    """The image, not yet decoded, after a size check. Raises ``DecodeRefused``."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise DecodeRefused("not_an_image") from None
    with image:
        if image.width * image.height > max_pixels:
            raise DecodeRefused("too_many_pixels")
        yield image


def turn_of(image: Image.Image) -> Image.Transpose | None:
    """EXIF rotation of the image. Unreadable metadata means none, as in browsers."""
    try:
        return TURNS.get(image.getexif().get(_ORIENTATION, 1))
    except MemoryError:
        raise
    except Exception:  # any error of a parser of hostile metadata
        return None


def as_shown(image: Image.Image) -> Image.Image:
    """RGB, rotated as displayed, with grey behind transparent pixels."""
    turn = turn_of(image)
    if image.has_transparency_data:
        pixels = image.convert("RGBA")
        shown = Image.new("RGB", pixels.size, _BACKGROUND)
        shown.paste(pixels, mask=pixels.getchannel("A"))
    else:
        shown = image.convert("RGB")
    return shown if turn is None else shown.transpose(turn)
