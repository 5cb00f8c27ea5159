"""Detectors of one signal that share the languages between them: who answers counts, each with its thresholds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seawall.content import load_content_type
from seawall.model import (
    UNKNOWN,
    Decision,
    DecisionSource,
    DetectorSpec,
    Item,
    ItemRef,
    Modality,
    OperatingPoint,
    Part,
    Signal,
    SignalKind,
    SignalSpec,
    Unknown,
    UnknownReason,
)
from seawall.policy import Bundle, Context, PolicyErrors, PolicySource, build_bundle, explain

NOTE = """\
content_type: note
title: Note
owner: tests
surface: public
audience: general
actor: {}
fields:
  title: {type: text, role: title}
  body: {type: text, role: body, required: true}
stages:
  pre_publish: {budget: 80ms, on_unknown: hold}
actions: [hold]
appeal: {window: 184d, route: /appeals}
retention: {content: 30d, decisions: 5y}
"""
POLICY = """\
policy: hate
title: Hate
owner: tests
applies_to: [note]
harm: hate
definition: Hate.
statement: {ground: incompatible, clause: "1"}
rules:
  - id: likely
    when: hate >= at_fpr(0.01)
    do: [hold]
  - id: unread
    when: unanswerable(hate)
    do: [hold]
"""


def detector(name: str, languages: frozenset[str] | None, threshold: float) -> DetectorSpec:
    points = tuple(
        OperatingPoint(threshold=value, fpr=fpr, fpr_upper=fpr, recall=0.5, recall_lower=0.4)
        for value, fpr in ((0.1, 0.2), (threshold, 0.01))
    )
    signal = SignalSpec(name="hate", kind=SignalKind.PROBABILITY, harm="hate", operating_points=points)
    return DetectorSpec(
        name=name, version="1", signals=(signal,), modalities=frozenset({Modality.TEXT}), languages=languages
    )


def built(*detectors: DetectorSpec) -> Bundle:
    return build_bundle([PolicySource("hate.yaml", POLICY)], [load_content_type(NOTE, "note.yaml")], detectors, [])


BOTH = detector("english", frozenset({"en"}), 0.7), detector("others", frozenset({"de", "zh"}), 0.9)


def refused(name: str, part: str) -> Unknown:
    return Unknown(detector=name, part=part, reason=UnknownReason.LANGUAGE)


def given(name: str, value: float, part: str) -> Signal:
    return Signal(name="hate", value=value, part=part, detector=name, version="1")


def looked_at(signals: list[Signal], unknown: list[Unknown], language: str | None = None) -> tuple[Bundle, Context]:
    item = Item(content_type="note", id="n", fields={"body": "x", "title": "y"}, language=language)
    parts = [Part(path=name, modality=Modality.TEXT, field=name, text="x") for name in ("title", "body")]
    return built(*BOTH), Context(item=item, parts=parts, signals=signals, unknown=unknown)


def fired(bundle: Bundle, context: Context) -> tuple[list[str], list[str]]:
    program = bundle.program("note")
    found, undetermined = program.fired(program.row(context))
    return [each.rule.id for each in found], [each.rule.id for each in undetermined]


def test_a_part_that_another_detector_reads_is_known() -> None:
    signals = [given("others", 0.95, "title"), given("english", 0.1, "body")]
    unknown = [refused("english", "title"), refused("others", "body")]
    bundle, context = looked_at(signals, unknown, "de")
    assert bundle.program("note").row(context)["hate"] == 0.95
    assert fired(bundle, context) == (["likely"], [])


def test_a_part_that_nobody_reads_stays_unknown_and_unanswerable() -> None:
    unknown = [refused("english", "title"), refused("others", "title"), refused("others", "body")]
    bundle, context = looked_at([given("english", 0.1, "body")], unknown)
    assert bundle.program("note").row(context)["hate"] is UNKNOWN
    assert fired(bundle, context) == (["unread"], ["likely"])


def test_another_reason_than_the_language_leaves_the_part_unknown() -> None:
    late = Unknown(detector="english", part="body", reason=UnknownReason.DEADLINE)
    bundle, context = looked_at([given("others", 0.1, "body"), given("others", 0.1, "title")], [late])
    assert bundle.program("note").row(context)["hate"] is UNKNOWN


@pytest.mark.parametrize(
    ("language", "value", "fires"),
    [("en", 0.75, True), ("de", 0.75, False), ("de", 0.95, True), (None, 0.75, False), ("fr", 0.75, False)],
)
def test_each_language_has_the_threshold_of_who_reads_it(language: str | None, value: float, fires: bool) -> None:
    signals = [given("english" if language == "en" else "others", value, part) for part in ("title", "body")]
    bundle, context = looked_at(signals, [], language)
    assert ("likely" in fired(bundle, context)[0]) is fires


def test_detectors_that_read_the_same_language_have_no_single_table() -> None:
    with pytest.raises(PolicyErrors, match=r"several detectors \(english, others\)"):
        built(BOTH[0], detector("others", frozenset({"en", "de"}), 0.9))
    with pytest.raises(PolicyErrors, match=r"several detectors"):
        built(BOTH[0], detector("others", None, 0.9))


def test_a_part_that_another_detector_may_still_read_is_not_unanswerable() -> None:
    """The German reader was late: the refusal of the English one says nothing."""
    unknown = [
        refused("english", "body"),
        Unknown(detector="others", part="body", reason=UnknownReason.DEADLINE),
    ]
    parts = [Part(path="body", modality=Modality.TEXT, field="body", text="x", language="de")]
    item = Item(content_type="note", id="n", fields={"body": "x"}, language="de")
    bundle, context = built(*BOTH), Context(item=item, parts=parts, signals=[], unknown=unknown)
    assert fired(bundle, context) == ([], ["likely", "unread"])


def test_a_detector_that_cannot_show_the_figure_leaves_its_languages_the_strictest() -> None:
    few = detector("others", frozenset({"de"}), 0.9)
    spec = few.signals[0]
    points = tuple(replace(point, fpr_upper=0.5) for point in spec.operating_points)
    few = replace(few, signals=(replace(spec, operating_points=points),))
    bundle = built(BOTH[0], few)
    for value, fires in ((0.65, False), (0.75, True)):
        item = Item(content_type="note", id="n", fields={"body": "x"}, language="de")
        parts = [Part(path="body", modality=Modality.TEXT, field="body", text="x", language="de")]
        context = Context(item=item, parts=parts, signals=[given("others", value, "body")], unknown=[])
        assert ("likely" in fired(bundle, context)[0]) is fires
    with pytest.raises(PolicyErrors, match="cannot show a false-positive rate"):
        built(few)


@pytest.mark.parametrize(
    ("language", "number"), [("de", "0.9 in 'de'"), ("en", "0.7 in 'en'"), (None, "0.9 for others")]
)
def test_an_explanation_names_the_number_that_held_for_the_item(language: str | None, number: str) -> None:
    bundle, context = looked_at([given("others", 0.95, part) for part in ("title", "body")], [], language)
    row = bundle.program("note").row(context)
    outcome = bundle.program("note").decide(row)
    decision = Decision(
        id="dec_1",
        at=1,
        item=ItemRef("note", "it_1", 1),
        source=DecisionSource.SCREEN,
        verdict=outcome.verdict,
        actions=outcome.actions,
        reasons=outcome.reasons,
        undetermined=outcome.undetermined,
        degraded=outcome.degraded,
        unknown=(),
        bundle=bundle.hash,
    )
    [likely] = [rule for rule in explain(bundle, decision, row).rules if rule.rule == "likely"]
    assert len(likely.thresholds) == 1
    assert f"at_fpr(0.01) = {number}" in likely.thresholds[0]
