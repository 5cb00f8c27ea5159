"""A detector that reads an item's parts together is asked at once, and again when extractors gave it more to read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from detect.extractors import FakeExtractor, frames, media, piece, refuses, words
from seawall.detect import DetectorRun, Findings, Runner
from seawall.model import (
    Cost,
    DetectorResult,
    DetectorSpec,
    ExtractedParts,
    Modality,
    Part,
    Signal,
    SignalKind,
    SignalSpec,
    Unknown,
    UnknownReason,
)

BODY = Part(path="body", modality=Modality.TEXT, field="body", text="typed")
ALL = {"cover": ("words", "codes"), "clip": ("frames", "words", "voice", "transcript")}


@dataclass
class Pair:
    """Reads each image with all texts: how many texts it had. About an image with "bad" words it does not know."""

    cost: Cost = Cost.CPU
    languages: frozenset[str] | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)
    gate: threading.Event | None = None  # for what is asked again

    @property
    def spec(self) -> DetectorSpec:
        return DetectorSpec(
            name="pair",
            version="1",
            signals=(SignalSpec(name="texts_with", kind=SignalKind.COUNT),),
            modalities=frozenset({Modality.IMAGE}),
            languages=self.languages,
            cost=self.cost,
        )

    def compose(self, parts: Sequence[Part]) -> list[Part]:
        texts = sorted(part.text or "" for part in parts if part.modality is Modality.TEXT)
        return [replace(part, text=" ".join(texts)) for part in parts if part.modality is Modality.IMAGE]

    def detect(self, parts: Sequence[Part]) -> list[DetectorResult]:
        return [self._answer(part) for part in parts]

    def _answer(self, part: Part) -> DetectorResult:
        text = part.text or ""
        self.asked.append((part.path, text))
        if self.gate is not None and len(self.asked) > 1:
            assert self.gate.wait(20)
        if "bad" in text:
            return Unknown(detector="pair", part=part.path, reason=UnknownReason.ERROR, detail="bad")
        return (Signal(name="texts_with", value=len(text.split()), part=part.path, detector="pair", version="1"),)


def values(found: Findings) -> dict[str, float]:
    assert len({signal.part for signal in found.signals}) == len(found.signals), "a part has two answers"
    return {signal.part: signal.value for signal in found.signals}


def answered(pending: DetectorRun, detector: str) -> bool:
    return all(None not in ask.answers for ask in pending.calls if ask.detector == detector)


def eventually(holds: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(2_000):
        if holds():
            return
        pause.wait(0.01)
    raise AssertionError("it never came true")


@pytest.mark.parametrize("cost", [Cost.INLINE, Cost.CPU, Cost.SLOW])
def test_what_extractors_read_is_read_together_with_the_rest(cost: Cost) -> None:
    pair = Pair(cost)
    extractors = [FakeExtractor("words", words("seen", "too"), cost), FakeExtractor("codes", words(), cost)]
    with Runner([pair], extractors) as runner:
        found = runner.start([BODY, media("cover", Modality.IMAGE)], ["pair"], extract=ALL).wait()
    assert pair.asked == [("cover", "typed"), ("cover", "seen too typed")]
    assert (values(found), found.unknown) == ({"cover": 3}, ())


def test_nobody_is_asked_twice_for_nothing() -> None:
    pair = Pair()
    with Runner([pair], [FakeExtractor("words", words())]) as runner:
        found = runner.start([BODY, media("cover", Modality.IMAGE)], extract={"cover": ("words",)}).wait()
        runner.start([BODY, media("cover", Modality.IMAGE)]).wait()
    assert pair.asked == [("cover", "typed")] * 2
    assert values(found) == {"cover": 1}


def test_frames_are_asked_about_when_all_words_are_in() -> None:
    pair = Pair()
    extractors = [
        FakeExtractor("frames", frames(2)),
        FakeExtractor("words", lambda part: ExtractedParts((piece(part, "words.0", Modality.TEXT, "seen"),))),
        FakeExtractor("transcript", lambda part: ExtractedParts((piece(part, "transcript.0", Modality.TEXT, "said"),))),
    ]
    with Runner([pair], extractors) as runner:
        wishes = {"clip": ("frames", "words", "transcript")}
        found = runner.start([BODY, media("clip", Modality.VIDEO)], extract=wishes).wait()
        (batched,) = runner.run_batch([[BODY, media("clip", Modality.VIDEO)]], extract=wishes)
    assert pair.asked == [(f"clip>frame.{at}", "said seen seen typed") for at in (0, 1, 0, 1)]
    assert values(found) == values(batched) == {"clip>frame.0": 4, "clip>frame.1": 4}


def test_frames_are_unknown_until_all_words_are_in() -> None:
    pair, gate, entered = Pair(), threading.Event(), threading.Event()

    def slowly(part: Part) -> ExtractedParts:
        entered.set()
        assert gate.wait(20)
        return words("seen")(part)

    now = [0.0]
    extractors = [FakeExtractor("frames", frames(2)), FakeExtractor("words", slowly)]
    with Runner([pair], extractors, clock=lambda: now[0]) as runner:
        wishes = {"clip": ("frames", "words")}
        run = runner.start([BODY, media("clip", Modality.VIDEO)], None, 1_000, extract=wishes)
        assert entered.wait(20)
        now[0] = 2.0
        found = run.wait()
        gate.set()
    missing = {each.part for each in found.unknown if each.detector == "pair"}
    assert missing == {"clip>frame.0", "clip>frame.1"}


def test_words_that_stay_unknown_leave_the_answer_without_them() -> None:
    pair = Pair()
    extractors = [FakeExtractor("words", refuses("words")), FakeExtractor("codes", words("from a code"))]
    with Runner([pair], extractors) as runner:
        found = runner.start([BODY, media("cover", Modality.IMAGE)], extract=ALL).wait()
    assert values(found) == {"cover": 4}
    assert [(each.detector, each.part) for each in found.unknown] == [("words", "cover")]


def test_slow_extractors_are_not_waited_for_and_their_words_come_late() -> None:
    pair, gate, reported = Pair(), threading.Event(), threading.Event()
    came: list[Findings] = []
    now = [0.0]
    with Runner([pair], [FakeExtractor("words", words("seen"), gate=gate)], clock=lambda: now[0]) as runner:
        pending = runner.start([BODY, media("cover", Modality.IMAGE)], None, 1_000, extract={"cover": ("words",)})
        eventually(lambda: answered(pending, "pair"))
        now[0] = 2.0
        found = pending.wait()
        assert values(found) == {"cover": 1}
        assert [(each.detector, each.reason) for each in found.unknown] == [("words", UnknownReason.DEADLINE)]
        pending.on_late(lambda late: (came.append(late), reported.set()))  # type: ignore[func-returns-value]
        gate.set()
        assert reported.wait(20)
    assert (values(came[0]), came[0].unknown) == ({"cover": 2}, ())


def test_an_answer_that_more_words_would_change_is_unknown_until_it_has_changed() -> None:
    pair, gate = Pair(gate=threading.Event()), threading.Event()
    now = [0.0]
    with Runner([pair], [FakeExtractor("words", words("seen"), gate=gate)], clock=lambda: now[0]) as runner:
        pending = runner.start([BODY, media("cover", Modality.IMAGE)], None, 1_000, extract={"cover": ("words",)})
        eventually(lambda: answered(pending, "pair"))
        gate.set()
        eventually(lambda: len(pair.asked) == 2)
        now[0] = 2.0
        found = pending.wait()
        assert pair.gate is not None
        pair.gate.set()
    assert [(each.detector, each.part, each.reason) for each in found.unknown] == [
        ("pair", "cover", UnknownReason.DEADLINE)
    ]
    assert values(found) == {"cover": 1}  # what is known: at least that


def test_what_cannot_be_said_of_all_words_leaves_what_was_said_of_some() -> None:
    pair = Pair()
    with Runner([pair], [FakeExtractor("words", words("bad"))]) as runner:
        found = runner.start([BODY, media("cover", Modality.IMAGE)], extract={"cover": ("words",)}).wait()
    assert values(found) == {"cover": 1}
    assert [each.detail for each in found.unknown] == ["bad"]


def test_a_language_that_is_not_read_is_told_once() -> None:
    pair = Pair(languages=frozenset({"en"}))
    with Runner([pair], [FakeExtractor("words", words("seen"))]) as runner:
        cover = media("cover", Modality.IMAGE, "de")
        found = runner.start([BODY, cover], extract={"cover": ("words",)}).wait()
    assert [(each.part, each.reason) for each in found.unknown] == [("cover", UnknownReason.LANGUAGE)]
    assert pair.asked == []
