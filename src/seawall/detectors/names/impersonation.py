"""Detector of names that imitate others: look-alike letters, an added word, a changed letter."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from seawall.content.brands import words
from seawall.detectors.banks import BankDetector
from seawall.detectors.names.spelling import is_disguised, plain, shape
from seawall.match import BankEntry
from seawall.model.content import Modality, Part, Span, SpanUnit
from seawall.model.signals import Cost, DetectorResult, DetectorSpec, Signal, SignalKind, SignalSpec

VERSION: Final = "1"
NAME_FIELDS: Final = frozenset({"artists", "artist", "display_name", "author", "show_title", "channel", "label"})

DISGUISED: Final = 0.95
"""Looks the same, spelled with other characters."""
DECORATED: Final = 0.8
"""The name plus a word that claims authenticity."""
MISSPELLED: Final = 0.6
"""A letter added, removed, changed or swapped, in names of 7 letters or more. Legitimate names are similar, too."""

_CLAIMS: Final = words(
    "official offical oficial officiel offiziell real original vevo topic hq team management manager mgmt booking"
    " bookings support helpdesk private backup fanpage giveaway giveaways prizes rewards staff admin security verified"
    " verify account page channel tv"
)
_LEAST: Final = 7  # letters that a name needs for finding changed letters
_LONGEST: Final = 60
_LINE = re.compile(r"[^\n]+")


class NameDetector:
    """``near_name`` and ``same_name`` for names of artists and accounts, against bank entries of kind ``name``.

    ``near_name``: how closely a name imitates a protected one, 0 to 1, not calibrated. ``same_name``: 1 where it is
    that name (ignoring case, accents and punctuation); its owner and an impostor write it alike, only the account
    differs. Evidence is the entry; the span is the name's, in lists as well.
    """

    spec = DetectorSpec(
        name="names",
        version=VERSION,
        signals=(
            SignalSpec(
                name="near_name",
                kind=SignalKind.SCORE,
                harm="impersonation",
                description="A name that imitates a protected one",
            ),
            SignalSpec(name="same_name", kind=SignalKind.COUNT, harm="impersonation", description="A protected name"),
        ),
        modalities=frozenset({Modality.TEXT, Modality.CONTEXT}),
        cost=Cost.INLINE,
    )

    def __init__(self, banks: BankDetector | None = None, fields: Collection[str] = NAME_FIELDS) -> None:
        """``fields``: the fields of content types that contain names."""
        self._banks = banks or BankDetector()
        self._fields = frozenset(fields)
        self._seen = self._banks.matcher
        self._index = _NameIndex(self._seen.names())

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        """One answer per part: a signal for each name in it that equals or imitates a protected one."""
        matcher = self._banks.matcher
        if matcher is not self._seen:
            self._seen = matcher
            entries = matcher.names()
            if self._index.entries != entries:
                self._index = _NameIndex(entries)
        return [
            tuple(self._measure(part)) if part.field in self._fields and part.parent is None else () for part in parts
        ]

    def _measure(self, part: Part) -> Iterator[Signal]:
        for line in _LINE.finditer(part.text or ""):
            found = self._index.find(line[0])
            if found is not None:
                entry, name, value = found
                yield Signal(
                    name=name,
                    value=value,
                    part=part.path,
                    detector=self.spec.name,
                    version=VERSION,
                    span=Span(unit=SpanUnit.CHARACTERS, start=line.start(), end=line.end()),
                    evidence=entry,
                )


class _NameIndex:
    """Protected names by spelling, by visual shape, and by shapes with one letter left out."""

    def __init__(self, entries: Sequence[BankEntry]) -> None:
        self.entries = list(entries)
        self._plain: dict[str, str] = {}
        self._shapes: dict[str, str] = {}
        self._shortened: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
        for entry in entries:
            spelled, form = _bare(plain(entry.value)), shape(_bare(plain(entry.value)))
            self._plain.setdefault(spelled, entry.id)
            self._shapes.setdefault(form, entry.id)
            for shortened in _shortenings(form):
                self._shortened[shortened].append((form, entry.id, len(spelled.split())))

    def find(self, name: str) -> tuple[str, str, float] | None:
        """The entry, the signal and its value; None without a match."""
        if not self._plain or len(name) > _LONGEST:
            return None
        spelled = _bare(plain(name))
        if spelled in self._plain:
            disguised = is_disguised(name) and plain(name) != name.casefold()
            return self._plain[spelled], *(("near_name", DISGUISED) if disguised else ("same_name", 1.0))
        form = shape(name)
        is_bare = shape(_bare(name.casefold()))
        for each in dict.fromkeys((form, is_bare)):
            if each in self._shapes:
                return self._shapes[each], "near_name", DISGUISED if is_disguised(name) else MISSPELLED
        core = " ".join(word for word in spelled.split() if word not in _CLAIMS)
        if core != spelled and core:
            if core in self._plain:
                return self._plain[core], "near_name", DECORATED
            if shape(core) in self._shapes:
                return self._shapes[shape(core)], "near_name", DECORATED
        near = self._misspelled(form, len(spelled.split()))
        return None if near is None else (near, "near_name", MISSPELLED)

    def _misspelled(self, form: str, words: int) -> str | None:
        for shortened in _shortenings(form):
            for other, entry, theirs in self._shortened.get(shortened, ()):
                if words == theirs and min(len(form), len(other)) >= _LEAST and _edits(form, other) <= 1:
                    return entry
        return None


def _bare(spelled: str) -> str:
    return spelled.removeprefix("the ")


def _shortenings(form: str) -> Iterator[str]:
    """The shape, and all shapes with one letter left out: names one edit apart share one of them."""
    if _LEAST - 1 <= len(form) <= _LONGEST:
        yield form
        yield from (form[:n] + form[n + 1 :] for n in range(len(form)))


def _edits(one: str, other: str) -> int:
    """The number of letters added, removed, changed or swapped with a neighbour (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for n, char in enumerate(one, start=1):
        before, last, row = row, before, [n]
        for m, there in enumerate(other, start=1):
            cost = min(before[m] + 1, row[m - 1] + 1, before[m - 1] + (char != there))
            if n > 1 and m > 1 and char == other[m - 2] and one[n - 2] == there:
                cost = min(cost, last[m - 2] + 1)
            row.append(cost)
    return row[-1]
