"""Thresholds in meaning: what a rule asks of a detector's figures, and the number at which its version shows that.

``at_fpr``, ``at_precision`` and ``at_recall`` are resolved when a bundle is built, from what the detector's calibration
split shows: the upper bound of the false-positive rate, the lower bounds of precision and recall, exact (Clopper and
Pearson 1934) and one-sided with 95 %. Precision depends on how common the harm is. At a declared prevalence p it is

    p · recall / (p · recall + (1 - p) · false-positive rate)

(Bayes; Altman and Bland 1994, BMJ 309:102), here with bounds of both rates that hold together with 95 %.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from math import floor, log10
from typing import Final, TypeAlias

from seawall.model import CalibrationPoint, CalibrationTable, DetectorSpec, SignalKind, SignalSpec

FEWEST: Final = 50
"""Harmful and harmless rows, each, from which precision and recall, or figures for one language, are told."""

_NOUNS: Final = {"at_fpr": "false-positive rate", "at_precision": "precision", "at_recall": "recall"}
FIGURES: Final = frozenset(_NOUNS)
"""The functions that resolve to a threshold."""


class UnusableName(Exception):
    """A name that cannot be used as written; the checker adds the position."""

    def __init__(
        self,
        message: str,
        *,
        expected: str | None = None,
        near: tuple[str, ...] = (),
        remedy: str | None = None,
    ) -> None:
        self.message = message
        self.details = {"expected": expected, "near": near, "remedy": remedy}
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class AskedFigure:
    """What a rule asks for: ``at_precision(0.9, prevalence=0.01)``."""

    function: str
    figure: float
    prevalence: float | None = None

    @property
    def noun(self) -> str:
        """What the figure is."""
        return _NOUNS[self.function]

    @property
    def written(self) -> str:
        """The call, as rules write it."""
        return self.call(f"{self.figure:g}")

    def call(self, figure: str) -> str:
        """The call with another figure."""
        return f"{self.function}({figure}" + (f", prevalence={self.prevalence:g})" if self.prevalence else ")")

    @property
    def at_least(self) -> bool:
        """Whether more is better: of precision and recall."""
        return self.function != "at_fpr"

    @property
    def rising(self) -> bool:
        """Whether a higher threshold is the stricter promise: of all but recall."""
        return self.function != "at_recall"


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A threshold as a rule requested it, and the number it resolved to for the current detector.

    ``language``: for items in this language; empty: for all others. ``reached``: the bound of the figure that the
    calibration split shows at this number.
    """

    signal: str
    asked: str  # "at_fpr(0.001)"
    value: float
    detector: str
    version: str
    reached: float
    language: str = ""

    @property
    def shown(self) -> str:
        """What was asked, what it resolved to, and what that shows."""
        where = f" in '{self.language}'" if self.language else ""
        function = self.asked.partition("(")[0]
        side = "at most" if function == "at_fpr" else "at least"
        reached = f"{_NOUNS[function]} {side} {_rounded(self.reached, function != 'at_fpr')}"
        return f"{self.asked} = {self.value:g}{where} for {self.detector} {self.version} ({reached})"


_Rows: TypeAlias = list[tuple[float, float]]
"""Threshold and bound of the asked figure, thresholds ascending."""


def resolve(detector: DetectorSpec, spec: SignalSpec, asked: AskedFigure) -> list[Threshold]:
    """The thresholds of a signal at which the figure is shown: first that of all items, then those of languages.

    A language has its own where its calibration rows are enough to show the figure. Items in others, and those without
    a language, get the strictest of all. Raises UnusableName where no threshold shows the figure.
    """
    who = f"{detector.name} {detector.version}"
    if spec.kind is not SignalKind.PROBABILITY or not (spec.operating_points or spec.calibration):
        message = f"{who} has no calibrated operating points for '{spec.name}'"
        raise UnusableName(message, remedy="write a threshold as a number, such as 0.8")
    overall = _reached(_rows_of_all(who, spec, asked), who, spec, asked)
    found = {"": overall}
    for table in spec.calibration:
        if table.language is not None and _enough(table, asked):
            rows = _rows(table.points, asked)
            found[table.language] = _reached(rows, who, spec, asked, f" in '{table.language}'")
    strictest = (max if asked.rising else min)(value for value, _ in found.values())
    found[""] = strictest, overall[1]
    return [
        Threshold(
            signal=spec.name,
            asked=asked.written,
            value=value,
            detector=detector.name,
            version=detector.version,
            reached=bound,
            language=language,
        )
        for language, (value, bound) in found.items()
    ]


def precision_at(recall: float, fpr: float, prevalence: float) -> float:
    """The share of harmful items among those that a threshold selects, where ``prevalence`` of all are harmful."""
    found = prevalence * recall
    return found / (found + (1 - prevalence) * fpr) if found else 0.0


# -- what the tables show ----------------------------------------------------------------------------------------


def _rows_of_all(who: str, spec: SignalSpec, asked: AskedFigure) -> _Rows:
    if asked.function == "at_fpr" and spec.operating_points:
        return [(point.threshold, point.fpr_upper) for point in spec.operating_points]
    table = next((table for table in spec.calibration if table.language is None), None)
    if table is None:
        raise UnusableName(
            f"{who} has no calibration table for '{spec.name}', so no {asked.noun} is known",
            remedy="use at_fpr(…), or add the table: see 'Calibration tables' in docs/detectors.md",
        )
    if asked.function != "at_fpr" and min(table.positives, table.negatives) < FEWEST:
        raise UnusableName(
            f"{who} was calibrated on {table.positives:,} harmful and {table.negatives:,} harmless examples of "
            f"'{spec.name}', too few to show its {asked.noun}",
            expected=f"{FEWEST} of each, or more",
            remedy="use at_fpr(…), or calibrate the detector on more data",
        )
    if not (rows := _rows(table.points, asked)):
        raise UnusableName(
            f"the precision of '{spec.name}' depends on how common it is, and the calibration split of {who} was not "
            "drawn from real traffic",
            expected=f"at_precision({asked.figure:g}, prevalence=0.01), if 1 item in 100 is harmful",
            remedy="declare the prevalence, or use at_fpr(…), which does not depend on it",
        )
    return rows


def _rows(points: Iterable[CalibrationPoint], asked: AskedFigure) -> _Rows:
    found = ((point.threshold, _bound(point, asked)) for point in points)
    return [(threshold, bound) for threshold, bound in found if bound is not None]


def _bound(point: CalibrationPoint, asked: AskedFigure) -> float | None:
    if asked.function == "at_fpr":
        return point.fpr_upper
    if asked.function == "at_recall":
        return point.recall_lower
    if asked.prevalence is None:
        return point.precision_lower
    return precision_at(point.recall_lower_of_both, point.fpr_upper_of_both, asked.prevalence)


def _enough(table: CalibrationTable, asked: AskedFigure) -> bool:
    """Whether the rows of a language could show the figure at all: a faultless detector would."""
    if min(table.positives, table.negatives) < FEWEST or not _rows(table.points, asked):
        return False
    if asked.function == "at_fpr":
        return bool(1 - _ALPHA ** (1 / table.negatives) <= asked.figure)
    if asked.function == "at_recall" or asked.prevalence is None:
        return bool(_ALPHA ** (1 / table.positives) >= asked.figure)
    recall, fpr = (_ALPHA / 2) ** (1 / table.positives), 1 - (_ALPHA / 2) ** (1 / table.negatives)
    return bool(precision_at(recall, fpr, asked.prevalence) >= asked.figure)


_ALPHA: Final = 0.05

# -- which threshold ---------------------------------------------------------------------------------------------


def _reached(rows: _Rows, who: str, spec: SignalSpec, asked: AskedFigure, where: str = "") -> tuple[float, float]:
    """The threshold that shows the figure, and what it shows. Raises UnusableName with the best there is."""
    chosen = _CHOICES[asked.function](rows, asked.figure)
    if chosen is not None:
        return chosen
    best = (max if asked.at_least else min)(bound for _, bound in rows)
    most, more = ("least", "less") if asked.at_least else ("most", "more")
    side = "lower" if asked.at_least else "upper"
    given = f" at a prevalence of {asked.prevalence:g}" if asked.prevalence else ""
    raise UnusableName(
        f"{who} cannot show a {asked.noun} of at {most} {asked.figure:g}{given} for '{spec.name}'{where}",
        expected=f"{asked.call(_rounded(best, asked.at_least))} or {more}: its best {side} bound is {best:.2g}",
        remedy=f"use a {'lower' if asked.at_least else 'higher'} {_REMEDIES[asked.function]}, "
        "or calibrate the detector on more data",
    )


def _lowest_fpr(rows: _Rows, most: float) -> tuple[float, float] | None:
    return min((row for row in rows if row[1] <= most), default=None)


def _highest_recall(rows: _Rows, least: float) -> tuple[float, float] | None:
    return max((row for row in rows if row[1] >= least), default=None)


def _lowest_precision(rows: _Rows, least: float) -> tuple[float, float] | None:
    """From the row that shows most downwards, until one does not: a lucky row below it shows nothing."""
    best = max(range(len(rows)), key=lambda row: rows[row][1])
    return min(takewhile(lambda row: row[1] >= least, reversed(rows[: best + 1])), default=None)


_CHOICES: Final[Mapping[str, Callable[[_Rows, float], tuple[float, float] | None]]] = {
    "at_fpr": _lowest_fpr,
    "at_precision": _lowest_precision,
    "at_recall": _highest_recall,
}
_REMEDIES: Final = {"at_fpr": "rate", "at_precision": "precision", "at_recall": "recall"}


def _rounded(figure: float, down: bool) -> str:
    """The figure to two significant digits, rounded to the side on which it can still be shown."""
    text = f"{figure:.2g}"
    if not down:
        return text if float(text) >= figure else f"{figure * 1.01:.2g}"
    if float(text) <= figure:
        return text
    step = 10.0 ** (floor(log10(figure)) - 1)
    return f"{floor(figure / step) * step:.2g}"
