"""The conformance kit: checks the contract of a detector, extractor or hasher, in one call from your test.

>>> from seawall.detectors.links import LinkDetector
>>> check_detector(LinkDetector())

It raises ``NonConforming``, an AssertionError that lists everything found, as do ``check_extractor`` and
``check_hasher``. It passes empty, odd, huge and broken parts of each modality, one by one, together, and from several
threads at once. ``deterministic = False`` on a detector says that two calls may differ (a remote service); its answers
are then not compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from seawall.detect.call import ask
from seawall.detect.hasher_checks import hash_fault, spec_faults
from seawall.detect.sample_parts import GARBAGE, SamplePart, sample_parts
from seawall.model.content import Modality, Part
from seawall.model.harms import HARMS
from seawall.model.signals import (
    CalibrationTable,
    Cost,
    Detector,
    DetectorResult,
    DetectorSpec,
    ExtractedParts,
    Extractor,
    ExtractorSpec,
    Hasher,
    HasherSpec,
    SignalKind,
    SignalSpec,
    Unknown,
)

_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_SIGNAL_NAME = re.compile(r"[a-z][a-z0-9_]*(?::[a-z0-9][a-z0-9_-]*|\.[a-z][a-z0-9_]*)?")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_THREADS: Final = 4
_MOST: Final = 20  # problems reported


class NonConforming(AssertionError):
    """A detector, extractor or hasher that violates its contract. The text lists how."""

    def __init__(self, name: str, problems: Sequence[str]) -> None:
        self.problems = tuple(dict.fromkeys(problems))
        reported = "".join(f"\n  - {problem}" for problem in self.problems[:_MOST])
        more = f"\n  and {len(self.problems) - _MOST} more" if len(self.problems) > _MOST else ""
        super().__init__(f"{name} does not conform:{reported}{more}")


def check_detector(detector: Detector, parts: Sequence[Part] = ()) -> None:
    """Raise NonConforming if the detector violates its contract. ``parts``: further ones to test with."""
    spec = detector.spec
    problems = list(_spec_problems(detector, DetectorSpec))
    if not isinstance(spec, DetectorSpec):
        raise NonConforming(type(detector).__name__, problems)
    problems += _signal_problems(spec.signals)
    if not isinstance(spec.cost, Cost):
        problems.append(f"spec.cost is {spec.cost!r}, not one of Cost")
    for language in spec.languages or ():
        if not _LANGUAGE.fullmatch(language):
            problems.append(f"spec.languages has {language!r}; write a lower-case ISO 639 code such as 'en'")
    trial = _Trial(spec.name, detector.detect, _detector_faults(spec))
    problems += trial.run([*_samples(spec.modalities), *_given(parts)], getattr(detector, "deterministic", True))
    problems += _closing_problems(detector)
    if problems:
        raise NonConforming(spec.name, problems)


def check_extractor(extractor: Extractor, parts: Sequence[Part] = ()) -> None:
    """Raise NonConforming if the extractor violates its contract. ``parts``: further ones to extract from."""
    spec = extractor.spec
    problems = list(_spec_problems(extractor, ExtractorSpec))
    if not isinstance(spec, ExtractorSpec):
        raise NonConforming(type(extractor).__name__, problems)
    problems += _signal_problems(spec.signals)
    if not spec.gives:
        problems.append("spec.gives is empty: an extractor makes parts of some modality")
    if not _NAME.fullmatch(spec.makes):
        problems.append(f"spec.makes is {spec.makes!r}; write the path step of the parts it makes, such as 'words'")
    trial = _Trial(spec.name, extractor.extract, _extractor_faults(spec))
    problems += trial.run([*_samples(spec.modalities), *_given(parts)], getattr(extractor, "deterministic", True))
    problems += _closing_problems(extractor)
    if problems:
        raise NonConforming(spec.name, problems)


def check_hasher(hasher: Hasher, parts: Sequence[Part] = ()) -> None:
    """Raise NonConforming if the hasher violates its contract.

    ``parts``: further ones to hash. A video hasher needs a readable one, because no sample is a complete video.
    """
    spec = hasher.spec
    problems = list(_spec_problems(hasher, HasherSpec))
    if not isinstance(spec, HasherSpec):
        raise NonConforming(type(hasher).__name__, problems)
    problems += spec_faults(spec)
    if problems:  # the spec decides the samples and the checks of hashes
        raise NonConforming(str(spec.name), problems)
    asked = [*_samples(frozenset({spec.modality})), *_given(parts)]
    trial = _Trial(spec.name, hasher.hash, _hasher_faults(spec))
    problems += trial.run(asked, deterministic=True)
    if not problems and not any(isinstance(each, bytes) for each in hasher.hash([sample.part for sample in asked])):
        problems.append("no sample has a hash: pass some parts that it can read")
    problems += _closing_problems(hasher)
    if problems:
        raise NonConforming(spec.name, problems)


# ── declarations ────────────────────────────────────────────────────────────────────────────────────────────────────


def _spec_problems(one: Any, kind: type[DetectorSpec | ExtractorSpec | HasherSpec]) -> Iterator[str]:
    spec = one.spec
    if not isinstance(spec, kind):
        yield f"spec is a {type(spec).__name__}, not a {kind.__name__}"
        return
    if one.spec != spec:
        yield "spec differs between two readings"
    try:
        hash(spec)
    except TypeError as error:
        yield f"spec cannot be hashed ({error}): use tuples and frozensets"
    if not _NAME.fullmatch(spec.name):
        yield f"spec.name is {spec.name!r}; write lower-case letters, digits, dashes"
    if not spec.version or not isinstance(spec.version, str):
        yield f"spec.version is {spec.version!r}; write a text that changes with the meaning"
    if isinstance(spec, HasherSpec):
        return
    if not spec.modalities or not all(isinstance(each, Modality) for each in spec.modalities):
        yield "spec.modalities must be a frozenset of Modality, and not empty"


def _signal_problems(signals: Sequence[SignalSpec]) -> Iterator[str]:
    names = [signal.name for signal in signals]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"the signal {name} is declared twice"
    for signal in signals:
        if not _SIGNAL_NAME.fullmatch(signal.name):
            yield f"the signal {signal.name!r} cannot be used in rules: lower-case letters, digits, underscores"
        if not isinstance(signal.kind, SignalKind):
            yield f"the signal {signal.name} has kind {signal.kind!r}, not one of SignalKind"
        if signal.harm is not None and signal.harm not in HARMS:
            yield f"the signal {signal.name} names the harm {signal.harm!r}; known: {', '.join(HARMS)}"
        thresholds = [point.threshold for point in signal.operating_points]
        if thresholds != sorted(thresholds):
            yield f"the operating points of {signal.name} are not in ascending order of threshold"
        languages = [table.language for table in signal.calibration]
        if len(languages) != len(set(languages)):
            yield f"the signal {signal.name} has two calibration tables of one language"
        for table in signal.calibration:
            yield from _table_problems(signal.name, table)


def _table_problems(name: str, table: CalibrationTable) -> Iterator[str]:
    columns = (
        [row.threshold for row in table.points],
        [-row.recall_lower for row in table.points],
        [-row.fpr_upper for row in table.points],
    )
    if any(column != sorted(column) for column in columns):
        yield f"a calibration table of {name} must have rising thresholds, and recall and rate that fall with them"
    if table.language is not None and not _LANGUAGE.fullmatch(table.language):
        yield f"a calibration table of {name} is for {table.language!r}; write ISO 639-1, such as en"


def _closing_problems(one: Any) -> Iterator[str]:
    close = getattr(one, "close", None)
    if close is None:
        return
    for time in ("once", "twice"):
        try:
            close()
        except Exception as error:
            yield f"close() called {time} raises {type(error).__name__}"
            return


# ── answers ─────────────────────────────────────────────────────────────────────────────────────────────────────────

Faults = Callable[[Part, Any], str | None]


class _Trial:
    """Passes samples in several ways and collects the problems."""

    def __init__(self, name: str, call: Callable[[Sequence[Part]], Sequence[Any]], faults: Faults) -> None:
        self._name = name
        self._call = call
        self._faults = faults
        self.problems: list[str] = []

    def run(self, samples: Sequence[SamplePart], deterministic: bool) -> list[str]:
        if self._ask("no parts at all", []) not in ([], None):
            self.problems.append("no parts at all: returned answers")
        alone = [self._ask(sample.what, [sample.part]) for sample in samples]
        good = [(sample, answer[0]) for sample, answer in zip(samples, alone, strict=True) if answer]
        for sample, answer in good:
            fault = self._faults(sample.part, answer)
            if fault:
                self.problems.append(f"{sample.what}: {fault}")
        parts = [sample.part for sample, _ in good]
        expected = [answer for _, answer in good]
        together = self._ask("all samples together", parts)
        if deterministic and together is not None and together != expected:
            self.problems.append(
                "answers for all samples together differ from those one by one (or set deterministic = False)"
            )
        self._from_threads(parts, expected if deterministic else None)
        return self.problems

    def _from_threads(self, parts: Sequence[Part], expected: Sequence[Any] | None) -> None:
        with ThreadPoolExecutor(_THREADS) as pool:
            calls = [pool.submit(self._ask, "from several threads", parts) for _ in range(_THREADS)]
        answers = [call.result() for call in calls]
        if expected is not None and any(answer is not None and answer != expected for answer in answers):
            self.problems.append("answers from several threads at once differ from those one by one")

    def _ask(self, what: str, parts: Sequence[Part]) -> list[Any] | None:
        given = list(parts)
        try:
            answers = list(self._call(given))
        except Exception as error:
            self.problems.append(f"{what}: raises {type(error).__name__}; answer Unknown for the part instead")
            return None
        if given != list(parts):
            self.problems.append(f"{what}: modifies the list of parts")
        if len(answers) != len(parts):
            self.problems.append(f"{what}: {len(answers)} answers for {len(parts)} parts")
            return None
        return answers


class _Recorded:
    """Returns a recorded answer, so that the runner's own check can validate it."""

    def __init__(self, spec: Any, answer: Any) -> None:
        self.spec = spec
        self._answer = answer

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        return [self._answer for _ in parts]

    def extract(self, parts: Sequence[Part]) -> Sequence[ExtractedParts | Unknown]:
        return [self._answer for _ in parts]


def _detector_faults(spec: DetectorSpec) -> Faults:
    def fault(part: Part, answer: Any) -> str | None:
        return _difference(answer, ask(_Recorded(spec, answer), (part,), spec.name)[0], spec.name)

    return fault


def _extractor_faults(spec: ExtractorSpec) -> Faults:
    def fault(part: Part, answer: Any) -> str | None:
        return _difference(answer, ask(_Recorded(spec, answer), (part,), spec.name)[0], spec.name)

    return fault


def _hasher_faults(spec: HasherSpec) -> Faults:
    def fault(part: Part, answer: Any) -> str | None:
        content = part.text if part.data is None else part.data
        if isinstance(answer, Unknown):
            if answer.part != part.path:
                return "answer about another part"
            return None if answer.detector == spec.name else f"the Unknown names the detector {answer.detector!r}"
        if answer is None:
            unread = spec.modality is not Modality.TEXT and (not content or content == GARBAGE)
            return "None for an unreadable part would let it pass; return Unknown" if unread else None
        return hash_fault(spec, answer) or (
            None if content else "a hash of an empty part, which every empty part would match"
        )

    return fault


def _difference(answer: Any, taken: Any, name: str) -> str | None:
    if isinstance(answer, Unknown) and answer.detector != name:
        return f"the Unknown names the detector {answer.detector!r}"
    if isinstance(taken, Unknown) and taken != answer:
        return taken.detail or "the answer is not accepted"
    return None


# ── samples ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _given(parts: Sequence[Part]) -> list[SamplePart]:
    return [SamplePart(f"the given part {part.path}", part) for part in parts]


def _samples(modalities: frozenset[Modality]) -> list[SamplePart]:
    return [sample for modality in sorted(modalities) for sample in sample_parts(modality)]
