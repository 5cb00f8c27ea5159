"""Who was not asked: shown with the band and what was measured, apart from what is unknown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from seawall import access, console
from seawall.console.part_locations import PartLocations
from seawall.console.skipped_detectors import PostponedDetector, SkippedDetector, SkippedDetectors, skipped_detectors
from seawall.detect.cascade import ScoreRange
from seawall.model import (
    Cost,
    Decision,
    DecisionSource,
    DetectorSpec,
    ItemRef,
    Modality,
    Signal,
    SignalKind,
    SignalSpec,
    Unknown,
    UnknownReason,
    Verdict,
)
from seawall.screen import DerivedPart
from support.app import own_app
from support.console import PASSWORD, Rig
from support.detectors import Moody, Words


def spec(name: str, signal: str) -> DetectorSpec:
    kind = SignalSpec(name=signal, kind=SignalKind.SCORE)
    return DetectorSpec(name=name, version="1", signals=(kind,), modalities=frozenset({Modality.TEXT}))


SPECS = (spec("cheap", "hate"), spec("judge", "judged"), spec("large", "largely"))
BANDS = {
    "judge": (ScoreRange(signal="hate", low=0.2, high=0.9),),
    "large": (ScoreRange(signal="judged", low=0.5), ScoreRange(signal="hate", low=0.95)),
}


def decision(**more: Any) -> Decision:
    return Decision(
        id="dec_1",
        at=1,
        item=ItemRef("comment", "it_1", 1),
        source=DecisionSource.SCREEN,
        verdict=Verdict.ALLOW,
        actions=(),
        reasons=(),
        **more,
    )


def signal(name: str, value: float, part: str) -> Signal:
    return Signal(name=name, value=value, part=part, detector="cheap", version="1")


def unknown(detector: str, part: str, reason: UnknownReason) -> Unknown:
    return Unknown(detector=detector, part=part, reason=reason)


def test_bands_are_told_with_what_was_measured_there() -> None:
    derived = (
        DerivedPart(path="cover>words.0", modality=Modality.TEXT, field="cover", parent="cover", text="a"),
        DerivedPart(path="cover>words.1", modality=Modality.TEXT, field="cover", parent="cover", text="b"),
    )
    made = decision(
        skipped=("judge/body", "judge/cover>words.0", "judge/cover>words.1", "large/body", "gone/body"),
        signals=(signal("hate", 0.95, "body"), signal("hate", 0.03, "body"), signal("hate", 0.5, "title")),
    )
    assert skipped_detectors(made, PartLocations(derived), BANDS, SPECS) == SkippedDetectors(
        skipped=(
            SkippedDetector(
                detector="judge",
                score_ranges=("hate from 0.2 to 0.9",),
                places=(("body", "hate 0.950"), ("cover, words", "hate 0")),
            ),
            SkippedDetector(
                detector="large",
                score_ranges=("judged from 0.5", "hate from 0.95"),
                places=(("body", "judged 0 (not asked either), hate 0.950"),),
            ),
            SkippedDetector(detector="gone", score_ranges=(), places=(("body", ""),)),
        )
    )


def test_whose_turn_comes_later_is_not_unknown() -> None:
    made = decision(
        unknown=(
            unknown("judge", "body", UnknownReason.LATER),
            unknown("large", "body", UnknownReason.LATER),
            unknown("cheap", "body", UnknownReason.DEADLINE),
        ),
        skipped=("large/title",),
    )
    found = skipped_detectors(made, PartLocations(()), {}, ())
    assert found.postponed == (PostponedDetector(detectors=("judge", "large"), place="body"),)
    assert found.summary == "1 outside its score range, 2 until after publication"
    assert found.lines == 2


def test_what_was_not_needed_is_neither_unknown_nor_zero() -> None:
    made = decision(unneeded=("large/body", "judge/body", "lyrics/sound"))
    found = skipped_detectors(made, PartLocations(()), BANDS, SPECS)
    assert found.unneeded == (
        PostponedDetector(detectors=("large", "judge"), place="body"),
        PostponedDetector(detectors=("lyrics",), place="sound"),
    )
    assert (found.skipped, found.summary, found.lines) == ((), "3 not needed", 2)


def test_a_slash_in_a_name_stays_with_the_part() -> None:
    found = skipped_detectors(decision(skipped=("judge/a/b",)), PartLocations(()), BANDS, SPECS)
    assert found.skipped[0].places == (("a/b", "hate 0"),)


def test_nothing_was_left_out() -> None:
    assert skipped_detectors(decision(), PartLocations(()), BANDS, SPECS) == SkippedDetectors()
    assert (SkippedDetectors().summary, SkippedDetectors().lines) == ("", 0)


# ── on pages ──

POLICY = """\
policy: rudeness
title: Rudeness
owner: tests
applies_to: [note]
harm: harassment
definition: Attacks on a person.
statement: {ground: incompatible, clause: House rules}
rules:
  - id: judged
    when: judged >= 0.5
    do: [review(queue="rudeness")]
  - id: deep
    when: deeply >= 0.5
    do: [review(queue="rudeness")]
  - id: gory
    when: gory >= 0.5 or rudeness >= 0.99
    do: [review(queue="rudeness")]
"""
NOTE = """\
content_type: note
title: Note
owner: tests
surface: public
audience: general
actor: {required: false}
fields:
  body: {type: text, role: body}
  lines: {type: texts, role: body}
stages:
  pre_publish: {budget: 1s, on_unknown: allow_and_rescreen, rescreen_within: 1m}
  post_publish: {budget: 5s, on_unknown: allow_and_rescreen, rescreen_within: 1m}
actions: [review]
retention: {content: 30d, decisions: 1y}
"""


class Judge(Words):
    """Asked only where there may be rudeness."""

    ask_when = (ScoreRange(signal="rudeness", low=0.2, high=0.9),)


@pytest.fixture
def rig(database_url: str, tmp_path: Path) -> Iterator[Rig]:
    """A house with a detector that is asked in a band, and one that is asked after publication."""
    for name, text in (("policies/rudeness", POLICY), ("types/note", NOTE)):
        path = tmp_path / f"{name}.yaml"
        path.parent.mkdir()
        path.write_text(text)
    stuck = Moody()
    detectors = (
        Words("insults", "rudeness", {"fool": 0.95, "silly": 0.5}),
        Judge("judge", "judged", {"silly": 0.4}),
        Words("deep", "deeply", {"odd": 0.6}, Cost.SLOW),
        stuck,
    )
    with own_app(
        tmp_path,
        detectors=detectors,
        database_url=database_url,
        public_url="http://console.test",
        policies_dir=tmp_path / "policies",
        content_types_dir=tmp_path / "types",
    ) as app:
        access.create_person(app.ledger, "reviewer@example.org", "Reviewer", PASSWORD, ["reviewer"])
        yield Rig(app, console.build(app), stuck)
        stuck.go_on.set()


def shown(rig: Rig, id: str, body: str, lines: Sequence[str] = ()) -> str:
    """The decision's page, as text with its tags."""
    from seawall.model import Item

    item = Item(content_type="note", id=id, fields={"body": body, "lines": tuple(lines)}, language="en")
    answer = rig.app.screener.screen(item, deadline_ms=400)
    return unescape(rig.browser("reviewer").get(f"/decisions/{answer.decision}").text)


def block(page: str) -> str:
    """What is said about who was not asked, without tags."""
    found = re.search(r'<details class="rule skipped".*?</details>', page, re.DOTALL)
    assert found is not None
    return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split())


def test_the_page_says_who_was_not_asked_and_why(rig: Rig) -> None:
    page = shown(rig, "n-1", "You fool")
    said = block(page)
    assert "not asked 1 outside its score range, 1 until after publication" in said
    assert "judge is asked only at rudeness from 0.2 to 0.9" in said
    assert "body rudeness 0.950" in said
    assert "after publication these are asked" in said
    assert "body deep" in said
    assert '<details class="rule skipped" open>' in page
    assert "no answer" not in page
    assert "1 rule waits for what is asked after publication" in page
    assert "not asked yet: deep" in page
    asked = block(shown(rig, "n-2", "You silly thing"))
    assert "judge" not in asked
    assert "not asked 1 until after publication" in asked


def test_what_does_not_answer_is_unknown_and_looks_otherwise(rig: Rig) -> None:
    page = shown(rig, "n-3", "I am stuck")
    assert "no answer: not in time" in page
    assert "unknown: gore, body: not in time" in page
    assert "gore" not in block(page)


def test_a_long_list_is_folded(rig: Rig) -> None:
    page = shown(rig, "n-4", "hello", ["a", "b", "c", "d", "e"])
    assert '<details class="rule skipped">' in page
    assert "lines.4 rudeness 0" in block(page)
