"""The runner: asks detectors in batches, keeps deadlines, and turns every failure into *unknown*."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

from seawall.detect.answers import ask, ask_extractor
from seawall.detect.asks import Ask, Findings, findings
from seawall.detect.bands import Band, bands_of
from seawall.detect.branching import Branching
from seawall.detect.deriving import ABSENT, Growth, Wishes, as_detectors, is_media, unread
from seawall.detect.gating import in_turn, narrow
from seawall.detect.lane import Lane, LaneState, Limits
from seawall.detect.late import LateCalls
from seawall.detect.pending import Answered, Pending
from seawall.detect.remembered import Memory
from seawall.detect.steps import Step, ask_all, step
from seawall.model.content import Part
from seawall.model.signals import (
    Cost,
    Detector,
    DetectorResult,
    DetectorSpec,
    Extractor,
    ExtractorSpec,
    Unknown,
    UnknownReason,
)

if TYPE_CHECKING:
    from seawall.detect.alike import Alike

_OFFLINE_BATCH = 512  # parts in one call when nobody waits
_EXTRACTOR_HANG_S = 600.0  # reading a video takes its time; extractors have limits of their own


@runtime_checkable
class SupportsStart(Protocol):
    """A detector that has something to prepare."""

    def start(self) -> None:
        """Prepare it. May be called twice."""


@runtime_checkable
class SupportsClose(Protocol):
    """A detector that holds something to let go of: a process, a connection."""

    def close(self) -> None:
        """Let go of it. May be called twice."""


class Runner:
    """Runs a fixed set of detectors and extractors for many requests at once. Thread-safe.

    Those of cost ``inline`` run in the thread that calls ``start``. The others have a thread each, started at the
    first request, which serves concurrent requests in batches. ``detect`` may be called from several threads.
    ``extractors`` None: nothing is ever derived; an empty list: the standard ones are known and not installed.
    """

    def __init__(
        self,
        detectors: Sequence[Detector],
        extractors: Sequence[Extractor] | None = None,
        *,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        names = [detector.spec.name for detector in detectors] + [extractor.spec.name for extractor in extractors or ()]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two detectors are named {', '.join(twice)}: give each its own name")
        self._detectors = tuple(detectors)
        self._extractors = {extractor.spec.name: extractor for extractor in extractors or ()}
        self._extracts = extractors is not None
        self._extractor_specs = {name: extractor.spec for name, extractor in self._extractors.items()}
        self._names = frozenset(detector.spec.name for detector in detectors)
        self._clock = clock
        limits = limits or Limits()
        self._lanes = {
            detector.spec.name: Lane(detector.spec.name, partial(ask, detector), limits, clock)
            for detector in detectors
            if detector.spec.cost is not Cost.INLINE
        }
        for name, extractor in self._extractors.items():
            if extractor.spec.cost is not Cost.INLINE:
                one_by_one = replace(limits, batch_size=1, hang_s=max(limits.hang_s, _EXTRACTOR_HANG_S))
                self._lanes[name] = Lane(name, partial(ask_extractor, extractor), one_by_one, clock)
        self._late = LateCalls()
        self._bands = {one.spec.name: bands for one in detectors if (bands := bands_of(one))}
        self._wanted(self._names)  # bands of signals that nobody measures are refused here

    @property
    def specs(self) -> tuple[DetectorSpec, ...]:
        """What each detector declares at this moment (a bank matcher's signals follow its banks), then the extractors."""
        detectors = tuple(detector.spec for detector in self._detectors)
        return (*detectors, *as_detectors(self._extractor_specs)) if self._extracts else detectors

    @property
    def extractors(self) -> Mapping[str, ExtractorSpec]:
        """The installed extractors by name."""
        return self._extractor_specs

    @property
    def bands(self) -> Mapping[str, tuple[Band, ...]]:
        """By detector, the bands outside which it is not asked; who is always asked is not among them."""
        return self._bands

    def start(
        self,
        parts: Sequence[Part],
        wanted: Collection[str] | None = None,
        deadline_ms: float | None = None,
        *,
        extract: Wishes | None = None,
        unchecked: Collection[str] = (),
        memory: Memory | None = None,
    ) -> Pending:
        """Ask the wanted detectors about the parts that fit them; the answers are due in ``deadline_ms``.

        ``wanted`` None means every detector except slow ones, which must be named; those that measure the signals of
        a wanted one's bands are asked too. ``extract``: by field, the extractors
        wanted for its media; what they make is asked about too, within the same deadline. ``unchecked``: fields whose
        speech may stay unread where there is no transcriber. ``memory``: what extractors gave in earlier looks, by which
        they are not asked again. Raises ``ValueError`` on a name that nobody has.
        """
        deadline = None if deadline_ms is None else self._clock() + deadline_ms / 1000
        if extract and is_media(parts):
            return self._branch(parts, wanted, deadline, extract, unchecked, memory or {})
        planned = [step(detector, spec, parts) for detector, spec in self._wanted(wanted)]
        if not self._bands and not any(each.asked.parts and each.asked.detector in self._lanes for each in planned):
            return _answer_inline(planned, parts)
        pending = Pending(deadline, self._clock, self._late.call, self.heal, parts)
        ask_all(pending, planned, self._lanes)
        return pending

    def run_batch(
        self,
        items: Sequence[Sequence[Part]],
        wanted: Collection[str] | None = None,
        *,
        extract: Wishes | None = None,
        unchecked: Collection[str] = (),
        alike: Alike | None = None,
        names: Sequence[str] = (),
    ) -> list[Findings]:
        """Findings for many items at once, in the calling thread, without deadlines: for files and back-fills.

        With ``alike``, slow detectors are asked about one of several texts that are nearly the same; ``names`` of
        the items then tell, in the evidence of the others, whose text it was.
        """
        detectors = self._wanted(wanted)
        grown = [self._grown(parts, detectors, extract or {}, unchecked) for parts in items]
        plans = [[step(detector, spec, parts) for detector, spec in detectors] for parts, _ in grown]
        for position, (detector, _) in enumerate(detectors):
            for plan in plans:
                narrow(plan[position], plan[:position])
            steps = [plan[position] for plan in plans]
            parts = [part for each in steps for part in each.asked.parts]
            whose = [
                name
                for each, name in zip(steps, names or map(str, range(len(steps))), strict=True)
                for _ in each.asked.parts
            ]
            answers = _ask_many(detector, parts, alike, whose)
            start = 0
            for each in steps:
                each.asked.answers[:] = answers[start : start + len(each.asked.parts)]
                start += len(each.asked.parts)
        return [
            findings([*(each for one in plan for each in one.asks), *notes], parts)
            for plan, (parts, notes) in zip(plans, grown, strict=True)
        ]

    def unread(
        self,
        parts: Sequence[Part],
        wanted: Collection[str],
        reason: UnknownReason,
        *,
        extract: Wishes,
        later: Wishes,
        unchecked: Collection[str] = (),
    ) -> tuple[Unknown, ...]:
        """What is unknown about ``parts`` because the extractors of ``later`` are not asked now.

        ``wanted``: the detectors that would have read what they make; ``extract``: all extractors that are ever asked.
        """
        readers = [spec for _, spec in self._wanted(wanted)]
        return unread(parts, self._extractor_specs, readers, extract, later, unchecked, reason)

    def warm_up(self) -> None:
        """Let all with a ``start()`` prepare (processes, weights), so that no first request waits for it."""
        for one in (*self._detectors, *self._extractors.values()):
            if isinstance(one, SupportsStart):
                one.start()

    def heal(self) -> None:
        """Give every hung detector a fresh thread, as far as allowed. Called on each request; cheap."""
        for lane in self._lanes.values():
            lane.heal()

    def states(self) -> tuple[LaneState, ...]:
        """How each detector with a thread of its own stands: for metrics and the console."""
        return tuple(lane.state() for lane in self._lanes.values())

    def close(self, timeout_s: float = 5.0) -> None:
        """End the threads, then close the detectors that have a ``close()``.

        Queued work becomes *unknown*; a hung detector is left behind after ``timeout_s``.
        """
        for lane in self._lanes.values():
            lane.close(timeout_s)
        self._late.close()
        for one in (*self._detectors, *self._extractors.values()):
            if isinstance(one, SupportsClose):
                one.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _wanted(self, wanted: Collection[str] | None) -> list[tuple[Detector, DetectorSpec]]:
        if wanted is not None and not self._names.issuperset(wanted):
            strangers = (
                set(wanted) - self._names - (ABSENT.keys() | self._extractors.keys() if self._extracts else set())
            )
            if strangers:
                known = ", ".join(detector.spec.name for detector in self._detectors)
                raise ValueError(f"no detector is named {', '.join(sorted(strangers))}; there are: {known}")
        found = []
        for detector in self._detectors:
            spec = detector.spec
            if (spec.cost is not Cost.SLOW) if wanted is None else (spec.name in wanted):
                found.append((detector, spec))
        if not self._bands:
            return found
        return in_turn(found, [(detector, detector.spec) for detector in self._detectors], self._bands)

    def _branch(
        self,
        parts: Sequence[Part],
        wanted: Collection[str] | None,
        deadline: float | None,
        wishes: Wishes,
        unchecked: Collection[str],
        memory: Memory,
    ) -> Pending:
        detectors = self._wanted(wanted)
        growth = Growth(self._extractor_specs, wishes, [spec for _, spec in detectors], unchecked, memory)
        pending = Pending(deadline, self._clock, self._late.call, self.heal, growth.parts, growth.made)
        with pending.held_open():
            Branching(pending, growth, detectors, self._extractors, self._lanes).begin(parts)
        return pending

    def _grown(
        self,
        parts: Sequence[Part],
        detectors: Sequence[tuple[Detector, DetectorSpec]],
        wishes: Wishes,
        unchecked: Collection[str],
    ) -> tuple[Sequence[Part], list[Ask]]:
        """All parts of an item, derived ones included, and what is known without asking detectors."""
        if not (wishes and is_media(parts)):
            return parts, []
        growth = Growth(self._extractor_specs, wishes, [spec for _, spec in detectors], unchecked)
        pending = Pending(None, self._clock, self._late.call, self.heal, growth.parts)
        Branching(pending, growth, (), self._extractors, {}).begin(parts)
        return growth.parts, pending.asks


def _ask_many(
    detector: Detector, parts: Sequence[Part], alike: Alike | None, items: Sequence[str]
) -> list[DetectorResult]:
    def in_batches(some: Sequence[Part]) -> list[DetectorResult]:
        starts = range(0, len(some), _OFFLINE_BATCH)
        return [answer for first in starts for answer in ask(detector, some[first : first + _OFFLINE_BATCH])]

    if alike is None or detector.spec.cost is not Cost.SLOW:
        return in_batches(parts)
    return alike.answers(detector.spec.name, parts, items, in_batches)


def _answer_inline(planned: Sequence[Step], parts: Sequence[Part]) -> Answered:
    for each in planned:
        if each.asked.parts:
            each.asked.answers[:] = ask(each.detector, each.asked.parts)
    return Answered(findings([asked for each in planned for asked in each.asks], parts))
