"""Bank matching: one immutable snapshot of all banks.

How a text is read (case, look-alikes, spacing) is the caller's choice: a *view* of it, whose offsets lead back to
the original. Entries of kind ``text`` and ``near_text`` and parts must be read by the same function.

A snapshot is made of two layers, most entries in one and the latest in the other, so that the next snapshot costs
what has changed and not what is there. Hashes of images and digests of files may be kept elsewhere
(``StoredEntryIndex``).
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
from seawall.match.phrases import PlainView, TextView
from seawall.match.snapshot import Found, MatcherSnapshot
from seawall.match.video import Frame
from seawall.model.ids import now_ms


class StoredEntryIndex(Protocol):
    """Entries that are not in memory: a million hashes, shared by all processes. It knows their present state."""

    def holds(self, kind: str) -> bool:
        """Whether it may hold an entry of this kind."""

    def near(self, pdq: bytes) -> Sequence[tuple[BankEntry, int]]:
        """Images within their radius of this hash, with their distance."""

    def exact(self, digests: Sequence[str]) -> Sequence[BankEntry]:
        """Files with one of these digests, in lower-case hexadecimal."""


class BankMatcher:
    """Every bank at one revision. Immutable: build it, share it between threads; to change a bank, build another.

    ``banks`` names further banks that hold nothing yet. Those in ``allow`` hold what is known to be fine: what one of
    their entries explains at least as well is a ``suppressed`` hit of another bank. Raises ``EntryError`` naming an
    entry that cannot be used.
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
        """A later snapshot: ``fresh`` entries, all that came since this one was built from scratch, and those that
        are ``gone`` from it (also those that stand changed in ``fresh``). Costs what they cost."""
        other = copy.copy(self)
        other._fresh = MatcherSnapshot(fresh, self._hashers)
        other._gone = frozenset(gone)
        other.allow = frozenset(allow)
        other.revision = revision
        other.banks = tuple(sorted({*banks, *allow, *other._base.banks, *other._fresh.banks}))
        other._stranded = _stranded(other._base.stranded, other._gone, other._fresh.stranded)
        return other

    def reading(self, read: Callable[[str], TextView]) -> BankMatcher:
        """The same banks, their texts read by ``read`` instead of merely lower-cased."""
        other = copy.copy(self)
        other._read = read
        return other

    # ── what it holds ──

    @property
    def size(self) -> int:
        """How many entries are in memory, about: one that changed may count twice."""
        return self._base.size + self._fresh.size

    def has(self, kind: str) -> bool:
        """Whether any entry of this kind may match: what nothing could match need not be computed."""
        if self._stored is not None and self._stored.holds(kind):
            return True
        return bool(self._base.of_kind(kind) or self._fresh.of_kind(kind))

    def stranded(self, now: int | None = None) -> dict[str, set[str]]:
        """Kinds with entries that nothing can be compared with, for no enabled hasher makes such prints; and the banks
        that hold them. What those entries would have found is *unknown*."""
        found: dict[str, set[str]] = {}
        if self._stranded:
            at = now_ms() if now is None else now
            for (kind, bank), until in self._stranded.items():
                if until > at:
                    found.setdefault(kind, set()).add(bank)
        return found

    def names(self, now: int | None = None) -> list[BankEntry]:
        """The entries of kind ``name``: for who looks for imitations of them."""
        at = now_ms() if now is None else now
        found = [entry for entry in self._base.of_kind("name") if entry.id not in self._gone]
        found += self._fresh.of_kind("name")
        return [entry for entry in found if entry.expires is None or entry.expires > at]

    # ── matching: hits of entries that have not expired, nearest first where there is a distance ──

    def match_text(self, words: TextView, characters: TextView, now: int | None = None) -> list[Hit]:
        """Texts in ``words`` (read as the entries were), exact and near, and patterns in ``characters``."""
        read = self._read
        return self._hits(now, lambda layer: (*layer.texts(words, read), *layer.patterns(characters)))

    def match_host(self, host: str, now: int | None = None) -> list[Hit]:
        """Domain entries that are this host or a parent of it."""
        return self._hits(now, lambda layer: layer.hosts(host))

    def match_image(self, pdq: bytes, now: int | None = None) -> list[Hit]:
        """Images within their radius of this hash, nearest first. The caller has checked its quality."""
        stored = self._stored.near(pdq) if self._stored is not None and self._stored.holds("image") else ()
        found = [(entry, Hit(bank=entry.bank, entry=entry.id, distance=distance)) for entry, distance in stored]
        return _nearest(self._hits(now, lambda layer: layer.images(pdq), found))

    def match_hash(self, kind: str, value: bytes, now: int | None = None) -> list[Hit]:
        """Entries of a hasher's kind within their radius of this print, nearest first."""
        return _nearest(self._hits(now, lambda layer: layer.hashes(kind, value)))

    def match_bytes(self, data: bytes, now: int | None = None) -> list[Hit]:
        """Digests of exactly these bytes."""
        return self.match_digests(digests_of(data), now) if self.has("digest") else []

    def match_digests(self, digests: Sequence[str], now: int | None = None) -> list[Hit]:
        """Entries that are one of these digests (lower-case hexadecimal)."""
        stored = self._stored.exact(digests) if self._stored is not None and self._stored.holds("digest") else ()
        found = [(entry, Hit(bank=entry.bank, entry=entry.id, distance=0)) for entry in stored]
        return self._hits(now, lambda layer: layer.digests(digests), found)

    def match_audio(self, items: NDArray[np.uint32], now: int | None = None) -> list[Hit]:
        """Audio files heard in this fingerprint, with their seconds, nearest first."""
        return _nearest(self._hits(now, lambda layer: layer.audio_files(items)))

    def match_video(self, frames: Sequence[Frame], now: int | None = None) -> list[Hit]:
        """Videos seen in these frames (seconds and PDQ hash, by time, flat ones left out), nearest first."""
        return _nearest(self._hits(now, lambda layer: layer.videos(frames)))

    def settle(self, hits: Iterable[Hit]) -> list[Hit]:
        """All hits of one part together: those that an allow-bank's hit explains at least as well are suppressed."""
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
    """Until when some entry of (kind, bank) would have counted: milliseconds since 1970."""
    until: dict[tuple[str, str], float] = {}
    for entry in (*(each for each in base if each.id not in gone), *fresh):
        key = (entry.kind, entry.bank)
        until[key] = max(until.get(key, 0), math.inf if entry.expires is None else entry.expires)
    return until


def digests_of(data: bytes) -> tuple[str, str, str]:
    """SHA-256, SHA-1 and MD5 in hexadecimal: what lists of known files are made of."""
    return (
        hashlib.sha256(data).hexdigest(),
        hashlib.sha1(data, usedforsecurity=False).hexdigest(),
        hashlib.md5(data, usedforsecurity=False).hexdigest(),
    )


def _current(found: Iterable[Found], now: int | None) -> list[Hit]:
    """Of entries that have not expired; those of quarantined ones say so."""
    at = now_ms() if now is None else now
    return [
        replace(hit, effect="quarantined") if entry.quarantined else hit
        for entry, hit in found
        if entry.expires is None or entry.expires > at
    ]


def _nearest(hits: list[Hit]) -> list[Hit]:
    return sorted(hits, key=lambda hit: hit.distance or 0)


def _explains(allowed: Hit, hit: Hit) -> bool:
    """Does the allowed thing stand in the same place, at least as near?"""
    if (allowed.distance or 0) > (hit.distance or 0):
        return False
    if allowed.start is not None and allowed.end is not None:
        return hit.start is not None and hit.end is not None and allowed.start <= hit.start and hit.end <= allowed.end
    if allowed.start_s is not None and allowed.end_s is not None and hit.start_s is not None and hit.end_s is not None:
        return allowed.start_s < hit.end_s and hit.start_s < allowed.end_s
    return True
