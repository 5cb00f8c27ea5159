"""Image operations: measurement, codes and frames. Uses Pillow, and zxing-cpp if installed."""

from __future__ import annotations

import contextlib
import io
from typing import Any, Final

import numpy as np
from PIL import AvifImagePlugin, Image

from seawall.match.pdq import pdq
from seawall.media.decoders.frames import FrameChooser, to_jpeg
from seawall.media.decoders.open_image import FORMATS, TURNS, as_shown, opened, turn_of
from seawall.media.decoders.operation import Answer, DecodeRefused, Operation


def load() -> dict[str, Operation]:
    """All operations, tried on an image of each format, so that nothing is loaded later."""
    operations: dict[str, Operation] = {"pdq": measure, "animation": animation, "shown": shown, "size": size}
    with contextlib.suppress(ImportError):
        from seawall.media.decoders.barcodes import codes

        operations["codes"] = codes
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    Image.preinit()
    options = {"max_pixels": 1024, "max_frames": 4, "longest": 32}
    for name in FORMATS:
        encoded = io.BytesIO()
        Image.effect_noise((32, 32), 50).convert("RGB").save(encoded, name, save_all=name == "GIF")
        for operation in operations.values():
            operation(encoded.getvalue(), options)
    with contextlib.suppress(DecodeRefused):
        measure(b"nothing", options)
    Image.MAX_IMAGE_PIXELS = None  # the limit here is stricter
    return operations


def measure(data: bytes, options: dict[str, Any]) -> Answer:
    """Hash, quality, displayed size, format and number of frames, from the first frame.

    ``stored``: the hash of the pixels as stored, if EXIF rotates them; it matches programs that ignore EXIF. With the
    option ``draft`` a large JPEG is decoded at a fraction of its size, never below 512 on a side.
    """
    with opened(data, options["max_pixels"]) as image:
        size, turn, kind = image.size, turn_of(image), image.format
        frames = getattr(image, "n_frames", 1)
        if options.get("draft"):
            image.draft("RGB", (512, 512))
        pixels = image.convert("RGB")
    found, stored = pdq(np.asarray(pixels)), None
    if turn is not None:
        stored = found.hash.hex()
        found = pdq(np.asarray(pixels.transpose(turn)))
    width, height = size if turn in _UPRIGHT else size[::-1]
    answer = {"hash": found.hash.hex(), "quality": found.quality, "width": width, "height": height}
    return {**answer, "format": kind, "frames": frames, "stored": stored}, ()


_UPRIGHT: Final = (None, TURNS[2], TURNS[3], TURNS[4])


def shown(data: bytes, options: dict[str, Any]) -> Answer:
    """The image as displayed, scaled to at most ``longest``: its width and height, scaled and full, then RGB."""
    with opened(data, options["max_pixels"]) as image:
        stored, turn = image.size, turn_of(image)
        image.draft("RGB", (options["longest"], options["longest"]))
        raster = as_shown(image)
        raster.thumbnail((options["longest"], options["longest"]), Image.Resampling.BILINEAR)
    width, height = raster.size
    full = stored if turn in _UPRIGHT else stored[::-1]
    return {"width": width, "height": height, "full": full}, (raster.tobytes(),)


def size(data: bytes, options: dict[str, Any]) -> Answer:
    """Displayed width and height of the image, from its header alone."""
    with opened(data, options["max_pixels"]) as image:
        width, height = image.size if turn_of(image) in _UPRIGHT else image.size[::-1]
    return (width, height), ()


def animation(data: bytes, options: dict[str, Any]) -> Answer:
    """Frames of an animated image that differ from the first one and from each other, with their times."""
    with opened(data, options["max_pixels"]) as image:
        count = getattr(image, "n_frames", 1)
        if count > 100 * options["max_frames"]:
            raise DecodeRefused("too_many_frames")
        if count < 2:
            return {"seconds": 0.0, "samples": [], "sizes": []}, ()
        turn, seconds = turn_of(image), 0.0
        chooser = FrameChooser(count * _usual_seconds(image), count, options["max_frames"])
        frames = []
        for number in range(count):
            image.seek(number)
            shown = image.convert("RGB")
            if turn is not None:
                shown = shown.transpose(turn)
            grey = shown.convert("L")
            if (
                chooser.wants(seconds, number, False, np.asarray(grey))
                and chooser.add(seconds, pdq(np.asarray(shown)), grey)
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
