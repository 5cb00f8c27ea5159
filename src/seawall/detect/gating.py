"""Holding dear detectors back until the cheap ones have spoken: how the runner keeps bands."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from seawall.detect.answers import ask
from seawall.detect.asks import Ask
from seawall.detect.bands import Band, bands_of, choose, gates, measured, rounds
from seawall.detect.lane import Lane
from seawall.detect.pending import Pending
from seawall.model.content import Part
from seawall.model.signals import Detector, DetectorSpec

Asked: TypeAlias = tuple[Detector, DetectorSpec]

if TYPE_CHECKING:
    from seawall.detect.steps import Step


class Gate:
    """The held-back detectors of one look at some parts. Answers come from several threads.

    Each held-back detector has an ask about all its parts from the start, so that what the deadline cuts off is
    *unknown*. When its gates have answered, that ask is settled and another one, about the chosen parts, takes over.
    """

    def __init__(self, pending: Pending, steps: Sequence[Step], lanes: Mapping[str, Lane]) -> None:
        self._pending = pending
        self._lanes = lanes
        self._lock = threading.Lock()
        self._specs = {each.asked.detector: each.detector.spec for each in steps}
        self._asks = {each.asked.detector: list(each.asks) for each in steps}
        self._held = {each.asked.detector: (each, bands) for each in steps if (bands := bands_of(each.detector))}
        for each in steps:
            each.asked.then = self.advance

    def advance(self) -> None:
        """Ask whoever has waited long enough. Called whenever a detector has answered about all its parts."""
        with self._lock:
            ready = [name for name, (_, bands) in self._held.items() if self._open(name, bands)]
            held = [self._held.pop(name) for name in ready]
            turns = [(step, self._choose(step, bands)) for step, bands in held]
        for step, asked in turns:
            self._ask(step, asked)

    def _open(self, name: str, bands: Sequence[Band]) -> bool:
        waits_for = gates(bands, self._specs.values())
        return not any(gate in self._held or _unanswered(self._asks[gate]) for gate in waits_for if gate != name)

    def _choose(self, step: Step, bands: Sequence[Band]) -> Ask:
        named = gates(bands, self._specs.values())
        asks = [(self._specs[gate], each) for gate in named for each in self._asks[gate]]
        chosen, skipped = choose(bands, step.asked.parts, measured(_answers(asks)))
        asked = Ask(step.asked.detector, chosen, again=step.asked.again)
        asked.skipped = skipped
        asked.then = self.advance
        self._asks[asked.detector] = [asked, *step.asks[1:]]
        return asked

    def _ask(self, step: Step, asked: Ask) -> None:
        self._pending.add(asked)
        lane = self._lanes.get(asked.detector)
        if asked.parts and lane is not None:
            lane.submit(self._pending, asked)
        elif asked.parts:
            self._pending.settle(asked, 0, ask(step.detector, asked.parts))
        self._pending.settle(step.asked, 0, [()] * len(step.asked.parts))  # from here on the other ask counts


def in_turn(found: Sequence[Asked], offered: Sequence[Asked], bands: Mapping[str, tuple[Band, ...]]) -> list[Asked]:
    """These detectors and those they wait for, in an order in which each comes after those it waits for.

    Raises BandError.
    """
    turns = rounds([spec for _, spec in offered], bands, [spec.name for _, spec in found])
    place = {name: number for number, turn in enumerate(turns) for name in turn}
    return sorted((pair for pair in offered if pair[1].name in place), key=lambda pair: place[pair[1].name])


def narrow(step: Step, earlier: Iterable[Step]) -> None:
    """Leave a held-back detector the parts to ask about, given what earlier ones have answered about the item."""
    bands = bands_of(step.detector)
    if not bands:
        return
    steps = list(earlier)
    named = gates(bands, [each.detector.spec for each in steps])
    asks = [(each.detector.spec, one) for each in steps if each.asked.detector in named for one in each.asks]
    parts, step.asked.skipped = choose(bands, step.asked.parts, measured(_answers(asks)))
    step.asked.parts, step.asked.answers = parts, [None] * len(parts)


def _unanswered(asks: Sequence[Ask]) -> bool:
    return any(None in each.answers for each in asks)


def _answers(asks: Iterable[tuple[DetectorSpec, Ask]]) -> Iterator[tuple[DetectorSpec, Part, object]]:
    """What was answered. A part about which a detector was not asked counts as answered with nothing found."""
    for spec, each in asks:
        for part in each.skipped:
            yield spec, part, ()
        for part, answer in zip(each.parts, each.answers, strict=True):
            yield spec, part, answer
