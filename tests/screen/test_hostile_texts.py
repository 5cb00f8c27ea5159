"""Texts made to break what reads them: language, folding, word lists, screening give a clear state within limits."""

from __future__ import annotations

import pytest

from seawall.content import ItemError, load_content_type, validate_item
from seawall.content.languages import identify
from seawall.content.normalise import fold, normalise
from seawall.detectors.text.lexicon import shipped_lexicon_detector
from seawall.model import Modality, Part, Signal, Verdict
from seawall.shipped import Folder
from support.app import Rig

MARKS = "a" + "\u0301\u0327\u0489" * 333_333
ZALGO = "".join(letter + "\u0351\u036b\u0343\u0489" * 40 for letter in "I will kill you tonight")
SIX_SCRIPTS = "kαиきकع"
RIGHT_TO_LEFT = "مرحبا \u202ehello\u202c שלום \u2067привет\u2069 123 \u202e\u202e\u202e"
TEXTS = {
    "one emoji": "🔪",
    "emoji alone": "🔪" * 5_000,
    "a million marks": MARKS,
    "marks without a letter": "\u0301" * 100_000,
    "zalgo": ZALGO,
    "six scripts in one word": SIX_SCRIPTS * 500,
    "mixed right to left": RIGHT_TO_LEFT * 100,
    "lone surrogates": "\ud800\udc00\ud800 kill \udfff" * 100,
    "jamo without an end": "ㅈㅏㅅㅏㄹ" * 5_000,
    "every emoji word in turn": "🔪🐒🍆💊❄🧊" * 5_000,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_every_view_is_no_longer_than_the_text_allows_and_points_into_it(text: str) -> None:
    for view in (fold(text), normalise(text)):
        assert len(view.text) <= 18 * len(text)  # the longest character of Unicode folds to eighteen
        assert len(view.text) == len(view.offsets)
        assert list(view.offsets) == sorted(view.offsets)
        assert all(0 <= offset < len(text) for offset in (view.offsets[:1] or [0]))


def test_a_million_marks_leave_one_letter() -> None:
    assert fold(MARKS).text == "a"
    assert normalise(ZALGO).text == "i will kill you tonight"


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_language_is_told_or_not_and_the_lists_answer(text: str) -> None:
    told = identify(text)
    assert told is None or len(told) == 2
    (answer,) = shipped_lexicon_detector().detect([Part(path="b", modality=Modality.TEXT, field="b", text=text)])
    assert isinstance(answer, tuple)
    signals = [each for each in answer if isinstance(each, Signal)]
    assert len(signals) <= 400
    assert all(each.span is not None and 0 <= each.span.start < each.span.end <= len(text) for each in signals)


def test_what_has_no_language_is_not_told() -> None:
    assert [identify(text) for text in ("🔪", "🔪" * 5_000, SIX_SCRIPTS, "\u0301" * 100)] == [None] * 4


def test_stacked_marks_hide_no_threat() -> None:
    (answer,) = shipped_lexicon_detector().detect([Part(path="b", modality=Modality.TEXT, field="b", text=ZALGO)])
    assert isinstance(answer, tuple)
    assert any(isinstance(each, Signal) and each.name == "threat_terms" and each.value >= 0.5 for each in answer)


@pytest.mark.parametrize("text", [text for text in TEXTS.values() if len(text) < 4_000])
def test_screening_answers(sqlite_rig: Rig, text: str) -> None:
    answer = sqlite_rig.screen(text.encode("utf-8", "ignore").decode(), id="n-1")
    assert answer.verdict in set(Verdict)


def test_a_text_past_the_limit_is_refused_with_its_place() -> None:
    comment = load_content_type(Folder("seawall.shipped.content_types", "content type").read("comment"), "comment.yaml")
    raw = {"id": "n-1", "actor": {"id": "a-1"}, "fields": {"body": MARKS}}
    with pytest.raises(ItemError, match=r"body.*1,000,000 characters"):
        validate_item(comment, raw)
