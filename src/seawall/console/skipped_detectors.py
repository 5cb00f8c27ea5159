"""Detectors that were not asked about an item, and why. This differs from *unknown*, and pages show it differently."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from seawall.console.formats import number
from seawall.console.languages import gettext as _
from seawall.console.languages import ngettext, pgettext
from seawall.console.part_locations import PartLocations
from seawall.detect.cascade import ScoreRange, measuring
from seawall.model import Decision, DetectorSpec, UnknownReason


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedDetector:
    """A detector that was skipped for some parts, because their scores were outside its score ranges.

    ``score_ranges``: its present ones, in words; may be empty. ``places``: where, and what was measured there.
    """

    detector: str
    score_ranges: Sequence[str]
    places: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PostponedDetector:
    """Detectors that are asked about one part after publication, or are not needed there."""

    detectors: Sequence[str]
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedDetectors:
    """All skipped and postponed detectors of one decision, and those whose answers could have changed nothing."""

    skipped: Sequence[SkippedDetector] = ()
    postponed: Sequence[PostponedDetector] = ()
    unneeded: Sequence[PostponedDetector] = ()

    @property
    def summary(self) -> str:
        """How many detectors, and why: ``1 outside its score range, 3 until after publication``."""
        later = {name for one in self.postponed for name in one.detectors}
        outside = ngettext("%(n)d outside its score range", "%(n)d outside their score ranges", len(self.skipped))
        waiting = _("%(n)d until after publication")
        not_needed = {name for one in self.unneeded for name in one.detectors}
        counts = ((outside, len(self.skipped)), (waiting, len(later)), (_("%(n)d not needed"), len(not_needed)))
        return ", ".join(said % {"n": n} for said, n in counts if n)

    @property
    def lines(self) -> int:
        """Number of lines to show."""
        return sum(len(one.places) for one in self.skipped) + len(self.postponed) + len(self.unneeded)


def skipped_detectors(
    decision: Decision,
    places: PartLocations,
    score_ranges: Mapping[str, tuple[ScoreRange, ...]],
    specs: Sequence[DetectorSpec],
) -> SkippedDetectors:
    """Detectors that were not asked. ``score_ranges`` and ``specs``: those in use now, since decisions store none."""
    left_out: dict[str, list[str]] = {}
    for one in decision.skipped:
        detector, part = one.partition("/")[::2]
        left_out.setdefault(detector, []).append(part)
    skipped = tuple(
        SkippedDetector(
            detector=detector,
            score_ranges=tuple(_words(score_range) for score_range in score_ranges.get(detector, ())),
            places=tuple(
                dict.fromkeys(
                    (places.of(part), _measured(decision, part, score_ranges.get(detector, ()), specs, left_out))
                    for part in parts
                )
            ),
        )
        for detector, parts in left_out.items()
    )
    later = [(one.detector, one.part) for one in decision.unknown if one.reason is UnknownReason.LATER]
    unneeded = [one.partition("/")[::2] for one in decision.unneeded]
    return SkippedDetectors(skipped=skipped, postponed=_by_place(later, places), unneeded=_by_place(unneeded, places))


def _by_place(calls: Sequence[tuple[str, str]], places: PartLocations) -> tuple[PostponedDetector, ...]:
    """``calls``: detector and part."""
    found: dict[str, list[str]] = {}
    for detector, part in calls:
        found.setdefault(places.of(part), []).append(detector)
    return tuple(
        PostponedDetector(detectors=tuple(dict.fromkeys(names)), place=place) for place, names in found.items()
    )


def _words(score_range: ScoreRange) -> str:
    """``hate from 0.2 to 0.9``."""
    said = _("%(signal)s from %(low)s") if math.isinf(score_range.high) else _("%(signal)s from %(low)s to %(high)s")
    return said % {"signal": score_range.signal, "low": _bound(score_range.low), "high": _bound(score_range.high)}


def _bound(value: float) -> str:
    return f"{value:g}".replace(".", pgettext("decimal point", "."))


def _measured(
    decision: Decision,
    part: str,
    score_ranges: Sequence[ScoreRange],
    specs: Sequence[DetectorSpec],
    left_out: Mapping[str, Collection[str]],
) -> str:
    """Values on a part of the signals that the score ranges refer to: ``hate 0.03``."""
    said = []
    for signal in dict.fromkeys(score_range.signal for score_range in score_ranges):
        found = [one.value for one in decision.signals if one.name == signal and one.part == part]
        nobody = not found and any(
            part in left_out.get(gate, ()) for gate in measuring([ScoreRange(signal=signal)], specs)
        )
        said.append(f"{signal} {number(max(found, default=0.0))}" + (f" ({_('not asked either')})" if nobody else ""))
    return ", ".join(said)
