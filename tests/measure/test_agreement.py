"""Agreement against published worked examples, and where it is undefined."""

from __future__ import annotations

import math
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.measure import accuracy_against, cohen_kappa, krippendorff_alpha, percent_agreement, wilson

# Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, section C: four observers, twelve units.
FOUR_OBSERVERS = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3),
    (None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None),
)
UNITS = list(zip(*FOUR_OBSERVERS, strict=True))

# Cohen (1960), A Coefficient of Agreement for Nominal Scales, and Cohen (1968), Weighted Kappa: 200 cases, two judges.
COHEN = ((88, 14, 18), (10, 40, 10), (2, 6, 12))
COHEN_WEIGHTS = ((0, 1, 3), (1, 0, 6), (3, 6, 0))


def judged(table: tuple[tuple[int, ...], ...]) -> tuple[list[int], list[int]]:
    """What each of two judges said, from the table of counts."""
    pairs = [
        pair
        for row, counts in enumerate(table)
        for column, times in enumerate(counts)
        for pair in [(row, column)] * times
    ]
    return [one for one, _ in pairs], [other for _, other in pairs]


@pytest.mark.parametrize(("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_of_krippendorffs_example(level: str, published: float) -> None:
    found = krippendorff_alpha(UNITS, level=level)  # type: ignore[arg-type]
    assert round(found.value, 3) == published
    assert found.lower < found.value < found.upper <= 1


def test_alpha_does_not_depend_on_the_names_of_nominal_values() -> None:
    renamed = [[None if value is None else -7.5 * value for value in unit] for unit in UNITS]
    assert krippendorff_alpha(renamed).value == pytest.approx(krippendorff_alpha(UNITS).value)


def test_kappa_of_cohens_example() -> None:
    found = cohen_kappa(*judged(COHEN))
    assert round(found.value, 3) == 0.492
    # Cohen gives the standard error 0.055, and with it the interval from 0.384 to 0.600.
    assert found.lower == pytest.approx(0.384, abs=0.02)
    assert found.upper == pytest.approx(0.600, abs=0.02)
    assert round(percent_agreement(*judged(COHEN)).value, 2) == 0.70


def test_weighted_kappa_of_cohens_example() -> None:
    found = cohen_kappa(*judged(COHEN), disagreement=COHEN_WEIGHTS)
    assert round(found.value, 3) == 0.348
    assert found.lower < found.value < found.upper
    equal = [[0 if row == column else 5 for column in range(3)] for row in range(3)]
    assert cohen_kappa(*judged(COHEN), disagreement=equal).value == pytest.approx(cohen_kappa(*judged(COHEN)).value)


def test_nothing_that_could_disagree_is_undefined_and_neither_one_nor_zero() -> None:
    for found in (
        cohen_kappa(["a"] * 30, ["a"] * 30),
        krippendorff_alpha([(1, 1)] * 30),
        cohen_kappa([], []),
        krippendorff_alpha([]),
        krippendorff_alpha([(1, None), (2, None)]),  # nobody judged a unit that another judged
    ):
        assert math.isnan(found.value)
        assert math.isnan(found.lower)
        assert math.isnan(found.upper)
    assert math.isnan(percent_agreement([], []).value)


def test_perfect_agreement_about_little_is_no_certainty() -> None:
    few, many = ["a", "b", "a"], ["a", "b", "a"] * 200
    assert cohen_kappa(few, few).value == 1
    assert cohen_kappa(few, few).lower < 0
    assert cohen_kappa(many, many).lower > 0.97
    assert krippendorff_alpha([(1, 1), (2, 2), (1, 1)]).lower < 0.2
    assert krippendorff_alpha([(1, 1), (2, 2), (1, 1)] * 200).lower > 0.97


def test_accuracy_against_known_answers_has_wilsons_interval() -> None:
    assert accuracy_against("aabbb", "aabba") == wilson(4, 5)


def test_wrong_input_says_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="equally long; got 1 and 2"):
        cohen_kappa(["a"], ["a", "b"])
    with pytest.raises(ValueError, match="'c' is none of the categories"):
        cohen_kappa(["a", "c"], ["a", "b"], categories=("a", "b"))
    for table in (((0, 1),), ((1, 1), (1, 0)), ((0, -1), (1, 0)), ((0, math.nan), (1, 0))):
        with pytest.raises(ValueError, match="2 by 2 table"):
            cohen_kappa(["a", "b"], ["a", "b"], disagreement=table)


_pairs = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=40)


@given(_pairs)
def test_kappa_and_alpha_are_bounded_and_do_not_depend_on_the_order(pairs: list[tuple[str, str]]) -> None:
    first, second = [one for one, _ in pairs], [other for _, other in pairs]
    kappa = cohen_kappa(first, second)
    alpha = krippendorff_alpha([(ord(one), ord(other)) for one, other in pairs])
    for found in (kappa, alpha):
        assert math.isnan(found.value) or -1 <= found.lower <= found.value <= found.upper <= 1
    assert cohen_kappa(first[::-1], second[::-1]).value == pytest.approx(kappa.value, nan_ok=True)
    swapped = krippendorff_alpha([(ord(other), ord(one)) for one, other in pairs])
    assert swapped.value == pytest.approx(alpha.value, nan_ok=True)
    assert math.isnan(alpha.value) == (len(set(chain(first, second))) == 1)
