"""What a reader sees survives what was done to the characters."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seawall.content.invisible import is_ignorable
from seawall.content.normalise import fold, name_emoji, normalise
from support.examples import examples


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("K\u200bi\u200dll", "kill"),  # zero-width
        ("ki\u00adll", "kill"),  # soft hyphen
        ("\u202ekill\u202c", "kill"),  # bidi override
        ("k\u0336i\u0336l\u0336l\u0336", "kill"),  # struck through
        ("z̷̢̛a̴͝l̶g̸o", "zalgo"),
        ("ｋｉｌｌ", "kill"),  # fullwidth
        ("𝕜𝖎𝓁𝔩", "kill"),  # mathematical
        ("ⓚⓘⓛⓛ 🅺🅸🅻🅻", "kill kill"),  # enclosed
        ("ᴋɪʟʟ", "kill"),  # small capitals
        ("кіll уоu", "kill you"),  # Cyrillic
        ("pаypаl", "paypal"),
        ("ｐаｙｐаｌ", "paypal"),
        ("kιll γou", "kill you"),  # Greek
        ("k i l l", "kill"),
        ("k.i.l.l", "kill"),
        ("k-i-l-l y_o_u", "kill you"),
        ("k 1 l l", "kill"),
        ("kiiiiilllll", "kiill"),
        ("k1ll 1d10t h4t3 l33t", "kill idiot hate leet"),
        ("sh!t $hit a$$ b@stard", "shit shit ass bastard"),
        ("he11o", "hello"),
        ("café naïve", "cafe naive"),
        ("cafe\u0301", "cafe"),
        ("“don’t”", '"don\'t"'),
        ("he\ud800llo", "hello"),  # a lone surrogate
        ("a\x00b\x07c", "abc"),
        ("k\u3164i\u3164l\u3164l", "kill"),  # Hangul filler
        ("k\uffa0i\uffa0l\uffa0l b\u115fu\u115fy c\u1160h\u1160eap", "kill buy cheap"),
        ("k\u2800i\u2800l\u2800l", "kill"),  # Braille blank
        ("k\ufffci\ufffcl\ufffcl", "kill"),  # object replacement
        ("k\u2800ill", "kill"),
        ("k\U00013441i\U00013442l\U00013441l", "kill"),  # Egyptian blanks
        ("k·i·l·l k•i•l•l k‧i‧l‧l k∙i∙l∙l", "kill kill kill kill"),
        ("buy\u3164cheap\u2800followers\ufffctoday", "buy cheap followers today"),  # blanks that part words
        ("k\u034fi\u17b4l\u180bl", "kill"),  # grapheme joiner, Khmer inherent vowel, Mongolian selector
        ("k\U000e0101i\U000e0061l\ufe0fl", "kill"),  # variation selectors, tags
        ("k\ufff9i\U0001d173l\U0001bca0l", "kill"),  # annotation, musical and shorthand format characters
        ("k\U0001d159i\U00016fe4l\ufdd0l", "kill"),  # null note head, Khitan filler, noncharacter
        ("п\u034fр\u180bи\U000e0100вет мир", "привет мир"),  # in scripts whose marks are kept
        ("مر\u0640\u0640\u0640حبا", "مرحبا"),  # stretched
        ("⒦⒤⒧⒧ 🄚🄘🄛🄛 🄺🄸🄻🄻", "kill kill kill"),  # in brackets and squares
        ("🇰🇮🇱🇱 🇰\u200b🇮\u200b🇱\u200b🇱", "kill kill"),  # regional indicators that are no flags
        ("k\u20e0i\u20ddl\u20del", "kill"),  # enclosing marks
        ("ʇɟǝl", "tfel"),  # turned letters
        ("убeй cебя", "убей себя"),  # Latin letters in Cyrillic words
        ("ты cукa", "ты сука"),  # of letters that are both: by the words around
        ("kупи сосa now please", "купи coca now please"),
        ("уб0й у6ью 3арежу п1зда", "убой убью зарежу пизда"),
        ("қүпи сейчас", "купи сейчас"),  # strokes and hooks
        ("σκoτώσω", "σκοτωσω"),
        ("смотриhxxp://a", "cmotpиhxxp://a"),  # two words, of which one is Latin
        ("سَأَقْتُلُكَ", "ساقتلك"),  # vowel signs, forms of alef
        ("ﻗﺘﻞ ﷲ", "قتل الله"),  # presentation forms
        ("مدرسة کتی آپ", "مدرسه كتي اپ"),  # ta marbuta, Persian and Urdu letters
        ("שָׁלוֹם", "שלום"),  # points
        ("लड़का ऩ हाँ", "लडका न हां"),  # nukta, candrabindu
        ("क\u094d\u200dष", "क्ष"),
        ("\u0b95\u0bca", "\u0b95\u0bc6\u0bbe"),  # a vowel of two parts
        ("ｶﾞｯｷ ｼﾈ カ゛", "がっき しね が"),  # half-width, marks of their own
        ("ㅈㅏㅅㅏㄹ ㅈ ㅏ ㅅ ㅏ ㄹ", "자살 자살"),
        ("\u110c\u1161\u1109\u1161\u11af 자\u11af", "자살 잘"),  # conjoining jamo
        ("我要杀 了 你", "我要杀了你"),
        ("去.死.吧", "去死吧"),
        ("⼭口組", "山口組"),  # a radical
    ],
)
def test_disguises_are_undone(written: str, seen: str) -> None:
    assert normalise(written).text == seen


@pytest.mark.parametrize(
    "text",
    [
        "2 4",
        "pop · rock · jazz",
        "1 · 2 · 3",
        "10 for $5.99",
        "$100k",
        "gr8 b4 4ever 2day",
        "mp3 win10 covid19 r2d2 b2b 1st 5pm",
        "@a1ice",
        "john.d0e@example.com",
        "https://example.com/a1b2c",
        "#2pac",
        "1 2 3 4",
        "i am a b",
        "сука",  # every letter has a Latin twin, but nothing around it is Latin
        "привет мир",
        "привет, это paypal",
        "καλημερα κοσμε",
        "हिन्दी नमस्ते",
        "안녕하세요",
        "こんにちは",
        "مرحبا",
        "й ё".replace(" ", ""),
        "🇩🇪🇫🇷 🇰🇮",
        "⠓⠑⠇⠇⠕",
        "это ibm и xp",  # names are of Latin letters in every text
        "ковид19 т34 2 года",
        "καλημερα paypal",
        "ᄏᄏ ᅲᅲ",  # laughter and tears
        "しんぶんを よむ",
        "வணக்கம்",
        "我 爱你",
    ],
)
def test_honest_text_stays(text: str) -> None:
    assert normalise(text).text == text


def test_ignorable_characters_are_those_of_the_unicode_property() -> None:
    """Derived as in DerivedCoreProperties.txt, from what Python knows: format characters, and those listed there."""
    listed = {0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2065, 0x3164, 0xFFA0, *range(0xFFF0, 0xFFF9)}
    listed |= {*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0000, 0xE1000)}
    visible = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD, *range(0x13430, 0x13440)}
    formats = {code for code in range(0x110000) if unicodedata.category(chr(code)) == "Cf"} - visible
    for code in sorted(formats | listed):
        assert is_ignorable(chr(code)), hex(code)
        assert normalise(f"k{chr(code)}ill").text == "kill", hex(code)
    assert not any(is_ignorable(chr(code)) for code in sorted(visible))


def test_whatever_shows_nothing_is_dropped_from_every_script() -> None:
    for word in ("kill", "привет", "नमस्ते", "مرحبا", "안녕하세요", "こんにちは"):
        for hidden in "\u200b\u3164\u2800\ufffc\u034f\ufe0f\U000e0101":
            assert normalise(hidden.join(word)).text == word, (word, hidden)


def test_fold_keeps_words_as_they_are_spaced_and_spelled() -> None:
    assert fold("K 1 L L Ｙｏｕ").text == "k 1 l l you"


def test_marks_that_spell_are_kept_and_those_that_pile_up_are_not() -> None:
    assert fold("и\u0306").text == "й"
    assert fold("न" + "\u0947" * 50).text == "न\u0947\u0947"


def test_spans_lead_back_to_the_original() -> None:
    text = "go K\u200bi\u0338ll  y.o.u, id1ot"
    view = normalise(text)
    for word, original in [("kill", "K\u200bi\u0338ll"), ("you", "y.o.u"), ("idiot", "id1ot")]:
        start = view.text.index(word)
        first, last = view.span(start, start + len(word))
        assert text[first:last] == original


def test_emoji_are_kept_and_can_be_named() -> None:
    view = name_emoji(normalise("I have a 🔫!"))
    assert view.text == "i have a 🔫 pistol !"
    start = view.text.index("pistol")
    assert view.span(start, start + 6) == (9, 10)


def test_six_scripts_in_one_word() -> None:
    """One script as far as the letters go; what has no look-alike stays; nothing is lost."""
    view = normalise("pаγקक大")
    assert view.text == "payקक大"
    assert list(view.offsets) == list(range(6))


def test_right_to_left_and_left_to_right_keep_their_order() -> None:
    text = "\u202bقتل\u202c kill \u2067שלום\u2069 now"
    view = normalise(text)
    assert view.text == "قتل kill שלום now"
    assert text[slice(*view.span(9, 13))] == "שלום"


def test_a_million_marks_are_two() -> None:
    assert normalise("न" + "\u0947" * 1_000_000).text == "न\u0947\u0947"
    assert normalise("ق" + "\u064e" * 1_000_000 + "تل").text == "قتل"
    assert normalise("k" + "\u0336" * 1_000_000 + "ill").text == "kill"


def test_a_syllable_spelt_out_leads_back_to_its_letters() -> None:
    text = "말 ㅈㅏㅅㅏㄹ"
    view = normalise(text)
    start = view.text.index("자살")
    assert view.span(start, start + 1)[0] == text.index("ㅈ")


_OF_SCRIPTS = "ьёйқүіcaekxЖאָأإیکةَُّٔकड़़ँंक्ொொｶﾞ゛ガァㄱㄳㅏㅋ가각각ᆨ死了。・λσΆ03469"
_TRICKY = _OF_SCRIPTS + "\u3164\u2800\ufffc\u034f🇰🇮⒦aabkil014$@!. -_*+|ае\u0301\u0338\u200bοα9 ıİßЙйﬁ½²µ\ud800"


@settings(max_examples=examples(500), deadline=None)
@given(st.text(st.one_of(st.sampled_from(_TRICKY), st.characters()), max_size=40))
@example("µ0µ")
@example("Aµ0µ")
def test_views_are_idempotent_and_their_offsets_ascend(text: str) -> None:
    for view_of in (fold, normalise):
        view = view_of(text)
        offsets = list(view.offsets)
        assert len(offsets) == len(view.text)
        assert offsets == sorted(offsets)
        assert all(0 <= offset < len(text) for offset in offsets)
        assert view_of(view.text).text == view.text


@pytest.mark.parametrize(
    "unit",
    ["a", "a ", "\u0300", "\u202e\u202d", "a1", "a.b", "a1b ", "а\u0430a", "$", "ﷺ", "(((", "a\u0336"],
)
def test_hostile_text_comes_to_an_end(unit: str) -> None:
    text = unit * (100_000 // len(unit))
    view = normalise(text)
    assert len(view.text) <= 20 * len(text)


def test_ten_megabytes_of_one_letter() -> None:
    assert normalise("a" * 10_000_000).text == "aa"
