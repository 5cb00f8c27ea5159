"""What is measured: signals, their absence, and what detectors declare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

from seawall.model.content import Modality, Part, Span


class SignalKind(StrEnum):
    """How a signal's value is to be read."""

    PROBABILITY = "probability"  # calibrated, 0 to 1
    SCORE = "score"  # 0 to 1, ordered, not calibrated
    COUNT = "count"  # whole, from 0
    DISTANCE = "distance"  # from 0, smaller is nearer


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """One row of a detector's table: at this threshold, on its calibration split, with 95 % bounds."""

    threshold: float
    fpr: float
    fpr_upper: float
    recall: float
    recall_lower: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalSpec:
    """A signal that a detector promises."""

    name: str
    kind: SignalKind
    harm: str | None = None
    description: str = ""
    operating_points: tuple[OperatingPoint, ...] = ()  # thresholds ascending; empty: ``at_fpr`` is refused


class Cost(StrEnum):
    """What asking a detector takes."""

    INLINE = "inline"  # microseconds, linear in the input, cannot block: run in the caller's thread
    CPU = "cpu"  # milliseconds of one core
    SLOW = "slow"  # seconds, or a network call: never inside a synchronous budget unless named there


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorSpec:
    """What a detector declares about itself. It travels into the bundle's hash."""

    name: str
    version: str
    signals: tuple[SignalSpec, ...]
    modalities: frozenset[Modality]
    languages: frozenset[str] | None = None  # None: any
    cost: Cost = Cost.CPU


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One measured fact. ``evidence`` is a code (a pattern's or entry's id), never content."""

    name: str
    value: float
    part: str
    detector: str
    version: str
    span: Span | None = None
    evidence: str | None = None
    distance: int | None = None  # of a match with a bank: how far the entry is from the part


class UnknownReason(StrEnum):
    """Why a detector that was asked did not answer."""

    DEADLINE = "deadline"
    ERROR = "error"
    OVERLOADED = "overloaded"
    LANGUAGE = "language"  # it refuses the part's language
    UNREADABLE = "unreadable"  # the media could not be decoded within its limits
    LATER = "later"  # the stage does not ask it; a later stage will


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A detector's missing answer about one part: every signal it promised is unknown there."""

    detector: str
    part: str
    reason: UnknownReason
    detail: str = ""  # for engineers; holds no content


@dataclass(frozen=True, slots=True, kw_only=True)
class PartHash:
    """A fingerprint of a part, by which an entry added to a bank later finds it. Personal: for the vault only.

    ``kind``: ``pdq`` (32 bytes), ``chromaprint`` (little-endian uint32 items), ``sha256``, ``sha1``, ``md5``, or the
    name of a hasher.
    """

    kind: str
    value: bytes
    part: str
    span: Span | None = None  # where in the part


DetectorResult: TypeAlias = tuple[Signal | PartHash, ...] | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractorSpec:
    """What an extractor declares about itself: which parts it reads, which it makes from them, what it measures."""

    name: str
    version: str
    modalities: frozenset[Modality]
    gives: frozenset[Modality]
    makes: str  # the path step of what it makes: ``words`` in ``cover>words.0``
    signals: tuple[SignalSpec, ...] = ()
    cost: Cost = Cost.CPU


@dataclass(frozen=True, slots=True)
class ExtractionGap:
    """Something in a part that its extractor could not read: unknown, and ``code`` says why.

    ``unless``: an extractor that reads it from what was made of the part, where the part's field asks for that one.
    """

    code: str
    unless: str = ""


@dataclass(frozen=True, slots=True)
class ExtractedParts:
    """Result of an extractor for one part: parts whose ``parent`` it is, signals about it, and what was not read."""

    parts: tuple[Part, ...] = ()
    signals: tuple[Signal, ...] = ()
    gaps: tuple[ExtractionGap, ...] = ()


class Extractor(Protocol):
    """Makes parts from parts: the words in an image, the frames of a video, the speech in an audio file.

    What it does not answer is *unknown* to every detector that would have read what it gives.
    """

    @property
    def spec(self) -> ExtractorSpec:
        """Name, version, what it reads, what it makes, cost."""

    def extract(self, parts: Sequence[Part]) -> Sequence[ExtractedParts | Unknown]:
        """One answer for each part, in order. May raise: then every part is *unknown* with reason ``error``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HasherSpec:
    """What a hasher declares about itself.

    ``name`` begins with the modality (``image-wavelet``) and is the kind of the bank entries that hold its hashes: an
    entry whose hasher is gone still says what it is a hash of. Prints that cannot be compared with earlier ones need
    another name, for banks keep those; ``version`` tells the rest.
    """

    name: str
    version: str
    modality: Modality  # text, image, audio or video; frames of videos are images
    bits: int  # of every hash: whole bytes
    radius: int  # bits in which two hashes of one thing usually differ at most
    description: str = ""
    cost: Cost = Cost.CPU


class Hasher(Protocol):
    """Makes a hash of fixed length from each part: what is alike has prints that differ in few bits."""

    @property
    def spec(self) -> HasherSpec:
        """Name, version, modality, length, usual radius, cost."""

    def hash(self, parts: Sequence[Part]) -> Sequence[bytes | Unknown | None]:
        """One print for each part, in order. None: it says too little to be known by (a flat image, silence).

        May raise: then every part is *unknown* with reason ``error``.
        """


class Detector(Protocol):
    """The one calling convention of detectors, built in or plugged in.

    A signal of value 0 need not be returned: a promised signal that an answered part does not carry is 0.
    """

    @property
    def spec(self) -> DetectorSpec:
        """Name, version, signals, modalities, languages, cost."""

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        """One answer for each part, in order. May raise: then every part is *unknown* with reason ``error``."""
