"""Hostile text: escaped, nothing hidden, nothing lost."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.console.formats import number, reflow, short, span_of_time
from seawall.console.highlight import source_lines
from seawall.console.text import runs, visible
from seawall.model import Signal, Span, SpanUnit


def mark(start: float, end: float, unit: SpanUnit = SpanUnit.CHARACTERS) -> Signal:
    span = Span(unit=unit, start=start, end=end)
    return Signal(name="s", value=0.5, part="body", detector="d", version="1", span=span)


@given(st.text(max_size=200))
def test_visible_text_holds_no_markup_and_nothing_invisible(text: str) -> None:
    shown = str(visible(text))
    bare = re.sub(r'<span class="control" title="[^"<>]*">[^<>]*</span>', "", shown)
    assert "<" not in bare
    assert all(character.isprintable() or character in "\n\t\u200d" for character in html.unescape(bare))


@pytest.mark.parametrize(
    ("text", "name"),
    [("a\u202eb", "RLO"), ("a\u200bb", "ZWSP"), ("a\u2066b", "LRI"), ("a\x00b", "U+0000"), ("a\u200db", "ZWJ")],
)
def test_what_cannot_be_seen_is_named(text: str, name: str) -> None:
    assert f">{name}</span>" in visible(text)
    assert text[1] not in visible(text)


def test_joined_emoji_stay_whole() -> None:
    assert visible("👩\u200d🚀 hi") == "👩\u200d🚀 hi"


@given(st.text(max_size=60), st.lists(st.tuples(st.integers(-5, 80), st.integers(-5, 80)), max_size=6))
def test_runs_lose_no_character_and_mark_exactly_the_evidence(text: str, places: list[tuple[int, int]]) -> None:
    found = runs(text, [mark(start, end) for start, end in places])
    assert "".join(run.text for run in found) == text
    at = 0
    for run in found:
        for offset in range(at, at + len(run.text)):
            covering = sum(max(0, start) <= offset < end for start, end in places)
            assert len(run.signals) == covering
        at += len(run.text)


def test_spans_of_other_units_mark_nothing() -> None:
    assert [run.signals for run in runs("abc", [mark(0, 2, SpanUnit.SECONDS)])] == [()]


@given(st.text(max_size=300))
def test_source_lines_keep_every_character_and_escape_it(text: str) -> None:
    shown = source_lines(text)
    assert [html.unescape(re.sub(r"</?span[^>]*>", "", line)) for line in shown] == text.splitlines()
    assert all(re.fullmatch(r'(?:[^<>]|<span class="y-[a-z]+">[^<>]*</span>)*', line) for line in map(str, shown))


def test_source_lines_colour_keys_strings_numbers_and_comments() -> None:
    (line,) = source_lines('    when: hate >= 0.5 and "x" # why')
    assert '<span class="y-key">    when</span>' in line
    assert '<span class="y-number">0.5</span>' in line
    assert '<span class="y-word">and</span>' in line
    assert '<span class="y-string">&#34;x&#34;</span>' in line
    assert '<span class="y-comment"># why</span>' in line
    assert "y-word" not in source_lines("guidance: |\n  this and that")[1]


@pytest.mark.parametrize(
    ("ms", "words"), [(0, "0 s"), (59_999, "59 s"), (60_000, "1 min"), (7_200_000, "2 h"), (86_400_000 * 15, "2 wk")]
)
def test_times_are_for_glancing(ms: int, words: str) -> None:
    assert span_of_time(ms) == words


@pytest.mark.parametrize(
    ("value", "words"), [(1204, "1,204"), (0.8312, "0.831"), (0.00042, "0.00042"), (1.0, "1"), (True, "True")]
)
def test_numbers_have_as_many_digits_as_help(value: float, words: str) -> None:
    assert number(value) == words


def test_short_ids_keep_their_kind_and_random_end() -> None:
    assert short("dec_01kz7w8xx4abcdef") == "dec…abcdef"
    assert short("dec_1") == "dec_1"


def test_prose_wrapped_by_hand_flows_and_keeps_its_lists() -> None:
    written = (
        "Ask two questions,\n  in order.\n1. Is it\n   about people?\n- or not\nViolates: this\nand that.\n\nThe end.\n"
    )
    assert reflow(written) == (
        "Ask two questions, in order.\n1. Is it about people?\n- or not\nViolates: this and that.\n\nThe end."
    )
