"""Bank matching against one immutable snapshot of all banks.

The caller chooses how a text is normalised (case, look-alikes, spacing) by passing a *view* of it, whose offsets map
back to the original. Parts must be normalised by the same function as entries of kind ``text`` and ``near_text``.

A snapshot has two layers, one with most entries and one with the latest, so that the next snapshot costs as much as
the changes and not as much as the banks. Image hashes and file digests may be stored elsewhere (``StoredEntryIndex``).
"""

from __future__ import annotations

import copy
import hashlib
import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from seawall.match.entries import NO_HASHERS, BankEntry, Hashers, Hit
from seawall.match.meaning import MeaningIndex
from seawall.match.phrases import PlainView, TextView
from seawall.match.snapshot import Found, MatcherSnapshot
from seawall.match.video import Frame
from seawall.model.ids import now_ms


class StoredEntryIndex(Protocol):
    """Entries that are not in memory: a million hashes, shared by all processes. Reflects their current state."""

    def holds(self, kind: str) -> bool:
        """Whether it may contain an entry of this kind."""

    def near(self, pdq: bytes) -> Sequence[tuple[BankEntry, int]]:
        """Image entries within their radius of this hash, with their distance."""

    def exact(self, digests: Sequence[str]) -> Sequence[BankEntry]:
        """Entries with one of these digests, in lower-case hexadecimal."""


class BankMatcher:
    """All banks at one revision. Immutable: build it, share it between threads, and build another to change a bank.

    ``banks`` names further, empty banks. Banks in ``allow`` hold known acceptable content: where one of their entries
    matches at least as well, another bank's hit is ``suppressed``. Raises ``EntryError`` naming an entry that cannot be
    used.
    """

    def __init__(
        self,
        entries: Iterable[BankEntry],
        *,
        banks: Collection[str] = (),
        allow: Collection[str] = (),
        revision: int = 0,
        stored: StoredEntryIndex | None = None,
        hashers: Hashers = NO_HASHERS,
    ) -> None:
        self._base = MatcherSnapshot(entries, hashers)
        self._fresh = MatcherSnapshot(())
        self._hashers = hashers
        self._gone: frozenset[str] = frozenset()
        self._read: Callable[[str], TextView] = PlainView.of
        self._stored = stored
        self.allow = frozenset(allow)
        self.revision = revision
        self.banks = tuple(sorted({*banks, *allow, *self._base.banks}))
        self._stranded = _stranded(self._base.stranded)

    def changed(
        self,
        fresh: Iterable[BankEntry],
        gone: Collection[str],
        *,
        banks: Collection[str] = (),
        allow: Collection[str] = (),
        revision: int,
    ) -> BankMatcher:
        """A later snapshot with ``fresh`` entries (all added since this one was built from scratch) and without those
        in ``gone`` (also those that ``fresh`` holds in changed form). Its cost depends on these two only."""
        other = copy.copy(self)
        other._fresh = MatcherSnapshot(fresh, self._hashers)
        other._gone = frozenset(gone)
        other.allow = frozenset(allow)
        other.revision = revision
        other.banks = tuple(sorted({*banks, *allow, *other._base.banks, *other._fresh.banks}))
        other._stranded = _stranded(other._base.stranded, other._gone, other._fresh.stranded)
        return other

    def reading(self, read: Callable[[str], TextView]) -> BankMatcher:
        """The same banks, with texts normalised by ``read`` instead of only lower-cased."""
        other = copy.copy(self)
        other._read = read
        return other

    # ── contents ──

    @property
    def size(self) -> int:
        """The approximate number of entries in memory: a changed entry may count twice."""
        return self._base.size + self._fresh.size

    def has(self, kind: str) -> bool:
        """Whether an entry of this kind may match. If not, callers need not compute what it would be compared with."""
        if self._stored is not None and self._stored.holds(kind):
            return True
        return bool(self._base.of_kind(kind) or self._fresh.of_kind(kind))

    def stranded(self, now: int | None = None) -> dict[str, set[str]]:
        """Kinds whose entries cannot be compared because no enabled hasher makes such hashes, with the banks that hold
        them. Whether these entries would have matched is *unknown*."""
        found: dict[str, set[str]] = {}
        if self._stranded:
            at = now_ms() if now is None else now
            for (kind, bank), until in self._stranded.items():
                if until > at:
                    found.setdefault(kind, set()).add(bank)
        return found

    def names(self, now: int | None = None) -> list[BankEntry]:
        """The entries of kind ``name``, for detecting imitations of them."""
        at = now_ms() if now is None else now
        return [entry for entry in self._in_use("name") if entry.expires is None or entry.expires > at]

    def meanings(self) -> list[BankEntry]:
        """The entries of kind ``meaning``, also expired ones, to be embedded: see ``match_meaning``."""
        return self._in_use("meaning")

    def _in_use(self, kind: str) -> list[BankEntry]:
        return [
            *(entry for entry in self._base.of_kind(kind) if entry.id not in self._gone),
            *self._fresh.of_kind(kind),
        ]

    # ── matching: hits of unexpired entries, nearest first where a distance exists ──

    def match_text(self, words: TextView, characters: TextView, now: int | None = None) -> list[Hit]:
        """Texts found in ``words`` (normalised as the entries were), exact and near; patterns in ``characters``."""
        read = self._read
        return self._hits(now, lambda layer: (*layer.texts(words, read), *layer.patterns(characters)))

    def match_meaning(
        self, examples: MeaningIndex, embedding: NDArray[np.float32], start: int, end: int, now: int | None = None
    ) -> list[Hit]:
        """Examples that mean the same as the passage of this embedding, nearest first. ``examples``: of ``meanings()``.

        ``start`` and ``end``: the place of the passage in its text.
        """
        found = (
            (entry, Hit(bank=entry.bank, entry=entry.id, start=start, end=end, distance=round(100 * (1 - alike))))
            for entry, alike in examples.search(embedding)
        )
        return _nearest(self.settle(_current(found, now)))

    def match_host(self, host: str, now: int | None = None) -> list[Hit]:
        """Domain entries that are this host or a parent of it."""
        return self._hits(now, lambda layer: layer.hosts(host))

    def match_image(self, pdq: bytes, now: int | None = None) -> list[Hit]:
        """Images within their radius of this hash, nearest first. The caller has checked its quality."""
        stored = self._stored.near(pdq) if self._stored is not None and self._stored.holds("image") else ()
        found = [(entry, Hit(bank=entry.bank, entry=entry.id, distance=distance)) for entry, distance in stored]
        return _nearest(self._hits(now, lambda layer: layer.images(pdq), found))

    def match_hash(self, kind: str, value: bytes, now: int | None = None) -> list[Hit]:
        """Entries of a hasher's kind within their radius of this hash, nearest first."""
        return _nearest(self._hits(now, lambda layer: layer.hashes(kind, value)))

    def match_bytes(self, data: bytes, now: int | None = None) -> list[Hit]:
        """Digest entries for exactly these bytes."""
        return self.match_digests(digests_of(data), now) if self.has("digest") else []

    def match_digests(self, digests: Sequence[str], now: int | None = None) -> list[Hit]:
        """Entries with one of these digests (lower-case hexadecimal)."""
        stored = self._stored.exact(digests) if self._stored is not None and self._stored.holds("digest") else ()
        found = [(entry, Hit(bank=entry.bank, entry=entry.id, distance=0)) for entry in stored]
        return self._hits(now, lambda layer: layer.digests(digests), found)

    def match_audio(self, items: NDArray[np.uint32], now: int | None = None) -> list[Hit]:
        """Audio entries found in this fingerprint, with their times, nearest first."""
        return _nearest(self._hits(now, lambda layer: layer.audio_files(items)))

    def match_video(self, frames: Sequence[Frame], now: int | None = None) -> list[Hit]:
        """Videos found in these frames (seconds and PDQ hash, by time, without flat ones), nearest first."""
        return _nearest(self._hits(now, lambda layer: layer.videos(frames)))

    def settle(self, hits: Iterable[Hit]) -> list[Hit]:
        """All hits of one part: suppresses those that a hit of an allow-bank explains at least as well."""
        found = list(hits)
        allowed = [hit for hit in found if hit.bank in self.allow and hit.effect == "matched"]
        if not allowed:
            return found
        return [
            replace(hit, effect="suppressed")
            if hit.bank not in self.allow and any(_explains(each, hit) for each in allowed)
            else hit
            for hit in found
        ]

    def _hits(
        self, now: int | None, search: Callable[[MatcherSnapshot], Iterable[Found]], stored: Iterable[Found] = ()
    ) -> list[Hit]:
        found = list(stored)
        if self._base.size:
            found += (each for each in search(self._base) if each[0].id not in self._gone)
        if self._fresh.size:
            found += search(self._fresh)
        return self.settle(_current(found, now)) if found else []


def _stranded(
    base: Iterable[BankEntry], gone: Collection[str] = (), fresh: Iterable[BankEntry] = ()
) -> dict[tuple[str, str], float]:
    """For each (kind, bank), the latest expiry among its entries, in milliseconds since 1970."""
    until: dict[tuple[str, str], float] = {}
    for entry in (*(each for each in base if each.id not in gone), *fresh):
        key = (entry.kind, entry.bank)
        until[key] = max(until.get(key, 0), math.inf if entry.expires is None else entry.expires)
    return until


def digests_of(data: bytes) -> tuple[str, str, str]:
    """SHA-256, SHA-1 and MD5 in hexadecimal, the digests used in lists of known files."""
    return (
        hashlib.sha256(data).hexdigest(),
        hashlib.sha1(data, usedforsecurity=False).hexdigest(),
        hashlib.md5(data, usedforsecurity=False).hexdigest(),
    )


def _current(found: Iterable[Found], now: int | None) -> list[Hit]:
    """Hits of unexpired entries; hits of quarantined entries are marked."""
    at = now_ms() if now is None else now
    return [
        replace(hit, effect="quarantined") if entry.quarantined else hit
        for entry, hit in found
        if entry.expires is None or entry.expires > at
    ]


def _nearest(hits: list[Hit]) -> list[Hit]:
    return sorted(hits, key=lambda hit: hit.distance or 0)


def _explains(allowed: Hit, hit: Hit) -> bool:
    """Whether the allowed content is in the same place and at least as near."""
    if (allowed.distance or 0) > (hit.distance or 0):
        return False
    if allowed.start is not None and allowed.end is not None:
        return hit.start is not None and hit.end is not None and allowed.start <= hit.start and hit.end <= allowed.end
    if allowed.start_s is not None and allowed.end_s is not None and hit.start_s is not None and hit.end_s is not None:
        return allowed.start_s < hit.end_s and hit.start_s < allowed.end_s
    return True
