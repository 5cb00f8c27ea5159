"""The bank matcher as a detector: one signal ``bank:<name>`` for each bank, 1 where an entry is found."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from seawall.detect.links import read_address
from seawall.detect.text.normalise import fold, normalise, unmask
from seawall.match import BankMatcher, Hit
from seawall.model.content import Modality, Part, Span, SpanUnit
from seawall.model.signals import Answer, Cost, DetectorSpec, Signal, SignalKind, SignalSpec

VERSION = "1"


class BankDetector:
    """Finds known texts, patterns and domains. Its signals carry the banks' revision as their version.

    ``names`` are banks to promise before they hold anything. The image detector reads its pictures from here, so
    that one ``replace`` changes both.
    """

    def __init__(self, names: Collection[str] = ()) -> None:
        self.replace(BankMatcher((), banks=names))

    @property
    def spec(self) -> DetectorSpec:
        """Promises a signal for every bank of the current snapshot."""
        return self._current[1]

    @property
    def matcher(self) -> BankMatcher:
        """The current snapshot."""
        return self._current[0]

    def replace(self, matcher: BankMatcher) -> None:
        """Use another snapshot from now on; running calls finish with the old one."""
        spec = DetectorSpec(
            name="banks",
            version=VERSION,
            signals=bank_signals(matcher),
            modalities=frozenset({Modality.TEXT, Modality.LINK}),
            cost=Cost.INLINE,
        )
        self._current = (matcher.reading(normalise), spec)  # one assignment: readers see both or neither

    def detect(self, parts: Sequence[Part]) -> Sequence[Answer]:
        """One answer for each part; a part in which several entries are found carries a signal for each."""
        matcher, spec = self._current
        if not matcher.size:
            return [()] * len(parts)
        return [to_signals(_search(matcher, part), part, spec.name, matcher.revision) for part in parts]


def bank_signals(matcher: BankMatcher) -> tuple[SignalSpec, ...]:
    """What a detector that matches against these banks promises."""
    return tuple(
        SignalSpec(name=f"bank:{name}", kind=SignalKind.COUNT, description=f"An entry of the bank {name} was found")
        for name in matcher.banks
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
