"""Harmless sentences of each language stay harmless to the word lists, also in the disguises that folding undoes."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.content.languages import identify
from seawall.detectors.text.lexicon import LexiconDetector, shipped_lexicon_detector
from seawall.model import Modality, Part, Signal
from seawall.publish.banks.meanings import harmless

LANGUAGES = ("ar", "de", "en", "es", "fr", "hi", "id", "ja", "pt", "ru", "zh")
KNOWN = {"goodbye everyone, this was my last show with the band"}
"""Sentences that a list takes for something else as they are written: a farewell."""
SENTENCES = sorted({each for each in harmless() if each[1] not in KNOWN})


@pytest.fixture(scope="module")
def detector() -> LexiconDetector:
    return shipped_lexicon_detector()


def reached(detector: LexiconDetector, *texts: str) -> list[str]:
    """The texts on which a signal reaches 0.5."""
    parts = [Part(path="body", modality=Modality.TEXT, field="body", text=text) for text in texts]
    return [
        text
        for text, answer in zip(texts, detector.detect(parts), strict=True)
        if isinstance(answer, tuple) and any(isinstance(each, Signal) and each.value >= 0.5 for each in answer)
    ]


def test_there_are_sentences_of_each_language() -> None:
    counts = {language: [each for each, _ in harmless()].count(language) for language in LANGUAGES}
    assert {each for each, _ in harmless()} == set(LANGUAGES)
    assert min(counts.values()) >= 80


@pytest.mark.parametrize("language", LANGUAGES)
def test_nearly_all_are_told_to_be_of_their_language(language: str) -> None:
    texts = [text for each, text in harmless() if each == language]
    assert sum(identify(text) == language for text in texts) >= 0.95 * len(texts)
    assert not {identify(text) for text in texts} - {language, None}


@pytest.mark.parametrize("language", LANGUAGES)
def test_harmless_sentences_reach_no_rule(detector: LexiconDetector, language: str) -> None:
    assert reached(detector, *(text for each, text in SENTENCES if each == language)) == []


DISGUISES = {
    "invisible": lambda text, at: text[:at] + "\u200b" + text[at:],
    "tatweel": lambda text, at: text[:at] + "\u0640" + text[at:],
    "stacked marks": lambda text, at: text[:at] + "\u0336\u0489" + text[at:],
    "decomposed": lambda text, at: unicodedata.normalize("NFD", text),
    "capitals": lambda text, at: text.upper(),
    "full width": lambda text, at: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    "repeated": lambda text, at: text[:at] + text[max(0, at - 1) : at] * 3 + text[at:],
    "right to left": lambda text, at: "\u202b" + text[:at] + "\u2066" + text[at:] + "\u202c",
    "spaced": lambda text, at: " ".join(text),
}


@given(
    sentence=st.sampled_from(SENTENCES),
    disguises=st.lists(st.sampled_from(sorted(DISGUISES)), min_size=1, max_size=3),
    at=st.integers(0, 60),
)
@settings(max_examples=300, deadline=None)
def test_folding_makes_no_harmless_sentence_harmful(sentence: tuple[str, str], disguises: list[str], at: int) -> None:
    text = sentence[1]
    for disguise in disguises:
        text = DISGUISES[disguise](text, min(at, len(text)))
    assert reached(shipped_lexicon_detector(), text) == []
