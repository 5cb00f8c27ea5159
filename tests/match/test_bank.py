"""What banks hold is found, and only that; what they cannot hold is refused with a reason."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from seawall.content.normalise import fold, normalise
from seawall.match import BankEntry, BankMatcher, EntryError, PlainView, canonical_value

HOUR = 3_600_000


def entry(kind: str, value: str, id: str = "e1", bank: str = "known", **more: int | None) -> BankEntry:
    return BankEntry(bank=bank, id=id, kind=kind, value=value, **more)


def found(matcher: BankMatcher, text: str, now: int = 0) -> list[tuple[str, str]]:
    view = PlainView.of(text)
    hits = matcher.match_text(view, view, now)
    return [(hit.entry, text[hit.start : hit.end]) for hit in hits]


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("friends, BUY more-streams   now!", "BUY more-streams   now"),
        ("buy more streams now", "buy more streams now"),
    ],
)
def test_a_short_text_matches_word_for_word(text: str, span: str) -> None:
    matcher = BankMatcher([entry("text", "Buy more streams now")])
    assert found(matcher, text) == [("e1", span)]


@pytest.mark.parametrize("text", ["buy streams now", "buy more stream now", "rebuy more streams nowhere", ""])
def test_a_short_text_matches_nothing_else(text: str) -> None:
    assert found(BankMatcher([entry("text", "Buy more streams now")]), text) == []


LONG = "write to my manager on the private app and send the small fee today to meet her in person after the show"


def test_a_long_text_matches_with_a_few_words_changed() -> None:
    matcher = BankMatcher([entry("text", LONG)])
    changed = LONG.replace("small", "tiny")
    assert found(matcher, f"hello. {changed} bye") == [("e1", changed)]
    assert found(matcher, " ".join(LONG.split()[:8])) == []


def test_the_threshold_of_a_text_is_the_share_of_its_sequences() -> None:
    half = " ".join(LONG.split()[:13])
    assert found(BankMatcher([entry("text", LONG, threshold=100)]), LONG) == [("e1", LONG)]
    assert found(BankMatcher([entry("text", LONG, threshold=100)]), LONG.replace("small", "tiny")) == []
    assert found(BankMatcher([entry("text", LONG, threshold=50)]), half) == [("e1", half)]
    assert found(BankMatcher([entry("text", LONG, threshold=60)]), half) == []


def test_scripts_without_spaces_match_inside_a_sentence() -> None:
    assert found(BankMatcher([entry("text", "買更多")]), "你可以買更多東西") == [("e1", "買更多")]


def test_patterns_ignore_case_and_tell_their_place() -> None:
    matcher = BankMatcher([entry("pattern", r"free\s+(nitro|gold)"), entry("pattern", "absent", "e2")])
    assert found(matcher, "get FREE   gold here") == [("e1", "FREE   gold")]


def test_patterns_know_all_letters() -> None:
    patterns = (r"\bcul\b", r"\benfoiré\b", r"\bнет\b", r"\w+@\w+")
    matcher = BankMatcher([entry("pattern", pattern, pattern) for pattern in patterns])

    def hits(text: str) -> list[str]:
        view = fold(text)
        return [text[slice(hit.start, hit.end)] for hit in matcher.match_text(view, view)]

    assert hits("ce mot est éculé") == []
    assert hits("quel ENFOIRÉ celui-là") == ["ENFOIRÉ"]
    assert hits("я сказал нет тебе") == ["нет"]
    assert hits("é@я") == ["é@я"]


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("أقتُلك", "اقتلك", True),
        ("أقتلك", "أَقْتُلُكَ", True),
        ("قَ?تل", "قَتل", True),  # the sign is optional, not the letter before it
        ("قَ?تل", "تل", False),
        ("ق[َُِ]تل", "قُتل", True),
        ("ق[َ-ِ]*تل", "قتل", True),
        ("लड़का", "लडका", True),
        ("убей", "убeй", True),
    ],
)
def test_patterns_are_written_with_or_without_optional_marks(pattern: str, text: str, found: bool) -> None:
    matcher = BankMatcher([entry("pattern", pattern)])
    assert bool(matcher.match_text(normalise(text), fold(text))) is found


def test_a_stored_pattern_of_marks_alone_matches_nothing() -> None:
    matcher = BankMatcher([entry("pattern", "َ")])
    assert matcher.match_text(normalise("hello"), fold("hello")) == []
    with pytest.raises(EntryError, match="found in every text"):
        canonical_value("pattern", "َ")


def test_many_patterns() -> None:
    matcher = BankMatcher([entry("pattern", f"word{number}x", f"e{number}") for number in range(1_200)])
    assert found(matcher, "word7x word1199x") == [("e7", "word7x"), ("e1199", "word1199x")]


@pytest.mark.parametrize("host", ["evil.example", "a.b.evil.example", "EVIL.example."])
def test_a_domain_matches_itself_and_what_is_below_it(host: str) -> None:
    assert [hit.entry for hit in BankMatcher([entry("domain", "evil.example")]).match_host(host)] == ["e1"]


@pytest.mark.parametrize("host", ["notevil.example", "example", "evil.example.com", ""])
def test_a_domain_matches_nothing_else(host: str) -> None:
    assert BankMatcher([entry("domain", "evil.example")]).match_host(host) == []


def test_an_image_matches_within_its_radius() -> None:
    near = (0b111).to_bytes(32, "big")
    matcher = BankMatcher(
        [entry("image", "00" * 32, "wide", threshold=3), entry("image", "00" * 32, "narrow", threshold=2)]
    )
    assert [(hit.entry, hit.distance) for hit in matcher.match_image(near)] == [("wide", 3)]


@pytest.mark.parametrize(
    ("kind", "value", "find"),
    [
        ("text", "spam spam", lambda matcher, now: matcher.match_text(PlainView("spam spam"), PlainView(""), now)),
        ("pattern", "spam", lambda matcher, now: matcher.match_text(PlainView(""), PlainView("spam"), now)),
        ("domain", "evil.example", lambda matcher, now: matcher.match_host("evil.example", now)),
        ("image", "00" * 32, lambda matcher, now: matcher.match_image(bytes(32), now)),
    ],
)
def test_an_entry_stops_matching_when_it_expires(
    kind: str, value: str, find: Callable[[BankMatcher, int], list[object]]
) -> None:
    matcher = BankMatcher([entry(kind, value, expires=HOUR)])
    assert len(find(matcher, HOUR - 1)) == 1
    assert find(matcher, HOUR) == []


def test_banks_are_known_by_name_though_empty() -> None:
    matcher = BankMatcher([entry("text", "a b", bank="full")], banks=("empty", "full"), revision=7)
    assert (matcher.banks, matcher.size, matcher.revision) == (("empty", "full"), 1, 7)


def test_one_text_in_two_banks_is_found_in_both() -> None:
    matcher = BankMatcher([entry("text", "a b", "e1", "one"), entry("text", "a b", "e2", "two")])
    view = PlainView("a b")
    assert [hit.bank for hit in matcher.match_text(view, view)] == ["one", "two"]


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        ("text", "  Buy \n more ", "Buy more"),
        ("pattern", "a+b", "a+b"),
        ("domain", "https://www.Evil.Example/path?x", "evil.example"),
        ("domain", "*.evil.co.uk", "evil.co.uk"),
        ("image", "AB" * 32, "ab" * 32),
    ],
)
def test_values_are_kept_in_one_spelling(kind: str, value: str, kept: str) -> None:
    assert canonical_value(kind, value) == kept
    BankMatcher([entry(kind, kept)])


@pytest.mark.parametrize(
    ("kind", "value", "threshold", "message"),
    [
        ("sound", "x", None, "kind is 'sound'; it must be one of text, near_text, meaning, pattern, name, domain"),
        ("text", "  ", None, "the value is empty"),
        ("text", "?!", None, "the text contains no word"),
        ("text", "a", 0, "threshold is 0; for kind text it must be from 1 to 100"),
        ("pattern", "(a", None, "RE2 rejects the pattern: missing"),
        ("pattern", r"(a)\1", None, "RE2 rejects the pattern: invalid escape"),
        ("pattern", "a*", None, "matches the empty text"),
        ("pattern", "a", 5, "threshold is 5; for kind pattern it must be left out"),
        ("pattern", ".", None, "found in every text"),
        ("pattern", r"[\s\S]", None, "found in every text"),
        ("pattern", "..", None, "found in every text"),
        ("pattern", r"\S", None, "found in every text"),
        ("pattern", r"\w+", None, "found in every text"),
        ("pattern", r"\pL", None, "found in every text"),
        ("pattern", "[^x]+.*", None, "found in every text"),
        ("pattern", "(?:hello)?.{3}|e", None, "found in every text"),
        ("pattern", r"\C\C", None, "matches bytes"),
        ("pattern", r"да\b.x", None, "would never hold"),
        ("domain", "co.uk", None, "'co.uk' is a public suffix"),
        ("domain", "not a domain", None, "is not a domain; write one such as evil.example"),
        ("image", "abc", None, "expected the 64 hexadecimal digits of a PDQ hash"),
        ("image", "00" * 32, 65, "threshold is 65; for kind image it must be from 0 to 64"),
    ],
)
def test_values_that_could_never_match_are_refused(kind: str, value: str, threshold: int | None, message: str) -> None:
    with pytest.raises(EntryError) as refusal:
        canonical_value(kind, value, threshold)
    assert message in str(refusal.value)


@pytest.mark.parametrize(("kind", "value"), [("audio", "x"), ("pattern", "(a"), ("image", "abc"), ("text", "!")])
def test_a_snapshot_of_a_bad_entry_names_it(kind: str, value: str) -> None:
    with pytest.raises(EntryError, match="bank 'known', entry 'e1'"):
        BankMatcher([entry(kind, value)])


def test_hostile_texts_come_to_an_end() -> None:
    matcher = BankMatcher([entry("text", "a a a", "e1"), entry("text", LONG, "e2"), entry("pattern", "(a+)+b", "e3")])
    assert found(matcher, "a " * 50_000)
    assert found(matcher, "a" * 100_000) == []
