"""Image operations: measurement, codes and frames. Uses Pillow, and zxing-cpp if installed."""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from PIL import AvifImagePlugin, Image

from seawall.match.pdq import PDQ_MIN_QUALITY, Pdq, pdq
from seawall.media.decoders import colour_conversion, metadata_parts
from seawall.media.decoders.colour_conversion import as_meant, is_otherwise
from seawall.media.decoders.faces import blurred_faces
from seawall.media.decoders.frames import FrameChooser, to_jpeg
from seawall.media.decoders.image_metadata import metadata
from seawall.media.decoders.open_image import (
    FORMATS,
    UPRIGHT,
    as_shown,
    in_8_bits,
    on_a_page,
    opened,
    over,
    refuse_slow,
    turn_of,
)
from seawall.media.decoders.operation import Answer, DecodeRefused, Operation


def load() -> dict[str, Operation]:
    """All operations, tried on an image of each format, so that nothing is loaded later."""
    operations: dict[str, Operation] = {"pdq": measure, "animation": animation, "shown": shown, "size": size}
    operations["squares"] = squares
    operations["blurred_faces"] = blurred_faces
    operations["metadata"] = metadata
    with contextlib.suppress(ImportError):
        from seawall.media.decoders.barcodes import codes

        operations["codes"] = codes
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    Image.preinit()
    colour_conversion.load()
    metadata_parts.load()
    options = {"max_pixels": 1024, "max_frames": 4, "longest": 32, "side": 32, "crop": 28}
    for name in FORMATS:
        encoded = io.BytesIO()
        Image.effect_noise((32, 32), 50).convert("RGB").save(encoded, name, save_all=name == "GIF")
        for operation in operations.values():
            operation(encoded.getvalue(), options)
    metadata(_with_metadata(), {**options, "max_pixels": 10_000})
    with contextlib.suppress(DecodeRefused):
        measure(b"nothing", options)
    Image.MAX_IMAGE_PIXELS = None  # the limit here is stricter
    return operations


def _with_metadata() -> bytes:
    """A JPEG with texts in EXIF and XMP, and a thumbnail."""
    exif = Image.Exif()
    exif[0x010E] = "words"
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0w\0"
    thumbnail, encoded = io.BytesIO(), io.BytesIO()
    Image.effect_noise((80, 80), 50).convert("RGB").save(thumbnail, "JPEG")
    block = exif.tobytes()
    Image.effect_noise((80, 80), 50).convert("RGB").save(encoded, "JPEG", exif=block, xmp=b"<x title='words'/>")
    return encoded.getvalue()


def measure(data: bytes, options: dict[str, Any]) -> Answer:
    """Hash, quality, displayed size, format and number of frames, from the first frame.

    A transparent image is hashed over white, or over black when nothing is to be seen on white. ``others`` has its
    remaining hashes: on the other page, and of its colours without transparency, as programs that ignore it compute.
    ``stored``: the hash of the pixels as stored, if EXIF rotates them; it matches programs that ignore EXIF. With the
    option ``draft`` a large JPEG is decoded at a fraction of its size, never below 512 on a side. Colours that are not
    sRGB are converted; the hash of the pixels as stored is among the others, for programs that leave profiles out.
    """
    with opened(data, options) as image:
        size, turn, kind = image.size, turn_of(image), image.format
        frames = getattr(image, "n_frames", 1)
        if options.get("draft"):
            image.draft("RGB", (512, 512))
        pixels = in_8_bits(image)
        meant = _meant(image, pixels)
    del image  # its pixels may take 200 MB
    found, *others = hashes(pixels if meant is None else meant, turn)
    if meant is not None:
        others += hashes(pixels, turn)
    stored: str | None = None
    unturned: list[str] = []
    if turn is not None:
        stored, *unturned = [each.hash.hex() for each in hashes(pixels, None)]
    width, height = size if turn in UPRIGHT else size[::-1]
    answer = {"hash": found.hash.hex(), "quality": found.quality, "width": width, "height": height}
    more = [*(each.hash.hex() for each in others if each.quality >= PDQ_MIN_QUALITY), *unturned]
    return {**answer, "format": kind, "frames": frames, "stored": stored, "others": more}, ()


def _meant(image: Image.Image, pixels: Image.Image) -> Image.Image | None:
    """The pixels in sRGB where they are not, of a large image at a smaller size: no other program makes this hash."""
    if not is_otherwise(image):
        return None
    factor = math.isqrt(max(1, pixels.width * pixels.height // _CONVERTED_PIXELS))
    return as_meant(image, pixels.reduce(factor) if factor > 1 else pixels)


_CONVERTED_PIXELS: Final = 2_000_000


def hashes(pixels: Image.Image, turn: Image.Transpose | None) -> list[Pdq]:
    """The hash by which the image is known, then the others."""
    found = [pdq(np.asarray(page)) for page in pages(pixels, turn)]
    if found[0].quality < PDQ_MIN_QUALITY:  # white on nothing, perhaps
        found[:2] = sorted(found[:2], key=lambda each: -each.quality)
    return found


def pages(pixels: Image.Image, turn: Image.Transpose | None) -> Iterator[Image.Image]:
    """What is hashed of an image, turned: itself; if transparent, on a white page, on a black one, and its colours."""
    if turn is not None:
        pixels = pixels.transpose(turn)
    if pixels.mode == "RGBA":
        yield over(pixels, 255)
        yield over(pixels, 0)
    yield pixels.convert("RGB")


_FRAME_PIXELS: Final = 200_000_000  # of all frames of an animation together: four to eight seconds


def shown(data: bytes, options: dict[str, Any]) -> Answer:
    """The image as displayed, scaled to at most ``longest``: its width and height, scaled and full, then RGB."""
    with opened(data, options) as image:
        stored, turn = image.size, turn_of(image)
        image.draft("RGB", (options["longest"], options["longest"]))
        raster = as_shown(image)
        raster.thumbnail((options["longest"], options["longest"]), Image.Resampling.BILINEAR)
    width, height = raster.size
    full = stored if turn in UPRIGHT else stored[::-1]
    return {"width": width, "height": height, "full": full}, (raster.tobytes(),)


def squares(data: bytes, options: dict[str, Any]) -> Answer:
    """The image as an image classifier reads it: squeezed to ``side`` by ``side`` pixels, of which the middle ``crop``
    by ``crop`` are kept, as JPEG and decoded again; RGB, row by row. Of a transparent image: each of its ``pages``.

    The steps are those by which Yahoo's open_nsfw was fitted, the JPEG included: they change its scores.
    """
    with opened(data, options) as image:
        turn = turn_of(image)
        pixels = as_meant(image, in_8_bits(image))
    rasters = (_square(page, options["side"], options["crop"]) for page in pages(pixels, turn))
    found = list(dict.fromkeys(rasters))
    return len(found), found


def _square(page: Image.Image, side: int, crop: int) -> bytes:
    margin, encoded = (side - crop) // 2, io.BytesIO()
    squeezed = page.resize((side, side), Image.Resampling.BILINEAR)
    squeezed.crop((margin, margin, margin + crop, margin + crop)).save(encoded, "JPEG")
    return Image.open(encoded).tobytes()


def size(data: bytes, options: dict[str, Any]) -> Answer:
    """Displayed width and height of the image, from its header alone."""
    with opened(data, options) as image:
        width, height = image.size if turn_of(image) in UPRIGHT else image.size[::-1]
    return (width, height), ()


def animation(data: bytes, options: dict[str, Any]) -> Answer:
    """Frames of an animated image that differ from the first one and from each other, with their times."""
    with opened(data, options) as image:
        count = getattr(image, "n_frames", 1)
        if count > 100 * options["max_frames"]:
            raise DecodeRefused("too_many_frames")
        if count * image.width * image.height > _FRAME_PIXELS and count > 1:
            raise DecodeRefused("too_many_pixels")
        if count < 2:
            return {"seconds": 0.0, "samples": [], "sizes": []}, ()
        refuse_slow(count * image.width * image.height, options)
        turn, seconds = turn_of(image), 0.0
        chooser = FrameChooser(count * _usual_seconds(image), count, options["max_frames"])
        frames, few = [], count <= options["max_frames"]
        for number in range(count):
            image.seek(number)
            if image.width * image.height > options["max_pixels"]:  # a frame may enlarge the image
                raise DecodeRefused("too_many_pixels")
            pixels = as_meant(image, in_8_bits(image))
            shown = on_a_page(pixels, turn)
            grey = shown.convert("L")
            wanted = chooser.wants(seconds, number, False, np.asarray(grey))
            if (
                (wanted or few or number == count - 1)  # the last one may stay
                and chooser.add(seconds, hashes(pixels, turn)[0], grey)
                and number > 0  # the first frame is the image itself
            ):
                frames.append(to_jpeg(shown, options["longest"]))
            seconds += _frame_seconds(image)
    sizes = [frame.size for frame in frames]
    return {"seconds": seconds, "samples": chooser.samples, "sizes": sizes}, [frame.jpeg for frame in frames]


def _frame_seconds(image: Image.Image) -> float:
    """Duration of the current frame; browsers use 0.1 s if a file declares almost none."""
    milliseconds = image.info.get("duration", 0)
    return milliseconds / 1000 if isinstance(milliseconds, int | float) and milliseconds > 10 else 0.1


def _usual_seconds(image: Image.Image) -> float:
    return min(_frame_seconds(image), 10.0)
