"""Figures of a period for leads: what came, what was decided, how long it took, and how well.

    period = Period(since=…, until=…)
    found = read_figures(connection, period, FigureFilters(queue="hate"), queues, appeals=[], pairs=[], people=[])
    found.total.decided, found.total.wait.median

Items are counted, not decisions: retries and repeated evaluations are not work. Every share has its n and an interval.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from seawall.measure import Interval, wilson
from seawall.review.figure_rows import (
    ActCount,
    AnsweredCase,
    ArrivalCount,
    Closings,
    FigureFilters,
    OpenCount,
    answered_cases,
    arrivals,
    closings,
    open_cases,
    passings,
    skips,
    undone,
)
from seawall.review.queues import Queues

IntArray: TypeAlias = NDArray[np.int64]
FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]

HOUR_MS: Final = 60 * 60 * 1000
DAY_MS: Final = 24 * HOUR_MS
MOST_DAYS: Final = 92
"""Days of a period up to which its plots have a step for each day; longer ones have weeks."""
AGES: Final[tuple[tuple[str, int], ...]] = (
    ("under 1 h", HOUR_MS),
    ("1 to 4 h", 4 * HOUR_MS),
    ("4 to 24 h", DAY_MS),
    ("1 to 3 days", 3 * DAY_MS),
    ("3 to 7 days", 7 * DAY_MS),
    ("over 7 days", 0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From ``since`` until before ``until``, in ms since 1970."""

    since: int
    until: int

    @property
    def before(self) -> Period:
        """The period of the same length that ends where this one begins."""
        return Period(since=2 * self.since - self.until, until=self.since)

    @property
    def step_ms(self) -> int:
        """The step of its plots."""
        return DAY_MS if self.until - self.since <= MOST_DAYS * DAY_MS else 7 * DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Median and 90th percentile of ``n`` times, in seconds; None: there is none."""

    n: int
    median: float | None
    p90: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """``count`` of ``n``, with its 95 % interval; None: nothing to take a share of."""

    count: int
    n: int
    interval: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureRow:
    """The figures of all, or of one queue, policy or reviewer.

    ``arrived`` None: cases do not arrive for a reviewer. ``decided``: items that people decided; ``cleared``: that
    nobody had to, because a later evaluation cleared them. ``wait``: from the opening of a case to its decision;
    ``missed``: of the decisions in queues with an SLA those that came after it. ``handle``: time with the page open.
    ``overturned``: of the answered appeals against these decisions. ``agreed``: of the second answers given blind;
    None: not known for this choice. ``undone``: of all answers.
    """

    name: str
    arrived: int | None
    decided: int
    cleared: int
    wait: Spread
    missed: Share
    handle: Spread
    overturned: Share
    agreed: Share | None
    undone: Share
    skipped: int
    passed_on: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonCount:
    """How often cases were skipped or passed on for one reason."""

    kind: str  # skipped | passed_on
    why: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureStep:
    """One day or week, from ``at`` (ms)."""

    at: int
    arrived: int
    decided: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeClass:
    """Cases that wait now, of one class of age."""

    title: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All figures of a period. ``before``: those of the period before. ``waiting`` and ``late`` are of now."""

    period: Period
    total: FigureRow
    before: FigureRow
    queues: tuple[FigureRow, ...]
    policies: tuple[FigureRow, ...]
    reviewers: tuple[FigureRow, ...]
    reasons: tuple[ReasonCount, ...]
    steps: tuple[FigureStep, ...]
    ages: tuple[AgeClass, ...]
    waiting: int
    late: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreements:
    """Counts of second answers by name: (agreed, all). ``total`` None: not known for the chosen filters."""

    total: tuple[int, int] | None = None
    queues: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    policies: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    reviewers: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Material:
    """What one period's rows are made of. ``appeals``: (decided case, whether an appeal changed it)."""

    closings: _Closed
    arrivals: Sequence[ArrivalCount]
    skips: Sequence[ActCount]
    passings: Sequence[ActCount]
    undone: Sequence[ActCount]
    appeals: Sequence[tuple[AnsweredCase, bool]]


def read_figures(
    connection: Connection,
    period: Period,
    filters: FigureFilters,
    queues: Queues,
    now: int,
    *,
    appeals: Sequence[tuple[str, bool]] = (),
    appeals_before: Sequence[tuple[str, bool]] = (),
    agreements: Agreements | None = None,
    agreements_before: Agreements | None = None,
) -> Figures:
    """The figures. ``appeals``: those answered in the period, as (appealed decision, changed)."""
    sla_ms = {name: one.sla_s * 1000 for name, one in queues.by_name.items() if one.sla_s is not None}
    material = _read(connection, period, filters, sla_ms, appeals)
    earlier = _read(connection, period.before, filters, sla_ms, appeals_before)
    agreed, agreed_before = agreements or Agreements(), agreements_before or Agreements()
    alone = filters.reviewer is not None
    waiting = [] if alone else open_cases(connection, now, [most for _, most in AGES[:-1]], sla_ms, filters)
    return Figures(
        period=period,
        total=_total(material, agreed, alone=alone),
        before=_total(earlier, agreed_before, alone=alone),
        queues=_rows(material, "queue", agreed.queues, alone=alone),
        policies=_rows(material, "policy", agreed.policies, alone=alone),
        reviewers=_rows(material, "reviewer", agreed.reviewers, alone=True),
        reasons=_reasons(material),
        steps=_steps(material, period),
        ages=_ages(waiting),
        waiting=sum(one.times for one in waiting),
        late=sum(one.late for one in waiting),
    )


def _read(
    connection: Connection,
    period: Period,
    filters: FigureFilters,
    sla_ms: Mapping[str, float],
    appeals: Sequence[tuple[str, bool]],
) -> _Material:
    since, until = period.since, period.until
    decided = {one.decision: one for one in answered_cases(connection, [name for name, _ in appeals], filters)}
    return _Material(
        closings=_columns(closings(connection, since, until, filters), sla_ms),
        arrivals=[] if filters.reviewer else arrivals(connection, since, until, period.step_ms, filters),
        skips=skips(connection, since, until, filters),
        passings=passings(connection, since, until, filters),
        undone=undone(connection, since, until, filters),
        appeals=[(decided[name], changed) for name, changed in appeals if name in decided],
    )


def _total(material: _Material, agreed: Agreements, *, alone: bool) -> FigureRow:
    everything = np.arange(len(material.closings.case))
    return _row("all", material, everything, _Counts(material, lambda _: "all", alone=alone), agreed.total, alone=alone)


def _rows(
    material: _Material, column: str, agreed: Mapping[str, tuple[int, int]], *, alone: bool
) -> tuple[FigureRow, ...]:
    """A row for each name in the column: queue, policy or reviewer."""

    def name_of(row: Any) -> str | None:
        found: str | None = row.person if column == "reviewer" and isinstance(row, ActCount) else getattr(row, column)
        return found

    places = material.closings.places(column)
    counts = _Counts(material, name_of, alone=alone)
    names = places.keys() | agreed.keys() | counts.names()
    nothing = np.array([], dtype=np.int64)
    return tuple(
        _row(name, material, places.get(name, nothing), counts, agreed.get(name, (0, 0)), alone=alone)
        for name in sorted(name for name in names if name is not None)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Closed:
    """Closings as arrays, one value for each. ``late``: NaN in a queue without an SLA."""

    rows: Closings
    case: IntArray  # a number for each case
    repeated: BoolArray  # whether the case ended more than once
    by_person: BoolArray
    wait_s: FloatArray
    late: FloatArray
    handle_s: FloatArray

    def count_cases(self, places: IntArray) -> int:
        """How many cases these are. Few ended more than once: only those are compared."""
        repeated = places[self.repeated[places]]
        return len(places) - len(repeated) + len(set(self.case[repeated].tolist()))

    def places(self, column: str) -> dict[str | None, IntArray]:
        """Where each name of the column stands."""
        codes, names = _coded(getattr(self.rows, column))
        order = np.argsort(codes, kind="stable")
        ends = np.searchsorted(codes[order], np.arange(1, len(names)))
        return dict(zip(names, np.split(order, ends), strict=True)) if names else {}


def _columns(rows: Closings, sla_ms: Mapping[str, float]) -> _Closed:
    wait = np.array(rows.closed_at, dtype=np.float64) - np.array(rows.opened_at, dtype=np.float64)
    codes, queues = _coded(rows.queue)
    limits = np.array([sla_ms.get(name or "", np.nan) for name in queues], dtype=np.float64)
    limit = limits[codes] if len(codes) else wait
    cases = _coded(rows.case)[0]
    return _Closed(
        rows=rows,
        case=cases,
        repeated=np.bincount(cases)[cases] > 1 if len(cases) else np.zeros(0, dtype=np.bool_),
        by_person=np.array([one is not None for one in rows.reviewer], dtype=np.bool_),
        wait_s=wait / 1000,
        late=np.where(np.isnan(limit), np.nan, wait > limit),
        handle_s=np.array(rows.seconds, dtype=np.float64),  # None: NaN
    )


def _coded(values: Sequence[str | None]) -> tuple[IntArray, list[str | None]]:
    """A number for each value, and the values by their numbers."""
    numbers: dict[str | None, int] = {}
    codes = np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=np.int64)
    return codes, list(numbers)


class _Counts:
    """What people and appeals did besides, by name."""

    def __init__(self, material: _Material, name_of: Callable[[Any], str | None], *, alone: bool) -> None:
        self.arrived = _summed(() if alone else material.arrivals, name_of)
        self.skipped = _summed(material.skips, name_of)
        self.passed_on = _summed(material.passings, name_of)
        self.undone = _summed(material.undone, name_of)
        self.appealed = Counter(name_of(case) for case, _ in material.appeals)
        self.overturned = Counter(name_of(case) for case, changed in material.appeals if changed)

    def names(self) -> set[str | None]:
        """All names."""
        acts = self.skipped.keys() | self.passed_on.keys() | self.undone.keys()
        return self.arrived.keys() | acts | self.appealed.keys()


def _row(
    name: str,
    material: _Material,
    places: IntArray,
    counts: _Counts,
    agreed: tuple[int, int] | None,
    *,
    alone: bool,
) -> FigureRow:
    closed = material.closings
    answers = places[closed.by_person[places]]
    late, handle = closed.late[answers], closed.handle_s[answers]
    late, handle = late[~np.isnan(late)], handle[~np.isnan(handle)]
    return FigureRow(
        name=name,
        arrived=None if alone else counts.arrived[name],
        decided=closed.count_cases(answers),
        cleared=closed.count_cases(places) - closed.count_cases(answers),
        wait=_spread(closed.wait_s[answers]),
        missed=_share(int(late.sum()), len(late)),
        handle=_spread(handle),
        overturned=_share(counts.overturned[name], counts.appealed[name]),
        agreed=None if agreed is None else _share(*agreed),
        undone=_share(counts.undone[name], len(answers) + counts.undone[name]),
        skipped=counts.skipped[name],
        passed_on=counts.passed_on[name],
    )


def _summed(rows: Iterable[ArrivalCount | ActCount], name_of: Callable[[Any], str | None]) -> Counter[str | None]:
    found: Counter[str | None] = Counter()
    for one in rows:
        found[name_of(one)] += one.times
    return found


def _spread(times: FloatArray) -> Spread:
    if not len(times):
        return Spread(n=0, median=None, p90=None)
    median, p90 = np.percentile(times, [50, 90])
    return Spread(n=len(times), median=float(median), p90=float(p90))


def _share(count: int, n: int) -> Share:
    return Share(count=count, n=n, interval=wilson(count, n) if n else None)


def _reasons(material: _Material) -> tuple[ReasonCount, ...]:
    found: list[ReasonCount] = []
    for kind, rows in (("skipped", material.skips), ("passed_on", material.passings)):
        counts = _summed(rows, lambda one: one.why)
        found += [ReasonCount(kind=kind, why=str(why), count=count) for why, count in counts.most_common()]
    return tuple(found)


def _steps(material: _Material, period: Period) -> tuple[FigureStep, ...]:
    step_ms = period.step_ms
    arrived = Counter[int]()
    for one in material.arrivals:
        arrived[one.step] += one.times
    count = -(-(period.until - period.since) // step_ms)
    closed = material.closings
    at = np.array(closed.rows.closed_at, dtype=np.int64)[closed.by_person]
    decided = np.bincount((at - period.since) // step_ms, minlength=count)
    return tuple(
        FigureStep(at=period.since + number * step_ms, arrived=arrived[number], decided=int(decided[number]))
        for number in range(count)
    )


def _ages(waiting: Sequence[OpenCount]) -> tuple[AgeClass, ...]:
    counts = Counter[int]()
    for one in waiting:
        counts[one.age] += one.times
    return tuple(AgeClass(title=title, count=counts[place]) for place, (title, _) in enumerate(AGES))
