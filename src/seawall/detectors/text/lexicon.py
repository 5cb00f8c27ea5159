"""Word lists for harms without training data: weighted phrases matched on the normalised text.

A file in ``lexicons/`` is one signal. Its entries have a weight from 0 to 1, the suspicion of harm from these words
alone. The score of a text is ``1 - Π(1 - weight)`` over the entries found, each once; where a *softener* (an offer of
help, a report, a joke) occurs in the same text, every weight is multiplied by the smallest factor. Scores are ordered,
not calibrated.

Phrases use a small notation: ``(a|b)`` alternatives, ``?`` optional, ``*`` any ending, ``..`` up to three words
between, a space for any separator, ``\\d`` and ``\\w`` as in RE2. Letters may be repeated in the text ("kiiill").
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import re2

from seawall.content.normalise import Normalised, fold, normalise
from seawall.model.content import Modality, Part, Span, SpanUnit
from seawall.model.harms import HARMS
from seawall.model.signals import Cost, DetectorResult, DetectorSpec, Signal, SignalKind, SignalSpec
from seawall.yamlfile.nodes import UnreadableYaml, read_values
from seawall.yamlfile.source import SourceFile

VERSION = "1"
_MOST_SIGNALS = 20  # evidence per signal and part


@dataclass(frozen=True, slots=True)
class LexiconEntry:
    """A named group of phrases. ``pattern`` is RE2 over the normalised view."""

    id: str
    weight: float
    pattern: str


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The word list of one signal. The weights of ``softeners`` are factors."""

    signal: str
    harm: str
    description: str
    entries: tuple[LexiconEntry, ...]
    softeners: tuple[LexiconEntry, ...]


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
    return Lexicon(
        signal=str(document["signal"]),
        harm=document["harm"],
        description=str(document["description"]),
        entries=_entries(document["entries"], "weight", name),
        softeners=_entries(document.get("softeners") or [], "factor", name),
    )


class LexiconDetector:
    """Scores texts by word lists (default: the shipped ones)."""

    def __init__(self, lexicons: Sequence[Lexicon] | None = None) -> None:
        lexicons = shipped_lexicons() if lexicons is None else tuple(lexicons)
        self.spec = DetectorSpec(
            name="lexicon",
            version=VERSION,
            signals=tuple(
                SignalSpec(name=each.signal, kind=SignalKind.SCORE, harm=each.harm, description=each.description)
                for each in lexicons
            ),
            modalities=frozenset({Modality.TEXT}),
            cost=Cost.INLINE,
        )
        rows = [(each, entry) for each in lexicons for entry in (*each.entries, *each.softeners)]
        self._rows = rows
        self._set = _pattern_set(entry.pattern for _, entry in rows)
        self._patterns = [re2.compile(entry.pattern, _options()) for _, entry in rows]

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        """One answer per part: per signal its score first, then the contribution of each further entry."""
        return [self._measure(part) for part in parts]

    def _measure(self, part: Part) -> DetectorResult:
        view = normalise(part.text or "")
        rows = self._set.Match(view.text)
        if not rows:
            return ()
        by_signal: dict[str, list[int]] = {}
        for row in sorted(rows):
            by_signal.setdefault(self._rows[row][0].signal, []).append(row)
        return tuple(signal for rows in by_signal.values() for signal in self._score(part, view, rows))

    def _score(self, part: Part, view: Normalised, rows: Sequence[int]) -> Iterable[Signal]:
        lexicon = self._rows[rows[0]][0]
        entries = [row for row in rows if self._rows[row][1] in lexicon.entries]
        factor = min((self._rows[row][1].weight for row in rows if row not in entries), default=1.0)
        entries.sort(key=lambda row: -self._rows[row][1].weight)
        doubt = 1.0
        for row in entries:
            doubt *= 1.0 - factor * self._rows[row][1].weight
        score = round(1.0 - doubt, 4)
        for row in entries[:_MOST_SIGNALS]:
            entry = self._rows[row][1]
            found = self._patterns[row].search(view.text)
            span = None
            if found is not None:
                words = found[0].strip(_EDGES)
                first = found.start() + found[0].index(words)
                start, end = view.span(first, first + len(words))
                span = Span(unit=SpanUnit.CHARACTERS, start=start, end=end)
            yield Signal(
                name=lexicon.signal,
                value=score if row == entries[0] else round(factor * entry.weight, 4),
                part=part.path,
                detector=self.spec.name,
                version=self.spec.version,
                span=span,
                evidence=f"{lexicon.signal}/{entry.id}",
            )


# ── phrases to patterns ─────────────────────────────────────────────────────────────────────────────────────────────

_EDGES = " \t\r\n.,;:!?-_*"
_SEPARATOR = r"[\s\W_]{0,3}"
_GAP = r"(?:[\s\W_]+[^\s]+){0,3}[\s\W_]+"
_TOKEN = re.compile(
    r"(?P<gap> \.\. )|(?P<raw>\\\S[+*?]?|\[[^\]]+\][+*?]?|\{[\d,]+\})|(?P<letters>[^\W\d_]+)|(?P<other>.)", re.S
)


def phrase_pattern(phrase: str) -> str:
    """The RE2 pattern of a phrase in this module's notation."""
    pieces: list[str] = []
    after_letters = False
    for token in _TOKEN.finditer(phrase.strip()):
        text = token[0]
        if token["gap"]:
            pieces.append(_GAP)
        elif token["letters"]:
            pieces.append(re.sub(r"(.)\1*", lambda run: run[0] + "+", fold(text).text))
        elif text == "?" and after_letters:
            pieces[-1] = pieces[-1][:-1] + "*"  # "pics?": optional letter, not a lazy repetition
        elif text == " ":
            pieces.append(_SEPARATOR)
        elif text == "'":
            pieces.append("'?")
        elif text == "*":
            pieces.append("[a-z]*")
        elif text == "(":
            pieces.append("(?:")
        elif text in "|)?+" or token["raw"]:
            pieces.append(text)
        else:
            pieces.append(re.escape(text))
        after_letters = bool(token["letters"])
    return "".join(pieces)


def _entries(listed: object, factor: str, name: str) -> tuple[LexiconEntry, ...]:
    if not isinstance(listed, list):
        raise LexiconError(f"{name}: expected a list of entries")
    return tuple(_entry(each, factor, name) for each in listed)


def _entry(listed: Mapping[str, Any], key: str, name: str) -> LexiconEntry:
    place = f"{name}, entry {listed.get('id', '?')!r}"
    phrases = listed.get("phrases")
    weight = listed.get(key)
    if not listed.get("id") or not isinstance(phrases, list) or not phrases:
        raise LexiconError(f"{place}: needs an id and a list of phrases")
    if not isinstance(weight, (int, float)) or not 0 < weight <= 1:
        raise LexiconError(f"{place}: {key} must be above 0 and at most 1, not {weight!r}")
    alternatives = "|".join(phrase_pattern(str(phrase)) for phrase in phrases)
    pattern = rf"\b(?:{alternatives})(?:\b|$)"
    try:
        re2.compile(pattern, _options())
    except re2.error as error:
        raise LexiconError(f"{place}: a phrase is malformed: {error}") from error
    return LexiconEntry(id=str(listed["id"]), weight=float(weight), pattern=pattern)


@functools.cache
def _options() -> re2.Options:
    options = re2.Options()
    options.max_mem = 64 << 20
    options.never_capture = True
    options.log_errors = False
    return options


def _pattern_set(patterns: Iterable[str]) -> Any:
    chosen = re2.Set.SearchSet(_options())
    for pattern in patterns:
        chosen.Add(pattern)
    chosen.Compile()
    return chosen
