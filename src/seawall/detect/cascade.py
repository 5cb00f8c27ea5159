"""Cascades: an expensive detector is called only if a cheap one's score is in a given range.

A detector that declares ``ask_when`` waits until the signals named there are measured. It is then asked about a part
when one of its score ranges contains the value; about other parts it is *skipped*, which is not *unknown*: its signals
are 0 there, and rules rely on the cheap signal. Where the cheap signal is unknown, or was never measured, the expensive
detector is asked.

>>> hate = ScoreRange(signal="hate", low=0.2, high=0.9)
>>> hate.contains(0.5), hate.contains(0.95), hate.contains(None)
(True, False, True)
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import TypeAlias

from seawall.model.content import Part
from seawall.model.signals import DetectorSpec, Signal

MeasuredValues: TypeAlias = Mapping[tuple[str, str], float]
"""By signal and part: its largest value. No entry if it is unknown or was never measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRange:
    """Ask about a part when its ``signal`` is between ``low`` and ``high``, both included."""

    signal: str
    low: float = 0.0
    high: float = math.inf

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"the score range of {self.signal} runs from {self.low} to {self.high}: swap them")

    def contains(self, value: float | None) -> bool:
        """Whether to ask at this value; None is unknown, and unknown is asked."""
        return value is None or self.low <= value <= self.high


class CascadeError(ValueError):
    """A cascade that cannot run: a signal that no detector measures, or a dependency cycle of detectors."""


def score_ranges_of(detector: object) -> tuple[ScoreRange, ...]:
    """A detector's ``ask_when``: any of these ranges suffices; none: it is always asked."""
    ranges: tuple[ScoreRange, ...] = getattr(detector, "ask_when", ())
    return ranges


def measuring(ranges: Iterable[ScoreRange], specs: Iterable[DetectorSpec]) -> frozenset[str]:
    """The detectors that measure the signals of these ranges."""
    named = {each.signal for each in ranges}
    return frozenset(spec.name for spec in specs if any(signal.name in named for signal in spec.signals))


def with_dependent(
    names: Collection[str], specs: Collection[DetectorSpec], ranges: Mapping[str, tuple[ScoreRange, ...]]
) -> dict[str, str]:
    """Each of ``names``, and each detector that is asked by the score of one of them, with the one that it is due to.

    Where one must not be asked, neither may those: asking them asks it too.
    """
    found = {name: name for name in names}
    growing = True
    while growing:
        growing = False
        for name, each in ranges.items():
            needed = measuring(each, specs) & found.keys()
            if needed and name not in found:
                found[name] = found[min(needed)]
                growing = True
    return found


def cascade_stages(
    specs: Sequence[DetectorSpec], ranges: Mapping[str, tuple[ScoreRange, ...]], wanted: Collection[str]
) -> tuple[frozenset[str], ...]:
    """The wanted detectors and those that measure their ranges' signals, in the order in which they can be called.

    A detector of a stage depends only on earlier stages. Raises CascadeError.
    """
    waits_for: dict[str, frozenset[str]] = {}
    to_add = list(wanted)
    while to_add:
        name = to_add.pop()
        if name in waits_for:
            continue
        for each in ranges.get(name, ()):
            if not measuring((each,), specs):
                raise CascadeError(f"{name} is asked by the signal {each.signal!r}, which no detector measures")
        waits_for[name] = measuring(ranges.get(name, ()), specs)
        to_add += waits_for[name]
    sorter = TopologicalSorter(waits_for)
    try:
        sorter.prepare()
    except CycleError as error:
        circle = ", ".join(sorted(set(error.args[1])))
        raise CascadeError(f"these detectors wait for each other's signals: {circle}") from None
    stages: list[frozenset[str]] = []
    while sorter.is_active():
        stages.append(frozenset(sorter.get_ready()))
        sorter.done(*stages[-1])
    return tuple(stages)


def measured(answers: Iterable[tuple[DetectorSpec, Part, object]]) -> MeasuredValues:
    """Largest values of the answers. A signal measured by several detectors is unknown if any of them is."""
    values: dict[tuple[str, str], float] = {}
    doubtful: set[tuple[str, str]] = set()
    for spec, part, answer in answers:
        keys = [(signal.name, part.path) for signal in spec.signals]
        if not isinstance(answer, tuple):
            doubtful.update(keys)
            continue
        for key in keys:
            values.setdefault(key, 0.0)
        for signal in answer:
            if isinstance(signal, Signal):
                key = (signal.name, signal.part)
                values[key] = max(values.get(key, 0.0), signal.value)
    return {key: value for key, value in values.items() if key not in doubtful}


def choose(
    ranges: Sequence[ScoreRange], parts: Sequence[Part], values: MeasuredValues
) -> tuple[list[Part], list[Part]]:
    """The parts to ask a detector about, and those it skips."""
    asked: list[Part] = []
    skipped: list[Part] = []
    for part in parts:
        doubt = not ranges or any(each.contains(values.get((each.signal, part.path))) for each in ranges)
        (asked if doubt else skipped).append(part)
    return asked, skipped
