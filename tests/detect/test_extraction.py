"""What is made from media is looked at in turn, and what could not be made is unknown to whoever would have read it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from detect.extractors import FakeExtractor, Reader, frames, media, piece, refuses, speech, words
from seawall.detect import Findings, Runner
from seawall.detect.extraction import MOST_MEDIA
from seawall.model import Cost, ExtractedParts, ExtractionGap, Modality, Part, Signal, UnknownReason

PATIENCE_MS = 20_000
ALL = {"clip": ("frames", "codes", "words", "voice", "transcript")}


def readers() -> list[Reader]:
    return [
        Reader("texts", Modality.TEXT),
        Reader("links", Modality.LINK),
        Reader("images", Modality.IMAGE, Cost.CPU),
        Reader("sounds", Modality.AUDIO),
    ]


def lost(findings: Findings) -> set[tuple[str, str, str]]:
    return {(unknown.detector, unknown.part, unknown.detail) for unknown in findings.unknown}


def video_extractors() -> list[FakeExtractor]:
    return [
        FakeExtractor("frames", frames(2)),
        FakeExtractor("words", words("xx", "see example.com/x")),
        FakeExtractor("codes", lambda part: ExtractedParts()),
        FakeExtractor("voice", speech(2.5)),
        FakeExtractor("transcript", lambda part: ExtractedParts((piece(part, "transcript.0", Modality.TEXT, "x"),))),
    ]


@pytest.mark.parametrize("cost", [Cost.INLINE, Cost.CPU, Cost.SLOW])
def test_a_video_is_taken_apart_to_the_links_in_the_words_of_its_frames(cost: Cost) -> None:
    extractors = video_extractors()
    for extractor in extractors:
        extractor.cost = cost
    with Runner(readers(), extractors) as runner:
        found = runner.start([media("clip", Modality.VIDEO, "de")], deadline_ms=PATIENCE_MS, extract=ALL).wait()
    assert found.unknown == ()
    paths = {part.path for part in found.parts}
    assert {
        "clip",
        "clip>frame.0",
        "clip>frame.1",
        "clip>audio",
        "clip>frame.1>words.1>link.0",
        "clip>audio>speech.0",
        "clip>audio>transcript.0",
    } <= paths
    assert len(paths) == len(found.parts) == 12
    scores = {(signal.name, signal.part): signal.value for signal in found.signals}
    assert scores["texts_score", "clip>frame.0>words.0"] == 2
    assert scores["links_score", "clip>frame.1>words.1>link.0"] == 2
    assert scores["texts_score", "clip>audio>transcript.0"] == 1
    assert scores["speech_seconds", "clip>audio"] == 2.5
    assert {each.part for each in found.hashes} == {"clip>frame.0", "clip>frame.1", "clip>audio", "clip>audio>speech.0"}


def test_offline_batches_find_the_same() -> None:
    with Runner(readers(), video_extractors()) as runner:
        video = [media("clip", Modality.VIDEO)]
        text = [Part(path="body", modality=Modality.TEXT, field="body", text="xxx")]
        waited = runner.start(video, extract=ALL).wait()
        batched, plain = runner.run_batch([video, text], extract=ALL)
        again = asyncio.run(runner.start(video, extract=ALL).wait_async())
    assert set(batched.signals) == set(waited.signals) == set(again.signals)
    assert set(batched.parts) == set(waited.parts)
    assert set(batched.hashes) == set(waited.hashes)
    assert [signal.value for signal in plain.signals] == [3]


def test_pieces_are_read_with_the_whole_and_words_inherit_the_language() -> None:
    extractors = video_extractors()
    detectors = readers()
    with Runner(detectors, extractors) as runner:
        runner.start([media("clip", Modality.VIDEO, "pt")], extract=ALL).wait()
    asked = {extractor.name: extractor.asked for extractor in extractors}
    assert asked["voice"] == asked["transcript"] == ["clip>audio"]
    assert "pt" in detectors[0].languages  # of the short text; the spoken English is told to be English


def test_fields_that_ask_for_nothing_are_not_taken_apart() -> None:
    extractor = FakeExtractor("words", words("x"))
    with Runner(readers(), [extractor]) as runner:
        runner.start([media("cover", Modality.IMAGE)]).wait()
        runner.start([media("cover", Modality.IMAGE)], extract={"other": ("words",)}).wait()
    assert extractor.asked == []


def test_an_unreadable_video_is_unknown_to_all_who_would_have_read_what_it_holds() -> None:
    extractors = [FakeExtractor("frames", refuses("frames")), *video_extractors()[1:]]
    with Runner(readers(), extractors) as runner:
        found = runner.start([media("clip", Modality.VIDEO)], extract=ALL).wait()
    assert lost(found) == {
        ("frames", "clip", "damaged"),
        ("texts", "clip>frame", "frames: damaged"),
        ("links", "clip>frame", "frames: damaged"),
        ("images", "clip>frame", "frames: damaged"),
        ("sounds", "clip>frame", "frames: damaged"),
    }
    assert {unknown.reason for unknown in found.unknown} == {UnknownReason.UNREADABLE}


def test_a_voice_that_cannot_be_found_leaves_the_sound_itself_known() -> None:
    extractors = [FakeExtractor("voice", refuses("voice"))]
    with Runner(readers(), extractors) as runner:
        found = runner.start([media("voice", Modality.AUDIO)], extract={"voice": ("voice",)}).wait()
    assert lost(found) == {("voice", "voice", "damaged")}


def _raises(part: Part) -> ExtractedParts:
    raise RuntimeError("hostile bytes")


def _unpromised(part: Part) -> ExtractedParts:
    return ExtractedParts((piece(part, "video.0", Modality.VIDEO),))


def _stranger(part: Part) -> ExtractedParts:
    return ExtractedParts(
        (Part(path="elsewhere>words.0", modality=Modality.TEXT, field="cover", text="x", parent="cover"),)
    )


def _twice(part: Part) -> ExtractedParts:
    return ExtractedParts((piece(part, "words.0", Modality.TEXT, "x"), piece(part, "words.0", Modality.TEXT, "x")))


def _empty(part: Part) -> ExtractedParts:
    return ExtractedParts((piece(part, "words.0", Modality.TEXT, None),))


def _signal(part: Part) -> ExtractedParts:
    return ExtractedParts((), (Signal(name="odd", value=1, part=part.path, detector="words", version="1"),))


@pytest.mark.parametrize("act", [_raises, _unpromised, _stranger, _twice, _empty, _signal])
@pytest.mark.parametrize("cost", [Cost.INLINE, Cost.CPU])
def test_a_broken_promise_is_unknown(act: object, cost: Cost) -> None:
    extractor = FakeExtractor("words", act, cost)  # type: ignore[arg-type]
    with Runner(readers(), [extractor]) as runner:
        found = runner.start([media("cover", Modality.IMAGE)], extract={"cover": ("words",)}).wait()
    assert {(each.detector, each.part, each.reason) for each in found.unknown} == {
        ("words", "cover", UnknownReason.ERROR),
        ("texts", "cover>words", UnknownReason.ERROR),
        ("links", "cover>words", UnknownReason.ERROR),
    }


# ── not installed ──


def test_what_is_not_installed_is_unknown() -> None:
    with Runner(readers(), []) as runner:
        found = runner.start([media("cover", Modality.IMAGE)], extract={"cover": ("codes", "words")}).wait()
    assert {("texts", "cover>words", "words: not installed"), ("links", "cover>code", "codes: not installed")} <= lost(
        found
    )


def test_silence_leaves_nothing_untranscribed() -> None:
    for seconds, unread in ((0.0, set()), (3.0, {("texts", "voice>transcript", "transcript: not installed")})):
        with Runner(readers(), [FakeExtractor("voice", speech(seconds))]) as runner:
            found = runner.start(
                [media("voice", Modality.AUDIO)], wanted={"texts"}, extract={"voice": ("voice", "transcript")}
            ).wait()
        assert {each for each in lost(found) if each[0] == "texts"} == unread


def test_speech_that_may_stay_unread_is_counted() -> None:
    wishes = {"voice": ("voice", "transcript")}
    with Runner(readers(), [FakeExtractor("voice", speech(3.0))]) as runner:
        assert "speech_unchecked" in {signal.name for spec in runner.specs for signal in spec.signals}
        found = runner.start([media("voice", Modality.AUDIO)], extract=wishes, unchecked={"voice"}).wait()
    assert found.unknown == ()
    assert [(each.name, each.value) for each in found.signals if each.detector == "transcript"] == [
        ("speech_unchecked", 3.0)
    ]
    with Runner(readers(), []) as runner:  # nobody listens: how much is unread is unknown, and that alone
        found = runner.start([media("voice", Modality.AUDIO)], extract=wishes, unchecked={"voice"}).wait()
    assert {each.detector for each in found.unknown} == {"voice", "transcript"}


def test_a_wish_for_what_nobody_makes_is_refused() -> None:
    with Runner(readers(), []) as runner, pytest.raises(ValueError, match="unknown extractor smells"):
        runner.start([media("cover", Modality.IMAGE)], extract={"cover": ("smells",)})


# ── deadlines and limits ──


def test_what_is_not_there_in_time_is_unknown_and_comes_late() -> None:
    gate = threading.Event()
    came: list[Findings] = []
    reported = threading.Event()
    with Runner(readers(), [FakeExtractor("words", words("xx"), gate=gate)]) as runner:
        pending = runner.start([media("cover", Modality.IMAGE)], deadline_ms=1, extract={"cover": ("words",)})
        found = pending.wait()
        assert {(each.detector, each.part) for each in found.unknown if each.detector != "images"} == {
            ("words", "cover"),
            ("texts", "cover>words"),
            ("links", "cover>words"),
        }
        assert {each.reason for each in found.unknown} == {UnknownReason.DEADLINE}
        pending.on_late(lambda late: (came.append(late), reported.set()))  # type: ignore[func-returns-value]
        gate.set()
        assert reported.wait(20)
    assert came[0].unknown == ()
    assert [(each.part, each.value) for each in came[0].signals] == [("cover>words.0", 2)]


def test_parts_beyond_the_limit_are_unknown() -> None:
    detectors = readers()
    with Runner(detectors, [FakeExtractor("frames", frames(MOST_MEDIA + 50))]) as runner:
        found = runner.start([media("clip", Modality.VIDEO)], extract={"clip": ("frames",)}).wait()
    assert len(found.parts) == MOST_MEDIA
    assert ("images", "clip>frame", "frames: too many parts") in lost(found)
    assert len(detectors[2].asked) == MOST_MEDIA - 1


def test_nothing_is_neither_looked_at_nor_unknown_at_any_moment() -> None:
    """However the deadline falls among the answers, every video's text is found or unknown."""

    def covered(found: Findings) -> bool:
        seen = {signal.part for signal in found.signals if signal.name == "texts_score"}
        missing: Sequence[str] = [each.part for each in found.unknown if each.detector == "texts"]
        return all(
            place in seen or "clip>frame" in missing or any(place.startswith(part) for part in missing)
            for place in ("clip>frame.0>words.0", "clip>frame.1>words.0", "clip>audio>transcript.0")
        )

    detectors = readers()
    detectors[0].cost = Cost.CPU
    with Runner(detectors, video_extractors()) as runner:
        for deadline in (0, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 12, 25, 50):
            assert covered(runner.start([media("clip", Modality.VIDEO)], deadline_ms=deadline, extract=ALL).wait())


# ── what an extractor could not read ──────────────────────────────────────────────────────────────────────────────────


def _scan(part: Part) -> ExtractedParts:
    """A page with words, and one that is an image of words."""
    pages = (piece(part, "page.0", Modality.TEXT, "xxx"), piece(part, "image.0", Modality.IMAGE))
    return ExtractedParts(pages, gaps=(ExtractionGap("no_text_layer", unless="words"),))


def _looked_at(wishes: tuple[str, ...], *extractors: FakeExtractor) -> Findings:
    with Runner(readers(), extractors) as runner:
        return runner.start([media("notes", Modality.DOCUMENT)], extract={"notes": wishes}).wait()


def test_a_gap_leaves_what_was_read_and_makes_the_rest_unknown() -> None:
    found = _looked_at(("document",), FakeExtractor("document", _scan))
    assert ("texts_score", "notes>page.0", 3) in {(each.name, each.part, each.value) for each in found.signals}
    assert lost(found) == {
        ("document", "notes", "no_text_layer"),
        ("texts", "notes>page", "document: no_text_layer"),
        ("links", "notes>page", "document: no_text_layer"),
        ("images", "notes>page", "document: no_text_layer"),
    }
    assert {unknown.reason for unknown in found.unknown} == {UnknownReason.UNREADABLE}


def test_speech_in_a_language_that_is_not_read_is_unanswerable_whatever_the_field_leaves_unchecked() -> None:
    gap = ExtractionGap("speech_not_read", reason=UnknownReason.LANGUAGE)
    extractors = [FakeExtractor("transcript", lambda part: ExtractedParts(gaps=(gap,)))]
    with Runner(readers(), extractors) as runner:
        sound = [media("voice", Modality.AUDIO)]
        wishes = {"voice": ("transcript",)}
        found = runner.start(sound, deadline_ms=PATIENCE_MS, extract=wishes, unchecked={"voice"}).wait()
    assert {unknown.reason for unknown in found.unknown} == {UnknownReason.LANGUAGE}
    assert {unknown.detector for unknown in found.unknown} >= {"transcript", "texts", "links"}


def test_what_an_extractor_goes_on_with_next_time_is_unknown_there_and_read_until_there() -> None:
    gap = ExtractionGap("speech_left", inside="after.31", reason=UnknownReason.DEADLINE)
    answer = FakeExtractor(
        "transcript", lambda part: ExtractedParts((piece(part, "transcript.0", Modality.TEXT, "xx"),), gaps=(gap,))
    )
    with Runner(readers(), [answer]) as runner:
        sound = [media("voice", Modality.AUDIO)]
        found = runner.start(sound, deadline_ms=PATIENCE_MS, extract={"voice": ("transcript",)}).wait()
    assert "voice>transcript.0" in {part.path for part in found.parts}
    assert ("texts", "voice>after.31>transcript", "transcript: speech_left") in lost(found)
    assert {unknown.reason for unknown in found.unknown} == {UnknownReason.DEADLINE}, "so it is asked again"
    assert found.made == (), "what is not whole is not kept as the answer"


def test_a_gap_is_lasting_or_of_a_deadline() -> None:
    with pytest.raises(ValueError, match="lasting reason"):
        ExtractionGap("hung", reason=UnknownReason.ERROR)


def test_a_gap_that_another_extractor_fills_is_none() -> None:
    reader = FakeExtractor("words", words("xx"))
    found = _looked_at(("document", "words"), FakeExtractor("document", _scan), reader)
    assert (found.unknown, reader.asked) == ((), ["notes>image.0"])


def test_a_gap_is_not_filled_by_an_extractor_that_is_not_there() -> None:
    found = _looked_at(("document", "words"), FakeExtractor("document", _scan))
    assert ("texts", "notes>image.0>words", "words: not installed") in lost(found)


def test_what_has_a_gap_is_derived_anew_in_every_look() -> None:
    def gives(part: Part) -> ExtractedParts:
        return ExtractedParts((piece(part, "page.0", Modality.TEXT, "x"),), gaps=(ExtractionGap("attachments"),))

    extractor = FakeExtractor("document", gives)
    assert _looked_at(("document",), extractor).made == ()
    whole = FakeExtractor("document", lambda part: ExtractedParts((piece(part, "page.0", Modality.TEXT, "x"),)))
    assert len(_looked_at(("document",), whole).made) == 1


def test_a_document_that_nobody_reads_is_unknown() -> None:
    assert ("texts", "notes>page", "document: not installed") in lost(_looked_at(("document",)))
