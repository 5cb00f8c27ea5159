"""Batches: one of several texts that are nearly the same is judged, and the others say whose answer is theirs."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from seawall.detect import Runner
from seawall.detect.batch import NearDuplicates
from seawall.model import (
    Cost,
    DetectorResult,
    DetectorSpec,
    Modality,
    Part,
    Signal,
    SignalKind,
    SignalSpec,
    Unknown,
    UnknownReason,
)

OFFER = "win a free holiday in the sun, write to this number today and bring all your friends along"
OTHER = "how is the weather in ghent this week, will there be rain on the day of the market?"


class Dear:
    """Counts what it is asked. Says 0.9 of holidays; knows nothing of what is broken."""

    def __init__(self, cost: Cost = Cost.SLOW) -> None:
        self.spec = DetectorSpec(
            name="dear",
            version="1",
            signals=(SignalSpec(name="dear_score", kind=SignalKind.SCORE),),
            modalities=frozenset({Modality.TEXT}),
            cost=cost,
        )
        self.asked: list[str] = []

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        self.asked.extend(part.text or "" for part in parts)
        return [self._look(part) for part in parts]

    def _look(self, part: Part) -> DetectorResult:
        text = part.text or ""
        if "broken" in text:
            return Unknown(detector="dear", part=part.path, reason=UnknownReason.ERROR, detail="http 500")
        if "holiday" not in text:
            return ()
        return (Signal(name="dear_score", value=0.9, part=part.path, detector="dear", version="1", evidence="spam"),)


def _item(text: str, language: str | None = None) -> list[Part]:
    return [Part(path="body", modality=Modality.TEXT, field="body", text=text, language=language)]


def _run(
    texts: Sequence[list[Part]], near: float = 0.85, cost: Cost = Cost.SLOW
) -> tuple[Dear, NearDuplicates, list[object]]:
    expensive, alike = Dear(cost), NearDuplicates(near)
    with Runner([expensive]) as runner:
        found = runner.run_batch(
            texts, {"dear"}, near_duplicates=alike, names=[f"row-{at}" for at in range(len(texts))]
        )
    return expensive, alike, list(found)


def test_one_is_judged_and_the_others_name_it() -> None:
    texts = [OFFER, OTHER, OFFER.replace("today", "now"), OFFER.upper(), OFFER.replace("friends", "fr1ends")]
    expensive, alike, found = _run([_item(text) for text in texts], near=0.75)
    assert expensive.asked == [OFFER, OTHER]
    assert (alike.asked["dear"], alike.copied["dear"]) == (2, 3)
    signals = [one.signals for one in found]  # type: ignore[attr-defined]
    assert [[signal.value for signal in each] for each in signals] == [[0.9], [], [0.9], [0.9], [0.9]]
    assert [each[0].evidence for each in signals if each] == ["spam", *["spam like:row-0"] * 3]


def test_what_is_unknown_of_one_is_unknown_of_those_like_it() -> None:
    broken = OFFER + " broken"
    _, _, found = _run([_item(broken), _item(broken + "!")])
    reported = [unknown.detail for one in found for unknown in one.unknown]  # type: ignore[attr-defined]
    assert reported == ["http 500", "http 500 like:row-0"]


@pytest.mark.parametrize(
    "other",
    [
        _item(OFFER + " 😡"),  # a pictogram can turn a text round
        _item(OFFER, "fr"),
        _item(OFFER.replace("free holiday in the sun", "ticket for tonight's match")),
    ],
)
def test_what_differs_is_judged_on_its_own(other: list[Part]) -> None:
    expensive, alike, _ = _run([_item(OFFER), other])
    assert len(expensive.asked) == 2
    assert not alike.copied["dear"]


def test_cheap_detectors_are_asked_about_everything() -> None:
    expensive, _, _ = _run([_item(OFFER), _item(OFFER)], cost=Cost.CPU)
    assert len(expensive.asked) == 2


def test_without_words_nothing_is_alike() -> None:
    expensive, _, _ = _run([_item("!!!"), _item("???"), _item("")])
    assert len(expensive.asked) == 3


def test_a_share_outside_its_bounds_is_refused() -> None:
    with pytest.raises(ValueError, match=r"near is 0.2; write a share from 0.5 to 1"):
        NearDuplicates(0.2)
