"""Entries of kind ``meaning``: how far a bank's examples reach, measured against harmless sentences.

``measure_meanings`` gives the figures that people see; ``check_meanings`` refuses examples with which a bank would
match more than ``MOST_HARMLESS`` of the harmless text of any language.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from seawall.detectors.text.meanings import MeaningDetector
from seawall.detectors.text.model import ArtefactError
from seawall.match import MEANING_PERCENT, BankEntry
from seawall.match.meaning import least_cosine
from seawall.measure.intervals import wilson
from seawall.publish.banks.errors import BankError
from seawall.shipped import Folder
from seawall.yamlfile.nodes import read_values
from seawall.yamlfile.source import SourceFile

Thresholds: TypeAlias = Mapping[str, int]

MOST_HARMLESS: Final = 0.01
"""Share of a language's harmless sentences that a bank may match; examples that match more are refused."""
MOST_EXAMPLES: Final = 20_000
"""Examples in all banks together: each text is compared with every one."""
PREVALENCE: Final = 0.01
"""Share of texts that say what the examples say for which the precision is stated."""

_LEAST_SUGGESTED, _MOST_SUGGESTED = 50, 95
_BLOCK: Final = 512  # examples compared with all at once: bounds memory
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageReach:
    """Harmless sentences of one language (ISO 639-1) that a bank matches; the share with its 95 % interval."""

    language: str
    harmless: int
    matched: int
    matched_low: float
    matched_high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MeaningFigures:
    """What a bank's examples match at their thresholds; ``low`` and ``high`` bound a share with 95 % confidence.

    ``found``: examples that another example of the bank finds, an estimate of recall for texts like them. ``precision``
    supposes that one text in a hundred says the same. ``languages``: the harmless sentences of each language that the
    encoder knows. ``suggested``: the lowest threshold in percent at which no
    harmless sentence matches; None where there is none. ``nearest``: the harmless sentences that come nearest.
    """

    examples: int
    found: int
    found_low: float
    found_high: float
    found_at_suggested: int
    harmless: int
    matched: int
    matched_low: float
    matched_high: float
    languages: tuple[LanguageReach, ...]
    precision_low: float
    precision_high: float
    suggested: int | None
    nearest: tuple[str, ...]


def bank_meanings(meanings: MeaningDetector, bank: str) -> list[BankEntry]:
    """The examples of a bank that are in use, with their thresholds."""
    return [entry for entry in meanings.entries() if entry.bank == bank]


def measure_meanings(meanings: MeaningDetector, examples: Sequence[BankEntry]) -> MeaningFigures | None:
    """The figures of one bank's examples; None for none, or where no harmless sentences are in a known language.

    Raises BankError when the text model has no encoder.
    """
    if not examples:
        return None
    try:
        known, others = _known_harmless(meanings)
        vectors = meanings.embedded([entry.value for entry in examples])
    except ArtefactError as error:
        raise BankError(f"no meaning can be compared: {error}") from error
    if not known:
        return None
    sentences = [text for _, text in known]
    least = np.array([least_cosine(entry.threshold) for entry in examples], np.float32)
    alike = others @ vectors.T
    matches = [bool(row.any()) for row in alike >= least]
    matched = sum(matches)
    nearest = alike.max(axis=1)
    lowest = max(_LEAST_SUGGESTED, math.floor(100 * float(nearest.max())) + 1)
    suggested = lowest if lowest <= _MOST_SUGGESTED else None
    found = _found_by_others(vectors, least)
    recall, share = wilson(found, len(examples)), wilson(matched, len(sentences))
    return MeaningFigures(
        examples=len(examples),
        found=found,
        found_low=recall.lower,
        found_high=recall.upper,
        found_at_suggested=0
        if suggested is None
        else _found_by_others(vectors, np.full(len(examples), least_cosine(suggested), np.float32)),
        harmless=len(sentences),
        matched=matched,
        matched_low=share.lower,
        matched_high=share.upper,
        languages=_by_language([language for language, _ in known], matches),
        precision_low=_precision(recall.lower, share.upper),
        precision_high=_precision(recall.upper, share.lower),
        suggested=suggested,
        nearest=tuple(sentences[row] for row in np.argsort(-nearest, kind="stable")[:_SHOWN].tolist()),
    )


def check_meanings(meanings: MeaningDetector | None, bank: str, examples: Sequence[BankEntry], place: str) -> None:
    """Raises BankError if these examples may not be added to their bank. ``place``: what they are called in errors."""
    if not examples:
        return
    if meanings is None:
        raise BankError(f"{place}: entries of kind meaning need the text model's encoder, which is not open here")
    for entry in examples:
        if not meanings.knows(entry.value):
            known = ", ".join(sorted(meanings.languages or ()))
            raise BankError(f"{place}: an example is in a language that the text model does not know; it knows {known}")
    everywhere = meanings.entries()
    if len(everywhere) + len(examples) > MOST_EXAMPLES:
        raise BankError(
            f"{place}: the banks would hold more than {MOST_EXAMPLES} examples of kind meaning; remove those that "
            "match nothing"
        )
    fresh = {entry.value for entry in examples}
    held = [entry for entry in bank_meanings(meanings, bank) if entry.value not in fresh]
    check_reach(meanings, [*held, *examples], place)


def check_reach(meanings: MeaningDetector, examples: Sequence[BankEntry], place: str) -> None:
    """Raises BankError if the examples of one bank match too many harmless sentences of a language."""
    figures = measure_meanings(meanings, examples)
    if figures is None:
        return
    worst = max(figures.languages, key=lambda each: each.matched / each.harmless)
    if worst.matched <= MOST_HARMLESS * worst.harmless:
        return
    remedy = "use examples that say more" if figures.suggested is None else f"use a threshold of {figures.suggested}"
    raise BankError(
        f"{place}: the bank would match {figures.matched} of {figures.harmless} harmless sentences, such as "
        f"{figures.nearest[0]!r}, and {worst.matched} of {worst.harmless} in the language {worst.language}; at most "
        f"{MOST_HARMLESS:.0%} of each language may match: {remedy}"
    )


def check_usual(meanings: MeaningDetector, bank: str, before: Thresholds, after: Thresholds) -> None:
    """Raises BankError if the bank's examples match too many harmless sentences at its new threshold of meaning.

    ``before`` and ``after``: the bank's thresholds, by kind.
    """
    former, asked = (each.get("meaning", MEANING_PERCENT) for each in (before, after))
    if asked < former:
        examples = [
            replace(entry, threshold=asked) if entry.threshold in (None, former) else entry
            for entry in bank_meanings(meanings, bank)
        ]
        check_reach(meanings, examples, "threshold of meaning")


@cache
def harmless() -> tuple[tuple[str, str], ...]:
    """The shipped harmless sentences: of each its language and its text."""
    found: list[tuple[str, str]] = []
    for name, text in Folder("seawall.shipped.harmless", "language").sources().items():
        values = read_values(SourceFile(text, name))
        assert isinstance(values, list)
        found += [(name.removesuffix(".yaml"), str(value)) for value in values]
    return tuple(found)


def _by_language(languages: Sequence[str], matches: Sequence[bool]) -> tuple[LanguageReach, ...]:
    found: list[LanguageReach] = []
    for language in sorted(set(languages)):
        own = [match for each, match in zip(languages, matches, strict=True) if each == language]
        share = wilson(sum(own), len(own))
        found.append(
            LanguageReach(
                language=language,
                harmless=len(own),
                matched=sum(own),
                matched_low=share.lower,
                matched_high=share.upper,
            )
        )
    return tuple(found)


def _found_by_others(vectors: NDArray[np.float32], least: NDArray[np.float32]) -> int:
    found = 0
    for start in range(0, len(vectors), _BLOCK):
        near = vectors[start : start + _BLOCK] @ vectors.T >= least
        rows = np.arange(len(near))
        near[rows, start + rows] = False
        found += int(near.any(axis=1).sum())
    return found


def _precision(recall: float, share: float) -> float:
    right, wrong = recall * PREVALENCE, share * (1 - PREVALENCE)
    return right / (right + wrong) if right + wrong > 0 else 0.0


@lru_cache(1)
def _known_harmless(meanings: MeaningDetector) -> tuple[list[tuple[str, str]], NDArray[np.float32]]:
    """The harmless sentences in languages that the encoder knows, and their embeddings: they do not change."""
    known = [each for each in harmless() if meanings.languages is None or each[0] in meanings.languages]
    return known, meanings.embedded([text for _, text in known])
