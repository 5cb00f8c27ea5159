import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.measure import (
    Platt,
    brier,
    expected_calibration_error,
    fit_isotonic,
    fit_platt,
    operating_points,
    sigmoid,
    threshold_at_fpr,
    upper_bound,
)

rows = st.lists(st.tuples(st.booleans(), st.integers(0, 30).map(lambda n: n / 30)), min_size=2, max_size=80).filter(
    lambda found: len({label for label, _ in found}) == 2
)


def sample(count=4000, slope=2.0, intercept=-1.0):
    generator = np.random.default_rng(3)
    scores = generator.normal(0, 1.5, count)
    return (generator.random(count) < sigmoid(slope * scores + intercept)).astype(int), scores


def test_platt_finds_the_curve_that_made_the_data():
    labels, scores = sample()
    found = fit_platt(labels, scores)
    assert found.slope == pytest.approx(2.0, rel=0.1)
    assert found.intercept == pytest.approx(-1.0, abs=0.15)
    assert expected_calibration_error(labels, found.apply(scores)) < 0.03


def test_platt_stays_finite_on_separable_scores():
    found = fit_platt([0, 0, 1, 1], [-1.0, -0.5, 0.5, 1.0])
    assert 0 < found.slope < 100
    assert found.apply([1e6])[0] == 1.0


def test_soft_labels_are_like_that_many_hard_ones():
    scores = [-1.0, 0.0, 1.0]
    soft = fit_platt([0.25, 0.5, 0.75], scores, [4, 4, 4])
    hard = fit_platt([0, 0, 0, 1, 0, 0, 1, 1, 0, 1, 1, 1], np.repeat(scores, 4))
    assert (soft.slope, soft.intercept) == pytest.approx((hard.slope, hard.intercept))


def test_one_class_cannot_be_calibrated():
    with pytest.raises(ValueError, match="positives and negatives"):
        fit_platt([1, 1], [0.1, 0.2])
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        fit_platt([1, 2], [0.1, 0.2])


@settings(deadline=None)
@given(rows)
def test_isotonic_agrees_with_scikit_learn(found):
    labels, scores = (np.array(column, dtype=float) for column in zip(*found, strict=True))
    ours = fit_isotonic(labels, scores).apply(scores)
    from sklearn.isotonic import IsotonicRegression  # here: a second of imports that no other test needs

    reference = IsotonicRegression(out_of_bounds="clip").fit(scores, labels).predict(scores)
    assert ours == pytest.approx(reference)
    assert (np.diff(ours[np.argsort(scores)]) >= -1e-12).all()


@settings(deadline=None)
@given(rows)
def test_brier_agrees_with_scikit_learn(found):
    labels, scores = (np.array(column, dtype=float) for column in zip(*found, strict=True))
    from sklearn.metrics import brier_score_loss

    assert brier(labels, scores) == pytest.approx(brier_score_loss(labels, scores))


def test_calibration_error_of_a_constant_is_its_distance():
    assert expected_calibration_error([1, 0, 0, 0], [0.75] * 4) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="probabilities"):
        expected_calibration_error([1], [1.5])


@settings(deadline=None)
@given(rows, st.sampled_from([0.05, 0.2, 0.5, 0.9]))
def test_a_threshold_keeps_its_promise_and_is_the_lowest_that_does(found, fpr):
    labels, scores = (np.array(column, dtype=float) for column in zip(*found, strict=True))
    negatives = scores[labels == 0]
    threshold = threshold_at_fpr(labels, scores, fpr)

    def bound(at):
        return upper_bound(int((negatives >= at).sum()), len(negatives))

    if threshold is None:
        assert bound(np.inf) > fpr
        return
    assert bound(threshold) <= fpr
    lower = scores[scores < threshold]
    if len(lower):
        assert bound(lower.max()) > fpr


def test_operating_points_rise_and_carry_bounds():
    labels, scores = sample()
    points = operating_points(labels, Platt(2.0, -1.0).apply(scores))
    thresholds = [point.threshold for point in points]
    assert thresholds == sorted(set(thresholds))
    assert len(points) >= 8
    for point in points:
        assert point.fpr <= point.fpr_upper
        assert point.recall_lower <= point.recall
    assert [p.recall for p in points] == sorted((p.recall for p in points), reverse=True)
    assert [p.fpr for p in points] == sorted((p.fpr for p in points), reverse=True)


def test_few_negatives_vouch_for_no_small_rate():
    assert threshold_at_fpr([0] * 20 + [1], list(range(21)), 0.01) is None
    assert operating_points([0] * 20 + [1], list(range(21)), grid=(0.01,)) == ()
