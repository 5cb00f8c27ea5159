"""Scheduler of detectors: batches, deadlines, cascades and extraction; every failure becomes *unknown*.

Detectors of cost ``inline`` run in the thread that calls ``start``. Each of the others has a queue with a thread,
started at the first request. Steps that wait for an answer (cascades, extraction) are written as awaits
(``evaluation``) and run in an event loop on one thread; a request without such steps goes to the queues directly.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from seawall.detect.call import Installed
from seawall.detect.cascade import ScoreRange, cascade_stages
from seawall.detect.detector_queue import QueueLimits, QueueState
from seawall.detect.detector_run import DetectorRun, LateResults
from seawall.detect.evaluation import Evaluation
from seawall.detect.extraction import RULES, STANDARD, Extraction, ExtractorsByField, as_detectors, is_media, unread
from seawall.detect.extraction_cache import ExtractionCache
from seawall.detect.findings import DetectorCall, Findings, findings
from seawall.detect.loop import LoopThread
from seawall.model.content import Part
from seawall.model.latencies import Latencies
from seawall.model.signals import (
    Cost,
    Detector,
    DetectorSpec,
    Extractor,
    ExtractorSpec,
    Thresholds,
    Unknown,
    UnknownReason,
)

if TYPE_CHECKING:
    from seawall.detect.batch import NearDuplicates

_EXTRACTOR_HANG_S: Final = 600.0  # videos take long; extractors have their own limits
_MEASURED: Final = 17  # of so many requests, one: a prime, so that no pattern of requests hides from it
_GRACE_S: Final = 1.0  # for evaluations still running when the queues are closed


class Runner:
    """Runs a fixed set of detectors and extractors for many requests at once. Thread-safe.

    ``detect`` may be called from several threads. ``extractors`` None: nothing is ever extracted; an empty list: the
    standard extractors are known and not installed.
    """

    def __init__(
        self,
        detectors: Sequence[Detector],
        extractors: Sequence[Extractor] | None = None,
        *,
        limits: QueueLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        names = [one.spec.name for one in detectors] + [one.spec.name for one in extractors or ()]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two detectors are named {', '.join(twice)}: give each its own name")
        self._clock = clock
        limits = limits or QueueLimits()
        one_by_one = replace(limits, batch_size=1, hang_s=max(limits.hang_s, _EXTRACTOR_HANG_S))
        self._detectors = [Installed(detector, limits, clock) for detector in detectors]
        for detector in self._detectors:
            detector.leave_languages_to(self._detectors)
        self._names = frozenset(detector.name for detector in self._detectors)
        self._extracts = extractors is not None
        installed = [Installed(extractor, one_by_one, clock) for extractor in extractors or ()]
        self._extractors = {extractor.name: extractor for extractor in installed}
        self._extractor_specs = {name: extractor.spec for name, extractor in self._extractors.items()}
        self._ranges = {one.name: one.ranges for one in self._detectors if one.ranges}
        self._installed = (*self._detectors, *installed)
        self._queues = [one.queue for one in self._installed if one.queue is not None]
        self._loop = LoopThread("detect")
        self._late_results = LateResults()
        self._requests = 0
        self._wanted(self._names)  # refuses score ranges of signals that no detector measures

    @property
    def specs(self) -> tuple[DetectorSpec, ...]:
        """Current spec of each detector (a bank matcher's signals follow its banks), then of each extractor."""
        detectors = tuple(detector.spec for detector in self._detectors)
        return (*detectors, *as_detectors(self._extractor_specs)) if self._extracts else detectors

    @property
    def extractors(self) -> Mapping[str, ExtractorSpec]:
        """The installed extractors by name."""
        return self._extractor_specs

    @property
    def score_ranges(self) -> Mapping[str, tuple[ScoreRange, ...]]:
        """By detector, the ranges outside which it is skipped; without detectors that are always asked."""
        return self._ranges

    def start(
        self,
        parts: Sequence[Part],
        wanted: Collection[str] | None = None,
        deadline_ms: float | None = None,
        *,
        extract: ExtractorsByField | None = None,
        unchecked: Collection[str] = (),
        memory: ExtractionCache | None = None,
        account: str = "",
        thresholds: Thresholds | None = None,
    ) -> DetectorRun:
        """Ask the wanted detectors about the parts that fit them; the answers are due in ``deadline_ms``.

        ``wanted`` None means every detector except slow ones, which must be named; detectors that measure the signals
        of a wanted one's score ranges are asked too. ``RULE_TEXTS`` among them stands for the rules: to them, too, is
        unknown what an extractor does not answer. ``extract``: by field, the extractors wanted for its media;
        detectors are also asked about the parts they make, within the same deadline. ``unchecked``: fields whose speech
        may stay unread without a transcriber. ``memory``: cached results of extractors from earlier evaluations.
        ``account``: whose parts they are; in queues, accounts take turns. ``thresholds``: what the caller tells apart,
        so that detectors may spare what cannot change it; None: everything. Raises ``ValueError`` on an unknown name.
        """
        deadline = None if deadline_ms is None else self._clock() + deadline_ms / 1000
        detectors = self._wanted(wanted)
        extraction = None
        if extract and is_media(parts):
            readers = _readers(detectors, wanted)
            extraction = Extraction(self._extractor_specs, extract, readers, unchecked, memory or {})
            extraction.begin(parts)
        waits = bool(self._ranges) and any(detector.ranges for detector in detectors)
        if waits and thresholds is not None:
            thresholds = _also_ranges(thresholds, detectors)
        if extraction is None and not waits:
            present = {part.modality for part in parts}
            detectors = [one for one in detectors if one.composes or not present.isdisjoint(one.spec.modalities)]
        calls = [(detector, detector.plan(parts)) for detector in detectors]
        if extraction is None and not waits and not any(one.queue and call.unanswered for one, call in calls):
            found = _answer_inline(calls, parts, self._is_measured())
            return DetectorRun(deadline, self._clock, self._late_results, found=found)
        run = DetectorRun(
            deadline,
            self._clock,
            self._late_results,
            self._replace_hung_workers,
            extraction,
            account=account,
            thresholds=thresholds,
        )
        evaluation = Evaluation(run, detectors, self._extractors, extraction, is_measured=self._is_measured())
        plan = evaluation.begin(parts, calls)
        if waits or plan.extractor_calls:
            run.follow(self._loop.submit(evaluation.follow(plan)))
        run.started()
        return run

    def run_batch(
        self,
        items: Sequence[Sequence[Part]],
        wanted: Collection[str] | None = None,
        *,
        extract: ExtractorsByField | None = None,
        unchecked: Collection[str] = (),
        near_duplicates: NearDuplicates | None = None,
        names: Sequence[str] = (),
    ) -> list[Findings]:
        """Findings for many items at once, in the calling thread, without deadlines: for files and backfills.

        With ``near_duplicates``, slow detectors are called for one of several near-duplicate texts; ``names`` of the
        items identify it in the evidence of the others.
        """
        from seawall.detect.batch import run_batch  # imported here: it needs numpy, unlike requests

        detectors = self._wanted(wanted)
        return run_batch(detectors, self._extractors, items, extract or {}, unchecked, near_duplicates, names)

    def unread(
        self,
        parts: Sequence[Part],
        wanted: Collection[str],
        reason: UnknownReason,
        *,
        extract: ExtractorsByField,
        later: ExtractorsByField,
        unchecked: Collection[str] = (),
    ) -> tuple[Unknown, ...]:
        """Signals of ``parts`` that are unknown because the extractors of ``later`` are not called now.

        ``wanted``: the detectors that would have read their parts; ``extract``: all extractors that are ever called.
        """
        readers = _readers(self._wanted(wanted), wanted)
        return unread(parts, self._extractor_specs, readers, extract, later, unchecked, reason)

    def warm_up(self) -> None:
        """Call ``start()`` of every detector that has one (processes, weights), so that no request waits for it."""
        for one in self._installed:
            getattr(one.detector, "start", _nothing)()

    def states(self) -> tuple[QueueState, ...]:
        """Fill level of each detector's and extractor's queue, for metrics."""
        return tuple(queue.state() for queue in self._queues)

    def latencies(self) -> Mapping[str, Latencies]:
        """By detector and extractor, how long its calls took: of inline ones, a sample."""
        return {one.name: one.latencies for one in self._installed}

    def close(self, timeout_s: float = 5.0) -> None:
        """End the threads, then close the detectors that have a ``close()``.

        Queued work becomes *unknown*; a hung detector is abandoned after ``timeout_s``.
        """
        for queue in self._queues:
            queue.close(timeout_s)
        self._loop.close(_end_helper_threads, grace_s=_GRACE_S)
        self._late_results.close()
        for one in self._installed:
            getattr(one.detector, "close", _nothing)()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _replace_hung_workers(self) -> None:
        for queue in self._queues:
            queue.replace_hung_worker()

    def _is_measured(self) -> bool:
        """Whether the inline detectors of this request are measured: every time would be a tenth of what they take."""
        self._requests += 1
        return self._requests % _MEASURED == 1

    def _wanted(self, wanted: Collection[str] | None) -> list[Installed]:
        """The wanted detectors and their dependencies, in order. Raises CascadeError."""
        if wanted is not None and not self._names.issuperset(wanted):
            extractors = STANDARD.keys() | self._extractors.keys() if self._extracts else set()
            unheard_of = set(wanted) - self._names - extractors - {RULES.name}
            if unheard_of:
                known = ", ".join(detector.name for detector in self._detectors)
                raise ValueError(f"unknown detector {', '.join(sorted(unheard_of))}; known: {known}")
        if wanted is None:
            found = [detector for detector in self._detectors if detector.cost is not Cost.SLOW]
        else:
            found = [detector for detector in self._detectors if detector.name in wanted]
        if not self._ranges or not any(detector.ranges for detector in found):
            return found
        specs = [detector.spec for detector in self._detectors]
        stages = cascade_stages(specs, self._ranges, [detector.name for detector in found])
        place = {name: number for number, stage in enumerate(stages) for name in stage}
        return sorted((one for one in self._detectors if one.name in place), key=lambda one: place[one.name])


def _readers(detectors: Iterable[Installed], wanted: Collection[str] | None) -> list[DetectorSpec]:
    """Who reads what extractors make: the detectors, and the rules where they are wanted."""
    specs = [detector.spec for detector in detectors]
    return [*specs, RULES] if wanted is not None and RULES.name in wanted else specs


def _answer_inline(
    calls: Sequence[tuple[Installed, DetectorCall]], parts: Sequence[Part], is_measured: bool
) -> Findings:
    for detector, call in calls:
        if call.parts and (asked := call.unanswered):
            ask = detector.ask_measured if is_measured else detector.ask
            call.answers[: len(asked)] = ask(asked)
    return findings([call for _, call in calls], parts=parts)


def _nothing() -> None:
    return None


async def _end_helper_threads() -> None:
    await asyncio.get_running_loop().shutdown_default_executor()


def _also_ranges(thresholds: Thresholds, detectors: Iterable[Installed]) -> dict[str, float]:
    """The thresholds, and the values from which the signals of score ranges lead to another detector."""
    lowest = dict(thresholds)
    for each in (each for detector in detectors for each in detector.ranges):
        lowest[each.signal] = min(each.low, lowest.get(each.signal, each.low))
    return lowest
