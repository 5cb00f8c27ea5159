"""Words of HTML: what a browser shows, and where it stands in the source."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.content.html_text import read_html


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("you <b>fo</b>ol", "you fool"),
        ("one<br>two<p>three</p>", "one two three"),
        ("f&#111;&#x6f;l &amp; co &nbsp;x &unheardof; &", "fool & co x &unheardof; &"),
        ("1 < 2 and a<b", "1 < 2 and a<b"),
        ("a<!-- hidden -->b<!-- and never ended", "ab"),
        ("a<script>fool()</script>b<STYLE>i{}</sTyLe>c", "a b c"),
        ("İ<script>x</SCRIPT>fool", "İ fool"),
        ("a<script>never ended", "a"),
        ("a <unended words", "a <unended words"),
        ("<a href='x'>link</a>", "link"),
        ("</>a<!doctype html>b<?php c ?>d", "a b d"),
    ],
)
def test_words(source: str, words: str) -> None:
    assert " ".join(read_html(source).text.split()) == words


def test_places() -> None:
    source = "you <b>fo</b>ol &amp; co"
    found = read_html(source)
    start = found.text.index("fool")
    first, last = found.source_of(start, start + 4)
    assert source[first:last] == "fo</b>ol"
    amp = found.text.index("&")
    assert source[slice(*found.source_of(amp, amp + 1))] == "&amp;"


@given(st.text(alphabet="<>/!-&#;xa bscriptSTYLE'\"\n😀İ", max_size=200))
def test_whatever_it_holds_every_character_has_a_place_in_order(source: str) -> None:
    found = read_html(source)
    assert len(found.text) == len(found.starts) == len(found.ends)
    assert list(found.starts) == sorted(found.starts)
    assert all(0 <= a < b <= len(source) for a, b in zip(found.starts, found.ends, strict=True))


@given(st.text(alphabet="abc de\n😀", max_size=200))
def test_without_markup_it_is_the_text_itself(source: str) -> None:
    assert read_html(source).text == source
