"""Indexes that find which of many texts and patterns occur in a text."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from seawall.content.patterns import sieves, span_of
from seawall.match.entries import (
    BankEntry,
    EntryError,
    Hit,
    check_compiles,
    compile_pattern,
    folded_pattern,
    pattern_options,
    words_of,
)

NEAR_PERCENT: Final = 80
"""A text entry of at least ``NEAR_TOKENS`` words matches when this share of its 3-word sequences is found."""
NEAR_TOKENS: Final = 12
_SHINGLE: Final = 3
_SET_SIZE: Final = 500  # patterns compiled together


class TextView(Protocol):
    """A normalised text; ``span`` maps positions back to the original."""

    @property
    def text(self) -> str: ...

    def span(self, start: int, end: int) -> tuple[int, int]: ...


@dataclass(frozen=True, slots=True)
class PlainView:
    """A lower-cased text, the simplest view."""

    text: str

    @classmethod
    def of(cls, text: str) -> PlainView:
        return cls(text.lower())

    def span(self, start: int, end: int) -> tuple[int, int]:
        return start, end


Found = tuple[BankEntry, Hit]


class PhraseIndex:
    """Texts matched word for word, by first word and length; long ones also by their 3-word sequences."""

    def __init__(self, entries: Iterable[BankEntry], read: Callable[[str], TextView]) -> None:
        self._exact: dict[tuple[str, ...], list[BankEntry]] = defaultdict(list)
        lengths: dict[str, set[int]] = defaultdict(set)
        self._near: list[tuple[BankEntry, int]] = []  # entry, sequences needed
        self._sequences: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for entry in entries:
            words = tuple(token[0] for token in words_of(read(entry.value).text))
            if not words:
                raise EntryError(f"bank {entry.bank!r}, entry {entry.id!r}: the text contains no word")
            percent = entry.threshold or (NEAR_PERCENT if len(words) >= NEAR_TOKENS else 100)
            if percent < 100 and len(words) > _SHINGLE:
                sequences = {words[n : n + _SHINGLE] for n in range(len(words) - _SHINGLE + 1)}
                for sequence in sequences:
                    self._sequences[sequence].append(len(self._near))
                self._near.append((entry, -(-len(sequences) * percent // 100)))
            else:
                self._exact[words].append(entry)
                lengths[words[0]].add(len(words))
        self._lengths = {first: tuple(sorted(found)) for first, found in lengths.items()}

    def search(self, view: TextView) -> Iterator[Found]:
        if not self._lengths and not self._near:
            return
        tokens = list(words_of(view.text))
        words = tuple(token[0] for token in tokens)
        yield from self._search_exact(view, tokens, words)
        if self._near:
            yield from self._search_near(view, tokens, words)

    def _search_exact(self, view: TextView, tokens: list[re.Match[str]], words: tuple[str, ...]) -> Iterator[Found]:
        seen: set[str] = set()
        for n, word in enumerate(words):
            for length in self._lengths.get(word, ()):
                for entry in self._exact.get(words[n : n + length], ()) if n + length <= len(words) else ():
                    if entry.id not in seen:
                        seen.add(entry.id)
                        yield entry, _hit(entry, view, tokens[n].start(), tokens[n + length - 1].end())

    def _search_near(self, view: TextView, tokens: list[re.Match[str]], words: tuple[str, ...]) -> Iterator[Found]:
        found: Counter[int] = Counter()
        first: dict[int, int] = {}
        last: dict[int, int] = {}
        seen: set[tuple[str, ...]] = set()
        for n in range(len(words) - _SHINGLE + 1):
            sequence = words[n : n + _SHINGLE]
            if sequence in seen or sequence not in self._sequences:
                continue
            seen.add(sequence)
            for index in self._sequences[sequence]:
                found[index] += 1
                first.setdefault(index, n)
                last[index] = n
        for index, count in found.items():
            entry, needed = self._near[index]
            if count >= needed:
                yield entry, _hit(entry, view, tokens[first[index]].start(), tokens[last[index] + _SHINGLE - 1].end())


class PatternIndex:
    """RE2 patterns, filtered in sets, then searched one by one for their position."""

    def __init__(self, entries: Sequence[BankEntry]) -> None:
        self._entries = entries
        self._sieves: list[tuple[int, Callable[[str], Sequence[int]]]] = []
        for entry in entries:
            try:
                check_compiles(entry.value)
            except EntryError as error:
                raise EntryError(f"bank {entry.bank!r}, entry {entry.id!r}: {error}") from error
        folded = [folded_pattern(entry.value) for entry in entries]
        for first in range(0, len(entries), _SET_SIZE):
            self._sieves += sieves(folded[first : first + _SET_SIZE], pattern_options(), first)

    def search(self, view: TextView) -> Iterator[Found]:
        for first, may_match in self._sieves:
            for index in sorted(may_match(view.text)):
                entry = self._entries[first + index]
                match = compile_pattern(entry.value).search(view.text)
                if match is not None:
                    yield entry, _hit(entry, view, *span_of(match))


def _hit(entry: BankEntry, view: TextView, start: int, end: int) -> Hit:
    first, last = view.span(start, end)
    return Hit(bank=entry.bank, entry=entry.id, start=first, end=last)
