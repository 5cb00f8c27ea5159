"""Patterns mean Unicode: what is found is what Python's expressions find, in linear time."""

from __future__ import annotations

import re

import pytest
import re2
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seawall.content.patterns import UnclearPattern, find_all, in_unicode, sieve
from support.examples import examples


def found(pattern: str, text: str) -> list[str]:
    return [text[start:end] for start, end in find_all(re2.compile(in_unicode(pattern)), text)]


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r"(?i)\bcul\b", "ce mot est éculé", []),
        (r"(?i)\benfoiré\b", "quel enfoiré celui-là", ["enfoiré"]),
        (r"(?i)\bнет\b", "я сказал нет тебе", ["нет"]),
        (r"\bcul\b", "cul cul,cul", ["cul", "cul", "cul"]),
        (r"\bcul", "éculé", []),
        (r"cul\b", "éculé cul", ["cul"]),
        (r"\b(?:cul|нет)s?\b", "culs нет éculs", ["culs", "нет"]),
        (r"(\bfoo\b|\bбар\b)|x", "бар éfoo foo x", ["бар", "foo", "x"]),
        (r"\b死ね\b", "お前死ねよ", ["死ね"]),
        (r"\bkill\b", "杀kill你", ["kill"]),
        (r"\w+", "éa नमस्ते", ["éa", "नमस्ते"]),
        (r"\d+", "٤٥ 12", ["٤٥", "12"]),
        (r"free\s+gift", "free\u00a0\u3000gift", ["free\u00a0\u3000gift"]),
        (r"[\w-]+", "é-я", ["é-я"]),
        (r"[\W]", "é!", ["!"]),
        (r"[x\S]+", "é x", ["é", "x"]),
        (r"[^\W\d_]+", "éa1_b", ["éa", "b"]),
        (r"[[:alpha:]]+", "éя1", ["éя"]),
        (r"free\b\s+\bgift", "free gift", ["free gift"]),
        (r"\bfoo\b.*\bbar\b", "a foo x bar", ["foo x bar"]),
        (r"\Q\b[a]\E", r"x\b[a]", [r"\b[a]"]),
        (r"\\bfoo", r"x\bfoo", [r"\bfoo"]),
        (r"(?P<a>\bfoo\b)", "foo", ["foo"]),
        (r"\p{Lu}\pL+", "Élan", ["Élan"]),
        (r"[]\w]+", "é]", ["é]"]),
    ],
)
def test_classes_and_boundaries_know_all_letters(pattern: str, text: str, expected: list[str]) -> None:
    assert found(pattern, text) == expected
    if expected:
        assert re2.search(sieve(pattern), text) is not None


@pytest.mark.parametrize("pattern", [r"[^\Wx]", r"[^\S]x", r"да\b.{0,5}x"])
def test_what_cannot_be_said_is_refused(pattern: str) -> None:
    with pytest.raises(UnclearPattern):
        in_unicode(pattern, strict=True)


_ATOMS = st.sampled_from(
    ["a", "é", "я", "1", " ", "-", r"\w", r"\d", r"\s", r"\W", r"[é-]", r"[\wx]", "(?:a|é)", "(?:я|-)"]
)
_QUANTIFIERS = st.sampled_from(["", "", "", "+", "?", "*", "{1,2}"])
_INNER = st.lists(st.builds(lambda atom, often: atom + often, _ATOMS, _QUANTIFIERS), min_size=1, max_size=4).map(
    "".join
)
_EDGES = st.sampled_from(["", r"\b"])


@settings(max_examples=examples(1_000), deadline=None)
@given(_EDGES, _INNER, _EDGES, st.text("aéя1 -,x_", max_size=12))
def test_they_find_what_python_finds(left: str, inner: str, right: str, text: str) -> None:
    pattern = left + inner + right
    expected = re.search(pattern, text)
    translated = in_unicode(pattern)
    if r"\b" in translated:  # a varying neighbour: RE2's boundary stays
        return
    match = re2.compile(translated).search(text)
    assert (match is not None) == (expected is not None)
    if match is not None:
        assert re2.search(sieve(pattern), text) is not None


@settings(max_examples=examples(300), deadline=None)
@given(st.text(st.sampled_from("ab\\bwdsWS[]()|*+?{}1,^$.é-:pLQE")))
@example(r"[\s1-]")
@example(r"[\w-.]")
@example(r"[\s-z]")
def test_any_pattern_comes_to_an_end(pattern: str) -> None:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
        translated = in_unicode(pattern)
    except (re2.error, UnclearPattern):
        return
    assert re2.compile(translated, options).pattern == translated
    assert re2.compile(sieve(pattern), options).groups >= 0
