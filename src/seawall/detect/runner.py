"""The runner: asks detectors in batches, keeps deadlines, and turns every failure into *unknown*."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from seawall.detect.answers import ask
from seawall.detect.lane import Lane, LaneState, Limits
from seawall.detect.pending import Answered, Ask, Findings, Pending, findings
from seawall.model.content import Part
from seawall.model.signals import Answer, Cost, Detector, DetectorSpec, Unknown, UnknownReason

_log = logging.getLogger(__name__)
_OFFLINE_BATCH = 512  # parts in one call when nobody waits


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
    """Runs a fixed set of detectors for many requests at once. Thread-safe.

    Detectors of cost ``inline`` run in the thread that calls ``start``. The others have a thread each, started at
    the first request, which serves concurrent requests in batches. ``detect`` may be called from several threads.
    """

    def __init__(
        self,
        detectors: Sequence[Detector],
        *,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        names = [detector.spec.name for detector in detectors]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two detectors are named {', '.join(twice)}: give each its own name")
        self._detectors = tuple(detectors)
        self._names = frozenset(names)
        self._clock = clock
        limits = limits or Limits()
        self._lanes = {
            detector.spec.name: Lane(detector, limits, clock)
            for detector in detectors
            if detector.spec.cost is not Cost.INLINE
        }
        self._late = _LateCalls()

    @property
    def specs(self) -> tuple[DetectorSpec, ...]:
        """What each detector declares at this moment (a bank matcher's signals follow its banks)."""
        return tuple(detector.spec for detector in self._detectors)

    def start(
        self, parts: Sequence[Part], wanted: Collection[str] | None = None, deadline_ms: float | None = None
    ) -> Pending:
        """Ask the wanted detectors about the parts that fit them; the answers are due in ``deadline_ms``.

        ``wanted`` None means every detector except slow ones, which must be named. Raises ``ValueError`` on a name
        that no detector has.
        """
        deadline = None if deadline_ms is None else self._clock() + deadline_ms / 1000
        planned = self._plan(parts, wanted)
        if not any(step.asked.parts and step.asked.detector in self._lanes for step in planned):
            return _answer_inline(planned)
        pending = Pending(deadline, self._clock, self._late.call, self.heal)
        for step in planned:
            pending.add(step.asked)
            if step.refused is not None:
                pending.add(step.refused)
        for step in planned:
            lane = self._lanes.get(step.asked.detector)
            if lane is not None and step.asked.parts:
                lane.submit(pending, step.asked)
        for step in planned:  # while the lanes work
            if step.asked.parts and step.asked.detector not in self._lanes:
                pending.settle(step.asked, 0, ask(step.detector, step.asked.parts))
        return pending

    def run_batch(self, items: Sequence[Sequence[Part]], wanted: Collection[str] | None = None) -> list[Findings]:
        """Findings for many items at once, in the calling thread, without deadlines: for files and back-fills."""
        plans = [self._plan(parts, wanted) for parts in items]
        for position in range(len(plans[0]) if plans else 0):
            steps = [plan[position] for plan in plans]
            parts = [part for step in steps for part in step.asked.parts]
            answers: list[Answer | None] = []
            for first in range(0, len(parts), _OFFLINE_BATCH):
                answers += ask(steps[0].detector, parts[first : first + _OFFLINE_BATCH])
            start = 0
            for step in steps:
                step.asked.answers[:] = answers[start : start + len(step.asked.parts)]
                start += len(step.asked.parts)
        return [findings([each for step in plan for each in step.asks]) for plan in plans]

    def warm_up(self) -> None:
        """Let every detector with a ``start()`` prepare (processes, weights), so that no first request waits for it."""
        for detector in self._detectors:
            if isinstance(detector, SupportsStart):
                detector.start()

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
        for detector in self._detectors:
            if isinstance(detector, SupportsClose):
                detector.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _plan(self, parts: Sequence[Part], wanted: Collection[str] | None) -> list[_Step]:
        if wanted is not None and not self._names.issuperset(wanted):
            strangers = ", ".join(sorted(set(wanted) - self._names))
            known = ", ".join(detector.spec.name for detector in self._detectors)
            raise ValueError(f"no detector is named {strangers}; there are: {known}")
        plan = []
        for detector in self._detectors:
            spec = detector.spec
            if (spec.cost is not Cost.SLOW) if wanted is None else (spec.name in wanted):
                plan.append(_step(detector, spec, parts))
        return plan


@dataclass(frozen=True, slots=True)
class _Step:
    """One detector's share of a request."""

    detector: Detector
    asked: Ask
    refused: Ask | None  # parts in a language it does not know: answered already

    @property
    def asks(self) -> tuple[Ask, ...]:
        return (self.asked,) if self.refused is None else (self.asked, self.refused)


def _answer_inline(planned: Sequence[_Step]) -> Answered:
    for step in planned:
        if step.asked.parts:
            step.asked.answers[:] = ask(step.detector, step.asked.parts)
    return Answered(findings([each for step in planned for each in step.asks]))


def _step(detector: Detector, spec: DetectorSpec, parts: Sequence[Part]) -> _Step:
    fitting = [part for part in parts if part.modality in spec.modalities]
    languages = spec.languages
    if languages is None:
        return _Step(detector, Ask(spec.name, fitting), None)
    asked = [part for part in fitting if part.language is None or part.language in languages]
    refused = [part for part in fitting if part.language is not None and part.language not in languages]
    answers = [
        Unknown(detector=spec.name, part=part.path, reason=UnknownReason.LANGUAGE, detail=part.language or "")
        for part in refused
    ]
    return _Step(detector, Ask(spec.name, asked), Ask(spec.name, refused, answers) if refused else None)


class _LateCalls:
    """One thread, started at need, for what callers do with late answers: a detector's thread must not wait on it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._closed = False

    def call(self, action: Callable[[], None]) -> None:
        with self._lock:
            if self._closed:
                return
            if self._pool is None:
                self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="seawall-late")
            self._pool.submit(_guarded, action)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            pool = self._pool
        if pool is not None:
            pool.shutdown(wait=True)


def _guarded(action: Callable[[], None]) -> None:
    try:
        action()
    except Exception:
        _log.exception("handling a late answer failed")
