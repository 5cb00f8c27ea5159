import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.content import load_content_type
from seawall.content.items import build_item, parts_of
from seawall.content.languages import identify, language_of, reads_as


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("I will find you and you know it", "en"),
        ("nice one bro", "en"),
        ("Wir sehen uns morgen nach der Schule", "de"),
        ("halt die Fresse", "de"),
        ("te voy a encontrar", "es"),
        ("je vais te retrouver", "fr"),
        ("ti trovo e vedrai", "it"),
        ("eu vou te encontrar", "pt"),
        ("seni bulacağım", "tr"),
        ("я знаю, где ты живёшь", "ru"),
        ("меня тошнит от этих людей", "ru"),
        ("я тебе знайду сьогодні ввечері", "uk"),
        ("тази песен много ми харесва, благодаря", "bg"),
        ("Guten Morgen Leute", "de"),
        ("HALT DIE FRESSE", "de"),
        ("سوف أجدك يا رجل", "ar"),
        ("मैं तुम्हें ढूंढ लूंगा", "hi"),
        ("我会找到你的", "zh"),
        ("お前を見つけるぞ", "ja"),
        ("너를 찾을 거야", "ko"),
        ("நான் உன்னை கண்டுபிடிப்பேன்", "ta"),
        ("ฉันจะหาคุณให้เจอ", "th"),
        ("אני אמצא אותך", "he"),
    ],
)
def test_a_short_sentence_is_told(text, language):
    assert identify(text) == language


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ok",
        "lol",
        "haha",
        "???",
        "123",
        "😂😂",
        "Rosalía",
        "AC/DC",
        "Blink-182",
        "Caetano Veloso",
        "Jan de Vries",
        "Los Ángeles Azules",
        "@ana #nowplaying https://a.example",
    ],
)
def test_names_signs_and_single_words_are_not_told(text):
    assert identify(text) is None


@pytest.mark.parametrize("text", ["yeh gaana mast hai", "ana ba7ebak awy", "mujhe tumse nafrat hai"])
def test_romanised_hindi_and_arabic_are_not_taken_for_another_language(text):
    assert identify(text) is None


def test_addresses_and_names_of_accounts_do_not_count():
    assert identify("@wirsehenuns das Lied ist großartig https://open.example/track/love-song") == "de"


def test_the_text_counts_more_than_what_was_declared_and_a_declaration_more_than_nothing():
    assert language_of("Wir sehen uns morgen nach der Schule", "en") == "de"
    assert language_of("ok", "de") == "de"
    assert language_of("ok", None) is None


@pytest.mark.parametrize(
    ("text", "reads"), [("ok", True), ("(ಠ_ಠ)", True), ("Тварь", False), ("Du Opfer, halt die Fresse", False)]
)
def test_what_cannot_be_told_is_read_where_its_letters_are_latin(text, reads):
    assert reads_as(text, "en") is reads


@given(st.text())
def test_any_text_has_an_answer(text):
    assert identify(text) is None or len(identify(text)) == 2


def test_a_long_text_is_read_by_its_beginning():
    assert identify("wir singen dieses Lied " * 100_000) == "de"


@pytest.mark.parametrize("text", ["\ud800 hello my friend", "a\0b", "e" + "\u0301" * 100_000, "\u202edrawkcab"])
def test_hostile_texts_raise_nothing(text):
    assert identify(text) in (None, "en")


NOTE = """\
content_type: note
title: Note
owner: tests
surface: public
audience: general
default_language: en
actor: {}
fields:
  title: {type: text, role: title}
  lines: {type: texts, role: body}
  about: {type: text, role: context}
stages:
  pre_publish: {budget: 80ms, on_unknown: hold}
actions: [hold]
appeal: {window: 184d, route: /appeals}
retention: {content: 30d, decisions: 5y}
"""
GERMAN, ENGLISH = "Wir sehen uns morgen nach der Schule", "I will see you after school tomorrow"


@pytest.mark.parametrize(
    ("fields", "declared", "language"),
    [
        ({"lines": [GERMAN]}, None, "de"),
        ({"lines": [GERMAN]}, "en", "de"),  # what is declared does not hide it
        ({"title": "Rosalía", "lines": ["ok"]}, None, "en"),  # cannot be told: the default
        ({"title": "Rosalía", "lines": ["ok"]}, "es", "es"),
        ({"title": "My song", "lines": [GERMAN, GERMAN]}, None, "de"),  # most of the text
        ({"title": ENGLISH, "lines": ["lol"], "about": GERMAN * 3}, None, "en"),  # context is not screened
        ({}, None, "en"),
    ],
)
def test_an_item_is_in_the_language_of_most_of_its_text(fields, declared, language):
    content_type = load_content_type(NOTE, "note.yaml")
    item = build_item(content_type, "n-1", fields, ("a-1", {}), declared)
    assert item.language == language


def test_a_part_whose_language_cannot_be_told_is_in_that_of_the_rest():
    content_type = load_content_type(NOTE, "note.yaml")
    item = build_item(content_type, "n-1", {"title": "Abschaum", "lines": [GERMAN]}, ("a-1", {}))
    assert {part.language for part in parts_of(item, content_type)} == {"de"}
