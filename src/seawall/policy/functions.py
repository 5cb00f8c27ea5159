"""Functions of the policy language: their signatures, and the pure code that computes them over text."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from seawall.content.invisible import as_shown
from seawall.content.patterns import (
    PROBES,
    UnclearPattern,
    estimated_size,
    find_all,
    in_unicode,
    may_be_anywhere,
    sieve,
    sieves,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

SIGNATURES: Final[Mapping[str, str]] = {
    "abs": "abs(number)",
    "age": "age(actor) or age(item.<timestamp field>)",
    "among_last": 'among_last(actor, "<activity>", k=20, where=activity.<name> > 3)',
    "at_fpr": "at_fpr(rate), compared with a signal: hate >= at_fpr(0.001)",
    "at_precision": "at_precision(share, prevalence=<share>), compared with a signal: "
    "hate >= at_precision(0.9, prevalence=0.01)",
    "at_recall": "at_recall(share), compared with a signal: hate >= at_recall(0.8)",
    "bank": 'bank("<name of a bank>") or bank("<name of a bank>", within=<distance>)',
    "cluster_size": 'cluster_size("<text field>", within="1d")',
    "contains": 'contains(<text field, or text>, "<words>")',
    "count": 'count(actor, "<activity>", within="10m"), perhaps with where=activity.<name> > 3',
    "count_matches": 'count_matches(<text field, or text>, "<RE2 pattern>")',
    "distinct": 'distinct(item.<field>, by=actor, within="1d"), or distinct(actor, by=item.<field>, within="1d")',
    "first_seen": "first_seen(actor)",
    "in_part": 'in_part("<screened field>", signal)',
    "known": "known(expression)",
    "length": "length(<text or list field, or text>)",
    "lower": "lower(text)",
    "matches": 'matches(<text field, or text>, "<RE2 pattern>")',
    "max": "max(a, b, …)",
    "max_of": 'max_of(item.<number field>, by=actor, within="1d")',
    "min": "min(a, b, …)",
    "not_permitted": "not_permitted(signal)",
    "rate": 'rate(actor, "<activity>", within="1h")',
    "ratio": 'ratio(actor, "<activity>", within="1d", where=activity.<name> < 35)',
    "since_last": 'since_last(actor, "<activity>"), perhaps with where=activity.<name> > 3',
    "strikes": 'strikes(actor), strikes(actor, "<policy>"), perhaps with within="90d"',
    "sum_of": 'sum_of(item.<number field>, by=actor, within="1d")',
    "unanswerable": "unanswerable(signal)",
}
"""Every function of the language, with its signature."""

_MEMORY_OF_NEW: Final = 4 << 20  # of a pattern that someone writes: some 50 ms to compile
_SMALL: Final = 50_000  # instructions of RE2, a fifth of what has room in that memory
_KEPT: Final = 512  # compiled patterns: a rule is checked and compiled once for each content type, and in each bundle
_PATTERNS_TOGETHER: Final = 64  # RE2 patterns matched in one pass
# Scripts written without spaces between words, where a word may start next to a letter.
_UNSPACED: Final = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")


class BadPattern(ValueError):
    """A pattern that RE2 rejects."""


class UselessPattern(BadPattern):
    """A pattern that RE2 accepts, but that does not do what its author means."""


def canonical_text(text: str) -> str:
    """The form in which ``contains`` compares: the text as shown, after NFKC, case folding, collapsing of spaces."""
    if text.isascii():
        return " ".join(text.lower().split())
    text = as_shown(text)
    # Folding can undo composition, hence the second pass (Unicode 15, section 3.13, definition 146).
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(folded.split())


def contains_words(text: str, words: str) -> bool:
    """Whether canonical ``words`` occur in canonical ``text`` as whole words."""
    return find_words(text, words) >= 0


def find_words(text: str, words: str) -> int:
    """Where canonical ``words`` first occur in canonical ``text`` as whole words; -1: nowhere."""
    at = text.find(words)
    while at >= 0:
        end = at + len(words)
        if not (at and _joined(text[at - 1], words[0])) and not (end < len(text) and _joined(words[-1], text[end])):
            return at
        at = text.find(words, at + 1)
    return -1


def _joined(left: str, right: str) -> bool:
    """Whether two neighbouring characters belong to one word."""
    return left.isalnum() and right.isalnum() and not (_unspaced(left) or _unspaced(right))


def _unspaced(character: str) -> bool:
    return not character.isascii() and unicodedata.name(character, "").startswith(_UNSPACED)


@lru_cache(_KEPT)
def check_pattern(pattern: str) -> None:
    """Check a pattern that someone writes. Raises BadPattern, with RE2's message or what the pattern would not do."""
    try:
        in_unicode(pattern, strict=True)
        compiled = _compile_new(pattern)
    except UnclearPattern as error:
        raise UselessPattern(str(error)) from None
    except BadPattern as error:
        if "too large" in str(error):
            raise UselessPattern(r"it is too large; repeat less: \w stands for the letters of every script") from None
        raise
    if r"\C" in pattern.replace(r"\\", ""):
        raise UselessPattern(r"\C matches bytes, of which a letter may have four; write . for a character")
    if all(compiled.search(text) is not None for text in PROBES):
        raise UselessPattern("it is found in every text; write what it should find")


def _compile_new(pattern: str) -> Any:
    """With little memory what may be large; what is small is kept as rules will use it."""
    if estimated_size(pattern) <= _SMALL:
        return _in_unicode(pattern)
    options = _options(_MEMORY_OF_NEW)
    options.never_capture = True  # a thousand brackets would make each search slow
    return _compile(in_unicode(pattern), options)


@lru_cache(_KEPT)
def _in_unicode(pattern: str) -> Any:
    return _compile(in_unicode(_composed(pattern)))


@lru_cache(_KEPT)
def compile_pattern(pattern: str) -> Any:
    """A compiled RE2 pattern, which matches in time linear in the text and knows all letters. Raises BadPattern."""
    try:
        return _in_unicode(pattern)
    except (BadPattern, UnclearPattern):
        return _compile(pattern)  # published before this was checked


def _compile(pattern: str, options: Any = None) -> Any:
    import re2  # imported here: not needed at start, nor for bundles without patterns

    try:
        return re2.compile(pattern, options or _options())
    except re2.error as error:
        reason = error.args[0] if error.args else "refused"
        raise BadPattern(reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)) from None


def _options(memory: int = 64 << 20) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = memory
    return options


def count_matches(pattern: Any, text: str) -> int:
    """The number of non-overlapping matches of a compiled pattern."""
    return sum(1 for _ in find_all(pattern, _composed(text)))


def _composed(text: str) -> str:
    """The text with each accent in its letter, as patterns are read."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def compile_patterns(patterns: Sequence[str]) -> Callable[[str], list[int]]:
    """A function from text to the indices of the patterns found in it: sieved in one pass, then searched.

    A pattern that is its own sieve, as one without classes and boundaries is, needs no search after it.
    """
    exact = [compile_pattern(pattern) for pattern in patterns]
    composed = [_composed(pattern) for pattern in patterns]
    passes = []
    for start in range(0, len(patterns), _PATTERNS_TOGETHER):
        passes += sieves(composed[start : start + _PATTERNS_TOGETHER], _options(), start)

    decisive = {
        start: frozenset(
            index
            for index in range(start, len(patterns))
            if may_match is not may_be_anywhere and exact[index].pattern == sieve(composed[index])
        )
        for start, may_match in passes
    }

    def search(text: str) -> list[int]:
        text = _composed(text)
        found: list[int] = []
        for start, may_match in passes:
            settled = decisive[start]
            for index in may_match(text):
                number = start + index
                if number in settled or exact[number].search(text) is not None:
                    found.append(number)
        return found

    return search
