"""Bank matching: one immutable snapshot of all banks, with an index for each kind of entry.

How a text is read (case, look-alikes, spacing) is the caller's choice: a *view* of it, whose offsets lead back to
the original. Entries of kind ``text`` and parts must be read by the same function.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable

from seawall.match.entries import KINDS, BankEntry, EntryError, Hit, canonical_value, host_of
from seawall.match.hamming import HammingIndex
from seawall.match.pdq import PDQ_RADIUS
from seawall.match.phrases import PatternIndex, PhraseIndex, PlainView, View
from seawall.model.ids import now_ms


class BankMatcher:
    """Every bank at one revision. Immutable: build it, share it between threads; to change a bank, build another.

    ``banks`` names further banks that hold nothing yet. Raises ``EntryError`` naming an entry that cannot be used.
    """

    def __init__(self, entries: Iterable[BankEntry], *, banks: Collection[str] = (), revision: int = 0) -> None:
        by_kind: dict[str, list[BankEntry]] = {kind: [] for kind in KINDS}
        for entry in entries:
            if entry.kind not in KINDS:
                raise EntryError(f"bank {entry.bank!r}, entry {entry.id!r}: no kind is called {entry.kind!r}")
            by_kind[entry.kind].append(entry)
        every = [entry for listed in by_kind.values() for entry in listed]
        self.revision = revision
        self.size = len(every)
        self.banks = tuple(sorted({*banks, *(entry.bank for entry in every)}))
        self._texts = by_kind["text"]
        self._phrases = PhraseIndex(self._texts, PlainView.of)
        self._patterns = PatternIndex(by_kind["pattern"])
        self._domains: dict[str, list[BankEntry]] = defaultdict(list)
        for entry in by_kind["domain"]:
            self._domains[host_of(entry.value)].append(entry)
        self._images = by_kind["image"]
        self._hashes = HammingIndex(
            [_hash_of(entry) for entry in self._images],
            [PDQ_RADIUS if entry.threshold is None else entry.threshold for entry in self._images],
        )

    def reading(self, read: Callable[[str], View]) -> BankMatcher:
        """The same banks, their texts read by ``read`` instead of merely lower-cased."""
        other = copy.copy(self)
        other._phrases = PhraseIndex(self._texts, read)
        return other

    def match_text(self, words: View, characters: View, now: int | None = None) -> list[Hit]:
        """Texts found in ``words`` (read as the entries were), and patterns found in ``characters``."""
        hits = [*self._phrases.search(words), *self._patterns.search(characters)]
        return [hit for entry, hit in hits if _is_current(entry, now)]

    def match_host(self, host: str, now: int | None = None) -> list[Hit]:
        """Domain entries that are this host or a parent of it."""
        if not self._domains:
            return []
        labels = host.lower().rstrip(".").split(".")
        found = (entry for n in range(len(labels)) for entry in self._domains.get(".".join(labels[n:]), ()))
        return [Hit(bank=entry.bank, entry=entry.id) for entry in found if _is_current(entry, now)]

    def match_image(self, pdq: bytes, now: int | None = None) -> list[Hit]:
        """Pictures within their radius of this hash, nearest first. The caller has checked its quality."""
        found = ((self._images[index], distance) for index, distance in self._hashes.search(pdq))
        return [
            Hit(bank=entry.bank, entry=entry.id, distance=distance)
            for entry, distance in found
            if _is_current(entry, now)
        ]


def _is_current(entry: BankEntry, now: int | None) -> bool:
    return entry.expires is None or entry.expires > (now_ms() if now is None else now)


def _hash_of(entry: BankEntry) -> bytes:
    try:
        return bytes.fromhex(canonical_value("image", entry.value))
    except EntryError as error:
        raise EntryError(f"bank {entry.bank!r}, entry {entry.id!r}: {error}") from error
