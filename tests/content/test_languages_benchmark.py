"""The benchmark of language identification: what it counts as right, wrong and not told."""

from __future__ import annotations

from benchmarks.languages import NAMES, Text, count, length, special

from seawall.content.languages import identify


def test_what_is_not_told_is_counted_apart_from_what_is_wrong():
    texts = [Text("s", text, frozenset([language])) for text, language in (("a", "en"), ("b", "en"), ("c", "en"))]
    told = {"a": "en", "b": "de"}
    counts, _ = count([*texts, Text("names", "b", frozenset())], told.get)
    (sentences, names) = (counts["s", "en", "<20"], counts["names", "", "<20"])
    assert (sentences.right, sentences.wrong, sentences.not_told) == (1, 1, 1)
    assert (names.right, names.wrong, names.not_told) == (0, 1, 0)


def test_lengths_are_counted_in_characters():
    assert [length("a" * count) for count in (0, 19, 20, 49, 50)] == ["<20", "<20", "<50", "<50", ">=50"]


def test_names_and_romanised_texts_are_not_told():
    counts, _ = count(list(special()), identify)
    told = {key[0]: 0 for key in counts}
    for key, one in counts.items():
        told[key[0]] += one.wrong
    assert told["names"] <= 0.02 * len(NAMES)
    assert told["in Latin letters"] == 0
    assert told["two languages"] == 0
