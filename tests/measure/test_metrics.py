import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.measure import (
    accuracy,
    accuracy_per_function,
    average_precision,
    confusion,
    identity_auc,
    macro_f1,
    roc_auc,
    weighted_f1,
)

rows = st.lists(
    st.tuples(st.booleans(), st.integers(0, 20).map(lambda n: n / 20), st.integers(1, 5)), min_size=2, max_size=80
).filter(lambda found: len({label for label, _, _ in found}) == 2)


@settings(deadline=None)
@given(rows)
def test_auc_and_average_precision_agree_with_scikit_learn(found):
    from sklearn import metrics as reference  # here: a second of imports that no other test needs

    labels, scores, weights = (np.array(column) for column in zip(*found, strict=True))
    assert roc_auc(labels, scores) == pytest.approx(reference.roc_auc_score(labels, scores))
    assert roc_auc(labels, scores, weights) == pytest.approx(
        reference.roc_auc_score(labels, scores, sample_weight=weights)
    )
    assert average_precision(labels, scores) == pytest.approx(reference.average_precision_score(labels, scores))
    assert average_precision(labels, scores, weights) == pytest.approx(
        reference.average_precision_score(labels, scores, sample_weight=weights)
    )


@settings(deadline=None)
@given(rows)
def test_a_weight_is_as_many_rows(found):
    labels, scores, weights = (np.array(column) for column in zip(*found, strict=True))
    repeated = np.repeat(np.arange(len(labels)), weights)
    assert roc_auc(labels, scores, weights) == pytest.approx(roc_auc(labels[repeated], scores[repeated]))


@settings(deadline=None)
@given(rows)
def test_auc_only_knows_the_order(found):
    labels, scores, _ = (np.array(column) for column in zip(*found, strict=True))
    assert roc_auc(labels, scores) == pytest.approx(roc_auc(labels, np.exp(3 * scores) - 7))
    assert roc_auc(labels, scores) == pytest.approx(1 - roc_auc(labels, -scores))


@settings(deadline=None)
@given(rows)
def test_confusion_and_shares_agree_with_scikit_learn(found):
    from sklearn import metrics as reference

    labels, scores, weights = (np.array(column) for column in zip(*found, strict=True))
    said = scores >= 0.5
    table = confusion(labels, said, weights)
    tn, fp, fn, tp = reference.confusion_matrix(labels, said, labels=[False, True], sample_weight=weights).ravel()
    assert (table.true_positive, table.false_positive, table.false_negative, table.true_negative) == (tp, fp, fn, tn)
    result = accuracy(labels, said)
    assert result.recall.value == pytest.approx(reference.recall_score(labels, said))
    assert result.accuracy.lower <= result.accuracy.value <= result.accuracy.upper
    if said.any():
        assert result.precision.value == pytest.approx(reference.precision_score(labels, said))
        assert result.f1 == pytest.approx(reference.f1_score(labels, said))
    else:
        assert math.isnan(result.precision.value)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=40))
def test_multi_class_f1_agrees_with_scikit_learn(pairs):
    from sklearn import metrics as reference

    labels, answers = ([pair[side] for pair in pairs] for side in (0, 1))
    assert macro_f1(labels, answers) == pytest.approx(reference.f1_score(labels, answers, average="macro"))
    assert weighted_f1(labels, answers) == pytest.approx(reference.f1_score(labels, answers, average="weighted"))


def test_one_class_has_no_auc():
    assert math.isnan(roc_auc([1, 1], [0.2, 0.4]))
    assert math.isnan(average_precision([0, 0], [0.2, 0.4]))


@pytest.mark.parametrize(
    ("labels", "scores", "weights", "complaint"),
    [
        ([0, 1], [0.1], None, "equally long"),
        ([0, 2], [0.1, 0.2], None, "0 or 1"),
        ([0, 1], [0.1, math.nan], None, "finite"),
        ([0, 1], [0.1, 0.2], [1], "weights"),
        ([0, 1], [0.1, 0.2], [1, -1], "not negative"),
    ],
)
def test_what_cannot_be_measured_is_refused(labels, scores, weights, complaint):
    with pytest.raises(ValueError, match=complaint):
        roc_auc(labels, scores, weights)


def test_effective_counts_widen_intervals_of_weighted_rows():
    labels, said = [1] * 10, [1] * 8 + [0] * 2
    plain = accuracy(labels, said).recall
    skewed = accuracy(labels, said, [10] + [1] * 9).recall
    assert skewed.upper - skewed.lower > plain.upper - plain.lower
    assert accuracy(labels, said, [3] * 10).recall.lower == pytest.approx(plain.lower)


def test_identity_auc_shows_whose_harmless_texts_look_harmful():
    # Identity A's harmless texts score above everybody's harmful ones; B is judged well.
    labels = [0, 1, 0, 1]
    scores = [0.8, 0.9, 0.1, 0.7]
    names_a = [True, True, False, False]
    found = identity_auc(labels, scores, names_a)
    assert (found.subgroup, found.bpsn, found.bnsp) == (1.0, 0.0, 1.0)


def test_functions_are_counted_in_order():
    found = accuracy_per_function(["slur", "quote", "slur"], [True, False, True], [True, True, False])
    assert list(found) == ["slur", "quote"]
    assert (found["slur"].value, found["quote"].value) == (0.5, 0.0)
