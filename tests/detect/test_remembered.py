"""What derivers gave in an earlier look is used again; what may have changed is asked again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from detect.derivers import FakeDeriver, Reader, frames, media, piece, refuses, speech, words
from seawall.detect import Findings, Memory, Runner
from seawall.detect.deriving import MOST_TEXTS
from seawall.detect.remembered import content_of
from seawall.model import Cost, Derived, DeriverSpec, Gap, Modality, Part, Unknown

COVER = {"cover": ("words",), "photo": ("words",)}
CLIP = {"clip": ("frames", "words", "voice", "transcript")}


class Versioned(FakeDeriver):
    version = "1"

    @property
    def spec(self) -> DeriverSpec:
        return replace(super().spec, version=self.version)


def look(deriver: FakeDeriver, part: Part, memory: Memory | None = None, **wishes: Sequence[str]) -> Findings:
    with Runner([Reader("texts", Modality.TEXT)], [deriver]) as runner:
        return runner.start([part], derive=wishes or COVER, memory=memory).wait()


def remembered(*found: Findings) -> Memory:
    return {made.key: made for each in found for made in each.made}


@pytest.mark.parametrize("cost", [Cost.INLINE, Cost.SLOW])
@pytest.mark.parametrize("lines", [(), ("xx", "see example.com/x")])
def test_the_same_content_is_not_derived_again(cost: Cost, lines: tuple[str, ...]) -> None:
    deriver = FakeDeriver("words", words(*lines), cost)
    first = look(deriver, media("cover", Modality.IMAGE))
    second = look(deriver, media("cover", Modality.IMAGE), remembered(first))
    third = look(deriver, media("cover", Modality.IMAGE), remembered(second))
    assert deriver.asked == ["cover"]
    assert set(first.signals) == set(second.signals) == set(third.signals)
    assert set(first.parts) == set(second.parts) == set(third.parts)
    assert (first.reused, second.reused, third.reused) == ((), (("words", "cover"),), (("words", "cover"),))


def test_media_may_have_moved() -> None:
    deriver = FakeDeriver("words", words("xx", "see example.com/x"))
    first = look(deriver, media("cover", Modality.IMAGE))
    moved = replace(media("cover", Modality.IMAGE), path="photo", field="photo")
    second = look(deriver, moved, remembered(first))
    assert deriver.asked == ["cover"]
    assert {(part.path, part.field, part.parent) for part in second.parts if part.parent} == {
        ("photo>words.0", "photo", "photo"),
        ("photo>words.1", "photo", "photo"),
        ("photo>words.1>link.0", "photo", "photo>words.1"),
    }


def test_what_may_have_changed_is_asked_again() -> None:
    deriver = Versioned("words", words("x"))
    cover = media("cover", Modality.IMAGE)
    memory = remembered(look(deriver, cover))
    look(deriver, replace(cover, data=b"edited"), memory)
    look(deriver, replace(cover, language="de"), memory)  # a transcriber is told the language
    assert len(deriver.asked) == 3
    deriver.version = "2"
    found = look(deriver, cover, memory)
    assert len(deriver.asked) == 4
    assert {made.version for made in found.made} == {"2"}


def _in_part(part: Part) -> Derived | Unknown:
    return Derived((piece(part, "words.0", Modality.TEXT, "x"),), gaps=(Gap("damaged"),))


@pytest.mark.parametrize("act", [refuses("words"), _in_part, words(*["x"] * (MOST_TEXTS + 1))])
def test_what_stayed_unknown_in_whole_or_in_part_is_asked_again(act: object) -> None:
    deriver = FakeDeriver("words", act)  # type: ignore[arg-type]
    first = look(deriver, media("cover", Modality.IMAGE))
    second = look(deriver, media("cover", Modality.IMAGE), remembered(first))
    assert deriver.asked == ["cover", "cover"]
    assert len(first.unknown) == len(second.unknown) > 0
    assert second.reused == ()


def test_media_are_made_again_and_what_is_in_them_is_not() -> None:
    derivers = [
        FakeDeriver("frames", frames(2)),
        FakeDeriver("words", words("xx")),
        FakeDeriver("voice", speech(2.5)),
        FakeDeriver("transcript", lambda part: Derived((piece(part, "transcript.0", Modality.TEXT, "x"),))),
    ]
    with Runner([Reader("texts", Modality.TEXT)], derivers) as runner:
        first = runner.start([media("clip", Modality.VIDEO)], derive=CLIP).wait()
        second = runner.start([media("clip", Modality.VIDEO)], derive=CLIP, memory=remembered(first)).wait()
    counts = {deriver.name: len(deriver.asked) for deriver in derivers}
    assert counts == {"frames": 2, "voice": 2, "words": 2, "transcript": 1}  # words: of two frames, once each
    assert set(first.signals) == set(second.signals)
    assert set(first.parts) == set(second.parts)


def test_silence_is_remembered_with_its_signal() -> None:
    deriver = FakeDeriver("voice", speech(0.0))
    first = look(deriver, media("voice", Modality.AUDIO), voice=("voice",))
    second = look(deriver, media("voice", Modality.AUDIO), remembered(first), voice=("voice",))
    assert deriver.asked == ["voice"]
    assert first.signals == second.signals
    assert [signal.name for signal in second.signals] == ["speech_seconds"]


def test_content_is_what_a_deriver_depends_on() -> None:
    parts = [
        media("a", Modality.IMAGE),
        replace(media("a", Modality.IMAGE), path="b", field="b"),
        media("a", Modality.IMAGE, "en"),
        media("a", Modality.AUDIO),
        Part(path="a", modality=Modality.TEXT, field="a", text="a"),
    ]
    digests = [content_of(part) for part in parts]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 4
