"""Entries of kind ``meaning``: what they find, in which languages, what is refused, and the figures people see."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from seawall.detectors.banks import BankDetector
from seawall.detectors.text.meanings import MeaningDetector
from seawall.match import BankEntry, BankMatcher
from seawall.model import (
    DecisionSource,
    DetectorSpec,
    Modality,
    Part,
    Signal,
    Unknown,
    UnknownReason,
    Verdict,
)
from seawall.publish import (
    BankError,
    BankSettings,
    NewEntry,
    add_entries,
    bank_meanings,
    configure_bank,
    find_entry,
    look_up_part,
    measure_meanings,
    suspend_entry,
)
from seawall.publish.banks.meanings import check_meanings
from support.app import Rig

EXAMPLES = (
    "buy ten thousand streams for 20 dollars, message us",
    "we sell real plays and followers cheap",
    "get your song on big playlists, pay only 15 euro",
    "promote your music: 5000 plays in one day, guaranteed",
    "cheap followers and streams, instant delivery",
)
SIXTH = "Want more plays? We deliver thousands of streams for little money"
HARMLESS = "the vinyl arrived today and it sounds wonderful"
GERMAN = "wir verkaufen euch viele tausend Aufrufe für wenig Geld, schreibt uns einfach"


def add(rig: Rig, *values: str, bank: str = "blocked-texts", threshold: int | None = None) -> list[str]:
    entries = [NewEntry(kind="meaning", value=value, source="staff", threshold=threshold) for value in values]
    made = add_entries(rig.app.ledger, bank, entries, "tests", meanings=rig.app.meanings)
    rig.app.banks.refresh()
    return made


def part(text: str, language: str | None = None) -> Part:
    return Part(path="body", modality=Modality.TEXT, field="body", text=text, language=language)


class Letters:
    """An encoder of seven dimensions that compares first letters, and counts what it is asked."""

    def __init__(self, languages: frozenset[str] | None = None) -> None:
        self.asked: list[str] = []
        self.spec = DetectorSpec(
            name="letters", version="1", signals=(), modalities=frozenset({Modality.TEXT}), languages=languages
        )

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.asked += texts
        return np.array([np.eye(7)[ord(text[0].lower()) % 7] for text in texts], np.float32)


def detector(*entries: BankEntry, encoder: Letters) -> MeaningDetector:
    banks = BankDetector()
    banks.replace(BankMatcher(entries, revision=3))
    return MeaningDetector(banks, encoder)


def example(value: str, id: str = "e1", bank: str = "b", threshold: int | None = None) -> BankEntry:
    return BankEntry(bank=bank, id=id, kind="meaning", value=value, threshold=threshold)


def test_five_examples_find_the_sixth_in_new_and_past_items(rig: Rig) -> None:
    past = rig.screen(SIXTH, id="n-1")
    other = rig.screen(HARMLESS, id="n-2")
    assert {past.verdict, other.verdict} == {Verdict.ALLOW}
    made = add(rig, *EXAMPLES)
    assert rig.screen(HARMLESS, id="n-3").verdict is Verdict.ALLOW
    answer = rig.screen(f"  {SIXTH.upper()} ", id="n-4")
    assert answer.verdict is Verdict.BLOCK
    hits = [signal for signal in rig.decision(answer).signals if signal.detector == "meanings"]
    assert {hit.name for hit in hits} == {"bank:blocked-texts"}
    assert {hit.evidence for hit in hits} <= set(made)
    assert all(hit.distance is not None and 0 < hit.distance <= 40 for hit in hits)
    assert {hit.version for hit in hits} == {str(rig.app.banks.matcher.revision)}
    rig.app.ledger.commit(lambda tx: tx.enqueue("retro_search", "all", {}))
    rig.work("retro_search")
    rig.work("retro_match")
    assert rig.head(past.item)["verdict"] == "block"
    assert rig.decisions(past.item)[-1].source is DecisionSource.RETRO_MATCH
    assert rig.head(other.item)["verdict"] == "allow"
    entry = find_entry(rig.app.database, rig.app.vault, str(hits[0].evidence))
    assert entry is not None
    assert entry.counts.hits == 2
    assert entry.value in EXAMPLES


def test_a_suspended_example_finds_nothing(rig: Rig) -> None:
    (made,) = add(rig, EXAMPLES[1])
    assert rig.screen(EXAMPLES[1], id="n-1").verdict is Verdict.BLOCK
    suspend_entry(rig.app.ledger, "blocked-texts", made, "lena", "wrong_match")
    rig.app.banks.refresh()
    assert rig.screen(EXAMPLES[1], id="n-2").verdict is Verdict.ALLOW


def test_a_language_that_the_encoder_does_not_know_is_unknown_and_no_example(rig: Rig) -> None:
    with pytest.raises(BankError, match="a language that the text model does not know; it knows en"):
        add(rig, GERMAN)
    assert look_up_part(rig.app.database, rig.app.vault, rig.app.runner, part(GERMAN)).unknown == ()  # no example yet
    add(rig, *EXAMPLES)
    found = look_up_part(rig.app.database, rig.app.vault, rig.app.runner, part(GERMAN, "de"))
    assert [(each.detector, each.reason) for each in found.unknown] == [("meanings", UnknownReason.LANGUAGE)]
    assert look_up_part(rig.app.database, rig.app.vault, rig.app.runner, part(SIXTH)).matches


def test_examples_that_match_harmless_sentences_are_refused(rig: Rig) -> None:
    refused = r"would match \d+ of \d+ harmless sentences, such as '.*', and \d+ of 232 in the language en; at most 1%"
    with pytest.raises(BankError, match=refused):
        add(rig, "this song is so good, I love this band", threshold=40)
    add(rig, "this song is so good, I love this band", threshold=95)
    add(rig, *EXAMPLES)
    wider = BankSettings(thresholds={"meaning": 40})
    with pytest.raises(BankError, match="threshold of meaning: the bank would match"):
        configure_bank(rig.app.ledger, "blocked-texts", wider, "tests", meanings=rig.app.meanings)


def test_examples_that_reach_too_far_in_one_language_alone_are_refused() -> None:
    """Of all sentences it is fewer than one in a hundred; of the Japanese ones it is not."""
    encoder = Letters()
    near = {"この曲は何年経っても色あせない", "雨の日に走るためのプレイリスト"}
    encoder.embed = lambda texts: np.array([[each in near, each not in near] for each in texts], np.float32)  # type: ignore[method-assign]
    meanings = detector(encoder=encoder)
    with pytest.raises(BankError, match=r"match 2 of 1116 harmless .* and 2 of 88 in the language ja"):
        check_meanings(meanings, "b", [example(min(near))], "entries")
    figures = measure_meanings(meanings, [example(min(near))])
    assert figures is not None
    assert {each.language: each.matched for each in figures.languages if each.matched} == {"ja": 2}
    assert sum(each.harmless for each in figures.languages) == figures.harmless


def test_without_the_encoder_no_example_is_taken(rig: Rig) -> None:
    with pytest.raises(BankError, match="need the text model's encoder"):
        add_entries(rig.app.ledger, "b", [NewEntry(kind="meaning", value=SIXTH, source="staff")], "tests")


def test_the_figures_suggest_a_threshold(rig: Rig) -> None:
    assert measure_meanings(rig.app.meanings, []) is None
    add(rig, *EXAMPLES)
    figures = measure_meanings(rig.app.meanings, bank_meanings(rig.app.meanings, "blocked-texts"))
    assert figures is not None
    assert (figures.examples, figures.matched) == (5, 0)
    assert 0 < figures.matched_high < 0.05  # of two hundred sentences none: that is not proof of none
    assert figures.suggested is not None
    assert 50 <= figures.suggested < 60
    assert figures.found <= figures.found_at_suggested <= 5
    assert figures.found_low < figures.found / 5 < figures.found_high
    assert figures.precision_low < figures.precision_high == 1
    assert len(figures.nearest) == 3


# -- with an encoder of any kind ---------------------------------------------------------------------------------


def test_the_encoder_is_asked_only_about_banks_that_a_rule_reads() -> None:
    encoder = Letters()
    found = detector(example("apples and pears"), encoder=encoder)
    assert found.detect_above([part("aaa")], {"bank:other": 1, "hate": 0.5}) == [()]
    assert encoder.asked == ["apples and pears"]  # the example, not the text
    (answer,) = found.detect_above([part("aaa")], {"bank:b": 1})
    assert [signal.evidence for signal in answer if isinstance(signal, Signal)] == ["e1"]
    assert detector(encoder=encoder).idle
    assert not found.idle


def test_examples_are_embedded_once_until_they_change() -> None:
    encoder = Letters()
    banks = BankDetector()
    found = MeaningDetector(banks, encoder)
    banks.replace(BankMatcher([example("apples and pears")]))
    found.detect([part("1")])
    found.detect([part("aaa"), part("bbb")])
    banks.replace(BankMatcher([example("apples and pears"), example("houses to let", "e2")]))
    (one,) = found.detect([part("hhh")])
    assert encoder.asked == ["apples and pears", "aaa", "bbb", "houses to let", "hhh"]
    assert [signal.evidence for signal in one if isinstance(signal, Signal)] == ["e1", "e2"]  # a and h are 7 apart


def test_a_passage_of_a_long_text_is_found_at_its_place_and_the_rest_of_a_longer_one_is_unknown() -> None:
    found = detector(example("apples and pears"), encoder=Letters())
    text = "c " * 40 + "a " * 60
    (answer,) = found.detect([part(text)])
    (hit,) = answer
    assert isinstance(hit, Signal)
    assert hit.span is not None
    assert (hit.span.start, hit.distance) == (80, 0)
    (answer,) = found.detect([part("c " * 2_000)])
    assert isinstance(answer, Unknown)
    assert answer.reason is UnknownReason.UNREADABLE
    assert "960 words" in answer.detail


def test_an_allow_bank_and_an_expiry_hold_for_examples() -> None:
    fine = BankMatcher([example("apples", "bad", "b", 90), example("aprons", "fine", "ok", 90)], allow=("ok",))
    banks = BankDetector()
    banks.replace(fine)
    (answer,) = MeaningDetector(banks, Letters()).detect([part("aaa")])
    assert sorted(signal.name for signal in answer if isinstance(signal, Signal)) == ["bank:ok", "bank_suppressed:b"]
    gone = BankEntry(bank="b", id="e1", kind="meaning", value="apples", expires=1)
    assert detector(gone, encoder=Letters()).detect([part("aaa")]) == [()]


def test_no_more_than_ten_examples_of_a_bank_are_named() -> None:
    entries = [example(f"apples {number}", f"e{number}") for number in range(30)]
    (answer,) = detector(*entries, encoder=Letters()).detect([part("aaa")])
    assert isinstance(answer, tuple)
    assert len(answer) == 10
