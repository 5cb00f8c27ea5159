"""Emoji are read as words of the text's language by the word lists."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from seawall.detectors.text.lexicon import LexiconDetector, shipped_lexicon_detector
from seawall.model import Part, Signal

TextPart = Callable[..., Part]


@pytest.fixture(scope="module")
def detector() -> LexiconDetector:
    return shipped_lexicon_detector()


def found(detector: LexiconDetector, part: Part) -> dict[str, Signal]:
    (answer,) = detector.detect([part])
    assert isinstance(answer, tuple)
    return {each.name: each for each in reversed(answer) if isinstance(each, Signal)}


@pytest.mark.parametrize(
    ("text", "signal", "shown"),
    [
        ("die Flüchtlinge sind doch alle nur 🐀🐀", "hate_terms", "🐀"),
        ("verkaufe gutes 🍃 meldet euch per Telegram", "illegal_goods_terms", "🍃"),
        ("schick mir doch mal ein paar 🍆 Bilder", "sexual_terms", "🍆"),
        ("los inmigrantes son todos 🐒 aquí", "hate_terms", "🐒"),
        ("vendo 💊 muy baratas escribe por privado", "illegal_goods_terms", "💊"),
        ("متوفر 🧊 للبيع واتساب فقط", "illegal_goods_terms", "🧊"),
        ("अपनी 🍒 दिखा ना मुझे अभी", "sexual_terms", "🍒"),
        ("出售🧊货到付款加微信", "illegal_goods_terms", "🧊"),
        ("🧊を手押しで売ります", "illegal_goods_terms", "🧊"),
        ("jual 🧊 ready stok malam ini", "illegal_goods_terms", "🧊"),
    ],
)
def test_an_emoji_counts_as_the_word_of_the_language(
    detector: LexiconDetector, text_part: TextPart, text: str, signal: str, shown: str
) -> None:
    signals = found(detector, text_part(text))
    assert signals[signal].value >= 0.5
    span = signals[signal].span
    assert span is not None
    assert shown in text[int(span.start) : int(span.end)]


@pytest.mark.parametrize(
    "text",
    [
        "mein neues 🔪 schneidet die Tomaten wie Butter",
        "el 🐒 del zoológico nos miró toda la tarde",
        "今天吃了🍑和🍒 很甜",
        "हमारे घर में 🐀 आ गया था",
        "жареный 🍆 на ужин, очень вкусно",
        "🧊🧊🧊 es ist so heiß heute, mehr Eis bitte",
        "❄️❄️ endlich Schnee in den Bergen",
        "🔪",
        "🍆🍑",
    ],
)
def test_the_thing_itself_is_harmless(detector: LexiconDetector, text_part: TextPart, text: str) -> None:
    assert all(each.value < 0.8 for each in found(detector, text_part(text)).values())
    if len(text) > 2:
        assert found(detector, text_part(text)) == {}


def test_where_the_language_is_not_told_the_declared_one_counts(detector: LexiconDetector, text_part: TextPart) -> None:
    text = "jual 🧊 cod"
    assert "illegal_goods_terms" in found(detector, text_part(text, language="id"))


def test_the_first_place_in_the_plain_text_is_kept(detector: LexiconDetector, text_part: TextPart) -> None:
    text = "Ausländer sind Ratten 🐀"
    span = found(detector, text_part(text))["hate_terms"].span
    assert span is not None
    assert text[int(span.start) : int(span.end)] == "Ausländer sind Ratten"
