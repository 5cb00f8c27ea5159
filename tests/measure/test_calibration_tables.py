"""Calibration tables against a naive oracle and published intervals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.measure import calibration_table, clopper_pearson, lower_bound, upper_bound
from seawall.measure.operating import FPR_GRID, RECALL_GRID

rows = st.lists(st.tuples(st.booleans(), st.integers(0, 30).map(lambda n: n / 30)), min_size=2, max_size=80).filter(
    lambda found: len({label for label, _ in found}) == 2
)


@settings(deadline=None)
@given(rows)
def test_a_table_is_what_counting_gives(found):
    labels, scores = (np.array(column, dtype=float) for column in zip(*found, strict=True))
    positives, negatives = scores[labels == 1], scores[labels == 0]
    table = calibration_table(labels, scores)
    assert (table.positives, table.negatives) == (len(positives), len(negatives))
    thresholds = [row.threshold for row in table.points]
    assert thresholds == sorted(set(thresholds))
    for row in table.points:
        reached, false = int((positives >= row.threshold).sum()), int((negatives >= row.threshold).sum())
        assert row.recall_lower == pytest.approx(lower_bound(reached, len(positives)))
        assert row.fpr_upper == pytest.approx(upper_bound(false, len(negatives)))
        assert row.recall_lower_of_both == pytest.approx(lower_bound(reached, len(positives), 0.975))
        assert row.fpr_upper_of_both == pytest.approx(upper_bound(false, len(negatives), 0.975))
        assert row.precision_lower is None
    for least in RECALL_GRID:  # the highest score that shows it is in the table
        able = [s for s in scores if lower_bound(int((positives >= s).sum()), len(positives)) >= least]
        assert max((t for t, row in zip(thresholds, table.points, strict=True) if row.recall_lower >= least),
                   default=None) == max(able, default=None)  # fmt: skip
    for most in FPR_GRID:
        able = [s for s in scores if upper_bound(int((negatives >= s).sum()), len(negatives)) <= most]
        assert min((t for t, row in zip(thresholds, table.points, strict=True) if row.fpr_upper <= most),
                   default=None) == min(able, default=None)  # fmt: skip


@pytest.mark.parametrize(
    ("reached", "trials", "lower", "upper"),
    [(81, 263, 0.2527, 0.3676), (15, 148, 0.0578, 0.1617), (0, 20, 0.0, 0.1684), (1, 29, 0.0009, 0.1776)],
)
def test_bounds_of_both_are_the_ends_of_published_intervals(reached, trials, lower, upper):
    """Newcombe 1998, Statistics in Medicine 17:857, table I, method 5 (Clopper and Pearson), two-sided 95 %."""
    assert clopper_pearson(reached, trials).lower == pytest.approx(lower, abs=5e-5)
    assert clopper_pearson(reached, trials).upper == pytest.approx(upper, abs=5e-5)
    low, high = [0.9] * reached, [0.1] * (trials - reached)
    labels = [1] * trials + [0] * trials
    table = calibration_table(labels, (low + high) * 2)
    for row in table.points:
        if row.threshold == 0.9:
            assert row.recall_lower_of_both == pytest.approx(lower, abs=5e-5)
            assert row.fpr_upper_of_both == pytest.approx(upper, abs=5e-5)


def test_equal_weights_change_nothing_but_show_a_precision():
    generator = np.random.default_rng(5)
    labels = (generator.random(3_000) < 0.1).astype(int)
    scores = np.clip(generator.normal(0.3 + 0.4 * labels, 0.15), 0, 1)
    plain, weighted = calibration_table(labels, scores), calibration_table(labels, scores, np.full(3_000, 7.0))
    assert [row.threshold for row in plain.points] == [row.threshold for row in weighted.points]
    for one, other in zip(plain.points, weighted.points, strict=True):
        assert (one.recall_lower, one.fpr_upper) == pytest.approx((other.recall_lower, other.fpr_upper))
        above = scores >= one.threshold
        assert other.precision_lower == pytest.approx(lower_bound(int(labels[above].sum()), int(above.sum())))


def test_a_weighted_sample_shows_the_precision_of_the_traffic_that_it_was_drawn_from():
    """What users report is drawn more often than the rest; the weights undo that."""
    generator = np.random.default_rng(11)
    size = 200_000
    truth = generator.random(size) < 0.02
    scores = np.clip(generator.normal(0.2 + 0.5 * truth, 0.15), 0, 1)
    reported = generator.random(size) < np.where(truth, 0.5, 0.01)
    drawn_with = np.where(reported, 0.5, 0.02)
    drawn = generator.random(size) < drawn_with
    table = calibration_table(truth[drawn], scores[drawn], 1 / drawn_with[drawn])
    unweighted = calibration_table(truth[drawn], scores[drawn], np.ones(int(drawn.sum())))
    honest, naive = [], []
    for found, right in ((table, honest), (unweighted, naive)):
        for row in found.points:
            above = scores >= row.threshold
            right.append(row.precision_lower <= truth[above].mean())
    assert np.mean(honest) >= 0.95
    assert np.mean(naive) < 0.5


def test_one_class_has_no_table():
    with pytest.raises(ValueError, match="positives and negatives"):
        calibration_table([1, 1], [0.1, 0.2])
