from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.detectors.text.model.canonical import tokenise
from seawall.detectors.text.model.classifier import read
from seawall.detectors.text.model.features import BUCKETS, HALF, NGRAMS, batches, count, occurrences, values
from seawall.detectors.text.model.hashing import Substrings, code_points
from seawall.detectors.text.model.identity import IDENTITY

words = st.text(alphabet="abcé🐀'", min_size=1, max_size=7)
texts = st.lists(st.lists(words, max_size=8), min_size=1, max_size=6)


@settings(deadline=None)
@given(st.text(alphabet="ab", max_size=40))
def test_equal_substrings_and_only_those_hash_alike(text):
    substrings = Substrings(code_points(text))
    pairs = [(i, j) for i in range(len(text)) for j in range(i + 1, len(text) + 1)]
    if not pairs:
        return
    starts, ends = (np.array(column) for column in zip(*pairs, strict=True))
    by_hash = {}
    for (i, j), found in zip(pairs, substrings.hash(starts, ends).tolist(), strict=True):
        by_hash.setdefault(found, set()).add(text[i:j])
    assert all(len(same) == 1 for same in by_hash.values())
    assert len(by_hash) == len({text[i:j] for i, j in pairs})


@settings(deadline=None)
@given(texts)
def test_a_text_has_the_same_features_alone_and_in_a_batch(tokens):
    together = count(occurrences(tokens), len(tokens))
    for number, own in enumerate(tokens):
        alone = count(occurrences([own]), 1)
        rows = together.text == number
        assert (together.bucket[rows] == alone.bucket).all()
        assert (together.count[rows] == alone.count).all()


@settings(deadline=None)
@given(st.lists(words, max_size=8))
def test_character_ngrams_are_those_of_char_wb(tokens):
    found = occurrences([tokens])
    padded = [f" {word} " for word in tokens]
    expected = sum(max(0, len(word) - n + 1) for word in padded for n in NGRAMS)
    assert (found.bucket >= HALF).sum() == expected
    for number, word in enumerate(padded):
        own = (found.token == number) & (found.bucket >= HALF)
        assert own.sum() == sum(max(0, len(word) - n + 1) for n in NGRAMS)


@settings(deadline=None)
@given(texts)
def test_both_blocks_of_a_text_have_length_one(tokens):
    counts = count(occurrences(tokens), len(tokens))
    value = values(counts, np.ones(BUCKETS, dtype=np.float32))
    for number, own in enumerate(tokens):
        for block in (counts.bucket < HALF, counts.bucket >= HALF):
            length = (value[(counts.text == number) & block] ** 2).sum()
            assert abs(length - (1 if own else 0)) < 1e-4


def test_word_order_matters_between_neighbours():
    one, other = (set(occurrences([text.split()]).bucket.tolist()) for text in ("dog bites cat", "cat bites dog"))
    assert one != other


def test_batches_cover_everything_in_order():
    tokens = [["word"] * (number % 50) for number in range(5000)]
    cut = list(batches(tokens))
    assert cut[0][0] == 0
    assert cut[-1][1] == 5000
    assert all(left[1] == right[0] for left, right in pairwise(cut))
    assert len(cut) > 1
    assert list(batches([])) == []


def test_names_of_groups_are_read_as_their_class():
    assert tokenise("muslims are here").words == tokenise("christians are here").words
    assert tokenise("a lesbian's book").words == tokenise("a straight book").words
    assert tokenise("my women friends").words != tokenise("my men friends").words
    assert all(len(token) == 1 for token in IDENTITY.values())


def test_a_text_cannot_spell_a_class():
    assert tokenise(IDENTITY["muslim"]).words == ()


def test_tokens_of_addresses_numbers_and_emoji():
    assert tokenise("see https://a.example/x?y=1").words == tokenise("see www.other.example").words
    assert tokenise("@anna hi").words == tokenise("[user] hi").words
    assert tokenise("call 07912345678").words == ("call", "0" * 11)
    assert tokenise("🐀").words == ("rat",)
    assert tokenise("I can’t").words == ("i", "can't")


@settings(deadline=None)
@given(st.text(max_size=60))
def test_tokens_remember_where_they_stood(text):
    found = tokenise(text)
    for word, (start, end) in zip(found.words, found.spans, strict=True):
        assert 0 <= start < end <= len(text)
        assert word
        assert " " not in word


@settings(deadline=None)
@given(st.text(max_size=60))
def test_reading_never_fails_and_spans_lie_in_the_original(text):
    reading = read(text)
    for number in range(len(reading.tokens.words)):
        start, end = reading.span(number, number)
        assert 0 <= start < end <= len(text)


def test_a_long_run_of_letters_becomes_several_tokens():
    found = tokenise("x" * 1000)
    assert max(map(len, found.words)) <= 32
    assert "".join(found.words) == "x" * 1000
