import string
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.detectors.text.model.encoder_input import encoder_text, normalised_text
from seawall.detectors.text.model.wordpiece import FIRST, LAST, PADDING, UNKNOWN, WordPiece, split_words
from support.examples import examples

LETTERS = string.ascii_lowercase
SMALL = [PADDING, UNKNOWN, FIRST, LAST, *LETTERS, *(f"##{c}" for c in LETTERS), "!", "sea", "##wall", "seaw"]


@pytest.fixture(scope="module")
def pieces():
    return WordPiece(SMALL)


def named(numbers):
    return [SMALL[number] for number in numbers]


def test_the_longest_piece_comes_first(pieces):
    assert named(pieces.cut("seawall")) == ["seaw", "##a", "##l", "##l"]
    assert named(pieces.cut("sea wall!")) == ["sea", "w", "##a", "##l", "##l", "!"]


def test_what_no_piece_spells_is_unknown_as_a_whole_word(pieces):
    assert named(pieces.cut("se@ Ж sea")) == ["s", "##e", UNKNOWN, UNKNOWN, "sea"]
    assert named(pieces.cut("a" * 101)) == [UNKNOWN]


def test_case_accents_and_control_characters_do_not_matter(pieces):
    assert pieces.cut("S\u00c9A\u200b\u0007") == pieces.cut("sea")


def test_words_part_at_blanks_punctuation_and_chinese_characters():
    assert list(split_words("Don't stop\u00a0—now 中国.")) == ["don", "'", "t", "stop", "—", "now", "中", "国", "."]


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_cut(pieces, text):
    assert all(0 <= number < len(SMALL) for number in pieces.cut(text))


def known_to_old_tables(text):
    old = unicodedata.ucd_3_2_0
    return all(old.category(c) == unicodedata.category(c) not in ("Cn", "Cs") for c in text)


@settings(deadline=None, max_examples=examples(300))
@given(st.text(max_size=40).filter(known_to_old_tables))
def test_the_pieces_are_those_of_the_tokenizers_package(text):
    tokenizers = pytest.importorskip("tokenizers")
    theirs = tokenizers.Tokenizer(
        tokenizers.models.WordPiece({piece: n for n, piece in enumerate(SMALL)}, unk_token=UNKNOWN)
    )
    theirs.normalizer = tokenizers.normalizers.BertNormalizer()
    theirs.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    assert WordPiece(SMALL).cut(text) == theirs.encode(text, add_special_tokens=False).ids


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("K1ll all 🐀🐀 @you see https://example.org/a?b", "kill all rat rat user see url"),
        ("k.i.l.l them", "kill them"),
        ("bread &amp; butter &#39;", "bread & butter"),
        ("call 07911123456 now", "call 079111 now"),
        ("👍🏽 ok", "thumbs up skin ok"),
        ("🇫🇷", "flag flag"),
        ("caf\u00e9 — “quoted”", 'cafe - "quoted"'),
        ("", ""),
    ],
)
def test_a_text_becomes_the_words_a_reader_sees(text, read):
    assert encoder_text(text) == read


@settings(deadline=None)
@given(st.text(max_size=60))
def test_rewording_is_stable_and_never_fails(text):
    once = encoder_text(text)
    assert normalised_text(once) == once or any(sign in text for sign in "&<[@")
