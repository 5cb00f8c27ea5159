"""How many reviewers each hour of the week needs: arrivals x handle time x SLA, by simulation.

    plan = plan_staffing(per_hour, handle_s, sla_s=3600, reach=0.9, seed=1)
    plan.reviewers[9]                          # Monday, 09:00 to 10:00 UTC
    erlang_c(reviewers=14, load=10)            # what queueing theory says, to check the simulation against

Cases arrive as a Poisson process whose rate changes by the hour of the week; each takes a time drawn from those that
were measured; whoever is free takes the next one. A case meets the SLA when somebody takes it in time.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from seawall.review.figure_rows import FigureFilters, arrivals, closings
from seawall.review.figures import HOUR_MS, FloatArray

WEEK_HOURS: Final = 168
MOST_PER_WEEK: Final = 100_000
MOST_REVIEWERS: Final = 2_000
MOST_HANDLE_S: Final = 3600.0
"""A page that was open for longer was not worked on all the time."""
_HOUR_S: Final = 3600.0
_SIMULATED_CASES: Final = 8_000
_MOST_WEEKS: Final = 26
_ROUNDS: Final = 200
_REFINEMENTS: Final = 4


class CannotPlan(ValueError):
    """The inputs make no plan; the message says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffingPlan:
    """Reviewers for each hour of the week, from Monday 00:00 UTC, and what the simulation of it gave.

    ``met``: share of the cases of each hour that somebody took in time (1 in an hour without any), in the simulation
    that the plan was made with. The other figures are of another one, of as many ``weeks`` and other cases. ``busy``:
    share of the reviewers' time that they worked.
    """

    reviewers: tuple[int, ...]
    met: tuple[float, ...]
    met_in_all: float
    busy: float
    median_wait_s: float
    p90_wait_s: float
    cases: int
    weeks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedWaits:
    """One run: when each case came (s), how long until somebody took it (s), how long it took (s)."""

    at: FloatArray
    wait: FloatArray
    handle: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredWork:
    """What came in each hour of the week on average, and how long cases took (s), of a period of ``weeks``."""

    arrivals: tuple[float, ...]
    handle_s: tuple[float, ...]
    left_out: int  # cases whose page was open for longer than ``MOST_HANDLE_S``
    weeks: float


def measure_work(connection: Connection, since: int, until: int, filters: FigureFilters) -> MeasuredWork:
    """Arrivals and handle times of a period, which begins and ends with an hour (ms since 1970, UTC)."""
    first, hours = since // HOUR_MS, (until - since) // HOUR_MS
    came, there = np.zeros(WEEK_HOURS), np.zeros(WEEK_HOURS)
    for hour in range(first, first + hours):
        there[hour_of_week(hour)] += 1
    for one in arrivals(connection, since, until, HOUR_MS, filters):
        came[hour_of_week(first + one.step)] += one.times
    seconds = [one for one in closings(connection, since, until, filters).seconds if one is not None and one > 0]
    return MeasuredWork(
        arrivals=tuple((came / np.maximum(there, 1)).tolist()),
        handle_s=tuple(one for one in seconds if one <= MOST_HANDLE_S),
        left_out=sum(one > MOST_HANDLE_S for one in seconds),
        weeks=hours / WEEK_HOURS,
    )


def hour_of_week(hour: int) -> int:
    """Hours since 1970, which began with a Thursday, as hours since Monday 00:00."""
    return (hour + 3 * 24) % WEEK_HOURS


def plan_staffing(
    per_hour: Sequence[float], handle_s: Sequence[float], *, sla_s: float, reach: float, seed: int = 1
) -> StaffingPlan:
    """A plan in which a share of ``reach`` of the cases of every hour are taken within ``sla_s`` seconds.

    ``per_hour``: cases that come, for the 168 hours of a week from Monday 00:00 UTC. ``handle_s``: handle times in
    seconds, of which each case draws one. Found by adding reviewers where cases wait too long and removing those that
    are not needed, so a plan with fewer may exist. Raises CannotPlan.
    """
    _check(per_hour, handle_s, sla_s, reach)
    rates = np.asarray(per_hour, dtype=np.float64)
    weeks = max(2, min(_MOST_WEEKS, round(_SIMULATED_CASES / max(1.0, sum(per_hour)))))
    first, second, third = (_cases(rates, handle_s, weeks, seed + more) for more in range(3))
    start = _smoothed_load(per_hour, float(np.mean(handle_s)), int(sla_s // _HOUR_S))
    aim = reach
    for _ in range(_REFINEMENTS):
        reviewers = _fitted(start, first, sla_s, aim)
        # A plan that fits the cases it was made for may not fit others: then it is made for more.
        if float(np.mean(simulate(reviewers, *second).wait <= sla_s)) >= reach:
            break
        aim = (aim + 1) / 2
    met, _ = _met(simulate(reviewers, *first), sla_s)
    return _plan(reviewers, met, simulate(reviewers, *third), sla_s, weeks)


def _fitted(start: Sequence[int], cases: tuple[FloatArray, FloatArray], sla_s: float, reach: float) -> list[int]:
    """The plan for these cases. Raises CannotPlan."""
    reviewers = list(start)
    for _ in range(_ROUNDS):
        run = simulate(reviewers, *cases)
        met, _ = _met(run, sla_s)
        short = [hour for hour in range(WEEK_HOURS) if met[hour] < reach]
        if not short:
            return _trimmed(reviewers, *cases, sla_s, reach)
        _add(reviewers, run, short, sla_s, int(sla_s // _HOUR_S))
        if max(reviewers) > MOST_REVIEWERS:
            break
    raise CannotPlan("No plan was found. Allow more time (the SLA), or a smaller share.")


def simulate(reviewers: Sequence[int], at: FloatArray, handle: FloatArray) -> SimulatedWaits:
    """Let cases that come ``at`` these seconds since Monday 00:00 be taken first come, first served.

    ``reviewers``: by hour of the week, which repeats. Whoever works on a case at the end of their hour finishes it.
    """
    if max(reviewers) == 0:
        raise CannotPlan("Somebody must work at some hour.")
    busy: list[float] = []  # when those at work will be free
    wait = np.empty(len(at))
    time = 0.0
    for number, (came, takes) in enumerate(zip(at.tolist(), handle.tolist(), strict=True)):
        time = max(time, came)
        while True:
            while busy and busy[0] <= time:
                heapq.heappop(busy)
            hour = math.floor(time / _HOUR_S)
            if len(busy) < reviewers[hour % WEEK_HOURS]:
                break
            next_hour = (hour + 1) * _HOUR_S
            time = min(busy[0], next_hour) if busy else next_hour
        wait[number] = time - came
        heapq.heappush(busy, time + takes)
    return SimulatedWaits(at=at, wait=wait, handle=handle)


def erlang_c(reviewers: int, load: float) -> float:
    """Probability that a case waits (Erlang 1917): Poisson arrivals, exponential times, ``load`` in reviewers."""
    if load >= reviewers:
        return 1.0
    blocked = 1.0  # Erlang B, by its recursion
    for number in range(1, reviewers + 1):
        blocked = load * blocked / (number + load * blocked)
    return blocked / (1 - load / reviewers * (1 - blocked))


def erlang_met(reviewers: int, per_hour: float, mean_s: float, sla_s: float) -> float:
    """Share of cases taken within ``sla_s`` seconds, by the same theory."""
    load = per_hour * mean_s / _HOUR_S
    if load >= reviewers:
        return 0.0
    return 1 - erlang_c(reviewers, load) * math.exp(-(reviewers - load) * sla_s / mean_s)


def _check(per_hour: Sequence[float], handle_s: Sequence[float], sla_s: float, reach: float) -> None:
    if len(per_hour) != WEEK_HOURS or not all(math.isfinite(one) and one >= 0 for one in per_hour):
        raise CannotPlan(f"Give the arrivals of {WEEK_HOURS} hours, none of them below 0.")
    if not sum(per_hour):
        raise CannotPlan("No case arrives, so nobody is needed. Choose a period in which cases came.")
    if sum(per_hour) > MOST_PER_WEEK:
        raise CannotPlan(f"At most {MOST_PER_WEEK} cases a week are simulated. Choose one queue.")
    if not handle_s or not all(math.isfinite(one) and one > 0 for one in handle_s):
        raise CannotPlan("Give at least one handle time above 0 seconds.")
    if not 0 <= sla_s <= 30 * 24 * _HOUR_S or not 0 < reach < 1:
        raise CannotPlan("Give an SLA of up to 30 days, and a share between 0 and 100 %.")


def _cases(per_hour: FloatArray, handle_s: Sequence[float], weeks: int, seed: int) -> tuple[FloatArray, FloatArray]:
    random = np.random.default_rng(seed)
    counts = random.poisson(np.tile(per_hour, weeks))
    hours = np.repeat(np.arange(WEEK_HOURS * weeks), counts)
    at = np.sort((hours + random.random(len(hours))) * _HOUR_S)
    return at, random.choice(np.asarray(handle_s, dtype=np.float64), len(at))


def _smoothed_load(per_hour: Sequence[float], mean_s: float, reach_hours: int) -> list[int]:
    """Where the search begins: the work that comes, spread over the hours that its SLA leaves for it."""
    window = range(reach_hours + 1) if reach_hours < WEEK_HOURS else range(WEEK_HOURS)
    load = [
        sum(per_hour[(hour - back) % WEEK_HOURS] for back in window) / len(window) * mean_s / _HOUR_S
        for hour in range(WEEK_HOURS)
    ]
    return [math.ceil(one) if one > 0 else 0 for one in load]


def _met(run: SimulatedWaits, sla_s: float) -> tuple[list[float], NDArray[np.int64]]:
    """Share of each hour's cases that were taken in time, and how many came."""
    hours = (run.at // _HOUR_S).astype(np.int64) % WEEK_HOURS
    came = np.bincount(hours, minlength=WEEK_HOURS)
    fine = np.bincount(hours, weights=run.wait <= sla_s, minlength=WEEK_HOURS)
    return [float(fine[hour] / came[hour]) if came[hour] else 1.0 for hour in range(WEEK_HOURS)], came


def _add(reviewers: list[int], run: SimulatedWaits, short: Sequence[int], sla_s: float, reach_hours: int) -> None:
    """One reviewer more where late cases could still have been taken in time: where the fewest work."""
    hours = (run.at // _HOUR_S).astype(np.int64) % WEEK_HOURS
    late = np.bincount(hours, weights=run.wait > sla_s, minlength=WEEK_HOURS)
    done: set[int] = set()
    for hour in sorted(short, key=lambda one: -late[one]):
        window = [(hour + more) % WEEK_HOURS for more in range(min(reach_hours, WEEK_HOURS - 1) + 1)]
        if done.intersection(window):
            continue
        chosen = min(window, key=lambda one: (reviewers[one], -late[one]))
        reviewers[chosen] += 1
        done.add(chosen)


def _trimmed(reviewers: list[int], at: FloatArray, handle: FloatArray, sla_s: float, reach: float) -> list[int]:
    """Without reviewers that are not needed: tried for runs of hours, largest first."""
    kept = list(reviewers)
    for size in (24, 8):
        for first in range(0, WEEK_HOURS, size):
            tried = [max(0, count - (first <= hour < first + size)) for hour, count in enumerate(kept)]
            if tried == kept or max(tried) == 0:
                continue
            met, _ = _met(simulate(tried, at, handle), sla_s)
            if min(met) >= reach:
                kept = tried
    return kept


def _plan(
    reviewers: Sequence[int], met: Sequence[float], run: SimulatedWaits, sla_s: float, weeks: int
) -> StaffingPlan:
    median, p90 = np.percentile(run.wait, [50, 90])
    return StaffingPlan(
        reviewers=tuple(reviewers),
        met=tuple(met),
        met_in_all=float(np.mean(run.wait <= sla_s)),
        busy=min(1.0, float(run.handle.sum() / (sum(reviewers) * _HOUR_S * weeks))),
        median_wait_s=float(median),
        p90_wait_s=float(p90),
        cases=len(run.at),
        weeks=weeks,
    )


def runs(values: Sequence[int]) -> list[tuple[int, int, int]]:
    """Hours of equal values as (first, end, value), for a text: ``[1, 1, 2]`` is ``[(0, 2, 1), (2, 3, 2)]``."""
    starts = [place for place, value in enumerate(values) if place == 0 or value != values[place - 1]]
    return [(first, end, values[first]) for first, end in pairwise([*starts, len(values)])]
