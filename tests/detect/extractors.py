"""Extractors and detectors for tests: they make what they are told, at once or when released."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from seawall.model import (
    Cost,
    DetectorResult,
    DetectorSpec,
    ExtractedParts,
    ExtractorSpec,
    Modality,
    Part,
    PartHash,
    Signal,
    SignalKind,
    SignalSpec,
    Span,
    SpanUnit,
    Unknown,
    UnknownReason,
)

SHAPES = {
    "words": (Modality.IMAGE, {Modality.TEXT}, "words"),
    "codes": (Modality.IMAGE, {Modality.TEXT, Modality.LINK}, "code"),
    "frames": (Modality.VIDEO, {Modality.IMAGE, Modality.AUDIO}, "frame"),
    "document": (Modality.DOCUMENT, {Modality.TEXT, Modality.LINK, Modality.IMAGE}, "page"),
    "voice": (Modality.AUDIO, {Modality.AUDIO}, "speech"),
    "transcript": (Modality.AUDIO, {Modality.TEXT}, "transcript"),
}


@dataclass
class FakeExtractor:
    """An extractor of a standard name; ``act`` makes the answer about one part."""

    name: str
    act: Callable[[Part], ExtractedParts | Unknown]
    cost: Cost = Cost.CPU
    asked: list[str] = field(default_factory=list)
    gate: threading.Event | None = None

    @property
    def spec(self) -> ExtractorSpec:
        reads, gives, makes = SHAPES[self.name]
        signals = (SignalSpec(name="speech_seconds", kind=SignalKind.COUNT),) if self.name == "voice" else ()
        return ExtractorSpec(
            name=self.name,
            version="1",
            modalities=frozenset({reads}),
            gives=frozenset(gives),
            makes=makes,
            signals=signals,
            cost=self.cost,
        )

    def extract(self, parts: Sequence[Part]) -> Sequence[ExtractedParts | Unknown]:
        self.asked += [part.path for part in parts]
        if self.gate is not None:
            assert self.gate.wait(20)
        return [self.act(part) for part in parts]


@dataclass
class Reader:
    """A detector of ``<name>_score`` that counts the letter x, and takes hashes of media."""

    name: str
    modality: Modality
    cost: Cost = Cost.INLINE
    asked: list[str] = field(default_factory=list)
    languages: list[str | None] = field(default_factory=list)

    @property
    def spec(self) -> DetectorSpec:
        return DetectorSpec(
            name=self.name,
            version="1",
            signals=(SignalSpec(name=f"{self.name}_score", kind=SignalKind.COUNT),),
            modalities=frozenset({self.modality}),
            cost=self.cost,
        )

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        self.asked += [part.path for part in parts]
        self.languages += [part.language for part in parts]
        return [self._answer(part) for part in parts]

    def _answer(self, part: Part) -> DetectorResult:
        if part.data is not None:
            return (PartHash(kind="sha256", value=part.data, part=part.path),)
        count = (part.text or "").count("x")
        signal = Signal(name=f"{self.name}_score", value=count, part=part.path, detector=self.name, version="1")
        return (signal,) if count else ()


def media(path: str, modality: Modality, language: str | None = None) -> Part:
    """A part of an item."""
    return Part(path=path, modality=modality, field=path, data=path.encode(), language=language)


def piece(parent: Part, step: str, modality: Modality, text: str | None = None, at: float = 0.0) -> Part:
    """A part derived from another."""
    return Part(
        path=f"{parent.path}>{step}",
        modality=modality,
        field=parent.field,
        text=text,
        data=None if text is not None else b"data",
        parent=parent.path,
        span=Span(unit=SpanUnit.SECONDS, start=at, end=at + 1),
    )


def words(*lines: str) -> Callable[[Part], ExtractedParts]:
    """Makes these lines of words of an image."""
    return lambda part: ExtractedParts(
        tuple(piece(part, f"words.{at}", Modality.TEXT, line) for at, line in enumerate(lines))
    )


def frames(count: int) -> Callable[[Part], ExtractedParts]:
    """Makes a video's frames, and its sound."""
    return lambda part: ExtractedParts(
        (
            *(piece(part, f"frame.{at}", Modality.IMAGE, at=at) for at in range(count)),
            piece(part, "audio", Modality.AUDIO),
        )
    )


def speech(seconds: float) -> Callable[[Part], ExtractedParts]:
    """Hears that many seconds of speech."""

    def hear(part: Part) -> ExtractedParts:
        signal = Signal(name="speech_seconds", value=seconds, part=part.path, detector="voice", version="1")
        return ExtractedParts((piece(part, "speech.0", Modality.AUDIO),) if seconds else (), (signal,))

    return hear


def refuses(name: str, code: str = "damaged") -> Callable[[Part], Unknown]:
    """Cannot read anything."""
    return lambda part: Unknown(detector=name, part=part.path, reason=UnknownReason.UNREADABLE, detail=code)
