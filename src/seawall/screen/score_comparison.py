"""Old scores of texts beside Seawall's: how alike they order them, where they disagree, who is nearer to the labels.

    report = compare_scores(runner, rows, {"TOXICITY": 0.8})
    report.attributes[0].overall.rank_correlation

Two models' numbers are not comparable, so a threshold is not carried over: compared is the one of ours that flags as
many texts. Rows that Seawall did not measure are counted apart and are in no figure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from seawall.content.languages import language_of
from seawall.detect import Runner
from seawall.measure import roc_auc
from seawall.screen.compatible_names import OPENAI, PERSPECTIVE
from seawall.screen.score_files import ScoredText
from seawall.screen.text_scores import AskedText, NoScore, readers, score_batch

FEWEST: Final = 10
"""Rows from which figures are told."""

_AT_ONCE: Final = 256
_EXCERPT: Final = 80  # characters
_UNTOLD: Final = "und"  # a language that cannot be told
_NAMES: Final = {**PERSPECTIVE, **OPENAI}

_Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreFigures:
    """Figures of some rows; None: too few rows, no threshold, or no labels of both kinds.

    ``flagged``: the share that the old threshold flags; ``threshold``: ours that flags as many, and ``flagged_by_ours``
    the share that it does flag, which differs where many scores are equal. ``agreement``: the share of rows that both
    flag or both pass. ``old_auc`` and ``auc``: on the ``labelled`` rows.
    """

    rows: int
    rank_correlation: float | None = None
    flagged: float | None = None
    threshold: float | None = None
    flagged_by_ours: float | None = None
    agreement: float | None = None
    labelled: int = 0
    old_auc: float | None = None
    auc: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """A row on which the two differ. ``apart``: the difference of their ranks as a share of all rows, 0 to 1."""

    line: int
    language: str
    old: float
    ours: float
    apart: float
    excerpt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeComparison:
    """One attribute or category. ``signal`` None: Seawall measures nothing like it; ``instead`` says what to do.

    ``unanswered``: rows that were not measured, by language and reason.
    """

    name: str
    signal: str | None
    instead: str
    old_threshold: float | None
    overall: ScoreFigures
    by_language: Mapping[str, ScoreFigures]
    unanswered: Mapping[str, int]
    disagreements: tuple[Disagreement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreReport:
    """The comparison of a file."""

    rows: int
    attributes: tuple[AttributeComparison, ...]


@dataclass(frozen=True, slots=True)
class _Pair:
    line: int
    language: str
    excerpt: str
    old: float
    ours: float
    label: bool | None


def compare_scores(
    runner: Runner,
    rows: Iterable[ScoredText],
    thresholds: Mapping[str, float],
    *,
    shown: int = 10,
    on_rows: Callable[[int], None] = lambda _: None,
) -> ScoreReport:
    """Measure the texts and compare. ``thresholds``: the old ones, by attribute; ``shown``: disagreements of each."""
    pairs: dict[str, list[_Pair]] = {}
    unanswered: dict[str, Counter[str]] = {}
    count = 0
    source = iter(rows)
    while chunk := list(islice(source, _AT_ONCE)):
        count += len(chunk)
        _measure(runner, chunk, pairs, unanswered)
        on_rows(len(chunk))
    specs = runner.specs
    compared = []
    for name in (name for name in _NAMES if name in pairs or name in unanswered):
        signal = _NAMES[name].signal
        measured = signal is not None and bool(readers(specs, signal))
        instead = _NAMES[name].instead or ("" if measured else f"no installed detector measures {signal!r}")
        found = pairs.get(name, [])
        compared.append(
            _compared(name, signal if measured else None, instead, found, unanswered.get(name, {}), thresholds, shown)
        )
    return ScoreReport(rows=count, attributes=tuple(compared))


def _measure(
    runner: Runner,
    rows: Sequence[ScoredText],
    pairs: dict[str, list[_Pair]],
    unanswered: dict[str, Counter[str]],
) -> None:
    """Ask about some rows; their pairs and what was not measured are added."""
    names = {name for row in rows for name in row.scores}
    specs = runner.specs
    signals = {name: _NAMES[name].signal for name in names}
    wanted = {signal for signal in signals.values() if signal is not None and readers(specs, signal)}
    texts = [AskedText(row.text, language_of(row.text, row.language)) for row in rows]
    for row, text, scores in zip(rows, texts, score_batch(runner, texts, wanted), strict=True):
        language = text.language or _UNTOLD
        for name, old in row.scores.items():
            score = scores.get(signals[name] or "")
            if score is None:
                unanswered.setdefault(name, Counter())["no detector"] += 1
            elif isinstance(score, NoScore):
                unanswered.setdefault(name, Counter())[f"{language}: {score.reason.value}"] += 1
            else:
                excerpt = " ".join(row.text[: 4 * _EXCERPT].split())[:_EXCERPT]
                pair = _Pair(row.line, language, excerpt, old, score.value, row.labels.get(name))
                pairs.setdefault(name, []).append(pair)


def _compared(
    name: str,
    signal: str | None,
    instead: str,
    pairs: Sequence[_Pair],
    unanswered: Mapping[str, int],
    thresholds: Mapping[str, float],
    shown: int,
) -> AttributeComparison:
    old_threshold = thresholds.get(name)
    overall = _figures(pairs, old_threshold, None)
    languages = sorted({pair.language for pair in pairs})
    return AttributeComparison(
        name=name,
        signal=signal,
        instead=instead,
        old_threshold=old_threshold,
        overall=overall,
        by_language={
            language: _figures([pair for pair in pairs if pair.language == language], old_threshold, overall.threshold)
            for language in languages
        },
        unanswered=dict(sorted(unanswered.items())),
        disagreements=_disagreements(pairs, old_threshold, overall.threshold)[:shown],
    )


def _figures(pairs: Sequence[_Pair], old_threshold: float | None, threshold: float | None) -> ScoreFigures:
    """``threshold``: ours, of all rows; None: that which flags as many of these as the old one."""
    if len(pairs) < FEWEST:
        return ScoreFigures(rows=len(pairs))
    old = np.array([pair.old for pair in pairs])
    ours = np.array([pair.ours for pair in pairs])
    labelled = [pair for pair in pairs if pair.label is not None]
    truth = [int(bool(pair.label)) for pair in labelled]
    both = len(set(truth)) == 2
    flagged = by_ours = agreement = None
    if old_threshold is not None:
        threshold = same_rate_threshold(ours, int((old >= old_threshold).sum())) if threshold is None else threshold
        flagged, by_ours = float((old >= old_threshold).mean()), float((ours >= threshold).mean())
        agreement = float(((old >= old_threshold) == (ours >= threshold)).mean())
    return ScoreFigures(
        rows=len(pairs),
        rank_correlation=rank_correlation(old, ours),
        flagged=flagged,
        threshold=threshold,
        flagged_by_ours=by_ours,
        agreement=agreement,
        labelled=len(labelled),
        old_auc=roc_auc(truth, [pair.old for pair in labelled]) if both else None,
        auc=roc_auc(truth, [pair.ours for pair in labelled]) if both else None,
    )


def rank_correlation(first: _Floats, second: _Floats) -> float | None:
    """Spearman's: the correlation of the ranks, equal values sharing theirs. None where all values are equal."""
    ranks = _ranks(first), _ranks(second)
    if any(float(each.std()) == 0 for each in ranks):
        return None
    return float(np.corrcoef(*ranks)[0, 1])


def same_rate_threshold(scores: _Floats, flagged: int) -> float:
    """The threshold at which about ``flagged`` scores are flagged: of equal ones all or none, whichever is nearer.

    Where it flags none it lies just above the highest score.
    """
    values, counts = np.unique(-scores, return_counts=True)  # the highest first
    flags = np.concatenate(([0], np.cumsum(counts)))
    best = int(np.argmin(np.abs(flags - flagged)))
    return float(np.nextafter(scores.max(), np.inf)) if best == 0 else float(-values[best - 1])


def _ranks(values: _Floats) -> _Floats:
    """Ranks from 0, equal values sharing the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    middle: _Floats = ends - (counts + 1) / 2
    return middle[place]


def _disagreements(
    pairs: Sequence[_Pair], old_threshold: float | None, threshold: float | None
) -> tuple[Disagreement, ...]:
    """The rows that one flags and the other does not, or without a threshold all; furthest apart first."""
    if not pairs:
        return ()
    old, ours = (_ranks(np.array(column)) for column in zip(*((p.old, p.ours) for p in pairs), strict=True))
    apart = np.abs(old - ours) / max(len(pairs) - 1, 1)
    differing = [
        number
        for number, pair in enumerate(pairs)
        if old_threshold is None or threshold is None or (pair.old >= old_threshold) != (pair.ours >= threshold)
    ]
    differing.sort(key=lambda number: (-apart[number], pairs[number].line))
    return tuple(
        Disagreement(
            line=pairs[number].line,
            language=pairs[number].language,
            old=pairs[number].old,
            ours=pairs[number].ours,
            apart=float(apart[number]),
            excerpt=pairs[number].excerpt,
        )
        for number in differing
        if apart[number] > 0
    )
