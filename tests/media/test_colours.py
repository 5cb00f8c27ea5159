"""Pictures are measured in the colours in which they are meant, as everybody sees them."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from media.mutants import chunk
from media.samples import encode, noise
from seawall.detectors.image import ImageReading, Sandbox
from seawall.match import pdq
from seawall.media import DisplayedImage, Media, default_extractors
from seawall.media.decoders.colour_conversion import profile_of
from seawall.model import ExtractedParts, Modality, Part

SRGB = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
P3 = (0.3127, 0.3290, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
PROPHOTO = (0.3457, 0.3585, 0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001)
WHITE, RED, GREEN, BLUE = SRGB[:2], SRGB[2:4], SRGB[4:6], SRGB[6:]
SWAPPED = (*WHITE, *GREEN, *BLUE, *RED)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    shared = Sandbox()
    yield shared
    shared.close()


def muted(seed: int) -> Image.Image:
    """A picture whose colours every profile here has."""
    levels = np.asarray(noise(seed)).astype(float)
    grey = levels.mean(2, keepdims=True)
    return Image.fromarray((40 + 0.68 * (0.7 * grey + 0.3 * levels)).astype(np.uint8))


def in_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """Pixels that show the image when they are read with the profile."""
    to = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.ImageCmsProfile(io.BytesIO(profile)), "RGB", "RGB"
    )
    made = ImageCms.applyTransform(image, to)
    assert made is not None
    return Image.fromarray(np.asarray(made))


def apart(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def measured(sandbox: Sandbox, data: bytes) -> ImageReading:
    reading = sandbox.read(data)
    assert isinstance(reading, ImageReading), reading
    return reading


def shown(media: Media, data: bytes) -> np.ndarray[Any, np.dtype[Any]]:
    found = media.shown(data, 64)
    assert isinstance(found, DisplayedImage)
    return np.frombuffer(found.rgb, np.uint8).reshape(found.height, found.width, 3).astype(int)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 999),
    gamma=st.sampled_from([1.0, 1.8, 2.2, 2.6, 3.5]),
    primaries=st.sampled_from([SRGB, P3, PROPHOTO, SWAPPED]),
    form=st.sampled_from(["PNG", "WEBP", "JPEG", "AVIF"]),
)
def test_a_picture_with_a_profile_measures_like_the_one_in_srgb(
    media: Media, sandbox: Sandbox, seed: int, gamma: float, primaries: tuple[float, ...], form: str
) -> None:
    plain, profile = muted(seed), profile_of(gamma, primaries)
    options: dict[str, Any] = {"PNG": {}, "WEBP": {"lossless": True}}.get(form, {"quality": 98})
    data = encode(in_profile(plain, profile), form, icc_profile=profile, **options)
    wanted = measured(sandbox, encode(plain, "PNG"))
    found = measured(sandbox, data)
    assert apart(found.hash, wanted.hash) <= 12
    assert abs(found.quality - wanted.quality) <= 3
    assert np.abs(shown(media, data) - shown(media, encode(plain, "PNG"))).mean() < (3 if gamma < 3 else 6)


@pytest.mark.parametrize("make", ["profile", "chunks"])
def test_letters_that_only_the_profile_shows_are_seen(media: Media, make: str) -> None:
    """Red on green of one brightness, whose profile makes the one dark and the other bright."""
    code = zxingcpp.create_barcode("https://casino-royal.example/", zxingcpp.BarcodeFormat.QRCode)
    dots = np.asarray(zxingcpp.write_barcode_to_image(code, scale=6)) > 127
    pixels = np.where(dots[..., None], [0, 76, 0], [150, 0, 0]).astype(np.uint8)  # 45 and 45 in sRGB's luma
    primaries = (0.3127, 0.3290, 0.16, 0.07, 0.32, 0.34, 0.64, 0.33)
    image = Image.fromarray(pixels)
    if make == "profile":
        data = encode(image, "PNG", icc_profile=profile_of(0.5, primaries))
    else:
        data = with_chunks(image, chunk(b"gAMA", struct.pack(">I", 200_000)), chromaticities(primaries))
    codes = media.codes(data)
    assert isinstance(codes, tuple)
    assert [each.text for each in codes] == ["https://casino-royal.example/"]


def with_chunks(image: Image.Image, *chunks: bytes) -> bytes:
    png = encode(image, "PNG")
    return png[:33] + b"".join(chunks) + png[33:]


def chromaticities(primaries: tuple[float, ...]) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *(round(each * 100_000) for each in primaries)))


@pytest.mark.parametrize("gamma", [0.1, 1.0, 1.6])
def test_the_gamma_of_a_png_counts(media: Media, sandbox: Sandbox, gamma: float) -> None:
    """The same levels as everybody sees, stored for another power."""
    plain = muted(3)
    stored = in_profile(plain, profile_of(1 / gamma, SRGB))
    data = with_chunks(stored, chunk(b"gAMA", struct.pack(">I", round(gamma * 100_000))))
    assert np.abs(shown(media, data) - shown(media, encode(plain, "PNG"))).mean() < 8
    if gamma > 0.5:
        assert apart(measured(sandbox, data).hash, measured(sandbox, encode(plain, "PNG")).hash) <= 16
    if gamma == 1.0:
        assert np.abs(shown(media, encode(stored, "PNG")) - shown(media, encode(plain, "PNG"))).mean() > 20


@pytest.mark.parametrize(
    "extra",
    [
        b"",
        chunk(b"gAMA", struct.pack(">I", 45_455)),
        chunk(b"gAMA", struct.pack(">I", 45_455)) + chromaticities(SRGB),
        chunk(b"sRGB", b"\0") + chunk(b"gAMA", struct.pack(">I", 100_000)),
        chunk(b"gAMA", struct.pack(">I", 0)),
        chunk(b"gAMA", b"\xff\xff\xff\xff"),
        chromaticities((0.0,) * 8),
    ],
)
def test_usual_and_senseless_chunks_change_nothing(sandbox: Sandbox, extra: bytes) -> None:
    assert measured(sandbox, with_chunks(muted(1), extra)) == measured(sandbox, encode(muted(1), "PNG"))


def test_a_usual_profile_changes_nothing(sandbox: Sandbox) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (srgb, profile_of(2.2, SRGB)):
        assert measured(sandbox, encode(muted(1), "PNG", icc_profile=profile)) == measured(
            sandbox, encode(muted(1), "PNG")
        )


def test_programs_that_leave_the_profile_out_find_the_picture_too(sandbox: Sandbox) -> None:
    stored = in_profile(muted(2), profile_of(1.0, SWAPPED))
    found = measured(sandbox, encode(stored, "PNG", icc_profile=profile_of(1.0, SWAPPED)))
    assert pdq(np.asarray(stored)).hash in found.others


def test_grey_and_transparent_pictures_keep_their_colours(media: Media) -> None:
    plain = muted(4)
    profile = profile_of(1.0, SWAPPED)
    clear = in_profile(plain, profile)
    clear.putalpha(Image.new("L", plain.size, 255))
    clear.putpixel((0, 0), (0, 0, 0, 0))
    data = encode(clear, "PNG", icc_profile=profile)
    assert np.abs(shown(media, data) - shown(media, encode(plain, "PNG"))).mean() < 3
    grey = plain.convert("L")
    assert (
        shown(media, encode(grey, "PNG", icc_profile=profile_of(2.2, SRGB))) == shown(media, encode(grey, "PNG"))
    ).all()


def gaps(media: Media, data: bytes) -> list[str]:
    [extractor] = [each for each in default_extractors(media) if each.spec.name == "metadata"]
    [answer] = extractor.extract([Part(path="file", modality=Modality.IMAGE, field="file", data=data)])
    assert isinstance(answer, ExtractedParts)
    return [gap.code for gap in answer.gaps]


def test_a_damaged_profile_is_srgb_and_said(media: Media, sandbox: Sandbox) -> None:
    profile = profile_of(1.0, P3)
    broken = profile[:128] + b"\xff" * (len(profile) - 128)
    data = encode(muted(1), "PNG", icc_profile=broken)
    assert measured(sandbox, data) == measured(sandbox, encode(muted(1), "PNG"))
    assert gaps(media, data) == ["profile_unread"]
    assert gaps(media, encode(muted(1), "PNG", icc_profile=profile)) == []
