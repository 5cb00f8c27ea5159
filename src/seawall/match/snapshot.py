"""Layers: immutable indexes over a fixed set of entries, of which a bank snapshot consists."""

from __future__ import annotations

import base64
import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from seawall.content.hosts import canonical_host
from seawall.match.audio import AUDIO_ERROR, AudioIndex
from seawall.match.entries import (
    KINDS,
    NO_HASHERS,
    BankEntry,
    EntryError,
    Hashers,
    Hit,
    canonical_value,
    hashed_modality,
    host_of,
)
from seawall.match.hashindex.hamming import HammingIndex
from seawall.match.neartext import NEAR_TEXT_PERCENT, NearTextIndex, minhash
from seawall.match.pdq import PDQ_RADIUS
from seawall.match.phrases import PatternIndex, PhraseIndex, PlainView, TextView
from seawall.match.video import VIDEO_PERCENT, Frame, VideoIndex

Found = tuple[BankEntry, Hit]
Read = Callable[[str], TextView]


class MatcherSnapshot:
    """One index per kind over some entries. Immutable, except that normalised texts are cached on first use.

    ``stranded``: entries of hashers that are not enabled, or whose hashes have another length now.
    """

    def __init__(self, entries: Iterable[BankEntry], hashers: Hashers = NO_HASHERS) -> None:
        """Raises ``EntryError`` naming an entry that cannot be used."""
        by_kind: dict[str, list[BankEntry]] = {kind: [] for kind in (*KINDS, *hashers)}
        stranded: list[BankEntry] = []
        for entry in entries:
            if entry.kind not in KINDS and hashed_modality(entry.kind) is None:
                raise EntryError(f"bank {entry.bank!r}, entry {entry.id!r}: unknown kind {entry.kind!r}")
            (by_kind[entry.kind] if _fits(entry, hashers) else stranded).append(entry)
        self._by_kind = by_kind
        self.stranded = tuple(stranded)
        self.size = sum(map(len, by_kind.values()))
        self.banks = frozenset(entry.bank for listed in (*by_kind.values(), stranded) for entry in listed)
        self._readings: dict[Read, tuple[PhraseIndex, NearTextIndex]] = {}
        self._reading = threading.Lock()
        self._read_by(PlainView.of)  # so that invalid entries raise now
        self._patterns = PatternIndex(by_kind["pattern"])
        self._domains = _by(by_kind["domain"], lambda entry: host_of(entry.value))
        self._digests = _by(by_kind["digest"], _checked)
        self._hashes = HammingIndex(
            [bytes.fromhex(_checked(entry)) for entry in by_kind["image"]], _limits(by_kind["image"], PDQ_RADIUS)
        )
        self._custom_hashes = _custom_hashes(by_kind, hashers)
        self._sounds = AudioIndex(
            [np.frombuffer(base64.b64decode(_checked(entry)), "<u4") for entry in by_kind["audio"]],
            [limit / 100 for limit in _limits(by_kind["audio"], AUDIO_ERROR)],
        )
        self._videos = VideoIndex(
            [[(at, bytes.fromhex(digits)) for at, digits in json.loads(_checked(entry))] for entry in by_kind["video"]],
            [limit / 100 for limit in _limits(by_kind["video"], VIDEO_PERCENT)],
        )

    def of_kind(self, kind: str) -> Sequence[BankEntry]:
        """The entries of one kind that can be matched."""
        return self._by_kind.get(kind, ())

    def texts(self, words: TextView, read: Read) -> Iterator[Found]:
        """Texts found in ``words``, with entries normalised by ``read``, and texts of which ``words`` is a variant."""
        phrases, near = self._readings.get(read) or self._read_by(read)
        yield from phrases.search(words)
        if len(near):
            end = words.span(0, len(words.text))[1]
            for index, alike in near.search(minhash(words.text)):
                entry = self._by_kind["near_text"][index]
                yield entry, Hit(bank=entry.bank, entry=entry.id, start=0, end=end, distance=round(100 * (1 - alike)))

    def patterns(self, characters: TextView) -> Iterator[Found]:
        """Patterns found in ``characters``."""
        return self._patterns.search(characters)

    def hosts(self, host: str) -> Iterator[Found]:
        """Domains that are this host or a parent of it; the distance is the number of labels between."""
        labels = canonical_host(host).split(".") if self._domains else []
        for n in range(len(labels)):
            for entry in self._domains.get(".".join(labels[n:]), ()):
                yield entry, Hit(bank=entry.bank, entry=entry.id, distance=n)

    def digests(self, digests: Sequence[str]) -> Iterator[Found]:
        """Files with one of these digests."""
        for digest in digests if self._digests else ():
            for entry in self._digests.get(digest, ()):
                yield entry, Hit(bank=entry.bank, entry=entry.id, distance=0)

    def images(self, pdq: bytes) -> Iterator[Found]:
        """Images within their radius of this hash."""
        for index, distance in self._hashes.search(pdq):
            entry = self._by_kind["image"][index]
            yield entry, Hit(bank=entry.bank, entry=entry.id, distance=distance)

    def hashes(self, kind: str, value: bytes) -> Iterator[Found]:
        """Entries of a hasher's kind within their radius of this hash."""
        index = self._custom_hashes.get(kind)
        if index is None or 8 * len(value) != index.bits:
            return  # a stored hash, made by an earlier version of the hasher with another length
        for row, distance in index.search(value):
            entry = self._by_kind[kind][row]
            yield entry, Hit(bank=entry.bank, entry=entry.id, distance=distance)

    def audio_files(self, items: NDArray[np.uint32]) -> Iterator[Found]:
        """Audio entries found in these sub-fingerprints."""
        for match in self._sounds.search(items) if len(self._sounds) else ():
            entry = self._by_kind["audio"][match.audio]
            yield entry, _timed(entry, match.error, match.start_s, match.end_s)

    def videos(self, frames: Sequence[Frame]) -> Iterator[Found]:
        """Videos found in these frames."""
        for match in self._videos.search(frames) if len(self._videos) else ():
            entry = self._by_kind["video"][match.video]
            yield entry, _timed(entry, 1 - match.share, match.start_s, match.end_s)

    def _read_by(self, read: Read) -> tuple[PhraseIndex, NearTextIndex]:
        with self._reading:
            made = self._readings.get(read)
            if made is None:
                near = self._by_kind["near_text"]
                signatures = [minhash(read(_checked(entry)).text) for entry in near]
                least = [limit / 100 for limit in _limits(near, NEAR_TEXT_PERCENT)]
                made = (PhraseIndex(self._by_kind["text"], read), NearTextIndex(signatures, least))
                self._readings[read] = made
            return made


def _timed(entry: BankEntry, distance: float, start_s: float, end_s: float) -> Hit:
    return Hit(bank=entry.bank, entry=entry.id, distance=round(100 * distance), start_s=start_s, end_s=end_s)


def _fits(entry: BankEntry, hashers: Hashers) -> bool:
    hasher = hashers.get(entry.kind)
    return entry.kind in KINDS if hasher is None else len(entry.value) * 4 == hasher.bits


def _custom_hashes(by_kind: Mapping[str, Sequence[BankEntry]], hashers: Hashers) -> dict[str, HammingIndex]:
    return {
        kind: HammingIndex(
            [bytes.fromhex(_checked(entry, hashers)) for entry in by_kind[kind]],
            _limits(by_kind[kind], hasher.radius),
            hasher.bits,
        )
        for kind, hasher in hashers.items()
        if by_kind[kind]
    }


def _limits(entries: Iterable[BankEntry], usual: int) -> list[int]:
    return [usual if entry.threshold is None else entry.threshold for entry in entries]


def _by(entries: Iterable[BankEntry], key: Callable[[BankEntry], str]) -> dict[str, list[BankEntry]]:
    found: defaultdict[str, list[BankEntry]] = defaultdict(list)
    for entry in entries:
        found[key(entry)].append(entry)
    return dict(found)


def _checked(entry: BankEntry, hashers: Hashers = NO_HASHERS) -> str:
    try:
        return canonical_value(entry.kind, entry.value, hashers=hashers)
    except EntryError as error:
        raise EntryError(f"bank {entry.bank!r}, entry {entry.id!r}: {error}") from error
