"""The staffing simulator against queueing theory, and its plans against their promise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.review import staffing
from seawall.review.figure_rows import FigureFilters
from seawall.review.figures import HOUR_MS
from seawall.review.tables import case_closing

FLAT = [20.0] * staffing.WEEK_HOURS


@pytest.mark.parametrize(
    ("reviewers", "load", "waits"),
    [(1, 0.5, 0.5), (2, 1.0, 1 / 3), (3, 2.0, 4 / 9), (14, 10.0, 0.1741), (5, 5.0, 1.0), (3, 0.0, 0.0)],
)
def test_erlang_c_has_the_values_of_the_tables(reviewers: int, load: float, waits: float) -> None:
    assert staffing.erlang_c(reviewers, load) == pytest.approx(waits, abs=5e-4)


def test_erlang_c_says_how_many_are_taken_in_time() -> None:
    # 100 calls in half an hour, 3 minutes each, 14 agents: 88.8 % within 20 seconds.
    assert staffing.erlang_met(14, 200, 180, 20) == pytest.approx(0.888, abs=5e-4)


@pytest.mark.parametrize(
    ("reviewers", "per_hour", "mean_s", "sla_s"), [(3, 40, 180, 60), (6, 60, 300, 120), (2, 4, 900, 600)]
)
def test_the_simulation_agrees_with_erlang_c(reviewers: int, per_hour: float, mean_s: float, sla_s: float) -> None:
    random = np.random.default_rng(11)
    count = 150_000
    at = np.cumsum(random.exponential(3600 / per_hour, count))
    run = staffing.simulate([reviewers] * staffing.WEEK_HOURS, at, random.exponential(mean_s, count))
    load = per_hour * mean_s / 3600
    assert np.mean(run.wait > 0) == pytest.approx(staffing.erlang_c(reviewers, load), abs=0.015)
    assert np.mean(run.wait <= sla_s) == pytest.approx(
        staffing.erlang_met(reviewers, per_hour, mean_s, sla_s), abs=0.015
    )


def test_what_comes_at_night_is_taken_in_the_morning() -> None:
    reviewers = [1 if 9 <= hour % 24 < 17 else 0 for hour in range(staffing.WEEK_HOURS)]
    run = staffing.simulate(reviewers, np.array([2 * 3600.0, 2.5 * 3600, 16.9 * 3600, 17.5 * 3600]), np.full(4, 600.0))
    assert run.wait.tolist() == pytest.approx([7 * 3600, 6.5 * 3600 + 600, 0, 15.5 * 3600])


def test_a_plan_keeps_its_promise_and_is_not_lavish() -> None:
    plan = staffing.plan_staffing(FLAT, [300.0], sla_s=600, reach=0.9, seed=3)
    assert min(plan.met) >= 0.9
    assert plan.met_in_all >= 0.88  # of cases that it was not made for
    assert sum(plan.reviewers) / staffing.WEEK_HOURS <= 4  # 1.7 are busy on average
    assert 0.4 < plan.busy <= 1
    again = staffing.plan_staffing(FLAT, [300.0], sla_s=600, reach=0.9, seed=3)
    assert plan == again


def test_a_long_sla_needs_nobody_at_night() -> None:
    day = [30.0 if 9 <= hour % 24 < 17 else 1.0 for hour in range(staffing.WEEK_HOURS)]
    short = staffing.plan_staffing(day, [120.0, 240.0], sla_s=300, reach=0.9)
    long = staffing.plan_staffing(day, [120.0, 240.0], sla_s=24 * 3600, reach=0.9)
    assert min(long.met) >= 0.9
    assert sum(long.reviewers) < sum(short.reviewers)


@settings(max_examples=8)
@given(
    st.lists(st.floats(0, 30), min_size=24, max_size=24).filter(lambda day: sum(day) > 1),
    st.floats(10, 1200),
    st.sampled_from([60.0, 600.0, 3600.0, 4 * 3600.0, 24 * 3600.0]),
    st.sampled_from([0.5, 0.8, 0.95]),
)
def test_every_plan_keeps_its_promise(day: list[float], mean_s: float, sla_s: float, reach: float) -> None:
    plan = staffing.plan_staffing(day * 7, [mean_s / 2, mean_s, mean_s * 1.5], sla_s=sla_s, reach=reach)
    assert min(plan.met) >= reach


@pytest.mark.parametrize(
    ("arrivals", "handle_s", "sla_s", "reach"),
    [
        ([1.0] * 3, [60.0], 60, 0.9),
        ([-1.0] * 168, [60.0], 60, 0.9),
        ([float("nan")] * 168, [60.0], 60, 0.9),
        ([0.0] * 168, [60.0], 60, 0.9),
        ([1000.0] * 168, [60.0], 60, 0.9),
        (FLAT, [], 60, 0.9),
        (FLAT, [0.0], 60, 0.9),
        (FLAT, [60.0], -1, 0.9),
        (FLAT, [60.0], 60, 1.0),
    ],
)
def test_inputs_that_make_no_plan_are_refused(
    arrivals: list[float], handle_s: list[float], sla_s: float, reach: float
) -> None:
    with pytest.raises(staffing.CannotPlan):
        staffing.plan_staffing(arrivals, handle_s, sla_s=sla_s, reach=reach)


def test_work_is_measured_by_the_hour_of_the_week(desk: Any) -> None:
    monday = 1_795_996_800_000  # 2026-11-30 00:00 UTC
    assert staffing.hour_of_week(monday // HOUR_MS) == 0
    with desk.database.write() as connection:
        rows = [
            {"case": f"case_{number}", "opened_at": monday + int(hours * HOUR_MS), "closed_at": monday + 200 * HOUR_MS}
            | {"queue": "rudeness", "child_safety": False, "reviewer": "per_1", "seconds": seconds}
            for number, (hours, seconds) in enumerate([(9, 30.0), (9.5, 9000.0), (9 + 168, None), (30, 60.0)])
        ]
        connection.execute(case_closing.insert(), rows)
        until = monday + 2 * 168 * HOUR_MS
        found = staffing.measure_work(connection, monday, until, FigureFilters())
    assert {hour: came for hour, came in enumerate(found.arrivals) if came} == {9: 1.5, 30: 0.5}
    assert (sorted(found.handle_s), found.left_out, found.weeks) == ([30.0, 60.0], 1, 2.0)


def test_hours_of_equal_staff_are_told_together() -> None:
    assert staffing.runs([1, 1, 2]) == [(0, 2, 1), (2, 3, 2)]
