"""Agreement of people who judged the same units: percent agreement, Cohen's kappa, Krippendorff's alpha.

Kappa and alpha are ``1 - observed / expected disagreement``: 1 is full agreement, 0 what chance alone would give. Both
are undefined (NaN) when every judgement names one category: nothing could have disagreed. Intervals are percentile
bootstraps of the units, drawn from a fixed seed. A sample in which all agree would get an interval of no width, however
small it is; its lower bound is computed from Wilson's bound of the share of units that disagree.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seawall.measure.intervals import Interval, wilson

Level = Literal["nominal", "ordinal", "interval"]

_ROUNDS: Final = 2_000
_Array = NDArray[np.float64]


def percent_agreement(first: Sequence[Hashable], second: Sequence[Hashable]) -> Interval:
    """The share of units that two judged alike, with Wilson's interval. No units: value NaN, bounds 0 and 1."""
    return wilson(sum(one == other for one, other in _pairs(first, second)), len(first))


accuracy_against = percent_agreement
"""The share of answers that equal the known ones, with Wilson's interval."""


def cohen_kappa(
    first: Sequence[Hashable],
    second: Sequence[Hashable],
    *,
    categories: Sequence[Hashable] | None = None,
    disagreement: ArrayLike | None = None,
    seed: int = 0,
) -> Interval:
    """Cohen's kappa of two who judged the same units (Cohen 1960, Educational and Psychological Measurement 20).

    ``disagreement``: how far apart two categories are, as a square table in the order of ``categories`` with zeros on
    its diagonal, for weighted kappa (Cohen 1968, Psychological Bulletin 70). None: all are equally far. Categories are
    those that occur, sorted by their text, unless given.
    """
    pairs = _pairs(first, second)
    names = list(categories) if categories is not None else sorted({one for pair in pairs for one in pair}, key=str)
    place = {name: number for number, name in enumerate(names)}
    if unknown := [one for pair in pairs for one in pair if one not in place]:
        raise ValueError(f"{unknown[0]!r} is none of the categories")
    size = len(names)
    apart = _disagreement(disagreement, size)
    counts = Counter((place[one], place[other]) for one, other in pairs)
    rows = np.array([row for row, _ in counts], dtype=np.int64)
    columns = np.array([column for _, column in counts], dtype=np.int64)
    one_of, other_of = np.eye(size)[rows], np.eye(size)[columns]
    observed = apart[rows, columns]

    def parts(drawn: _Array) -> tuple[_Array, _Array]:
        total = drawn.sum(axis=1)
        by_chance = np.einsum("ri,ij,rj->r", drawn @ one_of, apart, drawn @ other_of)
        return (drawn @ observed) / total, by_chance / total**2

    return _one_minus_ratio(parts, np.array(list(counts.values()), dtype=np.float64), float(apart.max(initial=0)), seed)


def krippendorff_alpha(units: Sequence[Sequence[float | None]], *, level: Level = "nominal", seed: int = 0) -> Interval:
    """Krippendorff's alpha of any number of observers (Krippendorff 2011, Computing Krippendorff's Alpha-Reliability).

    ``units``: for each unit the values that it was given; None: an observer did not judge it. Who gave a value does not
    matter, and units with fewer than two values say nothing. Nominal values may be any numbers that name categories.
    """
    judged = [tuple(sorted(value for value in unit if value is not None)) for unit in units]
    counts = Counter(unit for unit in judged if len(unit) > 1)
    values = np.array(sorted({value for unit in counts for value in unit}), dtype=np.float64)
    size = len(values)
    coincidences = np.array([_coincidences(unit, values) for unit in counts]).reshape(len(counts), size * size)

    def parts(drawn: _Array) -> tuple[_Array, _Array]:
        together = (drawn @ coincidences).reshape(-1, size, size)
        margins = together.sum(axis=2)
        total = margins.sum(axis=1)
        apart = _distances(level, values, margins)
        by_chance = np.einsum("ri,rij,rj->r", margins, apart, margins)
        return (together * apart).sum(axis=(1, 2)) / total, by_chance / (total * (total - 1))

    drawn = np.array(list(counts.values()), dtype=np.float64)
    largest = 0.0
    if size:
        margins = (drawn @ coincidences).reshape(size, size).sum(axis=1)
        largest = float(_distances(level, values, margins[None]).max())
    return _one_minus_ratio(parts, drawn, largest, seed)


def _pairs(first: Sequence[Hashable], second: Sequence[Hashable]) -> list[tuple[Hashable, Hashable]]:
    if len(first) != len(second):
        raise ValueError(f"two lists of judgements must be equally long; got {len(first)} and {len(second)}")
    return list(zip(first, second, strict=True))


def _disagreement(table: ArrayLike | None, size: int) -> _Array:
    if table is None:
        return np.asarray(1.0 - np.eye(size), dtype=np.float64)
    apart = np.asarray(table, dtype=np.float64)
    if apart.shape != (size, size) or not np.isfinite(apart).all() or (apart < 0).any() or np.diag(apart).any():
        raise ValueError(f"disagreement must be a {size} by {size} table, not negative, with zeros on its diagonal")
    return apart


def _coincidences(unit: tuple[float, ...], values: _Array) -> _Array:
    """The unit's part of the coincidence matrix: its pairs of values, weighted by one less than their number."""
    times = (np.array(unit)[:, None] == values).sum(axis=0).astype(np.float64)
    return np.asarray((np.outer(times, times) - np.diag(times)) / (len(unit) - 1), dtype=np.float64)


def _distances(level: Level, values: _Array, margins: _Array) -> _Array:
    """How far apart two values are, for each draw: a (draws, values, values) array."""
    size = len(values)
    if level == "ordinal":  # how many values lie between the two, counting half of their own
        upto = np.cumsum(margins, axis=1) - margins / 2
        return np.asarray((upto[:, :, None] - upto[:, None, :]) ** 2, dtype=np.float64)
    one = 1.0 - np.eye(size) if level == "nominal" else (values[:, None] - values) ** 2
    return np.broadcast_to(one, (len(margins), size, size))


def _one_minus_ratio(
    parts: Callable[[_Array], tuple[_Array, _Array]], counts: _Array, largest: float, seed: int
) -> Interval:
    """``1 - observed / expected`` of the units, and of draws from them.

    ``parts``: numbers of units of each pattern, one row for each draw → mean observed and expected disagreement.
    ``counts``: units of each pattern. ``largest``: the largest disagreement of two judgements.
    """
    total = int(counts.sum())
    if total == 0:
        return Interval(math.nan, math.nan, math.nan)
    observed, expected = (float(part[0]) for part in parts(counts[None]))
    if expected <= 0:
        return Interval(math.nan, math.nan, math.nan)
    value = 1 - observed / expected
    if observed == 0:
        unseen = 1 - wilson(total, total).lower
        return Interval(value, max(-1.0, 1 - unseen * largest / expected), 1.0)
    drawn = np.random.default_rng(seed).multinomial(total, counts / total, size=_ROUNDS).astype(np.float64)
    disagreed, by_chance = parts(drawn)
    defined = by_chance > 0
    lower, upper = np.quantile(1 - disagreed[defined] / by_chance[defined], (0.025, 0.975))
    return Interval(value, min(float(lower), value), max(float(upper), value))
