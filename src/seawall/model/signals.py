"""Signals, unknown values, and the interfaces and declarations of detectors, extractors and hashers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol, TypeAlias

from seawall.model.content import Modality, Part, Span


class SignalKind(StrEnum):
    """The scale of a signal's value."""

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
class CalibrationPoint:
    """One row of a calibration table: bounds of the rates at a threshold, each one-sided with 95 %.

    ``…_of_both`` hold together with 95 % (each with 97.5 %, after Bonferroni): precision follows from both rates.
    """

    threshold: float
    recall_lower: float
    fpr_upper: float
    recall_lower_of_both: float
    fpr_upper_of_both: float
    precision_lower: float | None = None  # only of rows that were drawn from real traffic with known probabilities


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationTable:
    """What the calibration split shows of a signal: ``at_precision`` and ``at_recall`` are resolved from it.

    ``language``: the rows are parts in this language only (ISO 639-1); None: all rows.
    """

    points: tuple[CalibrationPoint, ...]  # thresholds ascending
    positives: int  # harmful rows
    negatives: int  # harmless ones
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalSpec:
    """A signal that a detector declares."""

    name: str
    kind: SignalKind
    harm: str | None = None
    description: str = ""
    operating_points: tuple[OperatingPoint, ...] = ()  # thresholds ascending; empty: ``at_fpr`` is rejected
    calibration: tuple[CalibrationTable, ...] = ()  # of all rows, and by language; empty: only ``at_fpr`` is resolved


class Cost(StrEnum):
    """The cost of calling a detector."""

    INLINE = "inline"  # microseconds, linear in the input, never blocks: runs in the caller's thread
    CPU = "cpu"  # milliseconds of one core
    SLOW = "slow"  # seconds, or a network call: in a synchronous budget only if named there


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorSpec:
    """A detector's declaration. It is part of the bundle's hash."""

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
    distance: int | None = None  # of a bank match: distance between entry and part


class UnknownReason(StrEnum):
    """Why a detector gave no answer."""

    DEADLINE = "deadline"
    ERROR = "error"
    OVERLOADED = "overloaded"
    LANGUAGE = "language"  # it does not support the part's language
    UNREADABLE = "unreadable"  # the media could not be decoded within its limits
    LATER = "later"  # left to a later stage
    UNCOUNTED = "uncounted"  # counters have not read the history that they need
    STALE = "stale"  # an account's attribute that is older than its content type allows
    NOT_CONFIGURED = "not_configured"  # nothing that could answer is set up here
    NOT_PERMITTED = "not_permitted"  # no legal ground here: it was not asked, and is not asked again


LASTING: Final = frozenset(
    {UnknownReason.UNREADABLE, UnknownReason.LANGUAGE, UnknownReason.STALE, UnknownReason.NOT_CONFIGURED}
)
"""Reasons that asking again does not change: a file that nobody can open, a language that nobody reads, what the
platform sent with the item when it was too old already, and what only a judge can say where none is configured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A detector's missing answer about one part: all its signals are unknown there."""

    detector: str
    part: str
    reason: UnknownReason
    detail: str = ""  # for engineers; contains no content


@dataclass(frozen=True, slots=True, kw_only=True)
class PartHash:
    """A fingerprint of a part, stored so that later bank entries can be matched with it. Personal: vault only.

    ``kind``: ``pdq`` (32 bytes), ``chromaprint`` (little-endian uint32 items), ``sha256``, ``sha1``, ``md5``, or the
    name of a hasher.
    """

    kind: str
    value: bytes
    part: str
    span: Span | None = None  # where in the part


Thresholds: TypeAlias = Mapping[str, float]
"""By signal, the lowest value that somebody tells apart; a signal that is not there is not looked at."""
DetectorResult: TypeAlias = tuple[Signal | PartHash, ...] | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractorSpec:
    """An extractor's declaration: the parts it reads, the parts it makes from them, the signals it measures."""

    name: str
    version: str
    modalities: frozenset[Modality]
    gives: frozenset[Modality]
    makes: str  # path step of the parts it makes: ``words`` in ``cover>words.0``
    signals: tuple[SignalSpec, ...] = ()
    cost: Cost = Cost.CPU
    scripts: tuple[str, ...] = ()  # that it reads, by their Unicode names; empty: does not matter


@dataclass(frozen=True, slots=True)
class ExtractionGap:
    """Something in a part that its extractor could not read: unknown, with a reason ``code``.

    ``unless``: another extractor that reads it from this one's output, where the part's field requests that one.
    ``inside``: the step of the derived part in which it is (``file.0``: a file in a document); empty: the part itself.
    ``reason``: a lasting one, such as ``language`` of a script that the extractor does not read, or ``deadline``: it
    goes on there when it is asked again. Raises ``ValueError`` when it is none.
    """

    code: str
    unless: str = ""
    inside: str = ""
    reason: UnknownReason = UnknownReason.UNREADABLE

    def __post_init__(self) -> None:
        if self.reason not in LASTING and self.reason is not UnknownReason.DEADLINE:
            raise ValueError("a gap is of a lasting reason, or of a deadline")


@dataclass(frozen=True, slots=True)
class ExtractedParts:
    """An extractor's result for one part: derived parts with this ``parent``, signals about it, and gaps."""

    parts: tuple[Part, ...] = ()
    signals: tuple[Signal, ...] = ()
    gaps: tuple[ExtractionGap, ...] = ()


class Extractor(Protocol):
    """Makes parts from parts: the words in an image, the frames of a video, the speech in an audio file.

    Parts it does not return are *unknown* to every detector that would have read them.
    """

    @property
    def spec(self) -> ExtractorSpec:
        """Name, version, inputs, outputs, cost."""

    def extract(self, parts: Sequence[Part]) -> Sequence[ExtractedParts | Unknown]:
        """One result per part, in order. May raise: then every part is *unknown* with reason ``error``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HasherSpec:
    """A hasher's declaration.

    ``name`` begins with the modality (``image-wavelet``) and is the kind of the bank entries that hold its hashes, so
    that an entry without its hasher still shows its modality. Banks keep hashes: if new ones cannot be compared with
    earlier ones, choose another name; ``version`` covers all other changes.
    """

    name: str
    version: str
    modality: Modality  # text, image, audio or video; video frames are images
    bits: int  # of every hash: whole bytes
    radius: int  # bits in which hashes of the same content usually differ at most
    description: str = ""
    cost: Cost = Cost.CPU


class Hasher(Protocol):
    """Computes a hash of fixed length per part: similar parts have hashes that differ in few bits."""

    @property
    def spec(self) -> HasherSpec:
        """Name, version, modality, length, usual radius, cost."""

    def hash(self, parts: Sequence[Part]) -> Sequence[bytes | Unknown | None]:
        """One hash per part, in order. None: the part has too little content to identify it (a flat image, silence).

        May raise: then every part is *unknown* with reason ``error``.
        """


class Detector(Protocol):
    """Interface of all detectors, built-in or plug-in.

    Signals of value 0 may be omitted: a declared signal without a value on an answered part is 0.

    A detector may also have ``detect_above(parts, thresholds)``: as ``detect``, for a caller to whom values of a signal
    below its threshold are all the same (see ``Thresholds``), so that it may spare what makes them exact.
    """

    @property
    def spec(self) -> DetectorSpec:
        """Name, version, signals, modalities, languages, cost."""

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        """One answer per part, in order. May raise: then every part is *unknown* with reason ``error``."""
