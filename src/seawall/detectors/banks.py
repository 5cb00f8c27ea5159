"""The bank matcher as a detector: a signal ``bank:<name>`` of value 1 for every match of an entry in that bank."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from seawall.content.links import doubtful_links, read_address
from seawall.content.normalise import fold, normalise, unmask
from seawall.match import BankMatcher, Hit, digests_of
from seawall.model.content import Modality, Part, Span, SpanUnit
from seawall.model.signals import Cost, DetectorResult, DetectorSpec, PartHash, Signal, SignalKind, SignalSpec

VERSION = "1"

NAMED_BANKS = (
    "blocked-texts",
    "blocked-patterns",
    "blocked-images",
    "blocked-domains",
    "blocked-audio",
    "blocked-videos",
    "catalogue-audio",
    "protected-names",
    "extremist-slogans",
)
"""Banks that policies may name before they hold anything."""


class BankDetector:
    """Finds known texts, patterns and domains. Its signals have the banks' revision as their version.

    ``names`` are banks to declare before they have entries. The image detector reads its entries from here, so that one
    ``replace`` changes both.
    """

    def __init__(self, names: Collection[str] = ()) -> None:
        self.replace(BankMatcher((), banks=names))

    @property
    def spec(self) -> DetectorSpec:
        """Declares a signal per bank of the current snapshot."""
        return self._current[1]

    @property
    def matcher(self) -> BankMatcher:
        """The current snapshot."""
        return self._current[0]

    def replace(self, matcher: BankMatcher) -> None:
        """Use another snapshot from now on; running calls finish with the old one."""
        spec = bank_spec("banks", VERSION, matcher, (Modality.TEXT, Modality.LINK), Cost.INLINE)
        self._current = (matcher.reading(normalise), spec)  # one assignment: readers see both or neither

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        """One answer per part; a part with matches of several entries has a signal for each."""
        matcher, spec = self._current
        if not matcher.size:
            return [()] * len(parts)
        return [to_signals(matcher, _search(matcher, part), part, spec.name) for part in parts]


class BankFollowingDetector:
    """The spec of a detector whose banks change. ``describe`` returns it for one snapshot."""

    def __init__(self, banks: BankDetector, describe: Callable[[BankMatcher], DetectorSpec]) -> None:
        self._banks = banks
        self._describe = describe
        self._promised = (banks.matcher, describe(banks.matcher))

    @property
    def spec(self) -> DetectorSpec:
        """The spec under the current snapshot."""
        matcher, spec = self._promised
        current = self._banks.matcher
        if matcher is not current:
            spec = self._describe(current)
            self._promised = (current, spec)  # one assignment: readers see both or neither
        return spec


class MediaBankDetector(ABC):
    """What detectors of known images, audio and video share: the banks at the moment, and one part in each call."""

    calls_at_once = 3  # a slow file holds up no other

    def __init__(self, banks: BankDetector | None, describe: Callable[[BankMatcher], DetectorSpec]) -> None:
        self._banks = banks or BankDetector()
        self._following = BankFollowingDetector(self._banks, describe)

    @property
    def spec(self) -> DetectorSpec:
        """Promises a signal for every bank."""
        return self._following.spec

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        """One answer for each part."""
        return [self._measure(part) for part in parts]

    @abstractmethod
    def _measure(self, part: Part) -> DetectorResult:
        """What is found in one part."""


def bank_spec(
    name: str,
    version: str,
    matcher: BankMatcher,
    modalities: Iterable[Modality],
    cost: Cost,
    others: tuple[SignalSpec, ...] = (),
) -> DetectorSpec:
    """The spec of a detector that matches against these banks, with further signals ``others``."""
    return DetectorSpec(
        name=name,
        version=version,
        signals=(*others, *bank_signals(matcher)),
        modalities=frozenset(modalities),
        cost=cost,
    )


def bank_signals(matcher: BankMatcher) -> tuple[SignalSpec, ...]:
    """The signals of a detector that matches against these banks: three per bank.

    ``bank:<name>`` has an effect; ``bank_suppressed:<name>`` was suppressed because an allow-bank knows the part;
    ``bank_quarantined:<name>`` is from an entry that matches too often, and goes to review.
    """
    return tuple(
        SignalSpec(name=f"{prefix}:{name}", kind=SignalKind.COUNT, description=f"{words} of the bank {name}")
        for name in matcher.banks
        for prefix, words in _MEANINGS.items()
    )


_MEANINGS = {
    "bank": "An entry was found",
    "bank_suppressed": "An entry was found in a part known to an allow-bank",
    "bank_quarantined": "A quarantined entry was found",
}
_PREFIXES = {"matched": "bank", "suppressed": "bank_suppressed", "quarantined": "bank_quarantined"}


def to_signals(matcher: BankMatcher, hits: Iterable[Hit], part: Part, detector: str) -> tuple[Signal, ...]:
    """A signal of value 1 for each of a part's hits, with the entry's id as evidence and its distance."""
    return tuple(
        Signal(
            name=f"{_PREFIXES[hit.effect]}:{hit.bank}",
            value=1,
            part=part.path,
            detector=detector,
            version=str(matcher.revision),
            span=_span(hit),
            evidence=hit.entry,
            distance=hit.distance,
        )
        for hit in matcher.settle(hits)
    )


def digest_hashes(part: Part) -> tuple[PartHash, ...]:
    """Digests of a file as received, for matching with later entries. Derived parts have none."""
    if part.parent is not None or part.data is None:
        return ()
    digests = zip(("sha256", "sha1", "md5"), digests_of(part.data), strict=True)
    return tuple(PartHash(kind=kind, value=bytes.fromhex(digest), part=part.path) for kind, digest in digests)


def _span(hit: Hit) -> Span | None:
    if hit.start is not None and hit.end is not None:
        return Span(unit=SpanUnit.CHARACTERS, start=hit.start, end=hit.end)
    if hit.start_s is not None and hit.end_s is not None:
        return Span(unit=SpanUnit.SECONDS, start=hit.start_s, end=hit.end_s)
    return None


def _search(matcher: BankMatcher, part: Part) -> list[Hit]:
    text = part.text or ""
    if part.modality is Modality.LINK:
        link = read_address(text)
        return matcher.match_host(link.host) if link is not None else []
    characters = fold(text)
    found = matcher.match_text(unmask(characters), characters)
    for link in doubtful_links(text):  # links for certain are parts of their own
        found += [replace(hit, start=link.start, end=link.end) for hit in matcher.match_host(link.host)]
    return found
