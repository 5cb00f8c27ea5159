"""Asking a detector or extractor safely: whatever it does, every part gets one answer that keeps its promise."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from seawall.model.content import Modality, Part
from seawall.model.signals import (
    Detector,
    DetectorResult,
    DetectorSpec,
    ExtractedParts,
    Extractor,
    ExtractorSpec,
    PartHash,
    Signal,
    SignalKind,
    Unknown,
    UnknownReason,
)

_log = logging.getLogger(__name__)
T = TypeVar("T")


def ask(detector: Detector, parts: Sequence[Part]) -> list[DetectorResult]:
    """One answer for each part, in order. Never raises.

    When a batch fails, its parts are asked one by one, so that a poison part harms only itself. An answer that
    breaks the promise (unknown signal, not finite, out of range, another part's) is *unknown* with reason ``error``.
    """
    if not parts:
        return []
    spec = detector.spec
    outcome = _attempt(detector.detect, spec.name, parts)
    if isinstance(outcome, str):
        if len(parts) == 1:
            return [Unknown(detector=spec.name, part=parts[0].path, reason=UnknownReason.ERROR, detail=outcome)]
        return [answer for part in parts for answer in ask(detector, (part,))]
    if all(answer == () for answer in outcome):
        return outcome  # nothing was found: nothing to check
    kinds = promised(spec)
    answers: list[DetectorResult] = []
    for part, answer in zip(parts, outcome, strict=True):
        fault = _fault(answer, part, kinds)
        if fault and detector.spec is not spec:  # its signals changed meanwhile, as a bank's do
            fault = _fault(answer, part, promised(detector.spec))
        if fault:
            answer = Unknown(detector=spec.name, part=part.path, reason=UnknownReason.ERROR, detail=fault)
        answers.append(answer)
    return answers


def ask_extractor(extractor: Extractor, parts: Sequence[Part]) -> list[ExtractedParts | Unknown]:
    """What the extractor makes of each part, in order. Never raises.

    A batch that fails is asked part by part. An answer that breaks the promise (a part that is not of the asked one,
    or of a modality it does not give) is *unknown* with reason ``error``.
    """
    if not parts:
        return []
    spec = extractor.spec
    outcome = _attempt(extractor.extract, spec.name, parts)
    if isinstance(outcome, str):
        if len(parts) == 1:
            return [Unknown(detector=spec.name, part=parts[0].path, reason=UnknownReason.ERROR, detail=outcome)]
        return [answer for part in parts for answer in ask_extractor(extractor, (part,))]
    answers: list[ExtractedParts | Unknown] = []
    for part, answer in zip(parts, outcome, strict=True):
        fault = _derived_fault(answer, part, spec)
        if fault:
            answer = Unknown(detector=spec.name, part=part.path, reason=UnknownReason.ERROR, detail=fault)
        answers.append(answer)
    return answers


def promised(spec: DetectorSpec | ExtractorSpec) -> Mapping[str, SignalKind]:
    """Each promised signal's kind."""
    return {signal.name: signal.kind for signal in spec.signals}


def _attempt(call: Callable[[Sequence[Part]], Sequence[T]], name: str, parts: Sequence[Part]) -> list[T] | str:
    """The raw answers, or what went wrong: a code without content (an exception's message may quote some)."""
    try:
        answers = list(call(parts))
    except (Exception, SystemExit) as error:
        where = error.__traceback__
        while where is not None and where.tb_next is not None:
            where = where.tb_next
        detail = type(error).__name__
        if where is not None:
            detail += f" at {Path(where.tb_frame.f_code.co_filename).name}:{where.tb_lineno}"
        _log.warning("detector %s failed on %d part(s): %s", name, len(parts), detail)
        return detail
    if len(answers) != len(parts):
        _log.warning("detector %s gave %d answers for %d parts", name, len(answers), len(parts))
        return f"{len(answers)} answers for {len(parts)} parts"
    return answers


def _fault(answer: DetectorResult, part: Part, kinds: Mapping[str, SignalKind]) -> str | None:
    """What is wrong with an answer, or None."""
    if isinstance(answer, Unknown):
        return None if answer.part == part.path else "answer about another part"
    if not isinstance(answer, tuple):
        return f"answer is a {type(answer).__name__}"
    return _signals_fault(answer, part, kinds)


def _signals_fault(signals: Sequence[Signal | PartHash], part: Part, kinds: Mapping[str, SignalKind]) -> str | None:
    for signal in signals:
        if isinstance(signal, PartHash):
            if signal.part != part.path or not isinstance(signal.value, bytes):
                return "print of another part, or without bytes"
            continue
        if not isinstance(signal, Signal):
            return f"signal is a {type(signal).__name__}"
        kind = kinds.get(signal.name)
        if kind is None:
            return f"signal {signal.name!r} was not promised"
        if signal.part != part.path:
            return "signal about another part"
        value = signal.value
        if not isinstance(value, int | float):
            return f"{signal.name} is a {type(value).__name__}"
        if not math.isfinite(value) or value < 0:
            return f"{signal.name} is {value}"
        if value > 1 and (kind is SignalKind.PROBABILITY or kind is SignalKind.SCORE):
            return f"{signal.name} is {value}, above 1"
    return None


def _derived_fault(answer: ExtractedParts | Unknown, part: Part, spec: ExtractorSpec) -> str | None:
    """What is wrong with what an extractor made, or None."""
    if isinstance(answer, Unknown):
        return None if answer.part == part.path else "answer about another part"
    if not isinstance(answer, ExtractedParts):
        return f"answer is a {type(answer).__name__}"
    paths = {part.path}
    for made in answer.parts:
        if made.parent != part.path or made.field != part.field or not made.path.startswith(f"{part.path}>"):
            return "a part that is not of the asked one"
        if made.path in paths:
            return "two parts of one path"
        paths.add(made.path)
        if made.modality not in spec.gives:
            return f"a part of modality {made.modality}, which was not promised"
        if (made.text if made.modality in (Modality.TEXT, Modality.LINK) else made.data) is None:
            return "a part without content"
    return _signals_fault(answer.signals, part, promised(spec))
