"""What is derived from an item's parts: who is asked about which part, what comes of it, what stays unknown."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final, TypeAlias

from seawall.content.links import add_link_parts
from seawall.detect.remembered import Memory, Recorder
from seawall.model.content import MEDIA_MODALITIES, Modality, Part
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

MOST_MEDIA: Final = 400  # images, audio files, videos and documents of one item, derived ones included
MOST_TEXTS: Final = 2_000  # texts and links of one item
NOT_INSTALLED: Final = "not installed"
DEEPEST: Final = 4  # extractions in a row: video, frame, words
TRANSCRIPT: Final = "transcript"
VOICE: Final = "voice"
SPEECH: Final = "speech_seconds"
UNCHECKED: Final = SignalSpec(
    name="speech_unchecked",
    kind=SignalKind.COUNT,
    description="Seconds of speech that nobody read, as the field allows",
)
Wishes: TypeAlias = Mapping[str, Collection[str]]
"""By field, the names of the extractors wanted for its media."""


def _absent(
    name: str, reads: Modality, gives: set[Modality], makes: str, cost: Cost, *signals: SignalSpec
) -> ExtractorSpec:
    return ExtractorSpec(
        name=name,
        version="absent",
        modalities=frozenset({reads}),
        gives=frozenset(gives),
        makes=makes,
        signals=signals,
        cost=cost,
    )


ABSENT: Final[Mapping[str, ExtractorSpec]] = {
    spec.name: spec
    for spec in (
        _absent("words", Modality.IMAGE, {Modality.TEXT}, "words", Cost.SLOW),
        _absent("codes", Modality.IMAGE, {Modality.TEXT, Modality.LINK}, "code", Cost.CPU),
        _absent("animation", Modality.IMAGE, {Modality.IMAGE}, "frame", Cost.CPU),
        _absent("document", Modality.DOCUMENT, {Modality.TEXT, Modality.LINK, Modality.IMAGE}, "page", Cost.CPU),
        _absent("frames", Modality.VIDEO, {Modality.IMAGE, Modality.AUDIO}, "frame", Cost.SLOW),
        _absent(
            VOICE,
            Modality.AUDIO,
            {Modality.AUDIO},
            "speech",
            Cost.SLOW,
            SignalSpec(name=SPEECH, kind=SignalKind.COUNT, description="Seconds of speech"),
        ),
        _absent(TRANSCRIPT, Modality.AUDIO, {Modality.TEXT}, "transcript", Cost.SLOW),
    )
}
"""The standard extractors as they stand in for themselves where they are not installed: what they would have given is
unknown to whoever would have read it."""


def is_media(parts: Iterable[Part]) -> bool:
    """Whether there is anything to derive from."""
    return any(part.modality in MEDIA_MODALITIES for part in parts)


class Reach:
    """Who would have read what an extractor did not give.

    ``wishes``: the extractors wanted for each field. ``readers``: the detectors that are wanted.
    """

    def __init__(self, specs: Mapping[str, ExtractorSpec], wishes: Wishes, readers: Sequence[DetectorSpec]) -> None:
        self._specs = specs
        self._wishes = wishes
        self._readers = readers

    def lost(self, extractor: str, part: Part, reason: UnknownReason, detail: str) -> list[Unknown]:
        """The unknowns that follow when an extractor gives nothing about a part: its own signals', and its readers'."""
        spec = self._specs[extractor]
        own = Unknown(detector=extractor, part=part.path, reason=reason, detail=detail)
        place, why = f"{part.path}>{spec.makes}", f"{extractor}: {detail or reason}"
        reached = self._modalities(spec, part)
        return [own] + [
            Unknown(detector=reader.name, part=place, reason=reason, detail=why)
            for reader in self._readers
            if reader.modalities & reached
        ]

    def _modalities(self, spec: ExtractorSpec, part: Part) -> set[Modality]:
        """What would have come of the part, by way of other extractors too."""
        wished = [self._specs[name] for name in self._wishes.get(part.field, ())]
        reached: set[Modality] = set()
        to_follow = set(spec.gives)
        if part.modality is Modality.AUDIO:  # a stretch of an audio file has been heard with the whole
            to_follow.discard(Modality.AUDIO)
        while to_follow:
            modality = to_follow.pop()
            reached.add(modality)
            further = {Modality.LINK} if modality is Modality.TEXT else set()
            for other in wished:
                if modality in other.modalities:
                    further |= other.gives - {modality}
            to_follow |= further - reached
        return reached


class Growth:
    """One item's parts as they come to be. Several threads may hand over what their extractors made.

    ``unchecked``: fields whose speech need not be read where there is no transcriber; its seconds are a signal.
    ``memory``: what extractors gave in earlier looks. ``made``: what they gave in this one, as far as it lasts.
    """

    def __init__(
        self,
        installed: Mapping[str, ExtractorSpec],
        wishes: Wishes,
        readers: Sequence[DetectorSpec],
        unchecked: Collection[str],
        memory: Memory = MappingProxyType({}),
    ) -> None:
        self.parts: list[Part] = []
        self._memory = Recorder(memory)
        self.made = self._memory.made
        self._installed = installed
        self._wishes = wishes
        self._unchecked = unchecked
        specs = {**ABSENT, **installed}
        strangers = {name for names in wishes.values() for name in names} - specs.keys()
        if strangers:
            raise ValueError(f"no extractor is named {', '.join(sorted(strangers))}; there are: {', '.join(specs)}")
        self._reach = Reach(specs, wishes, readers)
        self._modalities: dict[str, Modality] = {}  # by path
        self._makers: dict[str, str] = {}  # by path: the extractor
        self._media = self._texts = 0
        self._lock = threading.Lock()

    def begin(self, parts: Sequence[Part]) -> list[Part]:
        """The item's own parts; however many there are, all of them are looked at."""
        return self._keep(parts)

    def readers_of(self, parts: Sequence[Part]) -> dict[str, list[Part]]:
        """Which installed extractors to ask about which of these parts."""
        asked: dict[str, list[Part]] = {}
        for part in parts:
            for name in self._wished(part):
                spec = self._installed.get(name)
                if spec is not None and part.modality in spec.modalities:
                    asked.setdefault(name, []).append(part)
        return asked

    def recall(self, extractor: str, part: Part) -> ExtractedParts | None:
        """What this version of the extractor gave about the same content in an earlier look."""
        return self._memory.recall(self._installed[extractor], part)

    def without(self, parts: Sequence[Part]) -> list[Unknown]:
        """What stays unknown about these parts because a wanted extractor is not installed."""
        unknown: list[Unknown] = []
        for part in parts:
            for name in self._wished(part):
                if name not in self._installed and part.modality in ABSENT[name].modalities:
                    if name == TRANSCRIPT:
                        if not self._heard_first(part):
                            unknown += self._unread(part, UnknownReason.ERROR, NOT_INSTALLED)
                        continue  # else it shows when it is known whether anybody speaks
                    unknown += self.lost(name, part, UnknownReason.ERROR, NOT_INSTALLED)
        return unknown

    def lost(self, extractor: str, part: Part, reason: UnknownReason, detail: str = "") -> list[Unknown]:
        """The unknowns that follow when an extractor does not answer about a part."""
        unknown = self._reach.lost(extractor, part, reason, detail)
        if extractor == VOICE and self._heard_first(part):
            unknown += self._unread(part, reason, f"{VOICE}: {detail or reason}")
        return unknown

    def take(
        self, extractor: str, part: Part, derived: ExtractedParts, *, reused: bool = False
    ) -> tuple[list[Part], list[Signal | Unknown]]:
        """The new parts to ask about, and what is known and unknown because of them."""
        notes: list[Signal | Unknown] = list(derived.signals)
        if extractor == VOICE and self._heard_first(part):
            notes += self._unread_speech(part, derived.signals)
        given = [replace(each, language=part.language) if each.language is None else each for each in derived.parts]
        found = add_link_parts(given)
        kept = self._keep(found, bounded=True, maker=extractor)
        for gap in derived.gaps:  # made again in every look
            if not gap.unless or gap.unless not in self._wishes.get(part.field, ()):
                notes += self.lost(extractor, part, UnknownReason.UNREADABLE, gap.code)
        if len(kept) < len(found):
            notes += self.lost(extractor, part, UnknownReason.OVERLOADED, "too many parts")
        elif not derived.gaps:
            self._memory.note(self._installed[extractor], part, derived, reused)
        return kept, notes

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
            self.parts += kept
        return kept

    def _wished(self, part: Part) -> Collection[str]:
        """The extractors wanted for a part: not the one that made it, and none for a stretch of an audio file, which is
        heard with the whole."""
        wished = self._wishes.get(part.field, ())
        if part.parent is None:
            return wished
        if part.path.count(">") >= DEEPEST:
            return ()
        if part.modality is Modality.AUDIO and self._modalities.get(part.parent) is Modality.AUDIO:
            return ()
        return [name for name in wished if name != self._makers.get(part.path)]

    def _heard_first(self, part: Part) -> bool:
        """Whether speech is looked for and cannot be read: then silence leaves nothing unread."""
        wished = self._wishes.get(part.field, ())
        heard = VOICE in wished and VOICE in self._installed
        return heard and TRANSCRIPT in wished and TRANSCRIPT not in self._installed

    def _unread_speech(self, part: Part, signals: Sequence[Signal]) -> list[Signal | Unknown]:
        seconds = sum(signal.value for signal in signals if signal.name == SPEECH)
        if not seconds:
            return []
        if part.field not in self._unchecked:
            return [*self._unread(part, UnknownReason.ERROR, NOT_INSTALLED)]
        absent = ABSENT[TRANSCRIPT]
        return [
            Signal(name=UNCHECKED.name, value=seconds, part=part.path, detector=absent.name, version=absent.version)
        ]

    def _unread(self, part: Part, reason: UnknownReason, detail: str) -> list[Unknown]:
        """Speech that nobody reads: unknown to all who read texts; where the field allows it, only its length is."""
        unknown = self._reach.lost(TRANSCRIPT, part, reason, detail)
        return unknown[:1] if part.field in self._unchecked else unknown


def as_detectors(installed: Mapping[str, ExtractorSpec]) -> tuple[DetectorSpec, ...]:
    """The extractors, installed and standard ones, as a bundle knows them: by name, version, and promised signals."""
    specs = {**ABSENT, **installed}
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
    wishes: Wishes,
    later: Wishes,
    unchecked: Collection[str],
    reason: UnknownReason,
) -> tuple[Unknown, ...]:
    """What is unknown about ``parts`` because the extractors of ``later`` are not asked (yet)."""
    specs = {**ABSENT, **installed}
    reach = Reach(specs, wishes, readers)
    modalities = {part.path: part.modality for part in parts}
    return tuple(
        unknown
        for part in parts
        if not (part.modality is Modality.AUDIO and modalities.get(part.parent or "") is Modality.AUDIO)
        for name in later.get(part.field, ())
        if part.modality in specs[name].modalities
        and not (name == TRANSCRIPT and part.field in unchecked and TRANSCRIPT not in installed)
        for unknown in reach.lost(name, part, reason, "")
    )
