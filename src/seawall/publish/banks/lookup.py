"""Bank look-up of one part: matches with their distance, bank and provenance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from seawall.content.links import add_link_parts
from seawall.detect import Runner
from seawall.detectors.banks import to_signals
from seawall.match import BankMatcher, Hit
from seawall.model import Modality, Part, Signal, Span, Unknown
from seawall.publish.banks.projections import EFFECTS
from seawall.publish.banks.settings import BankSettings, all_settings
from seawall.publish.queries import find_entries
from seawall.storage import Database, Vault

QUERY = "query"  # the path of the part to look up


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One matching entry, with its provenance. ``effect``: matched, suppressed or quarantined.

    ``revision``: of the banks, as decisions record it. ``start`` and ``end``: characters of a text, seconds of audio
    or video.
    """

    bank: str
    title: str
    role: str
    entry: str
    kind: str
    effect: str
    distance: int | None
    source: str
    exchange: str | None
    added_by: str
    added_at: int
    expires: int | None
    hits: int
    overturned: int
    revision: int
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True, slots=True)
class Lookup:
    """The matches, and what could not be checked."""

    matches: tuple[Match, ...]
    unknown: tuple[Unknown, ...] = ()


def look_up_part(database: Database, vault: Vault, runner: Runner, part: Part) -> Lookup:
    """Run every bank-matching detector on one part, the links in its text, the frames and thumbnails of an image, the
    covers of an audio file, and the frames and sound of a video; waits for all of them."""
    parts = add_link_parts((part,))
    extract, derived = _EXTRACTED.get(part.modality, ((), ()))
    modalities = {*derived, *(each.modality for each in parts)}
    wanted = {
        spec.name
        for spec in runner.specs
        if modalities & spec.modalities and any(signal.name.startswith("bank:") for signal in spec.signals)
    }
    findings = runner.start(parts, wanted, extract={part.field: extract} if extract else None).wait()
    whole = tuple(each for each in findings.unknown if each.part == part.path and each.detector in wanted)
    return Lookup(_matches(database, vault, _each_once(findings.signals)), whole or tuple(findings.unknown))


def _each_once(signals: Sequence[Signal]) -> Sequence[Signal]:
    """Signals without those of an entry that was found nearer in another frame."""
    found: dict[object, Signal] = {}
    for signal in signals:
        key = (signal.name, signal.evidence, signal.span)
        if key not in found or (signal.distance or 0) < (found[key].distance or 0):
            found[key] = signal
    return list(found.values())


_EXTRACTED: Final = {
    Modality.IMAGE: (("animation", "metadata"), ()),
    Modality.AUDIO: (("metadata",), (Modality.IMAGE,)),
    Modality.VIDEO: (("frames",), (Modality.IMAGE, Modality.AUDIO)),
}
"""By modality: the extractors whose parts are looked up as well, and the modalities of these parts."""


def look_up_hits(database: Database, vault: Vault, matcher: BankMatcher, hits: Iterable[Hit]) -> Lookup:
    """The same for hits of a hash or digest that the caller has computed."""
    part = Part(path=QUERY, modality=Modality.IMAGE, field=QUERY)
    return Lookup(_matches(database, vault, to_signals(matcher, hits, part, QUERY)))


def _matches(database: Database, vault: Vault, signals: Sequence[Signal]) -> tuple[Match, ...]:
    found = [
        (signal, EFFECTS[signal.name.partition(":")[0]])
        for signal in signals
        if signal.evidence is not None and signal.name.partition(":")[0] in EFFECTS
    ]
    if not found:
        return ()
    ids = [str(signal.evidence) for signal, _ in found]
    entries = {entry.id: entry for entry in find_entries(database, vault, ids)}
    settings = all_settings(database)
    matches = []
    for signal, effect in found:
        entry = entries.get(str(signal.evidence))
        if entry is not None:
            bank = settings.get(entry.bank, BankSettings())
            start, end = _where(signal.span)
            matches.append(
                Match(
                    bank=entry.bank,
                    title=bank.title,
                    role=bank.role,
                    entry=entry.id,
                    kind=entry.kind,
                    effect=effect,
                    distance=signal.distance,
                    source=entry.source,
                    exchange=entry.exchange,
                    added_by=entry.added_by,
                    added_at=entry.added_at,
                    expires=entry.expires,
                    hits=entry.counts.hits,
                    overturned=entry.counts.overturned,
                    revision=int(signal.version),
                    start=start,
                    end=end,
                )
            )
    return tuple(matches)


def _where(span: Span | None) -> tuple[float | None, float | None]:
    return (None, None) if span is None else (span.start, span.end)
