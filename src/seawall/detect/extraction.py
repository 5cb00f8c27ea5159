"""Extraction of parts from parts: which extractors are called for which part, and what is unknown if they fail."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from seawall.content.languages import language_of
from seawall.content.links import add_link_parts
from seawall.detect.extraction_cache import CachedExtraction, CacheUse, ExtractionCache
from seawall.detect.findings import ExtractorCall
from seawall.model.content import MEDIA_MODALITIES, Modality, Part
from seawall.model.not_permitted import RULE_TEXTS
from seawall.model.signals import (
    Cost,
    DetectorSpec,
    ExtractedParts,
    ExtractorSpec,
    Signal,
    SignalKind,
    SignalSpec,
    Unknown,
    UnknownReason,
)

MOST_MEDIA: Final = 400  # images, audio, videos and documents of one item, extracted ones included
MOST_TEXTS: Final = 2_000  # texts and links of one item
NOT_INSTALLED: Final = "not installed"
DEEPEST: Final = 4  # extractions in a row: video, frame, text
TRANSCRIPT: Final = "transcript"
VOICE: Final = "voice"
SPEECH: Final = "speech_seconds"
UNCHECKED: Final = SignalSpec(
    name="speech_unchecked",
    kind=SignalKind.COUNT,
    description="Seconds of unread speech, as the field allows",
)
ExtractorsByField: TypeAlias = Mapping[str, Collection[str]]
"""By field, the names of the extractors wanted for its media."""


def _standard(
    name: str,
    reads: Modality,
    gives: set[Modality],
    makes: str,
    cost: Cost,
    *signals: SignalSpec,
    more: Collection[Modality] = (),
) -> ExtractorSpec:
    return ExtractorSpec(
        name=name,
        version="absent",
        modalities=frozenset({reads, *more}),
        gives=frozenset(gives),
        makes=makes,
        signals=signals,
        cost=cost,
    )


STANDARD: Final[Mapping[str, ExtractorSpec]] = {
    spec.name: spec
    for spec in (
        _standard("words", Modality.IMAGE, {Modality.TEXT}, "words", Cost.SLOW),
        _standard("codes", Modality.IMAGE, {Modality.TEXT, Modality.LINK}, "code", Cost.CPU),
        _standard("animation", Modality.IMAGE, {Modality.IMAGE}, "frame", Cost.CPU),
        _standard(
            "metadata",
            Modality.IMAGE,
            {Modality.TEXT, Modality.IMAGE},
            "metadata",
            Cost.CPU,
            more=(Modality.AUDIO, Modality.VIDEO),
        ),
        _standard("document", Modality.DOCUMENT, {Modality.TEXT, Modality.LINK, Modality.IMAGE}, "page", Cost.CPU),
        _standard("frames", Modality.VIDEO, {Modality.IMAGE, Modality.AUDIO}, "frame", Cost.SLOW),
        _standard(
            VOICE,
            Modality.AUDIO,
            {Modality.AUDIO},
            "speech",
            Cost.SLOW,
            SignalSpec(name=SPEECH, kind=SignalKind.COUNT, description="Seconds of speech"),
        ),
        _standard(TRANSCRIPT, Modality.AUDIO, {Modality.TEXT}, "transcript", Cost.SLOW),
    )
}
"""The standard extractors, to report as unknown what they would have given to detectors where they are not installed.
"""


class Extracted(NamedTuple):
    """Result of one extraction: new parts, known and unknown signals that follow from it, and the entry to cache."""

    parts: Sequence[Part] = ()
    notes: Sequence[Signal | Unknown] = ()
    made: CachedExtraction | None = None


RULES: Final = DetectorSpec(
    name=RULE_TEXTS, version="1", signals=(), modalities=frozenset({Modality.TEXT}), cost=Cost.INLINE
)
"""The rules, where they look into all texts of an item: they read what extractors make, as detectors do."""


class Extraction:
    """Extraction for one request. Thread-safe for results of extractors.

    ``wanted``: the extractors wanted for each field. ``readers``: the detectors that are called. ``unchecked``: fields
    whose speech may stay unread without a transcriber; its seconds are then a signal. ``cache``: results of extractors
    in earlier evaluations. Raises ValueError on an unknown extractor.
    """

    def __init__(
        self,
        installed: Mapping[str, ExtractorSpec],
        wanted: ExtractorsByField,
        readers: Sequence[DetectorSpec],
        unchecked: Collection[str],
        cache: ExtractionCache = MappingProxyType({}),
    ) -> None:
        self._installed = installed
        self._specs = {**STANDARD, **installed}
        unheard_of = {name for names in wanted.values() for name in names} - self._specs.keys()
        if unheard_of:
            known = ", ".join(self._specs)
            raise ValueError(f"unknown extractor {', '.join(sorted(unheard_of))}; known: {known}")
        self._wanted = wanted
        self._readers = readers
        self._unchecked = unchecked
        self._cache = CacheUse(cache)
        self._modalities: dict[str, Modality] = {}  # by path
        self._makers: dict[str, str] = {}  # by path: the extractor
        self._media = self._texts = 0
        self._lock = threading.Lock()

    def begin(self, parts: Sequence[Part]) -> None:
        """Add the item's own parts; all are evaluated, regardless of their number."""
        self._keep(parts)

    def plan(self, parts: Sequence[Part]) -> tuple[list[ExtractorCall], list[Unknown]]:
        """Installed extractors to call for these parts; what is unknown because others are not installed."""
        calls: list[ExtractorCall] = []
        unknown: list[Unknown] = []
        for part in parts:
            for name in self._wanted_for(part):
                spec = self._installed.get(name)
                if spec is None:
                    unknown += self._without(name, part)
                elif part.modality in spec.modalities:
                    calls.append(ExtractorCall(name, part, self._cache.recall(spec, part)))
        return calls, unknown

    def lost(self, extractor: str, part: Part, reason: UnknownReason, detail: str = "") -> list[Unknown]:
        """Unknown signals when an extractor does not answer about a part."""
        unknown = self.unread(extractor, part, reason, detail)
        if extractor == VOICE and self._decides_on_speech(part):
            unknown += self._unread_speech(part, reason, f"{VOICE}: {detail or reason}")
        return unknown

    def take(self, call: ExtractorCall, derived: ExtractedParts) -> Extracted:
        """Calls to make next, and known or unknown signals that follow from an extractor's answer."""
        extractor, part = call.extractor, call.part
        notes: list[Signal | Unknown] = list(derived.signals)
        if extractor == VOICE and self._decides_on_speech(part):
            notes += self._speech_notes(part, derived.signals)
        given = [_in_language(each, part.language) for each in derived.parts]
        found = add_link_parts(given)
        kept = self._keep(found, bounded=True, maker=extractor)
        for gap in derived.gaps:
            if not gap.unless or gap.unless not in self._wanted.get(part.field, ()):
                place = replace(part, path=f"{part.path}>{gap.inside}") if gap.inside else part
                notes += self.lost(extractor, place, gap.reason, gap.code)
        made = None
        if len(kept) < len(found):
            notes += self.lost(extractor, part, UnknownReason.OVERLOADED, "too many parts")
        else:
            reused = call.recalled is not None
            made = self._cache.entry(self._installed[extractor], part, derived, reused)
        return Extracted(kept, notes, made)

    def unread(self, extractor: str, part: Part, reason: UnknownReason, detail: str) -> list[Unknown]:
        """Unknown: the extractor's own signals, and those of every detector that would have read its parts."""
        spec = self._specs[extractor]
        own = Unknown(detector=extractor, part=part.path, reason=reason, detail=detail)
        path, why = f"{part.path}>{spec.makes}", f"{extractor}: {detail or reason}"
        wanted = [self._specs[name] for name in self._wanted.get(part.field, ())]
        reached = reached_modalities(spec, wanted, part.modality)
        return [own] + [
            Unknown(detector=reader.name, part=path, reason=reason, detail=why)
            for reader in self._readers
            if reader.modalities & reached
        ]

    def _keep(self, parts: Sequence[Part], *, bounded: bool = False, maker: str = "") -> list[Part]:
        kept = []
        with self._lock:
            for part in parts:
                if part.modality in MEDIA_MODALITIES:
                    if bounded and self._media >= MOST_MEDIA:
                        continue
                    self._media += 1
                else:
                    if bounded and self._texts >= MOST_TEXTS:
                        continue
                    self._texts += 1
                self._modalities[part.path] = part.modality
                self._makers[part.path] = maker
                kept.append(part)
        return kept

    def _wanted_for(self, part: Part) -> Collection[str]:
        """Extractors wanted for a part: not the one that made it, and none for a segment of audio, which is read with
        the whole."""
        wanted = self._wanted.get(part.field, ())
        if part.parent is None:
            return wanted
        if part.path.count(">") >= DEEPEST or is_segment(part, self._modalities):
            return ()
        return [name for name in wanted if name != self._makers.get(part.path)]

    def _without(self, name: str, part: Part) -> list[Unknown]:
        """Unknown signals of a part because a wanted extractor is not installed."""
        if part.modality not in STANDARD[name].modalities:
            return []
        if name != TRANSCRIPT:
            return self.lost(name, part, UnknownReason.ERROR, NOT_INSTALLED)
        if self._decides_on_speech(part):
            return []  # known once the voice detector has answered
        return self._unread_speech(part, UnknownReason.ERROR, NOT_INSTALLED)

    def _decides_on_speech(self, part: Part) -> bool:
        """Whether speech is detected but cannot be transcribed; then silence leaves nothing unread."""
        wanted = self._wanted.get(part.field, ())
        detected = VOICE in wanted and VOICE in self._installed
        return detected and TRANSCRIPT in wanted and TRANSCRIPT not in self._installed

    def _speech_notes(self, part: Part, signals: Sequence[Signal]) -> Sequence[Signal | Unknown]:
        seconds = sum(signal.value for signal in signals if signal.name == SPEECH)
        if not seconds:
            return []
        if part.field not in self._unchecked:
            return self._unread_speech(part, UnknownReason.ERROR, NOT_INSTALLED)
        absent = STANDARD[TRANSCRIPT]
        return [
            Signal(name=UNCHECKED.name, value=seconds, part=part.path, detector=absent.name, version=absent.version)
        ]

    def _unread_speech(self, part: Part, reason: UnknownReason, detail: str) -> list[Unknown]:
        """Unknown to every detector that reads texts; if the field allows it, only the length of the speech is
        reported."""
        unknown = self.unread(TRANSCRIPT, part, reason, detail)
        return unknown[:1] if part.field in self._unchecked else unknown


def reached_modalities(
    spec: ExtractorSpec, wanted: Iterable[ExtractorSpec], modality: Modality | None = None
) -> set[Modality]:
    """Modalities that an extractor makes of a part, also by further extractors. ``modality``: the part's, if known."""
    wanted = tuple(wanted)
    reached: set[Modality] = set()
    to_follow = set(spec.gives)
    if modality is Modality.AUDIO:  # a segment of audio is read with the whole
        to_follow.discard(Modality.AUDIO)
    while to_follow:
        made = to_follow.pop()
        reached.add(made)
        further = {Modality.LINK} if made is Modality.TEXT else set()
        for other in wanted:
            if made in other.modalities:
                further |= other.gives - {made}
        to_follow |= further - reached
    return reached


def is_media(parts: Iterable[Part]) -> bool:
    """Whether any part can be extracted from."""
    return any(part.modality in MEDIA_MODALITIES for part in parts)


def is_segment(part: Part, modalities: Mapping[str, Modality]) -> bool:
    """Whether it is a piece of audio whose whole is among the parts. ``modalities``: of all parts, by path."""
    return part.modality is Modality.AUDIO and modalities.get(part.parent or "") is Modality.AUDIO


def as_detectors(installed: Mapping[str, ExtractorSpec]) -> tuple[DetectorSpec, ...]:
    """Installed and standard extractors as listed in a bundle: name, version, and declared signals."""
    specs = {**STANDARD, **installed}
    specs[TRANSCRIPT] = replace(specs[TRANSCRIPT], signals=(*specs[TRANSCRIPT].signals, UNCHECKED))
    return tuple(
        DetectorSpec(
            name=spec.name, version=spec.version, signals=spec.signals, modalities=spec.modalities, cost=spec.cost
        )
        for spec in specs.values()
    )


def unread(
    parts: Sequence[Part],
    installed: Mapping[str, ExtractorSpec],
    readers: Sequence[DetectorSpec],
    wanted: ExtractorsByField,
    later: ExtractorsByField,
    unchecked: Collection[str],
    reason: UnknownReason,
) -> tuple[Unknown, ...]:
    """Signals of ``parts`` that are unknown because the extractors of ``later`` are not called now."""
    extraction = Extraction(installed, wanted, readers, unchecked)
    specs = {**STANDARD, **installed}
    modalities = {part.path: part.modality for part in parts}
    return tuple(
        unknown
        for part in parts
        if not is_segment(part, modalities)
        for name in later.get(part.field, ())
        if part.modality in specs[name].modalities
        and not (name == TRANSCRIPT and part.field in unchecked and TRANSCRIPT not in installed)
        for unknown in extraction.unread(name, part, reason, "")
    )


def _in_language(made: Part, declared: str | None) -> Part:
    """A made part in the language of its words, where its maker did not tell it."""
    if made.language is not None:
        return made
    return replace(made, language=declared if made.text is None else language_of(made.text, declared))
