"""A request whose parts give further parts: as each extractor answers, what it made is asked about in turn."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import partial

from seawall.detect.answers import ask_extractor
from seawall.detect.asks import Ask, Derivation
from seawall.detect.deriving import Growth
from seawall.detect.lane import Lane
from seawall.detect.pending import Pending
from seawall.detect.steps import Step, ask_all, composes, step
from seawall.detect.together import Together
from seawall.model.content import Modality, Part
from seawall.model.signals import Detector, DetectorSpec, ExtractedParts, Extractor, Signal, Unknown


class Branching:
    """One such request. What an extractor made is asked about in the thread of that extractor.

    Detectors that read an item's parts together are asked at once, and again after the last extractor has answered, if
    that left them more to read.
    """

    def __init__(
        self,
        pending: Pending,
        growth: Growth,
        detectors: Sequence[tuple[Detector, DetectorSpec]],
        extractors: Mapping[str, Extractor],
        lanes: Mapping[str, Lane],
    ) -> None:
        self._pending = pending
        self._growth = growth
        self._detectors = [pair for pair in detectors if not composes(pair[0])]
        self._together = Together(detectors)
        self._extractors = extractors
        self._lanes = lanes
        self._extractions: list[Derivation] = []
        self._has_read_all = False
        self._lock = threading.Lock()

    def begin(self, parts: Sequence[Part]) -> None:
        """Ask whoever fits about the item's own parts."""
        own = self._growth.begin(parts)
        self._look(own, self._together.first(own))

    def _look(self, parts: Sequence[Part], together: Sequence[Step] = ()) -> None:
        """Ask whoever fits about parts that are new."""
        self._note(self._growth.without(parts))
        asks, remembered = self._wanted(parts)
        with self._lock:
            self._extractions += asks
        self._pending.add_all(asks)
        for asked in asks:  # before the detectors: theirs is the longer way
            lane = self._lanes.get(asked.detector)
            if lane is not None and asked not in remembered:
                lane.submit(self._pending, asked)
        steps = [step(detector, spec, parts) for detector, spec in self._detectors]
        ask_all(self._pending, [*steps, *together], self._lanes)
        for asked in asks:
            if asked in remembered:
                self._pending.settle(asked, 0, remembered[asked])
            elif asked.detector not in self._lanes:
                self._pending.settle(asked, 0, ask_extractor(self._extractors[asked.detector], asked.parts))

    def _wanted(self, parts: Sequence[Part]) -> tuple[list[Derivation], dict[Derivation, list[ExtractedParts]]]:
        """Whom to ask about which parts; and what some gave in an earlier look, who are not asked."""
        asks: list[Derivation] = []
        remembered: dict[Derivation, list[ExtractedParts]] = {}
        for name, fitting in self._growth.readers_of(parts).items():
            known = {part.path: made for part in fitting if (made := self._growth.recall(name, part)) is not None}
            again = [part for part in fitting if part.path in known]
            if again:
                asks.append(self._extraction(name, again, reused=True))
                remembered[asks[-1]] = [known[part.path] for part in again]
            fresh = [part for part in fitting if part.path not in known]
            if fresh:
                asks.append(self._extraction(name, fresh))
        return asks, remembered

    def _extraction(self, name: str, parts: Sequence[Part], *, reused: bool = False) -> Derivation:
        grow = partial(self._grow, name, reused=reused)
        asked = Derivation(name, parts, grow, partial(self._growth.lost, name))
        asked.then = self._read_together
        return asked

    def _grow(self, extractor: str, part: Part, derived: ExtractedParts, *, reused: bool) -> None:
        parts, notes = self._growth.take(extractor, part, derived, reused=reused)
        self._note(notes)
        self._look(parts)

    def _read_together(self) -> None:
        """After the last extractor's answer: whatever it is, nothing more will come."""
        with self._lock:
            if self._has_read_all or any(None in asked.answers for asked in self._extractions):
                return
            self._has_read_all = True
        ask_all(self._pending, self._together.again(self._growth.parts), self._lanes)

    def _note(self, notes: Sequence[Signal | Unknown]) -> None:
        """What is known without asking: settled before it is added."""
        for note in notes:
            answer = note if isinstance(note, Unknown) else (note,)
            place = Part(path=note.part, modality=Modality.TEXT, field="")
            self._pending.add(Ask(note.detector, (place,), (answer,)))
