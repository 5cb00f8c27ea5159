"""Calls code of detectors and extractors safely: every part gets one valid answer.

A detector may come from another package. It may raise, return arrays, or fail to report its spec; the affected parts
are then *unknown* with reason ``error``, and the calling thread continues.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import structlog

from seawall.detect.cascade import ScoreRange, score_ranges_of
from seawall.detect.detector_queue import DetectorQueue, QueueLimits
from seawall.detect.findings import DetectorCall
from seawall.model.content import Modality, Part
from seawall.model.latencies import Latencies
from seawall.model.signals import (
    Cost,
    Detector,
    DetectorSpec,
    ExtractedParts,
    Extractor,
    ExtractorSpec,
    PartHash,
    Signal,
    SignalKind,
    Thresholds,
    Unknown,
    UnknownReason,
)

_log = structlog.get_logger(__name__)
_UNIT_KINDS: Final = frozenset({SignalKind.PROBABILITY, SignalKind.SCORE})  # from 0 to 1


class Installed:
    """A detector or extractor, its properties read at start, and its queue; inline ones have none."""

    def __init__(self, detector: Detector | Extractor, limits: QueueLimits, clock: Callable[[], float]) -> None:
        self.detector: Any = detector
        self._spec: Any = detector.spec
        self.name: str = self._spec.name
        self.cost: Cost = self._spec.cost
        self.ranges: tuple[ScoreRange, ...] = score_ranges_of(detector)
        self.composes = hasattr(detector, "compose")
        self.elsewhere: frozenset[str] = frozenset()  # languages that it leaves to others
        self.latencies = Latencies()
        self.ask = partial(ask, detector, name=self.name)
        calls = getattr(detector, "calls_at_once", 1)
        if calls > 1:
            limits = replace(limits, batch_size=1, workers=calls)
        self.queue = None if self.cost is Cost.INLINE else DetectorQueue(self.name, self.ask_measured, limits, clock)

    def leave_languages_to(self, others: Iterable[Installed]) -> None:
        """Say nothing of parts in languages in which other detectors give all of its signals.

        Whoever reads a signal asks all of its detectors, or says why one is not asked: it may not be permitted.
        """
        spec = self._spec
        if not isinstance(spec, DetectorSpec) or spec.languages is None or not spec.signals:
            return
        readers = [one for one in others if one is not self and getattr(one._spec, "languages", None) is not None]
        read = [
            frozenset[str]().union(
                *(one._spec.languages for one in readers if any(each.name == signal.name for each in one._spec.signals))
            )
            for signal in spec.signals
        ]
        self.elsewhere = frozenset.intersection(*read) - spec.languages

    def ask_measured(self, parts: Sequence[Part], thresholds: Thresholds | None = None) -> list[Any]:
        """As ``ask``, one answer for each part; the time of the call is counted."""
        began = perf_counter()
        answers = self.ask(parts, thresholds=thresholds)
        self.latencies.observe(perf_counter() - began)
        return answers

    @property
    def spec(self) -> Any:
        """Its current spec (a bank matcher's signals follow its banks); the last valid one if reading it fails."""
        try:
            spec = self.detector.spec
        except Exception:
            return self._spec
        if spec is not self._spec and isinstance(spec, type(self._spec)):
            self._spec = spec
        return self._spec

    def plan(self, parts: Sequence[Part], before: DetectorCall | None = None) -> DetectorCall:
        """The parts to ask a detector about: none while it is ``idle``; those in a language that it does not read are
        answered already, unless other detectors read it.

        ``before``: the earlier call whose answers this one replaces; only parts that changed since then are asked
        about.
        """
        again = before is not None
        try:
            spec = self.spec
            fitting = self.detector.compose(parts) if self.composes else parts
            if before is not None:
                known = {part.path: part for part in (*before.parts, *before.skipped)}
                fitting = [part for part in fitting if known.get(part.path) != part]
            modalities = () if getattr(self.detector, "idle", False) else spec.modalities
            fitting = [part for part in fitting if part.modality in modalities]
            if spec.languages is None or not fitting:
                return DetectorCall(self.name, fitting, again=again)
            read = {None, *spec.languages}
            other = [part for part in fitting if part.language not in read and part.language not in self.elsewhere]
            refused = [_unknown(self.name, part, UnknownReason.LANGUAGE, part.language or "") for part in other]
            asked = [part for part in fitting if part.language in read]
            return DetectorCall(self.name, [*asked, *other], refused, again=again)
        except Exception as error:
            detail = _describe(error)
            _log.warning("detector cannot say which parts it reads", detector=self.name, error=detail)
            fitting = [part for part in parts if part.modality in self._spec.modalities]
            failed = [_unknown(self.name, part, UnknownReason.ERROR, detail) for part in fitting]
            return DetectorCall(self.name, fitting, failed, again=again)


def ask(
    detector: Detector | Extractor, parts: Sequence[Part], name: str, thresholds: Thresholds | None = None
) -> list[Any]:
    """One answer for each part, in order: a detector's, or an extraction result. Never raises.

    ``thresholds`` go to a detector that has ``detect_above``: it may be rough below them.

    When a batch fails, its parts are asked one by one, so that a part that breaks the detector affects only itself. An
    invalid answer (unknown signal, not finite, out of range, about another part; a made part that does not derive from
    the part, or has an undeclared modality) is *unknown* with reason ``error``.
    """
    if not parts:
        return []
    try:
        spec = detector.spec
        call: Callable[..., Any] = detector.extract if isinstance(spec, ExtractorSpec) else detector.detect  # type: ignore[union-attr]
        if thresholds is not None and (above := getattr(detector, "detect_above", None)) is not None:
            call = partial(above, thresholds=thresholds)
        answers = list(call(parts))
        detail = "" if len(answers) == len(parts) else f"{len(answers)} answers for {len(parts)} parts"
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # including SystemExit and panics of extension modules: the thread continues
        detail = _describe(error)
    if not detail:
        return [
            answer if isinstance(answer, tuple) and not answer else _checked(answer, part, spec, detector, name)
            for part, answer in zip(parts, answers, strict=True)
        ]
    _log.warning("detector failed", detector=name, parts=len(parts), error=detail)
    if len(parts) == 1:
        return [_unknown(name, parts[0], UnknownReason.ERROR, detail)]
    return [answer for part in parts for answer in ask(detector, (part,), name, thresholds)]


def _checked(answer: Any, part: Part, spec: Any, detector: Any, name: str) -> Any:
    """The answer, or *unknown* if it is invalid."""
    try:
        detail = _fault(answer, part, spec)
        if detail and (now := detector.spec) is not spec:  # its signals changed meanwhile, as a bank's do
            detail = _fault(answer, part, now)
    except Exception as error:
        detail = f"answer cannot be read: {type(error).__name__}"
    if detail:
        return _unknown(name, part, UnknownReason.ERROR, detail)
    if isinstance(answer, Unknown):  # always under its own name
        return _unknown(name, part, answer.reason, answer.detail)
    return answer


def _unknown(name: str, part: Part, reason: UnknownReason, detail: str) -> Unknown:
    return Unknown(detector=name, part=part.path, reason=reason, detail=detail)


def _describe(error: BaseException) -> str:
    """The error without content, because an exception's message may quote some."""
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    at = f" at {Path(where.tb_frame.f_code.co_filename).name}:{where.tb_lineno}" if where is not None else ""
    return type(error).__name__ + at


def _fault(answer: Any, part: Part, spec: DetectorSpec | ExtractorSpec) -> str | None:
    """Why an answer is invalid; None if it is valid."""
    if isinstance(answer, Unknown):
        if answer.part != part.path:
            return "answer about another part"
        well_formed = isinstance(answer.reason, UnknownReason) and isinstance(answer.detail, str)
        return None if well_formed else "an unknown without a reason"
    signals = answer
    if isinstance(spec, ExtractorSpec):
        if not isinstance(answer, ExtractedParts):
            return f"answer is a {type(answer).__name__}"
        fault = _parts_fault(answer, part, spec)
        if fault:
            return fault
        signals = answer.signals
    if not isinstance(signals, tuple):
        return f"answer is a {type(signals).__name__}"
    kinds = {signal.name: signal.kind for signal in spec.signals}
    return next((fault for signal in signals if (fault := _signal_fault(signal, part, kinds))), None)


def _signal_fault(signal: Any, part: Part, kinds: dict[str, SignalKind]) -> str | None:
    if isinstance(signal, PartHash):
        good = signal.part == part.path and isinstance(signal.value, bytes)
        return None if good else "hash of another part, or without bytes"
    if not isinstance(signal, Signal):
        return f"signal is a {type(signal).__name__}"
    kind = kinds.get(signal.name)
    if kind is None:
        return f"signal {signal.name!r} was not declared"
    if signal.part != part.path:
        return "signal about another part"
    if not isinstance(signal.value, int | float):
        return f"{signal.name} is a {type(signal.value).__name__}"
    if not math.isfinite(signal.value) or signal.value < 0:
        return f"{signal.name} is {signal.value}"
    if signal.value > 1 and kind in _UNIT_KINDS:
        return f"{signal.name} is {signal.value}, above 1"
    return None


def _parts_fault(answer: ExtractedParts, part: Part, spec: ExtractorSpec) -> str | None:
    paths = {part.path}
    for made in answer.parts:
        if made.parent not in paths or made.field != part.field or not made.path.startswith(f"{part.path}>"):
            return "a part that does not derive from the one given"
        if made.path in paths:
            return "two parts with one path"
        paths.add(made.path)
        if made.modality not in spec.gives:
            return f"a part of modality {made.modality}, which was not declared"
        if (made.text if made.modality in (Modality.TEXT, Modality.LINK) else made.data) is None:
            return "a part without content"
    return None
