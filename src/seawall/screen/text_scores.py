"""What the running detectors measure in texts, without an item, policies or a record: for callers who want scores.

    [scores] = await score_texts(runner, [AskedText("you fool", "en")], {"toxic"}, account="key:1", deadline_ms=5_000)
    scores["toxic"]                                            a Score, or a NoScore that says why there is none

A signal is measured in a text when every detector that reads its language answered; its value is the highest. What was
not measured is a ``NoScore``, never 0. Nothing is stored and nothing is logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from seawall.content.languages import reads_as
from seawall.detect import DetectorRun, Findings, Runner
from seawall.detectors.text.lexicon import listed_languages
from seawall.model import Cost, DetectorSpec, Modality, Part, SignalKind, UnknownReason

_IN_THREAD: Final = 4_000  # characters from which inline detectors would hold the event loop too long
_WORD_LISTS: Final = "lexicon"


@dataclass(frozen=True, slots=True)
class AskedText:
    """A text, and the language it is read in (ISO 639-1); None: it could not be told and nobody declared it."""

    text: str
    language: str | None


@dataclass(frozen=True, slots=True)
class ScoreReading:
    """One detector's value."""

    detector: str
    version: str
    value: float


@dataclass(frozen=True, slots=True)
class Score:
    """A measured signal: the highest of the ``readings``, of which there is at least one."""

    value: float
    kind: SignalKind
    readings: tuple[ScoreReading, ...]


@dataclass(frozen=True, slots=True)
class NoScore:
    """A signal that was not measured. Reason ``language``: nobody reads the text's; others may pass by asking again."""

    reason: UnknownReason
    detail: str = ""


Scores: TypeAlias = Mapping[str, Score | NoScore]
"""By signal."""


def readers(specs: Iterable[DetectorSpec], signal: str) -> tuple[DetectorSpec, ...]:
    """The detectors that measure a signal in texts while somebody waits: slow ones are left out."""
    return tuple(
        spec
        for spec in specs
        if spec.cost is not Cost.SLOW
        and Modality.TEXT in spec.modalities
        and any(each.name == signal for each in spec.signals)
    )


def languages_read(specs: Iterable[DetectorSpec], signal: str) -> frozenset[str] | None:
    """The languages in which somebody measures a signal (ISO 639-1); None: in any."""
    found: frozenset[str] = frozenset()
    for spec in readers(specs, signal):
        own = listed_languages(signal) if spec.name == _WORD_LISTS else spec.languages
        if own is None:
            return None
        found |= own
    return found


async def score_texts(
    runner: Runner, texts: Sequence[AskedText], signals: Collection[str], *, account: str, deadline_ms: float
) -> list[Scores]:
    """The signals of each text. In the detectors' queues, ``account`` takes turns with the others.

    What is not answered in time is a NoScore with the reason ``deadline``.
    """
    specs, parts = runner.specs, _parts(texts)
    wanted = _wanted(specs, signals)

    def start() -> DetectorRun:
        return runner.start(parts, wanted, deadline_ms, account=account)

    large = sum(len(each.text) for each in texts) > _IN_THREAD
    run = await asyncio.to_thread(start) if large else start()
    return _scores(specs, parts, signals, await run.wait_async())


def score_batch(runner: Runner, texts: Sequence[AskedText], signals: Collection[str]) -> list[Scores]:
    """The same for many texts, in the calling thread and without a deadline: for files."""
    specs, parts = runner.specs, _parts(texts)
    found = runner.run_batch([[part] for part in parts], _wanted(specs, signals))
    return [_scores(specs, [part], signals, each)[0] for part, each in zip(parts, found, strict=True)]


def _parts(texts: Sequence[AskedText]) -> list[Part]:
    return [
        Part(path=f"text.{number}", modality=Modality.TEXT, field="text", text=each.text, language=each.language)
        for number, each in enumerate(texts)
    ]


def _wanted(specs: Sequence[DetectorSpec], signals: Collection[str]) -> frozenset[str]:
    return frozenset(spec.name for signal in signals for spec in readers(specs, signal))


def _scores(
    specs: Sequence[DetectorSpec], parts: Sequence[Part], signals: Collection[str], found: Findings
) -> list[Scores]:
    missing = {(each.detector, each.part): NoScore(each.reason, each.detail) for each in found.unknown}
    missing |= {key: NoScore(UnknownReason.LATER, "a cheaper detector answered first") for key in found.skipped}
    values: dict[tuple[str, str, str], float] = {}
    for signal in found.signals:
        key = (signal.detector, signal.part, signal.name)
        values[key] = max(signal.value, values.get(key, 0.0))
    asked = {name: readers(specs, name) for name in signals}
    return [{name: _score(name, part, who, missing, values) for name, who in asked.items()} for part in parts]


def _score(
    signal: str,
    part: Part,
    asked: Sequence[DetectorSpec],
    missing: Mapping[tuple[str, str], NoScore],
    values: Mapping[tuple[str, str, str], float],
) -> Score | NoScore:
    readings: list[ScoreReading] = []
    refusal = NoScore(UnknownReason.LANGUAGE, part.language or "the text's language cannot be told")
    for spec in asked:
        lacking = missing.get((spec.name, part.path))
        if lacking is not None and lacking.reason is not UnknownReason.LANGUAGE:
            return lacking  # it would have answered: what the others say is not all
        value = values.get((spec.name, part.path, signal))
        if lacking is not None or (value is None and not _reads(spec, part, signal)):
            continue
        readings.append(ScoreReading(spec.name, spec.version, value or 0.0))
    if not readings:
        return refusal
    kind = next(each.kind for spec in asked for each in spec.signals if each.name == signal)
    return Score(max(each.value for each in readings), kind, tuple(readings))


def _reads(spec: DetectorSpec, part: Part, signal: str) -> bool:
    """Whether "nothing found" says something about a text: not where the detector leaves its language to others, or has
    no words of it."""
    read = listed_languages(signal) if spec.name == _WORD_LISTS else spec.languages
    if read is None or part.language in read:
        return True
    return part.language is None and spec.name == _WORD_LISTS and "en" in read and reads_as(part.text or "", "en")
