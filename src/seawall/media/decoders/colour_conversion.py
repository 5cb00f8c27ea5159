"""Colours as they are meant: pixels with an ICC profile, or with a PNG's gamma and primaries, converted to sRGB.

A reader that takes such pixels for sRGB sees another image than everybody else: with swapped channels, say, or dark
where viewers show it bright.
"""

from __future__ import annotations

import functools
import io
import math
import struct
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

_SPACES: Final = {b"RGB ": "RGB", b"GRAY": "L", b"CMYK": "CMYK"}
_SRGB_GAMMA: Final = 1 / 2.2
_NEAR_GAMMA: Final = 0.03
_SRGB_WHITE_AND_PRIMARIES: Final = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_NEAR_PRIMARY: Final = 0.02
_D50: Final = np.array([0.9642, 1.0, 0.8249])
_BRADFORD: Final = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_LEVELS: Final = (0, 51, 102, 153, 204, 255)
_SAME_MOST, _SAME_MEAN = 10, 3.0  # levels by which colours differ from those of sRGB: nobody sees it


def load() -> None:
    """Make a conversion, so that nothing is loaded later."""
    _conversion(profile_of(1.0, _SRGB_WHITE_AND_PRIMARIES), "RGB")


def as_meant(image: Image.Image, pixels: Image.Image) -> Image.Image:
    """``pixels`` (RGB or RGBA, of the decoded ``image``) in sRGB; the same object where they already are."""
    profile, mode = _profile(image)
    conversion = _conversion(profile, mode)[0] if profile else None
    if conversion is None:
        return pixels
    source = pixels.convert("RGB") if mode == "RGB" else pixels.getchannel(0)
    if mode == "CMYK":
        source = image if image.size == pixels.size else image.resize(pixels.size, Image.Resampling.BOX)
    meant = ImageCms.applyTransform(source, conversion)
    assert meant is not None
    if pixels.mode == "RGBA":
        meant.putalpha(pixels.getchannel("A"))
    return meant


def is_otherwise(image: Image.Image) -> bool:
    """Whether its pixels are not sRGB."""
    profile, mode = _profile(image)
    return bool(profile) and _conversion(profile, mode)[0] is not None


def is_readable(image: Image.Image) -> bool:
    """Whether its profile, if it has one, could be read; pixels of an unreadable one are taken for sRGB."""
    profile, mode = _profile(image)
    return not profile or _conversion(profile, mode)[1]


def _profile(image: Image.Image) -> tuple[bytes, str]:
    """The profile that counts for viewers, and the mode of pixels that it describes; empty without one."""
    profile = image.info.get("icc_profile")
    if isinstance(profile, bytes) and profile:
        mode = _SPACES.get(profile[16:20], "")
        fits = {"RGB": image.mode != "CMYK", "L": image.mode[:1] in "1LI", "CMYK": image.mode == "CMYK"}.get(mode, True)
        return (profile, mode) if fits else (b"", "")  # of other pixels: viewers leave it out
    if "srgb" in image.info or image.format != "PNG":
        return b"", ""
    gamma, primaries = image.info.get("gamma"), image.info.get("chromaticity")
    gamma = gamma if isinstance(gamma, float) and 0.05 < gamma < 5 else _SRGB_GAMMA
    if not (isinstance(primaries, tuple) and len(primaries) == 8 and _are_sound(primaries)):
        primaries = _SRGB_WHITE_AND_PRIMARIES
    near = zip(primaries, _SRGB_WHITE_AND_PRIMARIES, strict=True)
    if abs(gamma - _SRGB_GAMMA) < _NEAR_GAMMA and all(abs(one - other) < _NEAR_PRIMARY for one, other in near):
        return b"", ""
    return profile_of(1 / gamma, primaries), "RGB"


@functools.lru_cache(maxsize=8)
def _conversion(profile: bytes, mode: str) -> tuple[ImageCms.ImageCmsTransform | None, bool]:
    """The conversion to sRGB, None where it changes nothing, and whether the profile could be read."""
    if not mode or profile[36:40] != b"acsp":
        return None, False
    try:
        conversion = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"), mode, "RGB"
        )
        probe = _probe(mode)
        shown = ImageCms.applyTransform(probe, conversion)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None, False
    assert shown is not None
    if mode == "CMYK":
        return conversion, True
    apart = np.abs(np.asarray(shown).astype(int) - np.asarray(probe.convert("RGB")))
    is_same = apart.max() <= _SAME_MOST and apart.mean() <= _SAME_MEAN
    return None if is_same else conversion, True


def _probe(mode: str) -> Image.Image:
    """Colours from all over the space."""
    if mode == "L":
        return Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    grid = np.stack(np.meshgrid(*[_LEVELS] * 3), -1).reshape(1, -1, 3).astype(np.uint8)
    return Image.fromarray(grid) if mode == "RGB" else Image.new("CMYK", (1, 1))


def _are_sound(primaries: Sequence[float]) -> bool:
    """Whether they are colours, and span an area."""
    x, y = primaries[2::2], primaries[3::2]
    area = (x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])
    return all(math.isfinite(each) and 0 <= each <= 1 for each in primaries) and min(*y, primaries[1]) > 0 < abs(area)


def profile_of(gamma: float, primaries: Sequence[float]) -> bytes:
    """An ICC profile of a display: x and y of its white, red, green and blue, and the power of its levels.

    Raises ``numpy.linalg.LinAlgError`` when the colours span no area.
    """
    white, *colours = (_xyz(*primaries[at : at + 2]) for at in range(0, 8, 2))
    matrix = np.stack(colours, -1)
    matrix = matrix * np.linalg.solve(matrix, white)
    scale = np.diag((_BRADFORD @ _D50) / (_BRADFORD @ white))
    adapted = np.linalg.inv(_BRADFORD) @ scale @ _BRADFORD @ matrix
    curve = struct.pack(">4sIHHi", b"para", 0, 0, 0, round(gamma * 65_536))
    text = b"mluc" + struct.pack(">IIIHHII", 0, 1, 12, 0x656E, 0x5553, 2, 28) + b"\0x"
    tags = [(b"desc", text), (b"wtpt", _xyz_tag(_D50))]
    tags += [(name, _xyz_tag(column)) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), adapted.T, strict=True)]
    tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    return _profile_file(tags)


def _profile_file(tags: Sequence[tuple[bytes, bytes]]) -> bytes:
    table, body, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, content in tags:
        padded = content + bytes(-len(content) % 4)
        table += struct.pack(">4sII", name, at + len(body), len(content))
        body += padded
    head = struct.pack(">IIIII", at + len(body), 0, 0x04200000, int.from_bytes(b"mntr"), int.from_bytes(b"RGB "))
    head += b"XYZ " + bytes(12) + b"acsp" + bytes(28) + b"".join(_fixed(value) for value in _D50)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def _xyz(x: float, y: float) -> NDArray[np.float64]:
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _xyz_tag(values: NDArray[np.float64]) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(_fixed(value) for value in values)


def _fixed(value: float) -> bytes:
    return struct.pack(">i", max(-(2**31), min(2**31 - 1, round(float(value) * 65_536))))
