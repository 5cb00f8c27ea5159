"""What is made from media is looked at in turn, and what could not be made is unknown to whoever would have read it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from detect.derivers import FakeDeriver, Reader, frames, media, piece, refuses, speech, words
from seawall.detect import Findings, Runner
from seawall.detect.deriving import MOST_MEDIA
from seawall.model import Cost, Derived, Gap, Modality, Part, Signal, UnknownReason

PATIENCE_MS = 20_000
ALL = {"clip": ("frames", "codes", "words", "voice", "transcript")}


def readers() -> list[Reader]:
    return [
        Reader("texts", Modality.TEXT),
        Reader("links", Modality.LINK),
        Reader("pictures", Modality.IMAGE, Cost.CPU),
        Reader("sounds", Modality.AUDIO),
    ]


def lost(findings: Findings) -> set[tuple[str, str, str]]:
    return {(unknown.detector, unknown.part, unknown.detail) for unknown in findings.unknown}


def film_derivers() -> list[FakeDeriver]:
    return [
        FakeDeriver("frames", frames(2)),
        FakeDeriver("words", words("xx", "see example.com/x")),
        FakeDeriver("codes", lambda part: Derived()),
        FakeDeriver("voice", speech(2.5)),
        FakeDeriver("transcript", lambda part: Derived((piece(part, "transcript.0", Modality.TEXT, "x"),))),
    ]


@pytest.mark.parametrize("cost", [Cost.INLINE, Cost.CPU, Cost.SLOW])
def test_a_film_is_taken_apart_to_the_links_in_the_words_of_its_frames(cost: Cost) -> None:
    derivers = film_derivers()
    for deriver in derivers:
        deriver.cost = cost
    with Runner(readers(), derivers) as runner:
        found = runner.start([media("clip", Modality.VIDEO, "de")], deadline_ms=PATIENCE_MS, derive=ALL).wait()
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
    assert {each.part for each in found.prints} == {"clip>frame.0", "clip>frame.1", "clip>audio", "clip>audio>speech.0"}


def test_offline_batches_find_the_same() -> None:
    with Runner(readers(), film_derivers()) as runner:
        film = [media("clip", Modality.VIDEO)]
        text = [Part(path="body", modality=Modality.TEXT, field="body", text="xxx")]
        waited = runner.start(film, derive=ALL).wait()
        batched, plain = runner.run_batch([film, text], derive=ALL)
        again = asyncio.run(runner.start(film, derive=ALL).wait_async())
    assert set(batched.signals) == set(waited.signals) == set(again.signals)
    assert set(batched.parts) == set(waited.parts)
    assert set(batched.prints) == set(waited.prints)
    assert [signal.value for signal in plain.signals] == [3]


def test_pieces_are_read_with_the_whole_and_words_inherit_the_language() -> None:
    derivers = film_derivers()
    detectors = readers()
    with Runner(detectors, derivers) as runner:
        runner.start([media("clip", Modality.VIDEO, "pt")], derive=ALL).wait()
    asked = {deriver.name: deriver.asked for deriver in derivers}
    assert asked["voice"] == asked["transcript"] == ["clip>audio"]
    assert set(detectors[0].languages) == {"pt"}


def test_fields_that_ask_for_nothing_are_not_taken_apart() -> None:
    deriver = FakeDeriver("words", words("x"))
    with Runner(readers(), [deriver]) as runner:
        runner.start([media("cover", Modality.IMAGE)]).wait()
        runner.start([media("cover", Modality.IMAGE)], derive={"other": ("words",)}).wait()
    assert deriver.asked == []


def test_an_unreadable_film_is_unknown_to_all_who_would_have_read_what_it_holds() -> None:
    derivers = [FakeDeriver("frames", refuses("frames")), *film_derivers()[1:]]
    with Runner(readers(), derivers) as runner:
        found = runner.start([media("clip", Modality.VIDEO)], derive=ALL).wait()
    assert lost(found) == {
        ("frames", "clip", "damaged"),
        ("texts", "clip>frame", "frames: damaged"),
        ("links", "clip>frame", "frames: damaged"),
        ("pictures", "clip>frame", "frames: damaged"),
        ("sounds", "clip>frame", "frames: damaged"),
    }
    assert {unknown.reason for unknown in found.unknown} == {UnknownReason.UNREADABLE}


def test_a_voice_that_cannot_be_found_leaves_the_sound_itself_known() -> None:
    derivers = [FakeDeriver("voice", refuses("voice"))]
    with Runner(readers(), derivers) as runner:
        found = runner.start([media("voice", Modality.AUDIO)], derive={"voice": ("voice",)}).wait()
    assert lost(found) == {("voice", "voice", "damaged")}


def _raises(part: Part) -> Derived:
    raise RuntimeError("hostile bytes")


def _unpromised(part: Part) -> Derived:
    return Derived((piece(part, "film.0", Modality.VIDEO),))


def _stranger(part: Part) -> Derived:
    return Derived((Part(path="elsewhere>words.0", modality=Modality.TEXT, field="cover", text="x", parent="cover"),))


def _twice(part: Part) -> Derived:
    return Derived((piece(part, "words.0", Modality.TEXT, "x"), piece(part, "words.0", Modality.TEXT, "x")))


def _empty(part: Part) -> Derived:
    return Derived((piece(part, "words.0", Modality.TEXT, None),))


def _signal(part: Part) -> Derived:
    return Derived((), (Signal(name="odd", value=1, part=part.path, detector="words", version="1"),))


@pytest.mark.parametrize("act", [_raises, _unpromised, _stranger, _twice, _empty, _signal])
@pytest.mark.parametrize("cost", [Cost.INLINE, Cost.CPU])
def test_a_broken_promise_is_unknown(act: object, cost: Cost) -> None:
    deriver = FakeDeriver("words", act, cost)  # type: ignore[arg-type]
    with Runner(readers(), [deriver]) as runner:
        found = runner.start([media("cover", Modality.IMAGE)], derive={"cover": ("words",)}).wait()
    assert {(each.detector, each.part, each.reason) for each in found.unknown} == {
        ("words", "cover", UnknownReason.ERROR),
        ("texts", "cover>words", UnknownReason.ERROR),
        ("links", "cover>words", UnknownReason.ERROR),
    }


# ── not installed ──


def test_what_is_not_installed_is_unknown() -> None:
    with Runner(readers(), []) as runner:
        found = runner.start([media("cover", Modality.IMAGE)], derive={"cover": ("codes", "words")}).wait()
    assert {("texts", "cover>words", "words: not installed"), ("links", "cover>code", "codes: not installed")} <= lost(
        found
    )


def test_silence_leaves_nothing_untranscribed() -> None:
    for seconds, unread in ((0.0, set()), (3.0, {("texts", "voice>transcript", "transcript: not installed")})):
        with Runner(readers(), [FakeDeriver("voice", speech(seconds))]) as runner:
            found = runner.start(
                [media("voice", Modality.AUDIO)], wanted={"texts"}, derive={"voice": ("voice", "transcript")}
            ).wait()
        assert {each for each in lost(found) if each[0] == "texts"} == unread


def test_speech_that_may_stay_unread_is_counted() -> None:
    wishes = {"voice": ("voice", "transcript")}
    with Runner(readers(), [FakeDeriver("voice", speech(3.0))]) as runner:
        assert "speech_unchecked" in {signal.name for spec in runner.specs for signal in spec.signals}
        found = runner.start([media("voice", Modality.AUDIO)], derive=wishes, unchecked={"voice"}).wait()
    assert found.unknown == ()
    assert [(each.name, each.value) for each in found.signals if each.detector == "transcript"] == [
        ("speech_unchecked", 3.0)
    ]
    with Runner(readers(), []) as runner:  # nobody listens: how much is unread is unknown, and that alone
        found = runner.start([media("voice", Modality.AUDIO)], derive=wishes, unchecked={"voice"}).wait()
    assert {each.detector for each in found.unknown} == {"voice", "transcript"}


def test_a_wish_for_what_nobody_makes_is_refused() -> None:
    with Runner(readers(), []) as runner, pytest.raises(ValueError, match="no deriver is named smells"):
        runner.start([media("cover", Modality.IMAGE)], derive={"cover": ("smells",)})


# ── deadlines and limits ──


def test_what_is_not_there_in_time_is_unknown_and_comes_late() -> None:
    gate = threading.Event()
    came: list[Findings] = []
    told = threading.Event()
    with Runner(readers(), [FakeDeriver("words", words("xx"), gate=gate)]) as runner:
        pending = runner.start([media("cover", Modality.IMAGE)], deadline_ms=1, derive={"cover": ("words",)})
        found = pending.wait()
        assert {(each.detector, each.part) for each in found.unknown if each.detector != "pictures"} == {
            ("words", "cover"),
            ("texts", "cover>words"),
            ("links", "cover>words"),
        }
        assert {each.reason for each in found.unknown} == {UnknownReason.DEADLINE}
        pending.on_late(lambda late: (came.append(late), told.set()))  # type: ignore[func-returns-value]
        gate.set()
        assert told.wait(20)
    assert came[0].unknown == ()
    assert [(each.part, each.value) for each in came[0].signals] == [("cover>words.0", 2)]


def test_parts_beyond_the_limit_are_unknown() -> None:
    detectors = readers()
    with Runner(detectors, [FakeDeriver("frames", frames(MOST_MEDIA + 50))]) as runner:
        found = runner.start([media("clip", Modality.VIDEO)], derive={"clip": ("frames",)}).wait()
    assert len(found.parts) == MOST_MEDIA
    assert ("pictures", "clip>frame", "frames: too many parts") in lost(found)
    assert len(detectors[2].asked) == MOST_MEDIA - 1


def test_nothing_is_neither_looked_at_nor_unknown_at_any_moment() -> None:
    """However the deadline falls among the answers, every film's text is found or unknown."""

    def covered(found: Findings) -> bool:
        seen = {signal.part for signal in found.signals if signal.name == "texts_score"}
        missing: Sequence[str] = [each.part for each in found.unknown if each.detector == "texts"]
        return all(
            place in seen or "clip>frame" in missing or any(place.startswith(part) for part in missing)
            for place in ("clip>frame.0>words.0", "clip>frame.1>words.0", "clip>audio>transcript.0")
        )

    detectors = readers()
    detectors[0].cost = Cost.CPU
    with Runner(detectors, film_derivers()) as runner:
        for deadline in (0, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 12, 25, 50):
            assert covered(runner.start([media("clip", Modality.VIDEO)], deadline_ms=deadline, derive=ALL).wait())


# ── what a deriver could not read ───────────────────────────────────────────────────────────────────────────────────


def _scan(part: Part) -> Derived:
    """A page with words, and one that is a picture of words."""
    pages = (piece(part, "page.0", Modality.TEXT, "xxx"), piece(part, "picture.0", Modality.IMAGE))
    return Derived(pages, gaps=(Gap("no_text_layer", unless="words"),))


def _looked_at(wishes: tuple[str, ...], *derivers: FakeDeriver) -> Findings:
    with Runner(readers(), derivers) as runner:
        return runner.start([media("notes", Modality.DOCUMENT)], derive={"notes": wishes}).wait()


def test_a_gap_leaves_what_was_read_and_makes_the_rest_unknown() -> None:
    found = _looked_at(("document",), FakeDeriver("document", _scan))
    assert ("texts_score", "notes>page.0", 3) in {(each.name, each.part, each.value) for each in found.signals}
    assert lost(found) == {
        ("document", "notes", "no_text_layer"),
        ("texts", "notes>page", "document: no_text_layer"),
        ("links", "notes>page", "document: no_text_layer"),
        ("pictures", "notes>page", "document: no_text_layer"),
    }
    assert {unknown.reason for unknown in found.unknown} == {UnknownReason.UNREADABLE}


def test_a_gap_that_another_deriver_fills_is_none() -> None:
    reader = FakeDeriver("words", words("xx"))
    found = _looked_at(("document", "words"), FakeDeriver("document", _scan), reader)
    assert (found.unknown, reader.asked) == ((), ["notes>picture.0"])


def test_a_gap_is_not_filled_by_a_deriver_that_is_not_there() -> None:
    found = _looked_at(("document", "words"), FakeDeriver("document", _scan))
    assert ("texts", "notes>picture.0>words", "words: not installed") in lost(found)


def test_what_has_a_gap_is_derived_anew_in_every_look() -> None:
    def gives(part: Part) -> Derived:
        return Derived((piece(part, "page.0", Modality.TEXT, "x"),), gaps=(Gap("attachments"),))

    deriver = FakeDeriver("document", gives)
    assert _looked_at(("document",), deriver).made == ()
    whole = FakeDeriver("document", lambda part: Derived((piece(part, "page.0", Modality.TEXT, "x"),)))
    assert len(_looked_at(("document",), whole).made) == 1


def test_a_document_that_nobody_reads_is_unknown() -> None:
    assert ("texts", "notes>page", "document: not installed") in lost(_looked_at(("document",)))
