"""What extractors gave in an earlier look is used again; what may have changed is asked again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from detect.extractors import FakeExtractor, Reader, frames, media, piece, refuses, speech, words
from seawall.detect import ExtractionCache, Findings, Runner
from seawall.detect.extraction import MOST_TEXTS
from seawall.detect.extraction_cache import content_of
from seawall.model import Cost, ExtractedParts, ExtractionGap, ExtractorSpec, Modality, Part, Unknown

COVER = {"cover": ("words",), "photo": ("words",)}
CLIP = {"clip": ("frames", "words", "voice", "transcript")}


class Versioned(FakeExtractor):
    version = "1"

    @property
    def spec(self) -> ExtractorSpec:
        return replace(super().spec, version=self.version)


def look(
    extractor: FakeExtractor, part: Part, memory: ExtractionCache | None = None, **wishes: Sequence[str]
) -> Findings:
    with Runner([Reader("texts", Modality.TEXT)], [extractor]) as runner:
        return runner.start([part], extract=wishes or COVER, memory=memory).wait()


def remembered(*found: Findings) -> ExtractionCache:
    return {made.key: made for each in found for made in each.made}


@pytest.mark.parametrize("cost", [Cost.INLINE, Cost.SLOW])
@pytest.mark.parametrize("lines", [(), ("xx", "see example.com/x")])
def test_the_same_content_is_not_derived_again(cost: Cost, lines: tuple[str, ...]) -> None:
    extractor = FakeExtractor("words", words(*lines), cost)
    first = look(extractor, media("cover", Modality.IMAGE))
    second = look(extractor, media("cover", Modality.IMAGE), remembered(first))
    third = look(extractor, media("cover", Modality.IMAGE), remembered(second))
    assert extractor.asked == ["cover"]
    assert set(first.signals) == set(second.signals) == set(third.signals)
    assert set(first.parts) == set(second.parts) == set(third.parts)
    assert (first.reused, second.reused, third.reused) == ((), (("words", "cover"),), (("words", "cover"),))


def test_media_may_have_moved() -> None:
    extractor = FakeExtractor("words", words("xx", "see example.com/x"))
    first = look(extractor, media("cover", Modality.IMAGE))
    moved = replace(media("cover", Modality.IMAGE), path="photo", field="photo")
    second = look(extractor, moved, remembered(first))
    assert extractor.asked == ["cover"]
    assert {(part.path, part.field, part.parent) for part in second.parts if part.parent} == {
        ("photo>words.0", "photo", "photo"),
        ("photo>words.1", "photo", "photo"),
        ("photo>words.1>link.0", "photo", "photo>words.1"),
    }


def test_what_may_have_changed_is_asked_again() -> None:
    extractor = Versioned("words", words("x"))
    cover = media("cover", Modality.IMAGE)
    memory = remembered(look(extractor, cover))
    look(extractor, replace(cover, data=b"edited"), memory)
    look(extractor, replace(cover, language="de"), memory)  # a transcriber is told the language
    assert len(extractor.asked) == 3
    extractor.version = "2"
    found = look(extractor, cover, memory)
    assert len(extractor.asked) == 4
    assert {made.version for made in found.made} == {"2"}


def _in_part(part: Part) -> ExtractedParts | Unknown:
    return ExtractedParts((piece(part, "words.0", Modality.TEXT, "x"),), gaps=(ExtractionGap("damaged"),))


@pytest.mark.parametrize("act", [refuses("words"), _in_part, words(*["x"] * (MOST_TEXTS + 1))])
def test_what_stayed_unknown_in_whole_or_in_part_is_asked_again(act: object) -> None:
    extractor = FakeExtractor("words", act)  # type: ignore[arg-type]
    first = look(extractor, media("cover", Modality.IMAGE))
    second = look(extractor, media("cover", Modality.IMAGE), remembered(first))
    assert extractor.asked == ["cover", "cover"]
    assert len(first.unknown) == len(second.unknown) > 0
    assert second.reused == ()


def test_media_are_made_again_and_what_is_in_them_is_not() -> None:
    extractors = [
        FakeExtractor("frames", frames(2)),
        FakeExtractor("words", words("xx")),
        FakeExtractor("voice", speech(2.5)),
        FakeExtractor("transcript", lambda part: ExtractedParts((piece(part, "transcript.0", Modality.TEXT, "x"),))),
    ]
    with Runner([Reader("texts", Modality.TEXT)], extractors) as runner:
        first = runner.start([media("clip", Modality.VIDEO)], extract=CLIP).wait()
        second = runner.start([media("clip", Modality.VIDEO)], extract=CLIP, memory=remembered(first)).wait()
    counts = {extractor.name: len(extractor.asked) for extractor in extractors}
    assert counts == {"frames": 2, "voice": 2, "words": 2, "transcript": 1}  # words: of two frames, once each
    assert set(first.signals) == set(second.signals)
    assert set(first.parts) == set(second.parts)


def test_silence_is_remembered_with_its_signal() -> None:
    extractor = FakeExtractor("voice", speech(0.0))
    first = look(extractor, media("voice", Modality.AUDIO), voice=("voice",))
    second = look(extractor, media("voice", Modality.AUDIO), remembered(first), voice=("voice",))
    assert extractor.asked == ["voice"]
    assert first.signals == second.signals
    assert [signal.name for signal in second.signals] == ["speech_seconds"]


def test_content_is_what_an_extractor_depends_on() -> None:
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
