"""Images through the real sandbox: known ones are found, hostile ones end in *unknown* within their limits."""

from __future__ import annotations

import io
import os
import signal
import struct
import zlib
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PIL import Image

from seawall.detect import Runner
from seawall.detectors.banks import BankDetector
from seawall.detectors.image import ImageDetector, ImageLimits, ImageReading, Sandbox, UnreadableMedia
from seawall.match import BankEntry, BankMatcher, pdq
from seawall.model import Modality, Part, PartHash, Signal, Unknown, UnknownReason

PilImage = Callable[..., bytes]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    shared = Sandbox(ImageLimits(max_bytes=2_000_000, max_pixels=4_000_000))
    yield shared
    shared.close()


def _png(width: int, height: int, rows: bytes) -> bytes:
    """A grey PNG whose header may promise anything."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF"])
def test_an_image_is_read(sandbox: Sandbox, image: PilImage, form: str) -> None:
    data = image(form=form)
    expected = pdq(np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))
    assert sandbox.read(data) == ImageReading(expected.hash, expected.quality, 320, 240, form)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "I;16", "1"])
def test_every_colour_mode_is_read(sandbox: Sandbox, mode: str) -> None:
    encoded = io.BytesIO()
    Image.new(mode, (32, 32)).save(encoded, "JPEG" if mode == "CMYK" else "PNG")
    assert isinstance(sandbox.read(encoded.getvalue()), ImageReading)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not_an_image"),
        (b"just some text", "not_an_image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not_an_image"),
        (b"%PDF-1.4", "not_an_image"),
        (b"BM" + bytes(60), "not_an_image"),
        (b"\x89PNG\r\n\x1a\n", "not_an_image"),
        (_png(60_000, 60_000, b""), "too_many_pixels"),
        (_png(2_001, 2_000, bytes(2_002 * 2_000)), "too_many_pixels"),
        (_png(1_000, 1_000, b""), "damaged"),
        (bytes(2_000_001), "too_many_bytes"),
    ],
)
def test_what_cannot_be_read_says_why(sandbox: Sandbox, data: bytes, code: str) -> None:
    assert sandbox.read(data) == UnreadableMedia(code)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_image_is_damaged(sandbox: Sandbox, image: PilImage, form: str, share: float) -> None:
    data = image(form=form)
    assert sandbox.read(data[: int(len(data) * share)]) in (UnreadableMedia("damaged"), UnreadableMedia("not_an_image"))


def test_damaged_bytes_never_end_the_conversation(sandbox: Sandbox, image: PilImage) -> None:
    random = np.random.default_rng(0)
    for seed in range(40):
        data = bytearray(image(form=("PNG", "JPEG", "WEBP", "GIF")[seed % 4]))
        for place in random.integers(0, len(data), 20):
            data[place] = random.integers(0, 256)
        assert isinstance(sandbox.read(bytes(data)), ImageReading | UnreadableMedia)
    assert isinstance(sandbox.read(image()), ImageReading)


def test_an_image_that_takes_too_much_memory_ends_the_process_only(image: PilImage) -> None:
    sandbox = Sandbox(ImageLimits(memory_bytes=500 << 20, max_pixels=1_000_000_000, seconds=20))
    try:
        assert isinstance(sandbox.read(image()), ImageReading)
        bomb = _png(20_000, 20_000, bytes(20_001 * 20_000))
        assert len(bomb) < 1_000_000
        assert sandbox.read(bomb) in (UnreadableMedia("memory_limit"), UnreadableMedia("crashed"))
        assert isinstance(sandbox.read(image()), ImageReading)
    finally:
        sandbox.close()


def test_a_process_that_stalls_is_killed_in_time_and_replaced(image: PilImage) -> None:
    sandbox = Sandbox(ImageLimits(seconds=1))
    try:
        assert isinstance(sandbox.read(image()), ImageReading)
        pid = sandbox.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)  # hangs as hard as anything can
        assert sandbox.read(image()) == UnreadableMedia("time_limit")
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        assert isinstance(sandbox.read(image()), ImageReading)
        assert sandbox.pid != pid
    finally:
        sandbox.close()


def test_a_process_that_crashed_is_replaced(image: PilImage) -> None:
    sandbox = Sandbox(ImageLimits(images=3))
    try:
        sandbox.start()
        pid = sandbox.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert isinstance(sandbox.read(image()), ImageReading | UnreadableMedia)
        seen = {sandbox.pid}
        for _ in range(4):
            assert isinstance(sandbox.read(image()), ImageReading)
            seen.add(sandbox.pid)
        assert len(seen) == 2, "after three images another process takes over"
    finally:
        sandbox.close()


def test_a_closed_sandbox_reads_nothing_and_leaves_no_process(image: PilImage) -> None:
    sandbox = Sandbox()
    sandbox.start()
    pid = sandbox.pid
    assert pid is not None
    sandbox.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert sandbox.read(image()) == UnreadableMedia("closed")


def _image(data: bytes, path: str = "cover") -> Part:
    return Part(path=path, modality=Modality.IMAGE, field="cover", data=data)


def signals(answer: tuple[Signal | PartHash, ...]) -> list[Signal]:
    return [each for each in answer if isinstance(each, Signal)]


def promised(runner: Runner) -> list[str]:
    names = [signal.name for signal in runner.specs[1].signals]
    return [name for name in names if name.partition(":")[0] in ("image_quality", "bank")]


def test_known_images_are_found_unreadable_ones_are_unknown(sandbox: Sandbox, image: PilImage) -> None:
    known = pdq(np.asarray(Image.open(io.BytesIO(image(seed=1)))))
    banks = BankDetector()
    banks.replace(BankMatcher([BankEntry(bank="images", id="i1", kind="image", value=known.hash.hex())], revision=5))
    flat = io.BytesIO()
    Image.new("RGB", (300, 300), "white").save(flat, "PNG")
    parts = [
        _image(image(seed=1, size=(200, 150), form="JPEG"), "same"),
        _image(image(seed=2), "other"),
        _image(flat.getvalue(), "flat"),
        _image(b"x", "broken"),
    ]
    same, other, plain, broken = ImageDetector(banks, sandbox).detect(parts)
    assert isinstance(same, tuple)
    assert [(each.name, each.evidence, each.version) for each in signals(same)] == [
        ("image_quality", "JPEG:200x150", "3 pdq:full"),
        ("bank:images", "i1", "5"),
    ]
    assert isinstance(other, tuple)
    assert [each.name for each in signals(other)] == ["image_quality"]
    assert isinstance(plain, tuple)
    assert [(each.name, each.value < 0.5) for each in signals(plain)] == [("image_quality", True)]
    assert broken == Unknown(detector="image", part="broken", reason=UnknownReason.UNREADABLE, detail="not_an_image")


def test_a_flat_image_matches_nothing_though_its_hash_is_known(sandbox: Sandbox) -> None:
    flat = io.BytesIO()
    Image.new("RGB", (300, 300), "white").save(flat, "PNG")
    hash_of_flat = pdq(np.full((300, 300, 3), 255, dtype=np.uint8)).hash.hex()
    banks = BankDetector()
    banks.replace(BankMatcher([BankEntry(bank="images", id="i1", kind="image", value=hash_of_flat)]))
    [answer] = ImageDetector(banks, sandbox).detect([_image(flat.getvalue())])
    assert isinstance(answer, tuple)
    assert [each.name for each in signals(answer)] == ["image_quality"]


def test_the_runner_ends_the_decoding_process(image: PilImage) -> None:
    sandbox = Sandbox()
    banks = BankDetector(("images",))
    with Runner([banks, ImageDetector(banks, sandbox)]) as runner:
        findings = runner.start([_image(image())], deadline_ms=30_000).wait()
        assert [each.name for each in findings.signals] == ["image_quality"]
        assert promised(runner) == ["image_quality", "bank:images"]
        banks.replace(BankMatcher((), banks=("images", "more")))
        assert promised(runner) == ["image_quality", "bank:images", "bank:more"]
        pid = sandbox.pid
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
