"""Plug-in hashers as detectors: their hashes compared with the banks; *unknown* where a hasher is not enabled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seawall.detect.hasher_checks import hash_fault, spec_faults
from seawall.detectors.banks import BankDetector, BankFollowingDetector, bank_spec, to_signals
from seawall.match import BankMatcher, EntryError, Hashers
from seawall.match.entries import HASHED, hashed_modality
from seawall.model.content import Part
from seawall.model.signals import (
    Cost,
    DetectorResult,
    DetectorSpec,
    Hasher,
    PartHash,
    Unknown,
    UnknownReason,
)


@dataclass(frozen=True, slots=True)
class InstalledHashers:
    """The hashers of plug-ins, by name: further kinds of bank entries."""

    by_name: Mapping[str, Hasher]

    @property
    def kinds(self) -> Hashers:
        """The kinds of bank entries that they add."""
        return {name: hasher.spec for name, hasher in self.by_name.items()}


class HashDetector:
    """A hasher as a detector: finds bank entries of its kind, and returns its hashes for matching with later entries.

    Unreadable parts are *unknown* as soon as a bank has entries of this kind. Raises ``ValueError`` for a hasher with
    an invalid spec.
    """

    def __init__(self, banks: BankDetector, hasher: Hasher) -> None:
        spec = hasher.spec
        if faults := list(spec_faults(spec)):
            raise ValueError(f"the hasher {spec.name!r}: {'; '.join(faults)}")
        self._banks = banks
        self._hasher = hasher
        self._spec = spec

        def describe(matcher: BankMatcher) -> DetectorSpec:
            return bank_spec(spec.name, spec.version, matcher, {spec.modality}, spec.cost)

        self._following = BankFollowingDetector(banks, describe)

    @property
    def spec(self) -> DetectorSpec:
        """Declares a signal per bank, under the hasher's name."""
        return self._following.spec

    def start(self) -> None:
        """Start the hasher, if it has a ``start``."""
        getattr(self._hasher, "start", _nothing)()

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        """One answer per part. Raises what the hasher raises, and ``ValueError`` for a wrong number of hashes."""
        matcher = self._banks.matcher
        made = self._hasher.hash(parts)
        return [self._answer(matcher, part, value) for part, value in zip(parts, made, strict=True)]

    def close(self) -> None:
        """Close the hasher, if it has a ``close``."""
        getattr(self._hasher, "close", _nothing)()

    def _answer(self, matcher: BankMatcher, part: Part, made: bytes | Unknown | None) -> DetectorResult:
        name = self._spec.name
        if made is None or (isinstance(made, Unknown) and not matcher.has(name)):  # nothing could match
            return ()
        if isinstance(made, Unknown):
            return made
        if fault := hash_fault(self._spec, made):
            return Unknown(detector=name, part=part.path, reason=UnknownReason.ERROR, detail=fault)
        hits = matcher.match_hash(name, made)
        return (
            *to_signals(matcher, hits, part, name),
            PartHash(kind=name, value=made, part=part.path, span=part.span),
        )


class AbsentHashers:
    """Reports *unknown* for parts that entries should be compared with, but whose hasher is not enabled here."""

    def __init__(self, banks: BankDetector) -> None:
        self._banks = banks
        self._following = BankFollowingDetector(banks, _absent_spec)

    @property
    def spec(self) -> DetectorSpec:
        """Declares a signal per bank."""
        return self._following.spec

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        """Nothing about a part, or *unknown* with the missing plug-in."""
        stranded = self._banks.matcher.stranded()
        if not stranded:
            return [()] * len(parts)
        missing = {hashed_modality(kind): kind for kind in sorted(stranded)}
        return [self._answer(part, missing.get(part.modality)) for part in parts]

    def _answer(self, part: Part, kind: str | None) -> DetectorResult:
        if kind is None:
            return ()
        return Unknown(detector=self.spec.name, part=part.path, reason=UnknownReason.ERROR, detail=absence(kind))


def absence(kind: str) -> str:
    """Why entries of a kind match nothing, and the remedy."""
    return f"no hasher {kind} with hashes of this length is enabled: enable its plug-in, or suspend its entries"


def hash_file(hasher: Hasher, data: bytes) -> str:
    """The value of an entry for an image, audio, video or text (UTF-8). Raises ``EntryError``."""
    spec = hasher.spec
    text = data.decode("utf-8", "replace") if spec.modality == "text" else None
    part = Part(path="file", modality=spec.modality, field="file", text=text, data=None if text is not None else data)
    try:
        [made] = hasher.hash((part,))
    except Exception as error:
        raise EntryError(f"{spec.name} failed: {type(error).__name__}") from error
    if isinstance(made, Unknown):
        raise EntryError(f"{spec.name} cannot read this: {made.detail or made.reason}")
    if made is None:
        raise EntryError(f"{spec.name} finds too little detail in this to match it")
    if fault := hash_fault(spec, made):
        raise EntryError(f"{spec.name} returned {fault}")
    return made.hex()


def _absent_spec(matcher: BankMatcher) -> DetectorSpec:
    return bank_spec("absent-hashers", "1", matcher, HASHED, Cost.INLINE)


def _nothing() -> None:
    return None
