"""Bands: a dear detector is asked only where a cheap one is in doubt.

A detector that declares ``ask_when`` is held back until the signals it names are in. It is then asked about a part
when one of its bands holds there; about the others it is *not asked*, which is not *unknown*: its signals are 0 there,
and rules rely on the cheap signal. Where the cheap signal is itself unknown, or was never measured, the dear
detector is asked: doubt is no reason to look away.

>>> band = Band(signal="hate", low=0.2, high=0.9)
>>> band.holds(0.5), band.holds(0.95), band.holds(None)
(True, False, True)
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from seawall.model.content import Part
from seawall.model.signals import DetectorSpec, Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Ask about a part when its ``signal`` lies between ``low`` and ``high``, both included."""

    signal: str
    low: float = 0.0
    high: float = math.inf

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"the band of {self.signal} runs from {self.low} to {self.high}: swap them")

    def holds(self, value: float | None) -> bool:
        """Whether to ask at this value; None is unknown, and unknown is asked."""
        return value is None or self.low <= value <= self.high


class SupportsBands(Protocol):
    """A detector that is asked in bands only. Any of them suffices."""

    @property
    def ask_when(self) -> tuple[Band, ...]:
        """The bands; none: it is always asked."""


class BandError(ValueError):
    """Bands that cannot be kept: a signal that nobody measures, or detectors that wait for each other."""


def bands_of(detector: object) -> tuple[Band, ...]:
    """A detector's bands, if it declares any."""
    bands: tuple[Band, ...] = getattr(detector, "ask_when", ())  # not isinstance: this is on every request's way
    return bands


def gates(bands: Iterable[Band], specs: Iterable[DetectorSpec]) -> frozenset[str]:
    """The detectors whose answers these bands wait for."""
    named = {band.signal for band in bands}
    return frozenset(spec.name for spec in specs if any(signal.name in named for signal in spec.signals))


def rounds(
    specs: Sequence[DetectorSpec], bands: Mapping[str, tuple[Band, ...]], wanted: Collection[str]
) -> tuple[frozenset[str], ...]:
    """The wanted detectors, and those their bands need, in the order in which they can be asked.

    The first round waits for nobody; each later one only for earlier ones. Raises BandError.
    """
    waits_for: dict[str, frozenset[str]] = {}
    open_names = list(wanted)
    while open_names:
        name = open_names.pop()
        if name in waits_for:
            continue
        mine = bands.get(name, ())
        for band in mine:
            if not gates((band,), specs):
                raise BandError(f"{name} is asked by the signal {band.signal!r}, which no detector measures")
        waits_for[name] = gates(mine, specs)
        open_names.extend(waits_for[name])
    found: list[frozenset[str]] = []
    placed: set[str] = set()
    while len(placed) < len(waits_for):
        ready = frozenset(name for name, needs in waits_for.items() if name not in placed and needs <= placed)
        if not ready:
            circle = ", ".join(sorted(set(waits_for) - placed))
            raise BandError(f"these detectors wait for each other's signals: {circle}")
        found.append(ready)
        placed |= ready
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Measured:
    """What the gates have said so far: the largest value of each signal on each part, and where it is unknown."""

    values: Mapping[tuple[str, str], float]  # (signal, part)
    answered: frozenset[tuple[str, str]]  # (signal, part): its detector has answered there

    def value(self, signal: str, part: str) -> float | None:
        """A signal's value on a part; None: unknown there, or never measured there."""
        key = (signal, part)
        if key not in self.answered:
            return None
        return self.values.get(key, 0.0)


def measured(answers: Iterable[tuple[DetectorSpec, Part, object]]) -> Measured:
    """Sum up what the gates answered. Where one of several that measure a signal is unknown, the signal is."""
    values: dict[tuple[str, str], float] = {}
    answered: set[tuple[str, str]] = set()
    doubtful: set[tuple[str, str]] = set()
    for spec, part, answer in answers:
        into = answered if isinstance(answer, tuple) else doubtful
        into.update((signal.name, part.path) for signal in spec.signals)
        for signal in answer if isinstance(answer, tuple) else ():
            if isinstance(signal, Signal):
                key = (signal.name, signal.part)
                values[key] = max(values.get(key, 0.0), signal.value)
    return Measured(values, frozenset(answered - doubtful))


def choose(bands: Sequence[Band], parts: Sequence[Part], found: Measured) -> tuple[list[Part], list[Part]]:
    """The parts to ask a held-back detector about, and those about which it is not asked."""
    asked: list[Part] = []
    skipped: list[Part] = []
    for part in parts:
        doubt = not bands or any(band.holds(found.value(band.signal, part.path)) for band in bands)
        (asked if doubt else skipped).append(part)
    return asked, skipped
