import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.learn.dedupe import NEAR, DuplicateIndex, canonical, clusters, digest, shingles, similarity

texts = st.lists(st.text(alphabet="abcd e🐀", max_size=30), max_size=8)


def test_spelling_tricks_case_and_punctuation_do_not_hide_a_text():
    index = DuplicateIndex.of(["You are not welcome here."])
    assert index.matches(["you are NOT welcome here!!", "y0u are not w3lcome here", "you are welcome"]).tolist() == [
        True,
        True,
        False,
    ]


def test_an_emoji_makes_another_text_when_it_weighs():
    assert canonical("I love 🐀") != canonical("I love 🐈")
    assert not DuplicateIndex.of(["i love 🐀"]).matches(["i love 🐈"])[0]


def test_one_changed_word_in_a_long_sentence_is_near():
    base = "the committee will meet on the third floor of the old library at noon tomorrow"
    index = DuplicateIndex.of([base])
    assert index.matches([base.replace("noon", "nine")])[0]
    assert not index.matches(["the committee will not meet anybody because it was dissolved last year"])[0]


@settings(deadline=None)
@given(texts, texts)
def test_exact_copies_are_always_found(known, others):
    index = DuplicateIndex.of(known)
    assert index.matches(known).all()
    found = index.matches(others)
    forms = {canonical(text) for text in known}
    for text, match in zip(others, found, strict=True):
        assert match or canonical(text) not in forms


def test_banding_finds_what_comparing_all_pairs_finds():
    chance = random.Random(5)
    words = [f"{a}{b}{c}" for a in "krtm" for b in "aeiou" for c in "nslp"]
    known = [" ".join(chance.choice(words) for _ in range(chance.randint(3, 14))) for _ in range(150)]
    asked = []
    for text in known * 2:
        changed = text.split()
        for _ in range(chance.randint(0, 3)):
            changed[chance.randrange(len(changed))] = chance.choice(words)
        asked.append(" ".join(changed))
    sets = [shingles(canonical(text)) for text in known]
    brute = [any(similarity(shingles(canonical(text)), other) >= NEAR for other in sets) for text in asked]
    assert 20 < sum(brute) < 280
    assert DuplicateIndex.of(known).matches(asked).tolist() == brute


def test_clusters_link_through_others():
    base = "the quick brown fox jumps over the lazy dog near the old stone bridge in the morning"
    near = base.replace("lazy", "hazy")
    further = near.replace("stone", "stoned")
    found = clusters([base, "something else entirely", further, near])
    assert found[0] == found[2] == found[3] != found[1]
    assert clusters([]).shape == (0,)


def test_nothing_matches_nothing():
    assert DuplicateIndex.of([]).matches(["a"]).tolist() == [False]
    assert DuplicateIndex.of(["a"]).matches([]).tolist() == []


def test_similarity_is_symmetric_and_one_for_equals():
    a, b = shingles("hello there world"), shingles("hello there word")
    assert similarity(a, a) == 1
    assert similarity(a, b) == similarity(b, a) < 1


def test_digests_do_not_depend_on_spelling_tricks():
    assert digest("Hello,  world") == digest("hello world")
    assert digest("hello world") != digest("hello word")
    assert np.array([digest("x")], dtype=np.uint64)[0] == digest("x")
