"""Texts in older encodings: as declared, or guessed; what is not evident is unknown, never read as something else."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.document_files import docx, epub
from seawall.media import DocumentContent, Media, UnreadableMedia
from seawall.media.decoders import encodings
from seawall.media.decoders.operation import DecodeRefused

RUSSIAN, UKRAINIAN = "Я убью тебя сегодня ночью", "Я вб'ю тебе сьогодні вночі"
JAPANESE, KOREAN = "今夜お前を殺す", "오늘 밤 너를 죽일 것이다"
SIMPLIFIED, TRADITIONAL = "今晚我要杀死你，你等着", "今晚我要殺死你，你等著"
WRITTEN = [
    *((name, RUSSIAN) for name in ("windows-1251", "koi8-r", "ibm866", "iso-8859-5")),
    ("windows-1251", UKRAINIAN),
    *((name, JAPANESE) for name in ("shift_jis", "euc-jp", "iso-2022-jp")),
    *((name, SIMPLIFIED) for name in ("gb2312", "gbk", "gb18030")),
    ("big5", TRADITIONAL),
    ("euc-kr", KOREAN),
    *((name, "Θα σε σκοτώσω απόψε") for name in ("windows-1253", "iso-8859-7")),
    ("windows-1255", "אני אהרוג אותך הלילה"),
    ("windows-1256", "سوف أقتلك الليلة"),
    *((name, "Zabiję cię dziś wieczorem") for name in ("windows-1250", "iso-8859-2")),
    ("windows-1250", "Zażółć gęślą jaźń"),
    ("windows-1254", "Bu gece seni öldüreceğim"),
    ("windows-1252", "Je vais te tuer ce soir, déjà prêt"),
    ("iso-8859-1", "Ich töte dich heute Nacht, du Köter"),
    ("iso-8859-15", "Te mataré mañana, niño"),
]
DECLARED = (
    "<!doctype html><meta charset={}><p>{}</p>",
    '<html><head><meta http-equiv="Content-Type" content="text/html; charset={}"></head><p>{}</p>',
    '<?xml version="1.0" encoding="{}"?><html><p>{}</p></html>',
)


def words(media: Media, data: bytes) -> str:
    found = media.document(data)
    assert isinstance(found, DocumentContent), found
    return "\n".join(passage.text for passage in found.texts)


@pytest.mark.parametrize("page", DECLARED)
@pytest.mark.parametrize(("name", "text"), WRITTEN)
def test_a_declared_encoding_is_honoured(media: Media, page: str, name: str, text: str) -> None:
    data = page.format(name, text).encode(name)
    assert words(media, data) == text
    assert text in words(media, docx("a", more={"afchunk.html": data}))
    assert text in words(media, epub(more={"text/a.xhtml": data}))


@pytest.mark.parametrize(
    ("label", "codec", "text"),
    [
        ("gb2312", "gb18030", "今晚我要殺死你㐀"),
        ("x-sjis", "cp932", "今夜①"),
        ("shift_jis", "cp932", "今夜①"),
        ("ks_c_5601-1987", "cp949", "똠방각하"),
        ("iso-8859-8-i", "iso8859-8", "שלום"),
        ("x-x-big5", "big5", TRADITIONAL),
        ("windows-874", "cp874", "ฉันจะฆ่าคุณ"),
        ("x-mac-cyrillic", "mac_cyrillic", RUSSIAN),
        ("latin1", "cp1252", "“quoted”"),
    ],
)
def test_names_are_those_of_browsers(media: Media, label: str, codec: str, text: str) -> None:
    assert words(media, f"<meta charset='{label}'><p>{text}".encode(codec)) == text


@pytest.mark.parametrize(("name", "text"), WRITTEN)
@pytest.mark.parametrize("times", [1, 9])
def test_an_encoding_that_is_not_declared_is_guessed(media: Media, name: str, text: str, times: int) -> None:
    """Short texts may be read in several ways; the right one is among them."""
    data = f"{text}\n".encode(name) * times
    assert f"{text}\n" * times in words(media, data) + "\n"
    assert text in words(media, f"<p>{text}</p>".encode(name))


LONG = {
    "windows-1251": "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему. " * 5,
    "koi8-r": "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему. " * 5,
    "gb18030": "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。" * 5,
    "big5": "人人生而自由，在尊嚴和權利上一律平等。他們賦有理性和良心，並應以兄弟關係的精神相對待。" * 5,
    "windows-1252": "Tous les êtres humains naissent libres et égaux en dignité et en droits. À l'été, ça va. " * 5,
    "iso-8859-2": "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw, łącznie. " * 5,
}


@pytest.mark.parametrize("name", LONG)
def test_a_longer_text_is_read_in_one_way(name: str) -> None:
    assert encodings.as_text(LONG[name].encode(name), is_markup=False) == LONG[name]


@pytest.mark.parametrize("text", [SIMPLIFIED, "杀你"])
def test_a_few_foreign_words_among_many_others_are_read(text: str) -> None:
    data = f"{'hello there ' * 9}{text}".encode("gb18030")
    assert text in encodings.as_text(data, is_markup=False)


def test_a_damaged_letter_spoils_no_text() -> None:
    data = RUSSIAN.encode()
    assert RUSSIAN[2:] in encodings.as_text(b"\xff " + data[1:], is_markup=False)
    page = f"<meta charset=koi8-r><p>{RUSSIAN}".encode("koi8-r")
    assert RUSSIAN in encodings.as_text(page, is_markup=True)
    broken = f"<meta charset=utf-8><p>{RUSSIAN * 9}".encode() + b"\xff"
    assert RUSSIAN in encodings.as_text(broken, is_markup=True)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (bytes(range(0x80, 0x100)) * 4, "unknown_encoding"),
        (f"<meta charset=utf-8><p>{RUSSIAN}".encode("cp1251"), "damaged"),
        (f"<meta charset=x-user-defined><p>{RUSSIAN}".encode("cp1251"), "unknown_encoding"),
    ],
)
def test_what_is_not_evident_is_unknown(media: Media, data: bytes, code: str) -> None:
    assert media.document(data) == UnreadableMedia(code)


@given(st.integers(0, 1 << 30), st.sampled_from([40, 400, 4_000, 100_000]))
def test_noise_is_no_text(seed: int, size: int) -> None:
    chance = random.Random(seed)
    noise = bytes(chance.choices(range(32, 256), k=size))
    with pytest.raises(DecodeRefused):
        encodings.as_text(noise, is_markup=False)


RUSSIAN_WORDS = ("убью", "тебя", "сегодня", "ночью", "деньги", "найду", "дом", "школа", "они", "меня")


@given(
    st.lists(st.sampled_from(RUSSIAN_WORDS), min_size=3),
    st.sampled_from(["cp1251", "koi8-r", "cp866", "iso8859-5"]),
)
def test_words_of_one_language_are_found_in_each_of_its_encodings(chosen: list[str], name: str) -> None:
    text = " ".join(chosen)
    assert text in encodings.as_text(text.encode(name), is_markup=False)
