"""One picture in many forms measures alike: depth, transparency, palette, rotation and colour model change nothing."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps

from media.samples import encode, noise
from seawall.detectors.banks import BankDetector
from seawall.detectors.image import ImageDetector, ImageReading, Sandbox
from seawall.match import BankEntry, BankMatcher, pdq
from seawall.media import DisplayedImage, Media
from seawall.model import Modality, Part, Signal

Pixels = NDArray[np.uint8]
GREY, RGB, GREY_ALPHA, RGB_ALPHA = 0, 2, 4, 6  # PNG's colour types


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    shared = Sandbox()
    yield shared
    shared.close()


def png(pixels: NDArray[Any], colours: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of these samples, of shape (height, width, channels): 8 bits or, given uint16, 16 bits."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = pixels.shape[:2]
    rows = pixels.astype(pixels.dtype.newbyteorder(">")).reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8 * pixels.itemsize, colours, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    others = b"".join(chunk(*each) for each in chunks)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + others + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def deep(pixels: Pixels) -> NDArray[np.uint16]:
    return pixels.astype(np.uint16) * 257


def grey(seed: int) -> Pixels:
    return np.asarray(noise(seed).convert("L"))


def read(sandbox: Sandbox, data: bytes) -> ImageReading:
    reading = sandbox.read(data)
    assert isinstance(reading, ImageReading), reading
    return reading


def apart(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def found(known: bytes, data: bytes) -> bool:
    """Whether the image is found by the hash of a known one."""
    banks = BankDetector()
    detector = ImageDetector(banks)
    try:
        entry = detector._read(Part(path="known", modality=Modality.IMAGE, field="known", data=known))
        assert isinstance(entry, ImageReading)
        banks.replace(BankMatcher([BankEntry(bank="images", id="i", kind="image", value=entry.hash.hex())]))
        [answer] = detector.detect([Part(path="cover", modality=Modality.IMAGE, field="cover", data=data)])
        assert isinstance(answer, tuple), answer
        return any(isinstance(each, Signal) and each.name == "bank:images" for each in answer)
    finally:
        detector.close()


# ── depth ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1_000), with_alpha=st.booleans(), in_colour=st.booleans(), low=st.integers(0, 255))
def test_16_bits_measure_as_8(sandbox: Sandbox, seed: int, with_alpha: bool, in_colour: bool, low: int) -> None:
    pixels = np.asarray(noise(seed)) if in_colour else grey(seed)[..., None]
    if with_alpha:
        pixels = np.dstack([pixels, np.where(np.arange(320) < 100, 0, 255)[None, :].repeat(240, 0).astype(np.uint8)])
    colours = 2 * in_colour + 4 * with_alpha
    plain = read(sandbox, png(pixels, colours))
    assert read(sandbox, png(pixels.astype(np.uint16) << 8 | low * (not with_alpha), colours)) == plain
    assert read(sandbox, png(deep(pixels), colours)) == plain
    assert plain.quality > 50


def test_16_bit_grey_with_a_transparent_level(sandbox: Sandbox) -> None:
    pixels = np.array(grey(3))
    pixels[:, :80] = 200
    key = struct.pack(">H", 200 * 257)
    transparent = read(sandbox, png(deep(pixels)[..., None], GREY, (b"tRNS", key)))
    plain = read(sandbox, png(pixels[..., None], GREY, (b"tRNS", struct.pack(">H", 200))))
    assert transparent == plain
    pixels[pixels == 200] = 255
    assert transparent.hash == pdq(np.asarray(Image.fromarray(pixels).convert("RGB"))).hash, "as on a white page"


def test_16_bit_colour_with_a_transparent_colour(sandbox: Sandbox) -> None:
    pixels = np.array(noise(4))
    pixels[:, :80] = (10, 200, 30)
    shallow = png(pixels, RGB, (b"tRNS", struct.pack(">3H", 10, 200, 30)))
    levels = pixels.astype(np.uint16) << 8 | 0x31
    key = struct.pack(">3H", *(level << 8 | 0x31 for level in (10, 200, 30)))
    assert read(sandbox, png(levels, RGB, (b"tRNS", key))) == read(sandbox, shallow)


def test_words_and_reviewers_see_16_bit_grey(media: Media) -> None:
    shown = media.shown(png(deep(grey(1))[..., None], GREY), 400)
    assert isinstance(shown, DisplayedImage)
    assert shown.rgb == np.repeat(grey(1)[..., None], 3, axis=2).tobytes()


# ── transparency ────────────────────────────────────────────────────────────────────────────────────────────────────


def sticker(hidden: int | None, seed: int = 5) -> bytes:
    """A picture within a circle; outside of it nothing, over colours that nobody sees: a grey, or noise."""
    pixels = np.array(noise(seed).convert("RGBA"))
    y, x = np.mgrid[:240, :320]
    outside = (x - 160) ** 2 + (y - 120) ** 2 > 100**2
    pixels[outside, :3] = np.asarray(noise(99))[outside] if hidden is None else hidden
    pixels[outside, 3] = 0
    return png(pixels, RGB_ALPHA)


@pytest.mark.parametrize("hidden", [0, 128, 255, None], ids=["black", "grey", "white", "noise"])
@pytest.mark.parametrize("known", [0, 255, None], ids=["black", "white", "noise"])
def test_colours_that_nobody_sees_hide_nothing(known: int | None, hidden: int | None) -> None:
    assert found(sticker(known), sticker(hidden))


def test_another_sticker_of_the_same_shape_does_not_match() -> None:
    assert not found(sticker(0), sticker(0, seed=6))


def test_a_picture_in_the_alpha_channel_is_seen() -> None:
    alone = np.dstack([np.zeros((240, 320, 3), np.uint8), 255 - grey(7)])
    assert found(encode(noise(7), "PNG"), png(alone, RGB_ALPHA)), "over a white page it is the picture in grey"
    white = np.dstack([np.full((240, 320, 3), 255, np.uint8), grey(7)])
    assert found(encode(noise(7), "PNG"), png(white, RGB_ALPHA)), "over a black page"


def test_an_entry_that_ignored_transparency_is_still_found() -> None:
    pixels = np.dstack([np.asarray(noise(8)), np.full((240, 320), 90, np.uint8)])
    assert found(encode(noise(8), "PNG"), png(pixels, RGB_ALPHA))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1_000), form=st.sampled_from(["PNG", "WEBP"]), orientation=st.integers(1, 8))
def test_an_opaque_alpha_channel_and_a_rotation_change_nothing(
    sandbox: Sandbox, seed: int, form: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {"exif": exif} if form == "PNG" else {"exif": exif, "lossless": True}
    plain = read(sandbox, encode(noise(seed), form, **options))
    opaque = read(sandbox, encode(noise(seed).convert("RGBA"), form, **options))
    assert opaque == plain
    turned = Image.open(io.BytesIO(encode(noise(seed), form, **options)))
    upright = read(sandbox, encode(ImageOps.exif_transpose(turned).convert("RGB"), "PNG"))
    assert (upright.hash, upright.width, upright.height) == (plain.hash, plain.width, plain.height)


def test_a_palette_with_transparent_colours_is_seen_on_a_page(sandbox: Sandbox) -> None:
    palette = noise(9).quantize(16)
    data = encode(palette, "PNG", transparency=bytes([0, 60, 128, *([255] * 13)]))
    with Image.open(io.BytesIO(data)) as stored:
        rgba = stored.convert("RGBA")
    page = Image.new("RGBA", rgba.size, "white")
    page.alpha_composite(rgba)
    assert apart(read(sandbox, data).hash, pdq(np.asarray(page.convert("RGB"))).hash) <= 4


@pytest.mark.parametrize("level", [0, 64, 128, 192, 255])
def test_a_code_of_any_grey_on_nothing_is_read(media: Media, level: int) -> None:
    code = np.asarray(
        zxingcpp.write_barcode_to_image(zxingcpp.create_barcode("x", zxingcpp.BarcodeFormat.QRCode), scale=6)
    )
    pixels = np.dstack([np.full((*code.shape, 3), level, np.uint8), 255 - code])
    codes = media.codes(png(pixels, RGB_ALPHA))
    assert [each.text for each in codes] == ["x"]  # type: ignore[union-attr]


def test_words_in_an_animation_of_nothing_are_visible(media: Media) -> None:
    frames = []
    for text in ("", "white on nothing"):
        frame = Image.new("RGBA", (320, 60), (255, 255, 255, 0))
        ImageDraw.Draw(frame).text((10, 10), text, fill="white", font=ImageFont.load_default(30))
        frames.append(frame)
    data = encode(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=500)
    answer = media.animation(data)
    assert isinstance(answer, tuple)
    [text] = answer
    with Image.open(io.BytesIO(text.jpeg)) as shown:
        low, high = shown.convert("L").getextrema()
        assert high - low > 90  # type: ignore[operator]


# ── colours ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1_000))
def test_other_colour_models_measure_alike(sandbox: Sandbox, seed: int) -> None:
    plain = read(sandbox, encode(noise(seed), "PNG"))
    inks = noise(seed).convert("CMYK")
    for data in (
        encode(inks, "JPEG", quality=95),
        encode(noise(seed), "JPEG", quality=95),
        encode(noise(seed), "AVIF", quality=95),
        encode(noise(seed), "WEBP", quality=95),
    ):
        assert apart(read(sandbox, data).hash, plain.hash) <= 24
