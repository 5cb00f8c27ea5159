"""The bank matcher as a detector: one signal ``bank:<name>`` for each bank, 1 where an entry is found."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from seawall.detect.links import read_address
from seawall.detect.text.normalise import fold, normalise, unmask
from seawall.match.bank import BankEntry, BankMatcher, Hit, check_entry
from seawall.model.content import Modality, Part, Span, SpanUnit
from seawall.model.signals import Answer, Cost, DetectorSpec, Signal, SignalKind, SignalSpec

VERSION = "1"


def build_matcher(entries: Sequence[BankEntry], revision: int, names: Collection[str] = ()) -> BankMatcher:
    """A snapshot of the banks, whose texts are read as parts are. ``names`` adds banks that hold nothing yet.

    Raises ``seawall.match.BankError`` naming the first entry that cannot be used.
    """
    return BankMatcher.build(entries, revision=revision, read=normalise, names=names)


def check_bank_entry(entry: BankEntry) -> None:
    """Raises ``seawall.match.BankError`` if the entry cannot be used: ask before adding it to a bank."""
    check_entry(entry, normalise)


class BankDetector:
    """Finds known texts, patterns and domains. Its signals carry the banks' revision as their version."""

    def __init__(self, matcher: BankMatcher | None = None) -> None:
        self.replace(matcher or build_matcher((), revision=0))

    @property
    def spec(self) -> DetectorSpec:
        """Promises a signal for each bank that the current snapshot holds."""
        return self._current[1]

    def replace(self, matcher: BankMatcher) -> None:
        """Use another snapshot from now on; running calls finish with the old one."""
        spec = DetectorSpec(
            name="banks",
            version=VERSION,
            signals=bank_signals(matcher.banks(("text", "pattern", "domain"))),
            modalities=frozenset({Modality.TEXT, Modality.LINK}),
            cost=Cost.INLINE,
        )
        self._current = (matcher, spec)  # one assignment: readers see both or neither

    def detect(self, parts: Sequence[Part]) -> Sequence[Answer]:
        """One answer for each part; a part that several entries of a bank match carries the signal for each."""
        matcher, spec = self._current
        if not matcher.size:
            return [()] * len(parts)
        return [to_signals(_search(matcher, part), part, spec.name, matcher.revision) for part in parts]


def bank_signals(names: Iterable[str]) -> tuple[SignalSpec, ...]:
    """What a bank matcher promises."""
    return tuple(
        SignalSpec(name=f"bank:{name}", kind=SignalKind.COUNT, description=f"An entry of the bank {name} was found")
        for name in names
    )


def to_signals(hits: Iterable[Hit], part: Part, detector: str, revision: int) -> tuple[Signal, ...]:
    """A signal of value 1 for each hit, with the entry's id as evidence."""
    return tuple(
        Signal(
            name=f"bank:{hit.bank}",
            value=1,
            part=part.path,
            detector=detector,
            version=str(revision),
            span=None
            if hit.start is None or hit.end is None
            else Span(unit=SpanUnit.CHARACTERS, start=hit.start, end=hit.end),
            evidence=hit.entry,
        )
        for hit in hits
    )


def _search(matcher: BankMatcher, part: Part) -> list[Hit]:
    text = part.text or ""
    if part.modality is Modality.LINK:
        link = read_address(text)
        return matcher.match_host(link.host) if link is not None else []
    characters = fold(text)
    return matcher.match_text(unmask(characters), characters)
