"""Hashers at work: matches, prints, what is unknown; and the part of the conformance kit that tries them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from detectors.hashers import AVERAGE, AverageHasher
from seawall.detect import Runner
from seawall.detect.testing import NonConforming, check_detector, check_hasher
from seawall.detectors import default_detectors
from seawall.detectors.banks import BankDetector
from seawall.detectors.hashes import AbsentHashers, HashDetector, hash_file
from seawall.match import BankEntry, BankMatcher, EntryError
from seawall.model import (
    Cost,
    HasherSpec,
    Modality,
    Part,
    PartHash,
    Signal,
    Span,
    SpanUnit,
    Unknown,
    UnknownReason,
)

HASHERS = {AVERAGE.name: AVERAGE}


def png(shade: Callable[[int, int], int] = lambda x, y: 4 * x, size: int = 64) -> bytes:
    image = Image.new("L", (size, size))
    image.putdata([shade(x * 64 // size, y * 64 // size) for y in range(size) for x in range(size)])
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def part(data: bytes | None, path: str = "cover", **more: Any) -> Part:
    return Part(path=path, modality=Modality.IMAGE, field="cover", data=data, **more)


def banks_of(entries: Iterable[BankEntry], **more: Any) -> BankDetector:
    banks = BankDetector()
    banks.replace(BankMatcher(entries, revision=3, **more))
    return banks


def entry(value: str, id: str = "e1", bank: str = "known", **more: int) -> BankEntry:
    return BankEntry(bank=bank, id=id, kind=AVERAGE.name, value=value, **more)


def test_a_known_image_is_found_with_its_distance() -> None:
    value = bytearray.fromhex(hash_file(AverageHasher(), png()))
    value[0] ^= 0b111
    detector = HashDetector(banks_of([entry(value.hex())], hashers=HASHERS), AverageHasher())
    frame = Span(unit=SpanUnit.SECONDS, start=3, end=3)
    [signal, taken], other = detector.detect([part(png(size=256), span=frame), part(png(lambda x, y: 4 * y), "other")])
    assert isinstance(signal, Signal)
    assert (signal.name, signal.value, signal.evidence, signal.distance) == ("bank:known", 1, "e1", 3)
    assert (signal.detector, signal.version, signal.part) == ("image-average", "3", "cover")
    assert isinstance(taken, PartHash)
    assert (taken.kind, len(taken.value), taken.part, taken.span) == ("image-average", 8, "cover", frame)
    assert [type(one) for one in other] == [PartHash]  # type: ignore[union-attr]


def test_an_allow_bank_and_a_quarantine_hold_for_prints() -> None:
    value = hash_file(AverageHasher(), png())
    quarantined = replace(entry(value, "e2", "noisy"), quarantined=True)
    entries = [entry(value, "e1", "known"), entry(value, "e3", "press"), quarantined]
    detector = HashDetector(banks_of(entries, hashers=HASHERS, allow=("press",)), AverageHasher())
    [answer] = detector.detect([part(png())])
    assert isinstance(answer, tuple)
    signals = sorted(one.name for one in answer if isinstance(one, Signal))
    assert signals == ["bank:press", "bank_suppressed:known", "bank_suppressed:noisy"]


def test_what_cannot_be_read_is_unknown_once_a_bank_could_know_it() -> None:
    broken, flat = part(b"no image"), part(png(lambda x, y: 90), "flat")
    assert HashDetector(banks_of([], hashers=HASHERS), AverageHasher()).detect([broken, flat]) == [(), ()]
    detector = HashDetector(banks_of([entry("0f" * 8)], hashers=HASHERS), AverageHasher())
    unknown, nothing = detector.detect([broken, flat])
    assert isinstance(unknown, Unknown)
    assert (unknown.detector, unknown.reason) == ("image-average", UnknownReason.UNREADABLE)
    assert nothing == ()


class Odd(AverageHasher):
    """Answers what a function says."""

    def __init__(self, answer: Callable[[Part], Any], spec: HasherSpec = AVERAGE) -> None:
        super().__init__(spec)
        self._answer = answer

    def hash(self, parts: Sequence[Part]) -> Sequence[bytes | Unknown | None]:
        return [self._answer(one) for one in parts]


def test_a_faulty_hasher_harms_only_its_own_answers() -> None:
    def answer(one: Part) -> Any:
        if one.path == "crash":
            raise RuntimeError("no weights")
        return {"short": b"1234", "text": "0f"}.get(one.path, bytes(8))

    banks = banks_of([entry("00" * 8)], hashers=HASHERS)
    paths = ["crash", "short", "text", "good"]
    with Runner([HashDetector(banks, Odd(answer))]) as runner:
        found = runner.start([part(png(), path) for path in paths]).wait()
    assert [(one.part, one.reason) for one in found.unknown] == [(path, UnknownReason.ERROR) for path in paths[:3]]
    assert found.unknown[1].detail == "a hash of 32 bits, not 64"
    assert found.unknown[2].detail == "a str as a hash"
    assert [(one.part, one.name) for one in found.signals] == [("good", "bank:known")]
    assert [one.part for one in found.hashes] == ["good"]


def test_where_the_hasher_is_absent_its_modality_is_unknown() -> None:
    stranded = [entry("0f" * 8), BankEntry(bank="b", id="e2", kind="audio-x", value="0f" * 4)]
    banks = banks_of(stranded)
    text = Part(path="body", modality=Modality.TEXT, field="body", text="hello")
    with Runner(default_detectors(banks)) as runner:
        found = runner.start([text, part(png())], wanted={"absent-hashers"}).wait()
        assert [(one.part, one.reason) for one in found.unknown] == [("cover", UnknownReason.ERROR)]
        assert "no hasher image-average with hashes of this length is enabled" in found.unknown[0].detail
    assert AbsentHashers(banks_of(stranded[:1], hashers=HASHERS)).detect([part(png())]) == [()]


def test_a_hasher_is_a_detector_that_conforms_and_is_closed() -> None:
    hasher = AverageHasher()
    detectors = default_detectors(banks_of([], hashers=HASHERS), hashers=[hasher])
    assert detectors[-1].spec.name == "image-average"
    check_detector(HashDetector(banks_of([entry("0f" * 8)], hashers=HASHERS), AverageHasher()))
    with Runner([HashDetector(BankDetector(), hasher)]):
        pass
    assert hasher.closed == 1


def test_a_file_becomes_the_value_of_an_entry() -> None:
    assert len(hash_file(AverageHasher(), png())) == 16
    upper = Odd(lambda one: (one.text or "").encode()[:8], replace(AVERAGE, name="text-head", modality=Modality.TEXT))
    assert hash_file(upper, b"abcdefghij") == b"abcdefgh".hex()
    for hasher, data, says in (
        (AverageHasher(), b"no image", "image-average cannot read this: damaged"),
        (AverageHasher(), png(lambda x, y: 9), "finds too little"),
        (Odd(lambda one: b"12"), b"x", "image-average returned a hash of 16 bits, not 64"),
        (Odd(lambda one: 1 / 0), b"x", "image-average failed: ZeroDivisionError"),
    ):
        with pytest.raises(EntryError, match=says):
            hash_file(hasher, data)


# -- the kit -----------------------------------------------------------------------------------------------------


def test_a_good_hasher_conforms() -> None:
    check_hasher(AverageHasher(), [part(png())])
    head = replace(AVERAGE, name="video-head", modality=Modality.VIDEO)

    def read(one: Part) -> Any:
        if one.data and one.data.startswith(b"video"):
            return one.data[5:13]
        return Unknown(detector="video-head", part=one.path, reason=UnknownReason.UNREADABLE)

    check_hasher(Odd(read, head), [Part(path="v", modality=Modality.VIDEO, field="v", data=b"video12345678")])
    with pytest.raises(NonConforming, match="no sample has a hash: pass some parts"):
        check_hasher(Odd(read, head))


def _unknown(one: Part, detector: str = "image-average") -> Unknown:
    return Unknown(detector=detector, part=one.path, reason=UnknownReason.UNREADABLE)


class Forgetful(AverageHasher):
    """Its prints follow how often it was asked."""

    calls = 0

    def _hash(self, part: Part) -> bytes | Unknown | None:
        self.calls += 1
        made = super()._hash(part)
        return self.calls.to_bytes(8, "big") if isinstance(made, bytes) else made


class Greedy(AverageHasher):
    def hash(self, parts: Sequence[Part]) -> Sequence[bytes | Unknown | None]:
        made = [self._hash(one) for one in parts]
        parts.clear()  # type: ignore[attr-defined]
        return made


def _raise(one: Part) -> Any:
    raise ValueError


@pytest.mark.parametrize(
    ("hasher", "message"),
    [
        (Odd(lambda one: b"1234"), "image (ordinary): a hash of 32 bits, not 64"),
        (Odd(lambda one: bytearray(8)), "image (ordinary): a bytearray as a hash"),
        (Odd(lambda one: bytes(8)), "image (empty): a hash of an empty part, which every empty part would match"),
        (Odd(lambda one: None), "image (garbage): None for an unreadable part would let it pass; return Unknown"),
        (Odd(lambda one: _unknown(one, "other")), "the Unknown names the detector 'other'"),
        (Odd(lambda one: replace(_unknown(one), part="x")), "answer about another part"),
        (Odd(_unknown), "no sample has a hash"),
        (Odd(_raise), "image (cut off): raises ValueError; answer Unknown for the part instead"),
        (Forgetful(), "answers for all samples together differ"),
        (Greedy(), "modifies the list of parts"),
    ],
)  # fmt: skip
def test_broken_hashers_are_found(hasher: AverageHasher, message: str) -> None:
    with pytest.raises(NonConforming) as raised:
        check_hasher(hasher)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "average"}, "spec.name is 'average'; write the modality, a hyphen, lower-case words: image-wavelet"),
        ({"name": "audio-average"}, "spec.name is 'audio-average'"),
        ({"modality": Modality.LINK}, "a hasher reads one of text, image, audio, video"),
        ({"bits": 63}, "spec.bits is 63; hashes have whole bytes, 8 to 4096 bits"),
        ({"bits": 8_192}, "spec.bits is 8192"),
        ({"radius": 17}, "spec.radius is 17; of 64 bits at most 16 may differ"),
        ({"version": ""}, "spec.version is ''"),
        ({"cost": "cheap"}, "spec.cost is 'cheap'"),
    ],
)
def test_broken_declarations_are_found(changes: dict[str, Any], message: str) -> None:
    hasher = AverageHasher(replace(AVERAGE, **changes))
    with pytest.raises(NonConforming) as raised:
        check_hasher(hasher)
    assert message in str(raised.value)
    if "version" not in changes:
        with pytest.raises(ValueError, match="the hasher '"):
            HashDetector(BankDetector(), hasher)


def test_a_slow_hasher_is_a_slow_detector() -> None:
    assert HashDetector(BankDetector(), AverageHasher(replace(AVERAGE, cost=Cost.SLOW))).spec.cost is Cost.SLOW
