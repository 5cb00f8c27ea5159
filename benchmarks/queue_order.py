"""Time to catch in a simulated month: first in first out beside the order by expected harm.

    ./run bench queue_order

Cases arrive as a Poisson process that follows the hours of the day. Each has a severity, a probability that the rule
gave (calibrated: as many of them violate), views that come at a falling rate and differ by orders of magnitude, and
reports that come of views; three in ten are withheld from visitors and get none. The order knows severity, probability,
reports and age; it never knows the truth or the views. There are reviewers for four cases of five, so the backlog grows
all month. Who waits at the end is counted as caught then, which flatters whatever lets cases wait for ever.

``time to catch``: of violating items, from arrival to review, in hours, weighted by the views that the item gets within
the month if nobody looks. ``harm seen``: views of violating items before the review, times 3 ** (severity - 1). Both
orders get the same month; the ratio is the order by expected harm over first in first out, in each of several months.
"""

from __future__ import annotations

import heapq
import json
import math
import random
import statistics
import time
from dataclasses import dataclass

from seawall.review.priority import urgency

AIM = 0.5  # time to catch over that of first in first out
MONTHS = 5
DAYS = 30
PER_DAY = 1_000
STAFFED = 0.8  # of what arrives
HOUR = 3_600_000
FADING = 12 * HOUR  # views fall to a third in this time
SEVERITIES = (0.30, 0.25, 0.25, 0.12, 0.08)  # shares of 1 to 5
WITHHELD = 0.3
REPORTS_PER_VIEW = {True: 1 / 400, False: 1 / 8_000}  # of what violates, and of what does not


@dataclass(slots=True)
class Arrival:
    """One case: what the order may know, then what only the simulation knows."""

    number: int
    at: int
    severity: int
    probability: float
    visible: bool
    violates: bool
    views: float
    reports: list[int]


def main() -> None:
    """Print a table, and the figures as JSON in the last line."""
    started = time.perf_counter()
    print(f"{'month':<6} {'order':<16} {'caught':>7} {'time to catch':>14} {'severity 5':>11} {'harm seen':>11}")
    ratios: list[float] = []
    seen: list[float] = []
    for month in range(MONTHS):
        arrivals = simulated_month(random.Random(month))
        first, expected = (measured(arrivals, reviewed(arrivals, by_harm=by_harm)) for by_harm in (False, True))
        for name, figures in (("first in, first", first), ("expected harm", expected)):
            print(
                f"{month + 1:<6} {name:<16} {figures['caught']:>7.0f} {figures['hours']:>12.1f} h "
                f"{figures['hours of severity 5']:>9.1f} h {figures['harm seen'] / 1e6:>9.1f} M"
            )
        ratios.append(expected["hours"] / first["hours"])
        seen.append(expected["harm seen"] / first["harm seen"])
    print(f"\ntime to catch, ratio: {spread(ratios)}; aim: {AIM} or less")
    print(f"harm seen, ratio: {spread(seen)}")
    print(json.dumps({"time_to_catch": ratios, "harm_seen": seen, "seconds": round(time.perf_counter() - started, 1)}))


def spread(ratios: list[float]) -> str:
    """Mean, smallest and largest."""
    return f"{statistics.mean(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def simulated_month(random: random.Random) -> list[Arrival]:
    """The cases of a month, in the order in which they arrive."""
    found: list[Arrival] = []
    at = 0.0
    while at < DAYS * 24 * HOUR:
        at += random.expovariate(PER_DAY / 24 / HOUR)
        day = 1 + 0.6 * math.sin(2 * math.pi * at / (24 * HOUR))
        if random.random() * 1.6 > day:  # thinned: fewer at night
            continue
        severity = random.choices((1, 2, 3, 4, 5), SEVERITIES)[0]
        probability = random.betavariate(1, 2)
        violates, visible = random.random() < probability, random.random() >= WITHHELD
        views = math.exp(random.gauss(math.log(100), 2)) if visible else 0.0
        count = min(int(random.expovariate(1) * views * REPORTS_PER_VIEW[violates] + 0.5), 500)
        reports = [int(at + random.expovariate(1 / FADING)) for _ in range(count)]
        found.append(Arrival(len(found), int(at), severity, probability, visible, violates, views, reports))
    return found


def reviewed(arrivals: list[Arrival], *, by_harm: bool) -> dict[int, int]:
    """When each case was reviewed, by its number; those that wait at the end are not there."""
    events = sorted(
        [(one.at, one.number, 0) for one in arrivals]
        + [(at, one.number, 1) for one in arrivals for at in one.reports if by_harm]
    )
    pause = DAYS * 24 * HOUR / (STAFFED * len(arrivals))
    done: dict[int, int] = {}
    reports = [0] * len(arrivals)
    waiting: list[tuple[float, int]] = []  # by score; a case may be there several times, the highest counts
    position = 0
    now = 0.0
    while (now := now + pause) <= DAYS * 24 * HOUR:
        while position < len(events) and events[position][0] <= now:
            _, number, report = events[position]
            position += 1
            reports[number] += report
            heapq.heappush(waiting, (-score(arrivals[number], reports[number], by_harm=by_harm), number))
        while waiting and waiting[0][1] in done:
            heapq.heappop(waiting)
        if waiting:
            done[heapq.heappop(waiting)[1]] = int(now)
    return done


def score(case: Arrival, reports: int, *, by_harm: bool) -> float:
    """The place in the order: the product's own, or the time of arrival."""
    if not by_harm:
        return -case.at
    return urgency(case.severity, case.probability, reports, visible=case.visible, opened_at=case.at)


def measured(arrivals: list[Arrival], done: dict[int, int]) -> dict[str, float]:
    """The figures of one order."""
    end = DAYS * 24 * HOUR
    hours = weights = worst = worst_weights = harm = 0.0
    for one in (case for case in arrivals if case.violates):
        waited = done.get(one.number, end) - one.at
        possible = one.views * (1 - math.exp(-(end - one.at) / FADING))
        hours += possible * waited / HOUR
        weights += possible
        harm += one.views * (1 - math.exp(-waited / FADING)) * 3.0 ** (one.severity - 1)
        if one.severity == 5:
            worst += possible * waited / HOUR
            worst_weights += possible
    caught = sum(one.violates for one in arrivals if one.number in done)
    return {
        "caught": float(caught),
        "hours": hours / weights,
        "hours of severity 5": worst / worst_weights,
        "harm seen": harm,
    }


if __name__ == "__main__":
    main()
