"""The conformance kit: everything that ships conforms, and every kind of broken promise is found."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from seawall.detect.testing import NonConforming, check_detector, check_extractor
from seawall.detectors import default_detectors, default_extractors
from seawall.detectors.banks import BankDetector
from seawall.model import (
    DetectorResult,
    DetectorSpec,
    ExtractedParts,
    ExtractorSpec,
    Modality,
    Part,
    Signal,
    SignalKind,
    SignalSpec,
    Unknown,
    UnknownReason,
)

SPEC = DetectorSpec(
    name="sample",
    version="1",
    signals=(SignalSpec(name="sample_score", kind=SignalKind.SCORE),),
    modalities=frozenset({Modality.TEXT}),
)


class Sample:
    """A detector that does what a function says."""

    def __init__(self, look: Callable[[Part], object], spec: object = SPEC) -> None:
        self.spec = spec
        self._look = look

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        return [self._look(part) for part in parts]  # type: ignore[misc]


def _signal(about: Part, value: object = 0.5, **changes: object) -> tuple[Signal, ...]:
    plain = Signal(name="sample_score", value=0.5, part=about.path, detector="sample", version="1")
    return (replace(plain, value=value, **changes),)  # type: ignore[arg-type]


@pytest.mark.parametrize("detector", default_detectors(BankDetector(("some",))), ids=lambda one: one.spec.name)
def test_every_detector_that_ships_conforms(detector: Sample) -> None:
    check_detector(detector)


@pytest.mark.parametrize("extractor", default_extractors(), ids=lambda one: one.spec.name)
def test_every_extractor_that_ships_conforms(extractor: object) -> None:
    check_extractor(extractor)  # type: ignore[arg-type]


def test_a_good_detector_conforms() -> None:
    check_detector(Sample(_signal))
    check_detector(Sample(lambda part: ()))
    check_detector(
        Sample(lambda part: Unknown(detector="sample", part=part.path, reason=UnknownReason.ERROR, detail="down"))
    )


def _raise(part: Part) -> object:
    raise ValueError(part.text)


@pytest.mark.parametrize(
    ("look", "message"),
    [
        (lambda part: None, "answer is a NoneType"),
        (lambda part: [_signal(part)], "answer is a list"),
        (lambda part: _signal(part, name="other"), "signal 'other' was not declared"),
        (lambda part: _signal(part, part="elsewhere"), "signal about another part"),
        (lambda part: _signal(part, 1.5), "sample_score is 1.5, above 1"),
        (lambda part: _signal(part, float("nan")), "sample_score is nan"),
        (lambda part: _signal(part, -1), "sample_score is -1"),
        (lambda part: _signal(part, "high"), "sample_score is a str"),
        (lambda part: Unknown(detector="sample", part="x", reason=UnknownReason.ERROR), "answer about another part"),
        (
            lambda part: Unknown(detector="else", part=part.path, reason=UnknownReason.ERROR),
            "the Unknown names the detector 'else'",
        ),
        (_raise, "raises ValueError; answer Unknown for the part instead"),
        (lambda part: _raise(part) if "\ud800" in (part.text or "") else (), "a lone surrogate): raises ValueError"),
        (lambda part: _signal(part) if part.text else _raise(part), "text (empty): raises ValueError"),
    ],
)  # fmt: skip
def test_broken_answers_are_found(look: Callable[[Part], object], message: str) -> None:
    with pytest.raises(NonConforming) as raised:
        check_detector(Sample(look))
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (replace(SPEC, name="My Detector"), "spec.name is 'My Detector'"),
        (replace(SPEC, version=""), "spec.version is ''"),
        (replace(SPEC, modalities=frozenset()), "spec.modalities must be"),
        (replace(SPEC, languages=frozenset({"English"})), "spec.languages has 'English'"),
        (replace(SPEC, signals=SPEC.signals * 2), "the signal sample_score is declared twice"),
        (replace(SPEC, signals=(replace(SPEC.signals[0], name="Hate!"),)), "the signal 'Hate!' cannot be used"),
        (replace(SPEC, signals=(replace(SPEC.signals[0], harm="evil"),)), "names the harm 'evil'"),
        (replace(SPEC, signals=list(SPEC.signals)), "spec cannot be hashed"),  # type: ignore[arg-type]
        ({"name": "sample"}, "spec is a dict, not a DetectorSpec"),
    ],
)
def test_broken_declarations_are_found(spec: object, message: str) -> None:
    with pytest.raises(NonConforming) as raised:
        check_detector(Sample(lambda part: (), spec))
    assert message in str(raised.value)


def test_a_changing_mind_is_found_unless_it_is_declared() -> None:
    class Moody(Sample):
        calls = 0

        def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
            self.calls += 1
            return [_signal(part, self.calls % 7 / 7) for part in parts]

    with pytest.raises(NonConforming, match="answers for all samples together differ"):
        check_detector(Moody(lambda part: ()))
    honest = Moody(lambda part: ())
    honest.deterministic = False  # type: ignore[attr-defined]
    check_detector(honest)


def test_threads_that_disturb_each_other_are_found() -> None:
    class Shared(Sample):
        """Keeps what it works on in itself: with two callers at once, one reads the other's."""

        def __init__(self) -> None:
            super().__init__(lambda part: ())
            self._both = threading.Barrier(4)
            self._owner = 0

        def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
            if threading.current_thread() is threading.main_thread():
                return [() for _ in parts]
            self._owner = threading.get_ident()
            self._both.wait(30)
            return [() if self._owner == threading.get_ident() else _signal(part) for part in parts]

    with pytest.raises(NonConforming, match="from several threads at once"):
        check_detector(Shared())


def test_too_few_answers_and_bad_closing_are_found() -> None:
    class Short(Sample):
        def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
            return [()] * max(len(parts) - 1, 0)

        def close(self) -> None:
            raise OSError("gone")

    with pytest.raises(NonConforming) as raised:
        check_detector(Short(lambda part: ()))
    assert "0 answers for 1 parts" in str(raised.value)
    assert "close() called once raises OSError" in str(raised.value)


EXTRACTOR = ExtractorSpec(
    name="lines",
    version="1",
    modalities=frozenset({Modality.IMAGE}),
    gives=frozenset({Modality.TEXT}),
    makes="line",
)


class Lines:
    """An extractor that does what a function says."""

    def __init__(self, look: Callable[[Part], object], spec: ExtractorSpec = EXTRACTOR) -> None:
        self.spec = spec
        self._look = look

    def extract(self, parts: Sequence[Part]) -> Sequence[ExtractedParts | Unknown]:
        return [self._look(part) for part in parts]  # type: ignore[misc]


def _line(about: Part, **changes: object) -> ExtractedParts:
    made = Part(path=f"{about.path}>line.0", modality=Modality.TEXT, field=about.field, text="hi", parent=about.path)
    return ExtractedParts(parts=(replace(made, **changes),))  # type: ignore[arg-type]


def test_extractors_are_checked_too() -> None:
    check_extractor(Lines(_line))
    check_extractor(Lines(lambda part: ExtractedParts()))
    for look in (
        lambda part: _line(part, parent="elsewhere"),
        lambda part: _line(part, modality=Modality.AUDIO),
        lambda part: None,
        lambda part: ExtractedParts(signals=_signal(part)),
        _raise,
    ):
        with pytest.raises(NonConforming):
            check_extractor(Lines(look))
    with pytest.raises(NonConforming, match=r"spec.gives is empty"):
        check_extractor(Lines(_line, replace(EXTRACTOR, gives=frozenset())))
