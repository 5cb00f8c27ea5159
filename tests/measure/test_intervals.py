import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.measure import (
    UNDEFINED,
    bootstrap,
    clopper_pearson,
    effective,
    lower_bound,
    operating_point,
    share_text,
    upper_bound,
    wilson,
)

counts = st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@settings(deadline=None)
@given(counts, st.sampled_from([0.8, 0.95, 0.99]))
def test_intervals_agree_with_scipy(pair, confidence):
    successes, trials = pair
    from scipy import stats  # here: a second of imports that no other test needs

    test = stats.binomtest(successes, trials)
    for ours, method in ((clopper_pearson, "exact"), (wilson, "wilson")):
        found, wanted = ours(successes, trials, confidence), test.proportion_ci(confidence, method)
        assert found.lower == pytest.approx(wanted.low, abs=1e-9)
        assert found.upper == pytest.approx(wanted.high, abs=1e-9)
    from scipy import stats

    one_sided = stats.binomtest(successes, trials, alternative="less").proportion_ci(confidence, "exact")
    assert upper_bound(successes, trials, confidence) == pytest.approx(one_sided.high, abs=1e-9)
    other = stats.binomtest(successes, trials, alternative="greater").proportion_ci(confidence, "exact")
    assert lower_bound(successes, trials, confidence) == pytest.approx(other.low, abs=1e-9)


def test_known_wilson_interval():
    # Newcombe 1998, table I: 81 of 263.
    found = wilson(81, 263)
    assert (round(found.lower, 4), round(found.upper, 4)) == (0.2553, 0.3662)


def test_no_trials_know_nothing():
    assert math.isnan(wilson(0, 0).value)
    assert (wilson(0, 0).lower, wilson(0, 0).upper) == (0.0, 1.0)
    assert (upper_bound(0, 0), lower_bound(0, 0)) == (1.0, 0.0)


def test_more_successes_than_trials_are_refused():
    with pytest.raises(ValueError, match="3 successes of 2"):
        wilson(3, 2)
    with pytest.raises(ValueError, match="3 successes of 2"):
        clopper_pearson(3, 2)


def test_effective_count_of_equal_weights_is_their_number():
    assert effective([2, 2, 2]) == pytest.approx(3)
    assert effective([100, 1, 1]) < 1.1


def test_bootstrap_covers_the_mean_and_repeats_with_its_seed():
    values = np.random.default_rng(1).normal(3, 1, 400)
    found = bootstrap(lambda rows: float(values[rows].mean()), len(values), seed=5)
    assert found == bootstrap(lambda rows: float(values[rows].mean()), len(values), seed=5)
    assert found.lower < found.value < found.upper
    assert found.upper - found.lower == pytest.approx(2 * 1.96 / 20, rel=0.25)


def test_bootstrap_by_group_is_wider_when_rows_of_a_group_repeat():
    values = np.repeat(np.random.default_rng(1).normal(0, 1, 40), 10)
    groups = np.repeat(np.arange(40), 10)

    def mean(rows):
        return float(values[rows].mean())

    by_row = bootstrap(mean, 400, seed=1, rounds=300)
    by_group = bootstrap(mean, 400, seed=1, rounds=300, groups=groups)
    assert by_group.upper - by_group.lower > 2 * (by_row.upper - by_row.lower)


def test_bootstrap_leaves_out_rounds_without_an_answer():
    found = bootstrap(lambda rows: math.nan if 0 in rows else 1.0, 3, seed=1, rounds=50)
    assert (found.lower, found.upper) == (1.0, 1.0)
    with pytest.raises(ValueError, match="nothing to resample"):
        bootstrap(lambda rows: 1.0, 0, seed=1)


def test_a_share_of_nothing_is_printed_as_undefined() -> None:
    assert share_text(wilson(0, 0).value) == UNDEFINED
    assert share_text(wilson(0, 3).value) == "0.000"
    assert share_text(2 / 3, digits=1) == "0.7"
    with pytest.raises(ValueError, match="positives and negatives"):
        operating_point([0, 0], [0.1, 0.2], 0.5)
