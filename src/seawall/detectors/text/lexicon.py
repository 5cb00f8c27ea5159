"""Word lists for harms without training data: weighted phrases matched on the normalised text.

A file in ``lexicons/`` is one signal. Its entries have a weight from 0 to 1, the suspicion of harm from these words
alone. The score of a text is ``1 - Π(1 - weight)`` over the entries found, each once; where a *softener* (an offer of
help, a report, a joke) occurs in the same text, every weight is multiplied by the smallest factor. Scores are ordered,
not calibrated.

An entry may belong to a *kind* of the file (``urging`` others to self-harm and being in ``distress`` are not one
thing). Each kind is a signal of its own, ``self_harm_terms.urging``, scored from its own entries. A softener may be
limited to kinds: a "lol" takes nothing away from urging.

Phrases use a small notation: ``(a|b)`` alternatives, ``?`` optional, ``*`` any ending, ``..`` up to three words
between, a space for any separator, ``\\d`` and ``\\w`` as in RE2. Letters may be repeated in the text ("kiiill").
A star may stand for a vowel ("k*ll"). Emoji stand for themselves; beside one, no border of a word is asked for. In a
text whose language is told, or else declared, they are also read as words of that language (``emoji_words``).
Phrases are in any script; in those without spaces between words (Chinese, Japanese, Thai) they match by characters,
inside other words as well.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, NamedTuple, TypeAlias

import re2

from seawall.content.languages import language_of
from seawall.content.normalise import Normalised, fold, fold_scripts, normalise
from seawall.content.scripts import as_hiragana
from seawall.detectors.text.emoji_words import holds_emoji_words, spelt
from seawall.model.content import Modality, Part, Span, SpanUnit
from seawall.model.harms import HARMS
from seawall.model.signals import Cost, DetectorResult, DetectorSpec, Signal, SignalKind, SignalSpec
from seawall.yamlfile.nodes import UnreadableYaml, read_values
from seawall.yamlfile.source import SourceFile

VERSION = "3"
"""Of the code. The detector's version has a digest of its lists beside it: with other words it finds something else."""
_MOST_SIGNALS = 20  # evidence per signal and part

_LISTED: Mapping[str, frozenset[str]] = dict.fromkeys(
    ("threat_terms", "self_harm_terms", "self_harm_terms.urging", "self_harm_terms.distress"),
    frozenset({"en", "de", "fr", "es", "pt", "it", "tr", "ar", "ru", "zh", "ja", "id", "hi"}),
)


def listed_languages(signal: str) -> frozenset[str]:
    """The languages in which a shipped list has words of its own; in others its 0 tells nothing, also not *none*.

    The detector reads texts in every language, because the words are found wherever they stand; so its spec names none.
    A list that is not named here is taken for an English one.
    """
    return _LISTED.get(signal, frozenset({"en"}))


@dataclass(frozen=True, slots=True)
class Phrase:
    """``pattern`` is RE2 over the normalised view. ``outline`` matches at least where it does, in a text whose repeated
    letters are cut to one: its words are plain, so that a filter can look for them."""

    pattern: str
    outline: str


@dataclass(frozen=True, slots=True)
class LexiconEntry:
    """A named group of phrases."""

    id: str
    weight: float
    phrases: tuple[Phrase, ...]
    kinds: frozenset[str] = frozenset()  # of an entry: at most one; of a softener: those that it softens, if not all


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The word list of one signal. The weights of ``softeners`` are factors."""

    signal: str
    harm: str
    description: str
    entries: tuple[LexiconEntry, ...]
    softeners: tuple[LexiconEntry, ...]
    kinds: Mapping[str, str] = field(default_factory=dict)  # name → description


class LexiconError(ValueError):
    """An invalid word list; the message names file, entry and remedy."""


def shipped_lexicons() -> tuple[Lexicon, ...]:
    """The shipped word lists, by name."""
    folder = resources.files("seawall.detectors.text") / "lexicons"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda file: file.name)
    return tuple(read_lexicon(file.read_text("utf-8"), file.name) for file in files)


def read_lexicon(source: str, name: str) -> Lexicon:
    """A word list from its YAML. Raises ``LexiconError``."""
    try:
        document = read_values(SourceFile(source, name))
    except UnreadableYaml as error:
        raise LexiconError(f"{name}: not YAML: line {error.problem.line}: {error.problem.message}") from error
    if not isinstance(document, dict):
        raise LexiconError(f"{name}: expected a mapping with signal, harm, description, entries")
    missing = [key for key in ("signal", "harm", "description", "entries") if not document.get(key)]
    if missing:
        raise LexiconError(f"{name}: {', '.join(missing)} missing")
    if document["harm"] not in HARMS:
        raise LexiconError(f"{name}: unknown harm {document['harm']!r}; known: {', '.join(HARMS)}")
    kinds = document.get("kinds") or {}
    if not isinstance(kinds, dict) or not all(_KIND.fullmatch(str(each)) for each in kinds):
        raise LexiconError(f"{name}: kinds must map names of lower-case letters and underscores to descriptions")
    return Lexicon(
        signal=str(document["signal"]),
        harm=document["harm"],
        description=str(document["description"]),
        entries=_entries(document["entries"], "weight", name, kinds),
        softeners=_entries(document.get("softeners") or [], "factor", name, kinds),
        kinds={str(each): str(described) for each, described in kinds.items()},
    )


class LexiconDetector:
    """Scores texts by word lists (default: the shipped ones)."""

    def __init__(self, lexicons: Sequence[Lexicon] | None = None) -> None:
        lexicons = shipped_lexicons() if lexicons is None else tuple(lexicons)
        self.spec = DetectorSpec(
            name="lexicon",
            version=f"{VERSION} {_digest(lexicons)}",
            signals=tuple(
                SignalSpec(name=name, kind=SignalKind.SCORE, harm=each.harm, description=description)
                for each in lexicons
                for name, description in _signals(each).items()
            ),
            modalities=frozenset({Modality.TEXT}),
            cost=Cost.INLINE,
        )
        self._rows = [(each, entry) for each in lexicons for entry in (*each.entries, *each.softeners)]
        phrases = [(row, each) for row, (_, entry) in enumerate(self._rows) for each in entry.phrases]
        self._phrases = [(row, each.pattern) for row, each in phrases]
        latin = {number: each for number, (_, each) in enumerate(phrases) if _may_be_ascii(each.outline)}
        self._latin = _Sieve(latin)
        self._others = _Sieve({number: each for number, (_, each) in enumerate(phrases) if number not in latin})
        self._compiled: dict[int, Any] = {}  # phrase → its pattern, from its first use on: most phrases never occur

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        """One answer per part. Per signal its score, then the contribution of each further entry; then its kinds."""
        return [self._measure(part) for part in parts]

    def _measure(self, part: Part) -> DetectorResult:
        view = normalise(part.text or "")
        found = {row: _span(view, place) for row, place in self._find(view.text).items()}
        if holds_emoji_words(view.text):
            language = language_of(part.text or "", part.language)
            told = view if language is None else spelt(view, language)
            if told is not view:
                found = {row: _span(told, place) for row, place in self._find(told.text).items()} | found
        by_signal: dict[str, list[int]] = {}
        for row in sorted(found):
            by_signal.setdefault(self._rows[row][0].signal, []).append(row)
        return tuple(signal for rows in by_signal.values() for signal in self._score(part, found, rows))

    def _find(self, text: str) -> dict[int, _Place]:
        """Entry → the place of its first phrase in the text, of every entry that occurs."""
        found: dict[int, _Place] = {}
        once = _REPEATED.sub(r"\1", text)
        possible = self._latin.possible(text, once)
        if not text.isascii():
            possible |= self._others.possible(text, once)
        for phrase in sorted(possible):
            row, pattern = self._phrases[phrase]
            if row in found:
                continue
            compiled = self._compiled.get(phrase)
            if compiled is None:
                compiled = self._compiled[phrase] = re2.compile(pattern, _options())
            match = compiled.search(text)
            if match is not None:
                found[row] = match.span()
        return found

    def _score(self, part: Part, places: Mapping[int, Span], rows: Sequence[int]) -> Iterator[Signal]:
        lexicon = self._rows[rows[0]][0]
        softeners = [self._rows[row][1] for row in rows if self._rows[row][1] in lexicon.softeners]
        found = [
            (_weight(self._rows[row][1], softeners), row) for row in rows if self._rows[row][1] not in lexicon.softeners
        ]
        found.sort(key=lambda each: -each[0])
        for name, entries in self._by_kind(lexicon, found):
            score = _together(weight for weight, _ in entries)
            for weight, row in entries[: _MOST_SIGNALS if name == lexicon.signal else 1]:
                yield Signal(
                    name=name,
                    value=score if row == entries[0][1] else round(weight, 4),
                    part=part.path,
                    detector=self.spec.name,
                    version=self.spec.version,
                    span=places[row],
                    evidence=f"{lexicon.signal}/{self._rows[row][1].id}",
                )

    def _by_kind(self, lexicon: Lexicon, found: list[_Found]) -> Iterator[tuple[str, list[_Found]]]:
        """The signals that the entries found give: the file's own, then one for each kind."""
        if found:
            yield lexicon.signal, found
        for kind in lexicon.kinds:
            entries = [each for each in found if kind in self._rows[each[1]][1].kinds]
            if entries:
                yield f"{lexicon.signal}.{kind}", entries


def _digest(lexicons: Iterable[Lexicon]) -> str:
    """Of all that decides what the lists find: phrases, weights, kinds."""
    rows = [
        [
            lexicon.signal,
            role,
            entry.id,
            entry.weight,
            sorted(entry.kinds),
            [[p.pattern, p.outline] for p in entry.phrases],
        ]
        for lexicon in lexicons
        for role, entries in (("entry", lexicon.entries), ("softener", lexicon.softeners))
        for entry in entries
    ]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:8]


class _Sieve:
    """Tells which of its phrases may occur in a text. Phrases by number."""

    def __init__(self, phrases: Mapping[int, Phrase]) -> None:
        self._numbers = list(phrases)
        self._filter = _filter(each.outline for each in phrases.values())
        # Phrases of words that are too short for the filter: all of them in one automaton.
        short = self._filter.Match("", True) or [] if phrases else []
        self._short = [self._numbers[each] for each in short]
        self._set = _pattern_set(phrases[number].pattern for number in self._short)

    def possible(self, text: str, once: str) -> set[int]:
        """``once``: the text with repeated letters cut to one."""
        if not self._numbers:
            return set()
        found = {self._numbers[each] for each in self._filter.Match(once, True) or ()}.difference(self._short)
        return found.union(self._short[each] for each in self._set.Match(text) or ())


@functools.cache
def shipped_lexicon_detector() -> LexiconDetector:
    """The detector of the shipped lists, one for the process: compiling a thousand patterns takes half a second."""
    return LexiconDetector()


_Found: TypeAlias = tuple[float, int]  # an entry's softened weight, its row
_Place: TypeAlias = tuple[int, int]  # start and end in the view


def _span(view: Normalised, place: _Place) -> Span:
    """The place in the original text, without what surrounds the words."""
    start, end = place
    words = view.text[start:end].strip(_EDGES)
    start += view.text[start:end].index(words)
    first, last = view.span(start, start + len(words))
    return Span(unit=SpanUnit.CHARACTERS, start=first, end=last)


def _signals(lexicon: Lexicon) -> dict[str, str]:
    """Name → description of the signals of a word list."""
    kinds = {f"{lexicon.signal}.{kind}": described for kind, described in lexicon.kinds.items()}
    return {lexicon.signal: lexicon.description} | kinds


def _weight(entry: LexiconEntry, softeners: Iterable[LexiconEntry]) -> float:
    """The entry's weight, softened by the strongest softener that concerns it."""
    factors = (each.weight for each in softeners if not each.kinds or each.kinds & entry.kinds)
    return entry.weight * min(factors, default=1.0)


def _together(weights: Iterable[float]) -> float:
    doubt = 1.0
    for weight in weights:
        doubt *= 1.0 - weight
    return round(1.0 - doubt, 4)


# ── phrases to patterns ─────────────────────────────────────────────────────────────────────────────────────────────

_EDGES = " \t\r\n.,;:!?-_*\"'()[]«»،؛؟।、。「」"
# RE2's own \b, \w and \W know Latin letters only. What stands between words of other scripts, after folding:
_BREAK = (
    r"\x00-/:-@\[-`{-\x7f"
    "\u00a0-\u00bf\u060c\u061b\u061f\u06d4\u0964\u0965\u2000-\u2bff\u3000-\u3004\u3008-\u303f\U0001f000-\U0001faff"
)


class _Spacing(NamedTuple):
    """How the words of a phrase are told apart: patterns of a space, of ``..``, of ``*``, and of a phrase's borders."""

    separator: str
    gap: str
    ending: str
    before: str
    after: str


_LATIN = _Spacing(r"[\s\W_]{0,3}", r"(?:[\s\W_]+[^\s]+){0,3}[\s\W_]+", "[a-z]*", r"\b", r"(?:\b|$)")
_OTHER_SCRIPTS = _Spacing(
    separator=f"[{_BREAK}]{{0,3}}",
    gap=f"(?:[{_BREAK}]+[^{_BREAK}]+){{0,3}}[{_BREAK}]+",
    ending=f"[^{_BREAK}]*",
    before=f"(?:^|[{_BREAK}])",
    after=f"(?:$|[{_BREAK}])",
)
_NO_SPACES = _Spacing(f"[{_BREAK}]{{0,3}}", r"[^\n.!?。]{0,8}", "", "", "")
_WITHOUT_SPACES = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]"
)
_OTHER_LETTERS = re.compile("[\u0370-\u1fff\uac00-\ud7a3]")
_KIND = re.compile(r"[a-z][a-z_]*")
_LEAST_MASKED = 4
_VOWELS = "aeiouаеиоуыэюя"
_SYMBOL = re.compile("[\u2190-\u2bff\U0001f000-\U0001faff]")
_NO_WORD = r"[^\w]"
_REPEATED = re.compile(r"([^\W\d_]|\*)\1+")
_TOKEN = re.compile(
    r"(?P<gap> \.\. )|(?P<raw>\\\S[+*?]?|\[[^\]]+\][+*?]?|\{[\d,]+\})|(?P<letters>[^\W\d_]+)|(?P<other>.)", re.S
)


def phrase_pattern(phrase: str) -> str:
    """The RE2 pattern of a phrase in this module's notation."""
    spacing = _spacing(phrase)
    return _translated(phrase, lambda word, _: _repeatable(word), lambda letter: letter[:-1] + "*", spacing)


def phrase_outline(phrase: str) -> str:
    """The outline of a phrase: see ``Phrase``."""
    spacing = _spacing(phrase)._replace(separator=".*", gap=".*")
    return _translated(phrase, _plain, lambda letter: letter + "?", spacing)


def _spacing(phrase: str) -> _Spacing:
    if _WITHOUT_SPACES.search(phrase):
        return _NO_SPACES
    return _OTHER_SCRIPTS if _OTHER_LETTERS.search(phrase) else _LATIN


@functools.cache
def _repeatable(word: str) -> tuple[str, ...]:
    """A word's letters, each repeatable, and from four letters on with vowels that a star may mask ("k*ll")."""
    pieces = [f"{run[0]}+" for run in re.finditer(r"(.)\1*", word)]
    if len(word) >= _LEAST_MASKED:
        pieces[1:-1] = [_maskable(each) for each in pieces[1:-1]]
    return tuple(pieces)


def _maskable(letter: str) -> str:
    return rf"(?:{letter}|\*+)" if letter[0] in _VOWELS and len(letter) == 2 else letter


def _plain(word: str, joined: bool) -> Sequence[str]:
    """The same letters once each. After a group or a class the first may be one with the letter before it.

    Two vowels side by side may be masked by two stars, which are one where repeated letters are ("c**ch").
    """
    spelt = _repeatable(word)
    pieces = [f"[{each[3]}*]" if each[0] == "(" else each[0] for each in spelt]
    for at in range(1, len(spelt)):
        if spelt[at][0] == "(" == spelt[at - 1][0]:
            pieces[at] += "?"
    return [f"{pieces[0]}?", *pieces[1:]] if joined else pieces


def _translated(
    phrase: str,
    spell: Callable[[str, bool], Sequence[str]],
    optional: Callable[[str], str],
    spacing: _Spacing,
) -> str:
    if not phrase.isascii():
        phrase = as_hiragana(fold_scripts(phrase).text)  # as a whole: a mark belongs to the letter before it
    pieces: list[str] = []
    apart = True  # whether the next letters begin a word
    groups: list[bool] = []  # the same, of each open group
    after_letters = False
    for token in _TOKEN.finditer(phrase.strip()):
        text = token[0]
        if token["gap"]:
            pieces.append(spacing.gap)
        elif token["letters"]:
            pieces += spell(fold(text).text, not apart)
        elif text == "?" and after_letters:
            pieces[-1] = optional(pieces[-1])  # "pics?": optional letter, not a lazy repetition
        elif text == " ":
            pieces.append(spacing.separator)
        elif text == "'":
            pieces.append("'?")
        elif text == "*":
            pieces.append(spacing.ending)
        elif text == "(":
            pieces.append("(?:")
        elif text in "|)?+" or token["raw"]:
            pieces.append(text)
        else:
            pieces.append(re.escape(text))
        after_letters = bool(token["letters"])
        if text == "(":
            groups.append(apart)
        elif text == "|":
            apart = groups[-1] if groups else True
        else:
            apart = bool(token["gap"]) or text == " " or (text == "?" and apart)
        if text == ")" and groups:
            groups.pop()
    return "".join(pieces)


def _entries(listed: object, factor: str, name: str, kinds: Collection[str]) -> tuple[LexiconEntry, ...]:
    if not isinstance(listed, list):
        raise LexiconError(f"{name}: expected a list of entries")
    return tuple(_entry(each, factor, name, kinds) for each in listed)


def _entry(listed: Mapping[str, Any], key: str, name: str, kinds: Collection[str]) -> LexiconEntry:
    place = f"{name}, entry {listed.get('id', '?')!r}"
    phrases = listed.get("phrases")
    weight = listed.get(key)
    if not listed.get("id") or not isinstance(phrases, list) or not phrases:
        raise LexiconError(f"{place}: needs an id and a list of phrases")
    if not isinstance(weight, (int, float)) or not 0 < weight <= 1:
        raise LexiconError(f"{place}: {key} must be above 0 and at most 1, not {weight!r}")
    own = [listed["kind"]] if "kind" in listed else listed.get("kinds") or []
    for each in own:
        if each not in kinds:
            known = ", ".join(kinds) or "none; add it to kinds"
            raise LexiconError(f"{place}: unknown kind {each!r}; kinds of this file: {known}")
    try:
        found = tuple(_phrase(str(phrase)) for phrase in phrases)
    except re2.error as error:
        raise LexiconError(f"{place}: a phrase is malformed: {error}") from error
    return LexiconEntry(id=str(listed["id"]), weight=float(weight), phrases=found, kinds=frozenset(map(str, own)))


def _phrase(written: str) -> Phrase:
    """Raises re2.error."""
    spacing = _spacing(written)
    start, end = spacing.before, spacing.after
    if _SYMBOL.search(written):
        start, end = rf"(?:{start}|^|{_NO_WORD})", rf"(?:\b|$|{_NO_WORD})"
    pattern = rf"{start}(?:{phrase_pattern(written)}){end}"
    re2.compile(pattern, _options())
    return Phrase(pattern, phrase_outline(written))


@functools.cache
def _options() -> re2.Options:
    options = re2.Options()
    options.max_mem = 64 << 20
    options.never_capture = True
    options.log_errors = False
    return options


_UNREACHABLE = r"[^\x00-\x{10ffff}]"
_OTHER_THAN_ASCII = re.compile(r"\[[^\]]*\]|[^\x00-\x7f]")


def _may_be_ascii(outline: str) -> bool:
    """Whether a phrase can occur in a text of ASCII characters alone: no other phrase is looked for in such texts."""
    if outline.isascii():
        return True

    def of_ascii(match: re.Match[str]) -> str:
        kept = "".join(filter(str.isascii, match[0]))
        return _UNREACHABLE if kept in ("", "[]") else kept

    reachable = re2.compile(_OTHER_THAN_ASCII.sub(of_ascii, outline), _options())
    return bool(reachable.programsize > re2.compile(_UNREACHABLE, _options()).programsize)


def _filter(outlines: Iterable[str]) -> Any:
    chosen = re2.Filter()
    for outline in outlines:
        chosen.Add(outline, _options())
    chosen.Compile()
    return chosen


def _pattern_set(patterns: Iterable[str]) -> Any:
    chosen = re2.Set.SearchSet(_options())
    for pattern in patterns:
        chosen.Add(pattern)
    chosen.Compile()
    return chosen
