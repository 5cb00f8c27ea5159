"""Images through the real processes: turned as a viewer turns them, codes at their place, animations in frames."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import zxingcpp
from PIL import Image, ImageOps

from media.samples import animated, encode, noise
from seawall.detectors.banks import BankDetector
from seawall.detectors.image import ImageDetector, ImageReading, Sandbox
from seawall.match import BankEntry, BankMatcher, pdq
from seawall.media import Media, UnreadableMedia, default_extractors
from seawall.model import ExtractedParts, Extractor, Modality, Part, SpanUnit, Unknown, UnknownReason


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    shared = Sandbox()
    yield shared
    shared.close()


@pytest.fixture(scope="module")
def extractors(media: Media) -> dict[str, Extractor]:
    return {extractor.spec.name: extractor for extractor in default_extractors(media)}


def image(data: bytes | None, path: str = "cover") -> Part:
    return Part(path=path, modality=Modality.IMAGE, field=path, data=data)


def turned(image: Image.Image, orientation: int, form: str = "JPEG") -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encode(image, form, exif=exif)


# ── what a viewer shows ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("orientation", range(2, 9))
def test_an_image_is_hashed_as_a_viewer_shows_it(sandbox: Sandbox, orientation: int) -> None:
    data = turned(noise(1, (320, 200)), orientation)
    with Image.open(io.BytesIO(data)) as stored:
        as_shown = pdq(np.asarray(ImageOps.exif_transpose(stored).convert("RGB"))).hash
        as_stored = pdq(np.asarray(stored.convert("RGB"))).hash
    reading = sandbox.read(data)
    assert isinstance(reading, ImageReading)
    assert (reading.hash, reading.stored) == (as_shown, as_stored)
    assert (reading.width, reading.height) == ((320, 200) if orientation < 5 else (200, 320))


def test_an_image_that_nothing_turns_has_one_hash(sandbox: Sandbox) -> None:
    for data in (encode(noise(1), "JPEG"), turned(noise(1), 1), turned(noise(1), 99)):
        reading = sandbox.read(data)
        assert isinstance(reading, ImageReading)
        assert reading.stored is None


def test_a_bank_that_ignores_exif_still_finds_the_image() -> None:
    data = turned(noise(1, (320, 200)), 6)
    with Image.open(io.BytesIO(data)) as stored:
        known = pdq(np.asarray(stored.convert("RGB"))).hash.hex()
    banks = BankDetector()
    banks.replace(BankMatcher([BankEntry(bank="images", id="i1", kind="image", value=known)]))
    detector = ImageDetector(banks)
    try:
        [answer] = detector.detect([image(data)])
        assert isinstance(answer, tuple)
        assert [each.evidence for each in answer if getattr(each, "name", "") == "bank:images"] == ["i1"]
    finally:
        detector.close()


def test_avif_is_read(sandbox: Sandbox) -> None:
    reading = sandbox.read(encode(noise(1), "AVIF"))
    assert isinstance(reading, ImageReading)
    assert (reading.format, reading.width, reading.height) == ("AVIF", 320, 240)


def test_a_frame_of_a_video_keeps_the_hash_of_its_full_size() -> None:
    frame, known = encode(noise(1, (64, 48)), "JPEG"), pdq(np.asarray(noise(9))).hash
    banks = BankDetector()
    banks.replace(BankMatcher([BankEntry(bank="images", id="i9", kind="image", value=known.hex())]))
    detector = ImageDetector(banks)
    part = Part(path="clip>frame.0", modality=Modality.IMAGE, field="clip", data=frame, parent="clip", pdq=(known, 90))
    try:
        [answer] = detector.detect([part])
        assert isinstance(answer, tuple)
        assert {getattr(each, "name", None): getattr(each, "evidence", None) for each in answer}["bank:images"] == "i9"
    finally:
        detector.close()


# ── codes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def with_code(text: str, kind: Any = zxingcpp.BarcodeFormat.QRCode, at: tuple[int, int] = (0, 0)) -> Image.Image:
    image = noise(1, (900, 600))
    code = Image.fromarray(np.asarray(zxingcpp.write_barcode_to_image(zxingcpp.create_barcode(text, kind), scale=6)))
    image.paste(code, at)
    return image


def derived(extractor: Extractor, part: Part) -> ExtractedParts:
    [answer] = extractor.extract([part])
    assert isinstance(answer, ExtractedParts), answer
    return answer


def test_a_code_becomes_a_link_or_a_text_at_its_place(extractors: dict[str, Extractor]) -> None:
    raster = with_code("https://example.com/free", at=(600, 300))
    raster.paste(with_code("call me at noon").crop((0, 0, 190, 190)), (50, 50))
    found = derived(extractors["codes"], image(encode(raster, "PNG"))).parts
    assert {(part.modality, part.text) for part in found} == {
        (Modality.LINK, "https://example.com/free"),
        (Modality.TEXT, "call me at noon"),
    }
    [link] = [part for part in found if part.modality is Modality.LINK]
    assert (link.parent, link.field) == ("cover", "cover")
    assert link.path in ("cover>code.0", "cover>code.1")
    assert link.span is not None
    assert link.span.unit is SpanUnit.PIXELS
    assert link.span.box is not None
    left, top, right, bottom = link.span.box
    assert 600 <= left < right <= 800
    assert 300 <= top < bottom <= 500


@pytest.mark.parametrize("kind", ["DataMatrix", "Aztec", "MicroQRCode"])
def test_relatives_of_qr_are_read(extractors: dict[str, Extractor], kind: str) -> None:
    data = encode(with_code("12345", getattr(zxingcpp.BarcodeFormat, kind), (300, 200)), "PNG")
    assert [part.text for part in derived(extractors["codes"], image(data)).parts] == ["12345"]


def test_a_code_in_a_turned_and_large_image(extractors: dict[str, Extractor]) -> None:
    large = with_code("https://example.com", at=(600, 300)).resize((1_800, 1_200))
    [code] = derived(extractors["codes"], image(turned(large, 6))).parts
    assert code.span is not None
    assert code.span.box is not None
    left, top, right, bottom = code.span.box  # the image stands upright now: 1,200 wide, 1,800 high
    assert 200 <= left < right <= 600
    assert 1_200 <= top < bottom <= 1_600


@pytest.mark.parametrize(("at", "upright"), [(300, True), (4_321, True), (8_600, True), (5_000, False)])
def test_a_small_code_in_a_long_image(extractors: dict[str, Extractor], at: int, upright: bool) -> None:
    code = zxingcpp.create_barcode("https://example.com/a-rather-long-address/of-a-page", zxingcpp.BarcodeFormat.QRCode)
    small = Image.fromarray(np.asarray(zxingcpp.write_barcode_to_image(code, scale=6)))
    size = (1_080, 9_000) if upright else (9_000, 1_080)
    raster = Image.new("L", size, 255)
    raster.paste(small, (400, at) if upright else (at, 400))
    for factor in (1, 2):
        media = Media()
        try:
            found = media.codes(encode(raster.resize((size[0] // factor, size[1] // factor)), "PNG"))
        finally:
            media.close()
        assert isinstance(found, tuple)
        [link] = found
        assert link.text.endswith("/of-a-page")
        middle = [(link.box[0] + link.box[2]) * factor // 2, (link.box[1] + link.box[3]) * factor // 2]
        half = small.width // 2
        expected = [400 + half, at + half] if upright else [at + half, 400 + half]
        assert max(abs(one - other) for one, other in zip(middle, expected, strict=True)) < 30


def test_a_black_code_on_nothing(extractors: dict[str, Extractor]) -> None:
    code = np.asarray(
        zxingcpp.write_barcode_to_image(zxingcpp.create_barcode("x", zxingcpp.BarcodeFormat.QRCode), scale=6)
    )
    sticker = Image.new("RGBA", (code.shape[1], code.shape[0]), (0, 0, 0, 0))
    sticker.paste((0, 0, 0, 255), mask=Image.fromarray(255 - code))
    assert [part.text for part in derived(extractors["codes"], image(encode(sticker, "PNG"))).parts] == ["x"]


# ── animations ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "AVIF"])
def test_the_frames_of_an_animation(extractors: dict[str, Extractor], form: str) -> None:
    data = animated(form, [1, 1, 2, 1, 3], duration=500)
    found = derived(extractors["animation"], image(data)).parts
    assert [part.path for part in found] == ["cover>frame.0", "cover>frame.1"], "the first frame is the image itself"
    assert [part.span and (part.span.start, part.span.end) for part in found] == [(1.0, 2.0), (2.0, 2.5)]
    for part, seed in zip(found, (2, 3), strict=True):
        assert part.modality is Modality.IMAGE
        assert part.pdq is not None
        assert _apart(part.pdq[0], pdq(np.asarray(noise(seed, (160, 120)))).hash) <= 24  # GIF has few colours
        assert part.size == (160, 120), "boxes in a frame are counted in its pixels"


def test_a_still_image_has_no_frames(extractors: dict[str, Extractor]) -> None:
    assert derived(extractors["animation"], image(encode(noise(1), "PNG"))) == ExtractedParts()


def test_an_animation_without_end_is_refused(media: Media) -> None:
    assert media.animation(animated("GIF", list(range(900)), (8, 6), 20)) == UnreadableMedia("too_many_frames")


def test_an_animation_is_bounded_by_the_pixels_of_all_frames() -> None:
    media = Media()
    try:
        frames = [Image.new("L", (3_000, 3_000), level) for level in range(0, 250, 10)]
        data = encode(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=20)
        assert len(data) < 1_000_000
        assert media.animation(data) == UnreadableMedia("too_many_pixels")
        assert media.codes(data) == (), "its first frame is a usual image"
    finally:
        media.close()


def with_scans(size: tuple[int, int], more: int) -> bytes:
    """A progressive JPEG whose last scan is repeated."""
    data = encode(Image.new("RGB", size, (200, 100, 50)), "JPEG", progressive=True, quality=20)
    scan = data[data.rindex(b"\xff\xc4", 0, data.rindex(b"\xff\xda")) : -2]
    return data[:-2] + scan * more + b"\xff\xd9"


def test_a_jpeg_of_very_many_scans_is_refused(sandbox: Sandbox) -> None:
    assert sandbox.read(with_scans((4_000, 3_000), 300)) == UnreadableMedia("too_many_scans")
    for size, more in (((4_000, 3_000), 20), ((400, 300), 300)):
        assert isinstance(sandbox.read(with_scans(size, more)), ImageReading), "it takes no time"
    hidden = encode(noise(1), "JPEG", exif=b"Exif\0\0" + b"\xff\xda" * 30_000, progressive=True)
    assert isinstance(sandbox.read(hidden), ImageReading), "such bytes in metadata are no scans"


# ── what cannot be read ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["codes", "animation"])
@pytest.mark.parametrize(("data", "code"), [(None, "not_an_image"), (b"no", "not_an_image")])
def test_an_unreadable_image_is_unknown(extractors: dict[str, Extractor], name: str, data: bytes, code: str) -> None:
    [answer] = extractors[name].extract([image(data)])
    assert answer == Unknown(detector=name, part="cover", reason=UnknownReason.UNREADABLE, detail=code)


def test_after_closing_it_is_not_the_image_that_is_at_fault() -> None:
    media = Media()
    [codes] = [extractor for extractor in default_extractors(media) if extractor.spec.name == "codes"]
    media.close()
    [answer] = codes.extract([image(encode(noise(1), "PNG"))])
    assert answer == Unknown(detector="codes", part="cover", reason=UnknownReason.ERROR, detail="closed")


def _apart(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()
