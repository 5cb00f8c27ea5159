"""A detector's share of a request: the parts that it is asked about, and those it refuses at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeGuard

from seawall.detect.answers import ask
from seawall.detect.asks import Ask
from seawall.detect.bands import bands_of
from seawall.detect.gating import Gate
from seawall.detect.lane import Lane
from seawall.detect.pending import Pending
from seawall.model.content import Part
from seawall.model.signals import Detector, DetectorSpec, Unknown, UnknownReason


@dataclass(frozen=True, slots=True)
class Step:
    """One detector's share of a request."""

    detector: Detector
    asked: Ask
    refused: Ask | None  # parts in a language it does not know: answered already

    @property
    def asks(self) -> tuple[Ask, ...]:
        """Both."""
        return (self.asked,) if self.refused is None else (self.asked, self.refused)


class Composing(Detector, Protocol):
    """A detector that reads several parts of an item together."""

    def compose(self, parts: Sequence[Part]) -> Sequence[Part]:
        """Given all parts that there are so far, the parts made of these (each with the path of one of them) that it
        wants to be asked about. A pure function."""


def composes(detector: Detector) -> TypeGuard[Composing]:
    """Whether it reads parts together."""
    return hasattr(detector, "compose")  # not isinstance: this is on every request's way


def step(detector: Detector, spec: DetectorSpec, parts: Sequence[Part]) -> Step:
    """The parts of a request that fit the detector; of one that reads them together, what it composes of them."""
    return share(detector, spec, detector.compose(parts) if composes(detector) else parts)


def share(detector: Detector, spec: DetectorSpec, offered: Sequence[Part], *, again: bool = False) -> Step:
    """The offered parts that fit. ``again``: the answers replace those of an earlier ask about the same paths."""
    fitting = [part for part in offered if part.modality in spec.modalities]
    languages = spec.languages
    if languages is None:
        return Step(detector, Ask(spec.name, fitting, again=again), None)
    asked = [part for part in fitting if part.language is None or part.language in languages]
    refused = [part for part in fitting if part.language is not None and part.language not in languages]
    answers = [
        Unknown(detector=spec.name, part=part.path, reason=UnknownReason.LANGUAGE, detail=part.language or "")
        for part in refused
    ]
    known = Ask(spec.name, refused, answers, again=again) if refused else None
    return Step(detector, Ask(spec.name, asked, again=again), known)


def ask_all(pending: Pending, steps: Sequence[Step], lanes: Mapping[str, Lane]) -> None:
    """Have the lanes answer, and answer inline what has no lane.

    A detector with bands is held back until those whose signals it waits for have answered.
    """
    pending.add_all(asked for each in steps for asked in each.asks)
    ready = [each for each in steps if not bands_of(each.detector)]
    gate = Gate(pending, steps, lanes) if len(ready) < len(steps) else None
    for each in ready:
        lane = lanes.get(each.asked.detector)
        if lane is not None and each.asked.parts:
            lane.submit(pending, each.asked)
    for each in ready:  # while the lanes work
        if each.asked.parts and each.asked.detector not in lanes:
            pending.settle(each.asked, 0, ask(each.detector, each.asked.parts))
    if gate is not None:
        gate.advance()  # for those whose gates had nothing to answer
