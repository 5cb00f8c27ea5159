"""Opens images: checks the size before decoding; gives 8-bit pixels of any depth, rotated as EXIF says."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from PIL import Image, UnidentifiedImageError, features

from seawall.media.decoders.colour_conversion import as_meant
from seawall.media.decoders.operation import DecodeRefused

FORMATS: Final = ("JPEG", "PNG", "GIF", "WEBP", *(("AVIF",) if features.check("avif") else ()))
_USUAL_SCANS: Final = 10
_SCANNED_PIXELS: Final = 1_000_000_000  # of all scans of a JPEG together: two to four seconds
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
UPRIGHT: Final = (None, TURNS[2], TURNS[3], TURNS[4])  # those that keep width and height


@contextlib.contextmanager
def opened(data: bytes, options: Mapping[str, Any]) -> Iterator[Image.Image]:
    """The image, not yet decoded, after a size check. Raises ``DecodeRefused``.

    Options: ``max_pixels``; ``usual_pixels``: refuse an image that takes longer than one of so many (``slow``).
    """
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise DecodeRefused("not_an_image") from None
    with image:
        pixels = image.width * image.height
        if pixels > options["max_pixels"]:
            raise DecodeRefused("too_many_pixels")
        scanned = scans(data) * pixels if image.format in ("JPEG", "MPO") else 0
        if scanned > _SCANNED_PIXELS:
            raise DecodeRefused("too_many_scans")
        refuse_slow(max(pixels, scanned // _USUAL_SCANS), options)
        yield image


def refuse_slow(pixels: int, options: Mapping[str, Any]) -> None:
    """Raise ``DecodeRefused`` when decoding so many pixels takes longer than is usual."""
    if pixels > options.get("usual_pixels", pixels):
        raise DecodeRefused("slow")


def scans(jpeg: bytes) -> int:
    """How many times the first image of a JPEG is decoded one over the other; a usual progressive one has ten scans."""
    at = 2
    while jpeg[at : at + 1] == b"\xff" and jpeg[at + 1 : at + 2] != b"\xda":  # segments with a length
        at += 2 + max(2, int.from_bytes(jpeg[at + 2 : at + 4], "big"))
    end = jpeg.find(b"\xff\xd9", at)
    return jpeg.count(b"\xff\xda", at, end if end >= 0 else len(jpeg))


def turn_of(image: Image.Image) -> Image.Transpose | None:
    """EXIF rotation of the image. Unreadable metadata means none, as in browsers."""
    try:
        return TURNS.get(image.getexif().get(_ORIENTATION, 1))
    except MemoryError:
        raise
    except Exception:  # any error of a parser of hostile metadata
        return None


def as_shown(image: Image.Image) -> Image.Image:
    """sRGB of 8 bits, rotated as displayed, transparent pixels over a grey from which the visible ones stand out."""
    return on_a_page(as_meant(image, in_8_bits(image)), turn_of(image))


def on_a_page(pixels: Image.Image, turn: Image.Transpose | None) -> Image.Image:
    """RGB or RGBA pixels as RGB, for readers of words and codes, and for reviewers: black, white and grey letters are
    all visible."""
    shown = over(pixels, _distinct_grey(pixels)) if pixels.mode == "RGBA" else pixels
    return shown if turn is None else shown.transpose(turn)


def in_8_bits(image: Image.Image) -> Image.Image:
    """The pixels as RGB or, when some are transparent, RGBA; decodes the image. Raises ``DecodeRefused``.

    Pillow cuts 16-bit grey off at 255, which leaves a white image: its upper bytes are taken, as of 16-bit RGB.
    """
    if image.mode not in _MODES:
        raise DecodeRefused("unknown_colours")
    if image.mode in _DEEP:
        return _deep_in_8_bits(image)
    if not image.has_transparency_data:
        return image.convert("RGB")
    key = image.info.get("transparency")
    if isinstance(key, tuple) and max(key) > 255:  # of a 16-bit RGB image, of which Pillow keeps the upper bytes
        image.load()  # before: the file's own value is read again
        image.info["transparency"] = tuple(level >> 8 for level in key)
    image.load()
    pixels = image if image.mode == "RGBA" else image.convert("RGBA")  # no copy: 200 MB of a large image
    return pixels.convert("RGB") if pixels.getchannel("A").getextrema() == (255, 255) else pixels


def over(pixels: Image.Image, grey: int) -> Image.Image:
    """RGBA pixels over a page of one grey, as RGB."""
    shown = Image.new("RGB", pixels.size, (grey, grey, grey))
    shown.paste(pixels, mask=pixels.getchannel("A"))
    return shown


_DEEP: Final = ("I;16", "I;16B", "I")  # grey of 16 bits
_MODES: Final = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "CMYK", "YCbCr", *_DEEP)
_GREYS: Final = (128, 255, 0, 64, 192)
_NEAR_GREY: Final = 24


def _deep_in_8_bits(image: Image.Image) -> Image.Image:
    levels = np.asarray(image)
    grey = Image.fromarray((levels >> 8).clip(0, 255).astype(np.uint8))
    key = image.info.get("transparency")
    if not isinstance(key, int):
        return grey.convert("RGB")
    pixels = grey.convert("RGBA")
    pixels.putalpha(Image.fromarray(np.where(levels == key, 0, 255).astype(np.uint8)))
    return pixels


def _distinct_grey(pixels: Image.Image) -> int:
    """The grey that fewest visible pixels resemble."""
    small = pixels.reduce(-(-max(pixels.size) // 1_000)) if max(pixels.size) > 1_000 else pixels
    visible = small.getchannel("A").point(lambda level: 255 if level else 0)
    counts = small.convert("RGB").convert("L").histogram(visible)
    return min(_GREYS, key=lambda grey: sum(counts[max(0, grey - _NEAR_GREY) : grey + _NEAR_GREY + 1]))
