"""A request whose parts give further parts: as each deriver answers, what it made is asked about in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from seawall.detect.answers import ask_deriver
from seawall.detect.deriving import Growth
from seawall.detect.lane import Lane
from seawall.detect.pending import Ask, Derivation, Pending
from seawall.detect.steps import ask_all, step
from seawall.model.content import Modality, Part
from seawall.model.signals import Derived, Deriver, Detector, DetectorSpec, Signal, Unknown


class Branching:
    """One such request. ``grow`` runs in the thread of the deriver that answered."""

    def __init__(
        self,
        pending: Pending,
        growth: Growth,
        detectors: Sequence[tuple[Detector, DetectorSpec]],
        derivers: Mapping[str, Deriver],
        lanes: Mapping[str, Lane],
    ) -> None:
        self._pending = pending
        self._growth = growth
        self._detectors = detectors
        self._derivers = derivers
        self._lanes = lanes

    def look(self, parts: Sequence[Part]) -> None:
        """Ask whoever fits about parts that are new."""
        self._note(self._growth.without(parts))
        asks = [
            Derivation(name, fitting, partial(self._grow, name), partial(self._growth.lost, name))
            for name, fitting in self._growth.readers_of(parts).items()
        ]
        for asked in asks:
            self._pending.add(asked)
        for asked in asks:  # before the detectors: theirs is the longer way
            lane = self._lanes.get(asked.detector)
            if lane is not None:
                lane.submit(self._pending, asked)
        ask_all(self._pending, [step(detector, spec, parts) for detector, spec in self._detectors], self._lanes)
        for asked in asks:
            if asked.detector not in self._lanes:
                self._pending.settle(asked, 0, ask_deriver(self._derivers[asked.detector], asked.parts))

    def _grow(self, deriver: str, part: Part, derived: Derived) -> None:
        parts, notes = self._growth.take(deriver, part, derived)
        self._note(notes)
        self.look(parts)

    def _note(self, notes: Sequence[Signal | Unknown]) -> None:
        """What is known without asking: settled before it is added."""
        for note in notes:
            answer = note if isinstance(note, Unknown) else (note,)
            place = Part(path=note.part, modality=Modality.TEXT, field="")
            self._pending.add(Ask(note.detector, (place,), (answer,)))
