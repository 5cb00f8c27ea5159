"""Variants of a text are found as a whole; texts that merely share words are not."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.content.normalise import normalise
from seawall.match import BankEntry, BankMatcher, EntryError, PlainView, canonical_value
from seawall.match.neartext import NearTextIndex, clusters, minhash, similarity

WORDS = ["".join(letters) for letters in itertools.product("bklmt", "aeo", "rnst", "iou", "dgv")]


def text(seed: int, words: int = 60) -> str:
    chance = random.Random(seed)
    return " ".join(chance.choice(WORDS) for _ in range(words))


def grams(words: str) -> set[str]:
    return {words[n : n + 5] for n in range(len(words) - 4)}


def changed(original: str, count: int, seed: int) -> str:
    chance = random.Random(seed)
    words = original.split()
    for place in chance.sample(range(len(words)), count):
        words[place] = chance.choice(WORDS)
    return " ".join(words)


def test_the_estimate_is_near_the_truth() -> None:
    faults = []
    for seed in range(150):
        one = text(seed)
        other = changed(one, seed % 40, seed)
        truth = len(grams(one) & grams(other)) / len(grams(one) | grams(other))
        faults.append(similarity(minhash(one), minhash(other)) - truth)
    assert abs(float(np.mean(faults))) < 0.015
    assert float(np.std(faults)) < 0.05


def test_two_words_in_sixty_leave_a_text_what_it_was() -> None:
    index = NearTextIndex([minhash(text(seed)) for seed in range(200)], [0.7] * 200)
    for seed in range(200):
        assert index.search(minhash(changed(text(seed), 2, seed)))[0][0] == seed


def test_other_texts_in_the_same_words_are_not_found() -> None:
    index = NearTextIndex([minhash(text(seed)) for seed in range(200)], [0.7] * 200)
    assert [index.search(minhash(text(seed))) for seed in range(1000, 1200)] == [[]] * 200


def test_every_text_has_its_own_limit() -> None:
    index = NearTextIndex([minhash(text(1)), minhash(text(1))], [0.6, 1.0])
    assert [found for found, _ in index.search(minhash(changed(text(1), 4, 1)))] == [0]
    assert index.search(minhash(text(1))) == [(0, 1.0), (1, 1.0)]
    assert NearTextIndex([], []).search(minhash("anything")) == []
    with pytest.raises(ValueError, match="1 signatures, 2 limits"):
        NearTextIndex([minhash("a")], [1.0, 1.0])


@given(st.text(max_size=200))
def test_any_text_is_its_own_variant(any_text: str) -> None:
    assert similarity(minhash(any_text), minhash(any_text)) == 1
    assert minhash(any_text).shape == (128,)


def test_long_texts_take_little() -> None:
    assert similarity(minhash(text(1, 20_000)), minhash(text(1, 20_000) + " and more")) == 1  # what is read is the same


def test_a_bank_finds_variants_however_they_are_written() -> None:
    value = "Write to my manager on the private app and send the small fee today to meet her after the show!"
    entry = BankEntry(bank="blocked-texts", id="n1", kind="near_text", value=value)
    matcher = BankMatcher([entry]).reading(normalise)
    for variant in (
        value,
        value.upper(),
        value.replace("today", "tonight"),
        value.replace("manager", "m\u0430n\u0430ger"),
    ):
        view = normalise(variant)
        [hit] = matcher.match_text(view, view)
        assert hit.entry == "n1"
        assert hit.distance is not None
        assert hit.distance <= 30
    view = PlainView.of("My manager writes a private diary about the show and the app she likes to use every day")
    assert matcher.match_text(view, view) == []


def test_a_text_too_short_to_compare_is_refused() -> None:
    with pytest.raises(EntryError, match="use kind text"):
        canonical_value("near_text", "buy now!")
    with pytest.raises(EntryError, match="from 50 to 100"):
        canonical_value("near_text", text(1), 40)


# ── clusters ──


def test_variants_share_a_representative_that_comes_first() -> None:
    texts = [text(1), text(2), changed(text(1), 1, 5), text(2).upper(), "", text(3), ""]
    assert clusters(texts, 0.7) == [0, 1, 0, 1, 4, 5, 6]


def test_members_are_near_the_representative_itself() -> None:
    chain = [text(1)]
    for step in range(12):
        chain.append(changed(chain[-1], 3, step))
    found = clusters(chain, 0.7)
    assert len(set(found)) > 1  # the last is far from the first
    for member, leader in enumerate(found):
        assert similarity(minhash(chain[member]), minhash(chain[leader])) >= 0.7


def test_clusters_read_disguises_as_they_are_asked() -> None:
    texts = ["win a free holiday in the sun today", "w\u0456n a fr\u0435\u0435 holiday in the sun t0day"]
    assert clusters(texts, 0.9) == [0, 1]
    assert clusters(texts, 0.9, normalise) == [0, 0]


@pytest.mark.parametrize("threshold", [0.49, 1.01])
def test_thresholds_that_cannot_be_found_are_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match=r"from 0\.5 to 1"):
        clusters(["a"], threshold)
