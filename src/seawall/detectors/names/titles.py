"""Detector of titles written for search engines: keyword stuffing, and others' names as bait."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from seawall.content.brands import BRANDS, words
from seawall.detectors.banks import BankDetector
from seawall.detectors.names.spelling import plain
from seawall.match import BankEntry
from seawall.model.content import Modality, Part
from seawall.model.signals import Cost, DetectorResult, DetectorSpec, Signal, SignalKind, SignalSpec

VERSION: Final = "1"
_LONGEST: Final = 1_000  # characters of a title that are read
TITLE_FIELDS: Final = frozenset({"title", "name", "album", "show_title", "series"})

_KEYWORDS: Final = words(
    "best top hits hit playlist playlists music songs song mix mixtape viral tiktok trending trend chill chillout"
    " lofi sleep sleeping relax relaxing relaxation study studying focus workout gym party popular new newest"
    " latest remix remixes sped slowed reverb bass boosted 8d asmr lyrics lyric official audio video hd hq 4k full"
    " album free download mp3 type beat beats instrumental instrumentals karaoke cover covers nightcore radio edit"
    " version ambient calm calming meditation yoga spa healing hz binaural white brown pink noise rain sounds"
    " nature baby babies lullaby lullabies piano guitar jazz rap trap drill phonk edm house techno pop rock rnb"
    " hiphop hop kpop reggaeton summer winter christmas halloween 2020 2021 2022 2023 2024 2025 2026 2027 hour"
    " hours loop streaming spotify youtube netflix reels shorts challenge dance sad love vibes vibe mood aesthetic"
    " motivation motivational podcast podcasts audiobook audiobooks free ebook pdf online cheap seo followers"
    " streams promotion"
)
_BAIT: Final = words("official original leaked leak unreleased exclusive uncut vevo topic reaction parody tribute")
_MARKS: Final = (
    BRANDS.keys() | words("vevo shazam billboard grammy disney marvel pixar nintendo fortnite minecraft")
) - words("apple amazon blockchain kraken revolut outlook discord telegram chase dhl ups")
_SPLIT = re.compile(
    r"\s*(?:[,;|/•·‧～~+&]|\s[-–—x×]\s|#|\(|\)|\[|\]|\bfeat\b\.?|\bft\b\.?|\bfeaturing\b|\bvs\b\.?)\s*", re.I
)
_FEATURING = re.compile(r"\b(?:feat|ft|featuring|prod|with)\b\.?\s*(?:by\s+)?([^()\[\]|]+)", re.I)
_LISTED = re.compile(r"\s*(?:,|&|\+|\band\b|\bx\b|/)\s*", re.I)
_STYLE = re.compile(r"\btype\s+beat\b", re.I)


class TitleDetector:
    """``title_stuffing`` and ``trademark_bait`` of titles: 0 to 1, ordered, not calibrated.

    Bait are bank entries of kind ``name`` and well-known brands. One such name is normal in a title; several, or one
    with a promise ("official", "unreleased"), are signs of bait.
    """

    def __init__(self, banks: BankDetector | None = None, fields: Collection[str] = TITLE_FIELDS) -> None:
        """``fields``: the fields of content types that contain titles."""
        self._banks = banks or BankDetector()
        self._fields = frozenset(fields)
        self._seen = self._banks.matcher
        self._known = _Known(self._seen.names())

    spec = DetectorSpec(
        name="titles",
        version=VERSION,
        signals=(
            SignalSpec(
                name="title_stuffing",
                kind=SignalKind.SCORE,
                harm="spam",
                description="A title that is a pile of keywords",
            ),
            SignalSpec(
                name="trademark_bait",
                kind=SignalKind.SCORE,
                harm="misleading",
                description="A title that borrows the names of others to be found",
            ),
        ),
        modalities=frozenset({Modality.TEXT}),
        cost=Cost.INLINE,
    )

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        """One answer per part; evidence names the strongest sign."""
        return [self._measure(part) if part.field in self._fields and part.parent is None else () for part in parts]

    def _measure(self, part: Part) -> DetectorResult:
        title = (part.text or "")[:_LONGEST]
        matcher = self._banks.matcher
        if matcher is not self._seen:
            self._seen = matcher
            entries = matcher.names()
            if self._known.entries != entries:
                self._known = _Known(entries)
        found = {"title_stuffing": _stuffing(title), "trademark_bait": self._known.bait(title)}
        return tuple(
            Signal(name=name, value=score, part=part.path, detector=self.spec.name, version=VERSION, evidence=evidence)
            for name, signs in found.items()
            for score, evidence in [_together(signs)]
            if score > 0
        )


class _Known:
    """Protected names by their first word, for finding them in titles."""

    def __init__(self, entries: Sequence[BankEntry]) -> None:
        self.entries = list(entries)
        self._by_first: dict[str, list[tuple[str, ...]]] = {}
        for entry in entries:
            name = tuple(plain(entry.value).split())
            if name:
                self._by_first.setdefault(name[0], []).append(name)

    def bait(self, title: str) -> Iterator[tuple[float, str]]:
        """Signs of bait: (weight, sign)."""
        tokens = plain(title).split()
        names = {name for n, word in enumerate(tokens) for name in self._at(tokens, n, word)}
        marks = _MARKS.intersection(tokens)
        if len(names) >= 2:
            yield min(0.95, 0.15 + 0.2 * len(names)), "names"
        if names and _BAIT.intersection(tokens):
            yield 0.5, "promise"
        if names and _STYLE.search(title):
            yield 0.3, "type_beat"
        if len(marks) >= 2 or (marks and names):
            yield min(0.9, 0.3 * len(marks) + 0.1 * len(names)), "brands"

    def _at(self, tokens: Sequence[str], n: int, word: str) -> Iterator[tuple[str, ...]]:
        for name in self._by_first.get(word, ()):
            if tuple(tokens[n : n + len(name)]) == name and (len(name) > 1 or len(word) > 3):
                yield name


def _stuffing(title: str) -> Iterator[tuple[float, str]]:
    """Signs of stuffing: (weight, sign)."""
    tokens = plain(title).split()
    chunks = [chunk for chunk in _SPLIT.split(title) if chunk and any(map(str.isalnum, chunk))]
    keywords = {token for token in tokens if token in _KEYWORDS}
    share = sum(token in _KEYWORDS for token in tokens) / max(1, len(tokens))
    if len(keywords) >= 5 and share >= 0.5:
        yield min(0.9, 0.1 * len(keywords)), "keywords"
    if len(chunks) >= 6:
        yield min(0.85, 0.4 + 0.06 * (len(chunks) - 6) + 0.3 * (share >= 0.4)), "pieces"
    featured = max((len(_listed(match[1])) for match in _FEATURING.finditer(title)), default=0)
    if featured >= 6:
        yield min(0.8, 0.1 * featured), "featuring"
    if title.count("#") >= 3:
        yield min(0.8, 0.15 * title.count("#")), "hashtags"
    repeated = _repeated(chunks)
    if repeated >= 3:
        yield min(0.8, 0.15 * repeated), "repeated"
    if len(title) > 120 and len(chunks) >= 4:
        yield 0.3, "long"


def _listed(names: str) -> list[str]:
    return [name for name in _LISTED.split(names) if name.strip()]


def _repeated(chunks: Iterable[str]) -> int:
    """The number of distinct segments of the title that contain the most frequent keyword."""
    pieces = [plain(chunk) for chunk in chunks]
    counts = Counter(word for piece in set(pieces) for word in set(piece.split()) & _KEYWORDS)
    return max(counts.values(), default=0)


def _together(signs: Iterable[tuple[float, str]]) -> tuple[float, str | None]:
    """The combined score ``1 - Π(1 - weight)``, and the name of the strongest sign."""
    found = sorted(signs, reverse=True)
    doubt = 1.0
    for weight, _ in found:
        doubt *= 1.0 - weight
    return round(1.0 - doubt, 4), found[0][1] if found else None
