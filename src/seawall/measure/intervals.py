"""Confidence intervals: for shares, and for any metric by resampling."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its lower and upper confidence bound."""

    value: float
    lower: float
    upper: float


UNDEFINED: Final = "undefined"
"""How a number that is NaN is printed: the precision of nothing found, the recall of nothing to find."""


def share_text(value: float, digits: int = 3) -> str:
    """A share as printed: ``0.667``, or ``undefined`` for NaN. Nothing is neither all right nor all wrong."""
    return UNDEFINED if math.isnan(value) else f"{value:.{digits}f}"


def wilson(successes: float, trials: float, confidence: float = 0.95) -> Interval:
    """The score interval of a share (Wilson 1927). No trials: value NaN, bounds 0 and 1.

    Fractional counts are allowed: with weights, pass effective counts (see ``effective``).
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes of {trials} trials")
    if trials == 0:
        return Interval(math.nan, 0.0, 1.0)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = successes / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    lower = 0.0 if successes == 0 else max(0.0, centre - half)
    upper = 1.0 if successes == trials else min(1.0, centre + half)
    return Interval(share, min(lower, share), max(upper, share))


def clopper_pearson(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """The exact interval of a share (Clopper and Pearson 1934): its coverage is at least ``confidence``."""
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes of {trials} trials")
    if trials == 0:
        return Interval(math.nan, 0.0, 1.0)
    tail = (1 - confidence) / 2
    lower = 0.0 if successes == 0 else _beta_quantile(tail, successes, trials - successes + 1)
    upper = 1.0 if successes == trials else _beta_quantile(1 - tail, successes + 1, trials - successes)
    return Interval(successes / trials, lower, upper)


def upper_bound(successes: float, trials: float, confidence: float = 0.95) -> float:
    """The exact one-sided upper bound of a share (Clopper and Pearson). No trials: 1.

    With weights, pass effective counts (Korn and Graubard 1998; see ``effective``).
    """
    if trials == 0 or successes >= trials:
        return 1.0
    return _beta_quantile(confidence, successes + 1, trials - successes)


def lower_bound(successes: float, trials: float, confidence: float = 0.95) -> float:
    """The exact one-sided lower bound of a share. No trials: 0."""
    return 0.0 if trials == 0 else 1.0 - upper_bound(trials - successes, trials, confidence)


def effective(weights: ArrayLike) -> float:
    """How many equally weighted rows these weighted rows are worth (Kish 1965)."""
    values = np.asarray(weights, dtype=np.float64)
    squares = float((values**2).sum())
    return float(values.sum()) ** 2 / squares if squares else 0.0


def bootstrap(
    measure: Callable[[NDArray[np.int64]], float],
    rows: int,
    *,
    seed: int,
    groups: ArrayLike | None = None,
    rounds: int = 1000,
    confidence: float = 0.95,
) -> Interval:
    """Percentile bootstrap (Efron 1979). ``measure`` maps row numbers, with repeats, to a number.

    With ``groups``, whole groups are drawn, which is right when rows of a group resemble each other. Rounds in which
    the measure is NaN (such as a resample without positives) are left out.
    """
    if rows <= 0:
        raise ValueError("nothing to resample")
    generator = np.random.default_rng(seed)
    if groups is None:
        members = None
        units = rows
    else:
        names, member = np.unique(np.asarray(groups), return_inverse=True)
        if len(member) != rows:
            raise ValueError(f"{rows} rows need {rows} groups; got {len(member)}")
        order = np.argsort(member, kind="stable")
        members = np.split(order, np.cumsum(np.bincount(member))[:-1])
        units = len(names)
    drawn: list[float] = []
    for _ in range(rounds):
        pick = generator.integers(0, units, units)
        index = pick if members is None else np.concatenate([members[unit] for unit in pick])
        value = measure(index)
        if not math.isnan(value):
            drawn.append(value)
    tail = (1 - confidence) / 2
    value = measure(np.arange(rows))
    if not drawn:
        return Interval(value, math.nan, math.nan)
    lower, upper = np.quantile(np.array(drawn), (tail, 1 - tail))
    return Interval(value, float(lower), float(upper))


def _beta_quantile(share: float, a: float, b: float) -> float:
    """Inverse of the regularised incomplete beta function by bisection."""
    low, high = 0.0, 1.0
    for _ in range(100):
        middle = (low + high) / 2
        if _beta_cdf(middle, a, b) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _beta_cdf(x: float, a: float, b: float) -> float:
    """Regularised incomplete beta function by Lentz's continued fraction (Abramowitz and Stegun 26.5.8)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta_cdf(1 - x, b, a)
    front = math.exp(a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)) / a
    tiny = 1e-300
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > tiny else tiny)
    fraction = d
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 + term * d
            d = 1 / (d if abs(d) > tiny else tiny)
            c = 1 + term / c
            c = c if abs(c) > tiny else tiny
            fraction *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * fraction
