"""Bank matching: one immutable snapshot of all banks, with an index for each kind of entry.

How a text is read (case, look-alikes, spacing) is the caller's choice: a *view* of it, whose offsets lead back to
the original. Entries of kind ``text`` and parts must be read by the same function.
"""

from __future__ import annotations

import copy
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import re2

from seawall.match.hamming import HammingIndex
from seawall.match.pdq import PDQ_RADIUS
from seawall.model.ids import now_ms

KINDS: Final = ("text", "pattern", "domain", "image")
NEAR_PERCENT: Final = 80
"""A text entry of at least ``NEAR_TOKENS`` words matches when this share of its 3-word sequences is found."""
NEAR_TOKENS: Final = 12
_SHINGLE: Final = 3
_SET_SIZE: Final = 500  # patterns compiled together


class EntryError(ValueError):
    """A bank entry cannot be used; the message says why."""


class View(Protocol):
    """A text as it is compared; ``span`` leads from it back to the original."""

    @property
    def text(self) -> str: ...

    def span(self, start: int, end: int) -> tuple[int, int]: ...


@dataclass(frozen=True, slots=True)
class PlainView:
    """A lower-cased text: the plainest view."""

    text: str

    @classmethod
    def of(cls, text: str) -> PlainView:
        return cls(text.lower())

    def span(self, start: int, end: int) -> tuple[int, int]:
        return start, end


@dataclass(frozen=True, slots=True, kw_only=True)
class BankEntry:
    """One known thing.

    ``value``: a text, an RE2 pattern, a domain, or the 64 hex digits of a PDQ hash. ``threshold``: for a picture the
    largest Hamming distance that matches (31), for a text the percentage of its 3-word sequences that must be found
    (80 for texts of 12 words and more; shorter ones match word for word). ``expires``: milliseconds since 1970.
    """

    bank: str
    id: str
    kind: str
    value: str
    threshold: int | None = None
    expires: int | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry was found. ``start`` and ``end`` count characters of the original text; a picture has a distance."""

    bank: str
    entry: str
    start: int | None = None
    end: int | None = None
    distance: int | None = None


def canonical_value(kind: str, value: str, threshold: int | None = None) -> str:
    """The value as a bank keeps it: two spellings of one thing come out equal. Raises ``EntryError``.

    Ask before an entry is added: a value that passes always compiles.
    """
    if kind not in KINDS:
        raise EntryError(f"kind is {kind!r}; it must be one of {', '.join(KINDS)}")
    if not value.strip():
        raise EntryError("the value is empty")
    least, most = _THRESHOLDS.get(kind, (None, None))
    if threshold is not None and (least is None or most is None or not least <= threshold <= most):
        allowed = f"from {least} to {most}" if most is not None else "left out"
        raise EntryError(f"threshold is {threshold}; for kind {kind} it must be {allowed}")
    return _CANONICAL[kind](value)


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
        self._phrases = _Phrases(self._texts, PlainView.of)
        self._patterns = _Patterns(by_kind["pattern"])
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
        other._phrases = _Phrases(self._texts, read)
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


def host_of(value: str) -> str:
    """The host of a domain entry, which may be written as a whole address: lower case, without ``www.``."""
    host = re.sub(r"^[a-z][a-z0-9+.-]*://", "", value.strip().lower())
    host = re.split(r"[/?#:]", host.rpartition("@")[2])[0]
    return host.strip(".").removeprefix("*.").removeprefix("www.")


def _is_current(entry: BankEntry, now: int | None) -> bool:
    return entry.expires is None or entry.expires > (now_ms() if now is None else now)


# ── values ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_THRESHOLDS: Final = {"text": (1, 100), "image": (0, 64)}


def _canonical_text(value: str) -> str:
    if not any(_tokens(value)):
        raise EntryError("the text holds no word")
    return " ".join(value.split())


def _canonical_pattern(value: str) -> str:
    try:
        compiled = re2.compile(value, _options())
    except re2.error as error:
        message = error.args[0] if error.args else error
        text = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
        raise EntryError(f"RE2 refuses the pattern: {text}") from error
    if compiled.search("") is not None:
        raise EntryError("the pattern matches the empty text, so it would match everything")
    return value


def _canonical_domain(value: str) -> str:
    import tldextract  # here: costs 35 ms

    host = host_of(value)
    if not re.fullmatch(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W_](?:[\w-]{0,61}[^\W_])?", host):
        raise EntryError(f"{host!r} is no domain; write one such as evil.example")
    if not tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None).extract_str(host).domain:
        raise EntryError(f"{host!r} is a public suffix; it would match every domain below it")
    return host


def _canonical_image(value: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", value.strip()):
        raise EntryError("expected the 64 hexadecimal digits of a PDQ hash")
    return value.strip().lower()


_CANONICAL: Final[dict[str, Callable[[str], str]]] = {
    "text": _canonical_text,
    "pattern": _canonical_pattern,
    "domain": _canonical_domain,
    "image": _canonical_image,
}


def _hash_of(entry: BankEntry) -> bytes:
    try:
        return bytes.fromhex(_canonical_image(entry.value))
    except EntryError as error:
        raise EntryError(f"bank {entry.bank!r}, entry {entry.id!r}: {error}") from error


# ── indexes ─────────────────────────────────────────────────────────────────────────────────────────────────────────

_Found = tuple[BankEntry, Hit]

# A word; scripts written without spaces count each character as one.
_TOKEN = re.compile(
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]|[^\W_\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]+"
)


def _tokens(text: str) -> Iterator[re.Match[str]]:
    return _TOKEN.finditer(text)


class _Phrases:
    """Texts word for word, by their first word and length; long ones also by their 3-word sequences."""

    def __init__(self, entries: Iterable[BankEntry], read: Callable[[str], View]) -> None:
        self._exact: dict[tuple[str, ...], list[BankEntry]] = defaultdict(list)
        lengths: dict[str, set[int]] = defaultdict(set)
        self._near: list[tuple[BankEntry, int]] = []  # entry, sequences needed
        self._sequences: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for entry in entries:
            words = tuple(token[0] for token in _tokens(read(entry.value).text))
            if not words:
                raise EntryError(f"bank {entry.bank!r}, entry {entry.id!r}: the text holds no word")
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

    def search(self, view: View) -> Iterator[_Found]:
        if not self._lengths and not self._near:
            return
        tokens = list(_tokens(view.text))
        words = tuple(token[0] for token in tokens)
        yield from self._search_exact(view, tokens, words)
        if self._near:
            yield from self._search_near(view, tokens, words)

    def _search_exact(self, view: View, tokens: list[re.Match[str]], words: tuple[str, ...]) -> Iterator[_Found]:
        seen: set[str] = set()
        for n, word in enumerate(words):
            for length in self._lengths.get(word, ()):
                for entry in self._exact.get(words[n : n + length], ()) if n + length <= len(words) else ():
                    if entry.id not in seen:
                        seen.add(entry.id)
                        yield entry, _hit(entry, view, tokens[n].start(), tokens[n + length - 1].end())

    def _search_near(self, view: View, tokens: list[re.Match[str]], words: tuple[str, ...]) -> Iterator[_Found]:
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


class _Patterns:
    """RE2 patterns, sieved in sets, then searched one by one for their place."""

    def __init__(self, entries: Sequence[BankEntry]) -> None:
        self._sets: list[tuple[Any, Sequence[BankEntry]]] = []
        for first in range(0, len(entries), _SET_SIZE):
            chunk = entries[first : first + _SET_SIZE]
            sieve = re2.Set.SearchSet(_options())
            for entry in chunk:
                try:
                    sieve.Add(_canonical_pattern(entry.value))
                except EntryError as error:
                    raise EntryError(f"bank {entry.bank!r}, entry {entry.id!r}: {error}") from error
            sieve.Compile()
            self._sets.append((sieve, chunk))

    def search(self, view: View) -> Iterator[_Found]:
        for sieve, chunk in self._sets:
            for index in sorted(sieve.Match(view.text) or ()):
                entry = chunk[index]
                match = re2.compile(entry.value, _options()).search(view.text)
                if match is not None:
                    yield entry, _hit(entry, view, match.start(), match.end())


def _hit(entry: BankEntry, view: View, start: int, end: int) -> Hit:
    first, last = view.span(start, end)
    return Hit(bank=entry.bank, entry=entry.id, start=first, end=last)


def _options() -> Any:
    options = re2.Options()
    options.case_sensitive = False
    options.max_mem = 64 << 20
    options.log_errors = False
    return options
