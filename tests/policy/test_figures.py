"""``at_precision`` and ``at_recall``: from a detector's calibration table to a number that is frozen in the bundle."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.model import CalibrationPoint, CalibrationTable, DetectorSpec, SignalKind, Verdict
from seawall.policy import load_bundle
from seawall.policy.bundle import Bundle
from seawall.policy.figures import AskedFigure, UnusableName, precision_at, resolve
from support.policies import CALIBRATION, TEXT_MODEL, build, comment, errors, found, policy, rule, signal

PRECISE = "hate >= at_precision(0.95, prevalence=0.1)"
SENSITIVE = "hate >= at_recall(0.8)"


def calibrated(*tables: CalibrationTable, version: str = "1", table: bool = True) -> DetectorSpec:
    return replace(TEXT_MODEL, version=version, signals=(signal("hate", table=table, calibration=tables),))


def decided(bundle: Bundle, value: float, language: str | None = None) -> Verdict:
    program = bundle.program("comment")
    look = comment()
    look.item = replace(look.item, language=language)
    look.signals.append(found("hate", value))
    return program.decide(program.row(look.context())).verdict


def points(*rows: tuple[float, float, float]) -> tuple[CalibrationPoint, ...]:
    return tuple(
        CalibrationPoint(
            threshold=threshold,
            recall_lower=recall,
            fpr_upper=fpr,
            recall_lower_of_both=recall,
            fpr_upper_of_both=fpr,
        )
        for threshold, recall, fpr in rows
    )


@pytest.mark.parametrize(
    ("when", "value", "reached"),
    [
        (SENSITIVE, 0.5, 0.85),
        ("hate >= at_recall(0.9)", 0.2, 0.97),
        ("at_recall(0.6) <= hate", 0.8, 0.65),
        (PRECISE, 0.93, 0.044 / (0.044 + 0.9 * 0.0012)),
        ("hate >= at_precision(0.8, prevalence=0.1)", 0.8, 0.064 / (0.064 + 0.9 * 0.012)),
        ("hate >= at_precision(0.75, prevalence=0.01)", 0.93, 0.0044 / (0.0044 + 0.99 * 0.0012)),
    ],
)
def test_a_figure_resolves_to_the_widest_threshold_that_shows_it(when: str, value: float, reached: float) -> None:
    bundle = build(policy(rule(when)))
    (threshold,) = bundle.thresholds
    assert threshold.value == value
    assert threshold.reached == pytest.approx(reached)
    assert f"at_{threshold.asked[3:]}" in when
    assert decided(bundle, value) is Verdict.HOLD
    assert decided(bundle, value - 1e-9) is Verdict.ALLOW
    assert bundle.program("comment").thresholds["hate"] == value  # what the encoder's plan goes by


def test_the_bundle_keeps_what_was_asked_and_the_number() -> None:
    bundle = build(policy(rule(f"{PRECISE} and in_part('body', hate) >= at_recall(0.8)")))
    stored = json.loads(bundle.canonical())["thresholds"]
    assert [(each["asked"], each["value"], each["language"]) for each in stored] == [
        ("at_precision(0.95, prevalence=0.1)", 0.93, ""),
        ("at_recall(0.8)", 0.5, ""),
    ]
    assert load_bundle(bundle.canonical(), bundle.hash).thresholds == bundle.thresholds


def test_another_version_of_the_detector_changes_the_number_and_not_the_meaning() -> None:
    better = replace(
        CALIBRATION, points=points((0.1, 0.98, 0.3), (0.3, 0.9, 0.01), (0.6, 0.7, 0.001), (0.9, 0.2, 0.0004))
    )
    text = policy(rule(PRECISE, rule_id="precise"), rule(SENSITIVE, rule_id="sensitive"))
    old, new = build(text), build(text, [calibrated(better, version="2")])
    assert [(each.asked, each.value) for each in old.thresholds] == [
        ("at_precision(0.95, prevalence=0.1)", 0.93),
        ("at_recall(0.8)", 0.5),
    ]
    assert [(each.asked, each.value) for each in new.thresholds] == [
        ("at_precision(0.95, prevalence=0.1)", 0.6),
        ("at_recall(0.8)", 0.3),
    ]
    for bundle in (old, new):
        precise, sensitive = bundle.thresholds
        assert precise.reached is not None
        assert precise.reached >= 0.95
        assert sensitive.reached is not None
        assert sensitive.reached >= 0.8


def test_a_bundle_of_a_release_without_calibration_tables_loads_and_decides_the_same() -> None:
    document = json.loads(build(policy(rule("hate >= at_fpr(0.001)"))).canonical())
    for threshold in document["thresholds"]:
        del threshold["language"], threshold["reached"]
    for detector in document["detectors"]:
        for spec in detector["signals"]:
            del spec["calibration"]
    canonical = json.dumps(document, sort_keys=True).encode()
    bundle = load_bundle(canonical, sha256(canonical).hexdigest())
    assert [(each.asked, each.value) for each in bundle.thresholds] == [("at_fpr(0.001)", 0.93)]
    assert decided(bundle, 0.93) is Verdict.HOLD
    assert decided(bundle, 0.92) is Verdict.ALLOW


def test_a_split_that_was_drawn_from_real_traffic_needs_no_prevalence() -> None:
    drawn = replace(
        CALIBRATION,
        points=tuple(
            replace(point, precision_lower=shown)
            for point, shown in zip(CALIBRATION.points, (0.1, 0.4, 0.7, 0.92, 0.5), strict=True)
        ),
    )
    (threshold,) = build(policy(rule("hate >= at_precision(0.9)")), [calibrated(drawn)]).thresholds
    assert (threshold.asked, threshold.value, threshold.reached) == ("at_precision(0.9)", 0.93, 0.92)
    assert "its best lower bound is 0.92" in errors(policy(rule("hate >= at_precision(0.95)")), [calibrated(drawn)])


def test_a_lucky_row_shows_no_precision() -> None:
    """A threshold counts only where all rows from it up to the best one show the figure."""
    lucky = replace(CALIBRATION, points=points((0.2, 0.9, 0.001), (0.5, 0.5, 0.1), (0.9, 0.4, 0.0001)))
    (threshold,) = build(policy(rule("hate >= at_precision(0.9, prevalence=0.1)")), [calibrated(lucky)]).thresholds
    assert threshold.value == 0.9


# -- by language -------------------------------------------------------------------------------------------------

GERMAN = replace(
    CALIBRATION,
    language="de",
    positives=200,
    negatives=4_000,
    points=points((0.3, 0.95, 0.2), (0.6, 0.85, 0.02), (0.95, 0.4, 0.001)),
)


@pytest.mark.parametrize(
    ("when", "overall", "german"),
    [
        ("hate >= at_fpr(0.02)", 0.8, 0.6),  # German reaches it earlier; whoever is not known gets the stricter one
        ("hate >= at_fpr(0.001)", 0.95, 0.95),  # … and so does everybody where German is the stricter one
        ("hate >= at_recall(0.8)", 0.5, 0.6),
        ("hate >= at_recall(0.9)", 0.2, 0.3),
        ("hate >= at_precision(0.7, prevalence=0.1)", 0.8, 0.6),
    ],
)
def test_a_language_with_enough_data_has_its_own_number(when: str, overall: float, german: float) -> None:
    bundle = build(policy(rule(when)), [calibrated(CALIBRATION, GERMAN)])
    assert {each.language: each.value for each in bundle.thresholds} == {"": overall, "de": german}
    for language, value in ((None, overall), ("fr", overall), ("de", german)):
        assert decided(bundle, value, language) is Verdict.HOLD, language
        assert decided(bundle, value - 1e-9, language) is Verdict.ALLOW, language
    assert bundle.program("comment").thresholds["hate"] == min(overall, german)
    assert load_bundle(bundle.canonical(), bundle.hash).thresholds == bundle.thresholds


def test_unknown_parts_that_reach_both_numbers_decide() -> None:
    bundle = build(policy(rule("hate < at_fpr(0.02)")), [calibrated(CALIBRATION, GERMAN)])
    assert decided(bundle, 0.7) is Verdict.HOLD
    assert decided(bundle, 0.7, "de") is Verdict.ALLOW


@pytest.mark.parametrize("few", [{"positives": 49}, {"negatives": 49}])
def test_a_language_with_few_examples_gets_the_number_of_all(few: dict[str, int]) -> None:
    bundle = build(policy(rule("hate >= at_recall(0.8)")), [calibrated(CALIBRATION, replace(GERMAN, **few))])
    assert {each.language: each.value for each in bundle.thresholds} == {"": 0.5}


def test_a_language_with_too_few_examples_for_the_rate_gets_the_number_of_all() -> None:
    """Of 1,000 harmless texts not even a faultless detector shows a rate of 0.001: the bound would be 0.003."""
    small = replace(GERMAN, negatives=1_000, points=points((0.3, 0.95, 0.2), (0.6, 0.85, 0.02), (0.95, 0.4, 0.003)))
    bundle = build(policy(rule("hate >= at_fpr(0.001)")), [calibrated(CALIBRATION, small)])
    assert {each.language: each.value for each in bundle.thresholds} == {"": 0.93}


def test_a_language_whose_examples_say_that_it_is_not_reached_is_refused() -> None:
    said = errors(policy(rule("hate >= at_recall(0.96)")), [calibrated(CALIBRATION, GERMAN)])
    assert "cannot show a recall of at least 0.96 for 'hate' in 'de'" in said
    assert "at_recall(0.95) or less" in said


# -- properties --------------------------------------------------------------------------------------------------

rates = st.floats(0.0005, 0.999)
tables = st.lists(st.tuples(rates, rates), min_size=1, max_size=12).map(
    lambda found: CalibrationTable(
        points=points(
            *zip(
                [(row + 1) / 20 for row in range(len(found))],
                sorted((recall for recall, _ in found), reverse=True),
                sorted((fpr for _, fpr in found), reverse=True),
                strict=True,
            )
        ),
        positives=1_000,
        negatives=1_000,
    )
)


def number(table: CalibrationTable, asked: AskedFigure) -> float | None:
    detector = calibrated(table, table=False)
    try:
        return resolve(detector, detector.signals[0], asked)[0].value
    except UnusableName:
        return None


@given(tables, rates, rates, rates)
def test_more_precision_is_never_a_lower_threshold_and_more_recall_never_a_higher_one(
    table: CalibrationTable, some: float, other: float, prevalence: float
) -> None:
    low, high = sorted((some, other))
    lower = number(table, AskedFigure("at_precision", low, prevalence))
    higher = number(table, AskedFigure("at_precision", high, prevalence))
    assert higher is None or (lower is not None and lower <= higher)
    lower, higher = (number(table, AskedFigure("at_recall", figure)) for figure in (low, high))
    assert higher is None or (lower is not None and lower >= higher)
    rarer, commoner = (number(table, AskedFigure("at_precision", 0.5, share)) for share in (low, high))
    assert rarer is None or (commoner is not None and commoner <= rarer)


@given(tables, rates, rates)
def test_the_number_shows_the_figure_and_a_refusal_says_what_can_be_shown(
    table: CalibrationTable, figure: float, prevalence: float
) -> None:
    asked = AskedFigure("at_precision", figure, prevalence)
    detector = calibrated(table, table=False)
    shown = [precision_at(row.recall_lower, row.fpr_upper, prevalence) for row in table.points]
    try:
        threshold = resolve(detector, detector.signals[0], asked)[0]
    except UnusableName as refused:
        assert max(shown) < figure
        reachable = float(str(refused.details["expected"]).partition("(")[2].partition(",")[0])
        assert number(table, replace(asked, figure=reachable)) is not None
    else:
        assert threshold.reached >= figure
        assert threshold.value >= min(
            row.threshold for row, share in zip(table.points, shown, strict=True) if share >= figure
        )


@given(rates, rates, rates)
def test_precision_is_that_of_the_crossed_table(recall: float, fpr: float, prevalence: float) -> None:
    """As counted among a million items: Altman and Bland 1994."""
    harmful = 1_000_000 * prevalence
    found, false = recall * harmful, fpr * (1_000_000 - harmful)
    assert precision_at(recall, fpr, prevalence) == pytest.approx(found / (found + false))


def test_precision_of_a_published_example() -> None:
    """Altman and Bland 1994, BMJ 309:102: sensitivity 0.90, specificity 0.63."""
    assert precision_at(0.90, 1 - 0.63, 0.75) == pytest.approx(0.88, abs=0.005)
    assert precision_at(0.90, 1 - 0.63, 0.25) == pytest.approx(0.45, abs=0.005)


def test_nothing_resolves_for_a_score() -> None:
    scored = replace(TEXT_MODEL, signals=(replace(signal("hate", calibration=(CALIBRATION,)), kind=SignalKind.SCORE),))
    with pytest.raises(UnusableName, match="no calibrated operating points"):
        resolve(scored, scored.signals[0], AskedFigure("at_recall", 0.5))
