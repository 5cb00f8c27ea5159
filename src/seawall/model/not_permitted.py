"""Where the law does not permit a detector: prohibitions, and what a decision records of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

EVERYTHING: Final = "all"
"""In a prohibition's ``detectors``: every one, and the rules' own functions over texts."""
RULE_TEXTS: Final = "rule_texts"
"""The name, beside detectors, of what rules read of texts themselves: ``matches``, ``contains`` and the like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prohibition:
    """Detectors that may not run on the items of some surfaces in some jurisdictions, from one day to another.

    ``detectors`` and ``kinds`` (modalities that they read, harms that their signals are about) name which; an empty
    ``surfaces`` or ``jurisdictions`` means all. ``jurisdictions`` are ISO 3166 codes. Days are in UTC, both included.
    """

    name: str
    ground: str
    detectors: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    without: tuple[str, ...] = ()  # detectors that may run all the same
    surfaces: tuple[str, ...] = ()
    jurisdictions: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None

    def in_force(self, day: date) -> bool:
        """Whether it holds on that day."""
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)

    def covers(self, places: Iterable[str | None]) -> bool:
        """Whether it holds in one of these jurisdictions. An unknown one (None) may be any, so it does."""
        return not self.jurisdictions or any(place is None or self._holds_in(place) for place in places)

    def _holds_in(self, place: str) -> bool:
        """A part of a country lies in it; a country whose part is not told may be any of its parts."""
        country = place.partition("-")[0]
        return any(one in (place, country) or one.partition("-")[0] == place for one in self.jurisdictions)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotPermitted:
    """What one prohibition kept from an item: these detectors did not run, in these jurisdictions (empty: unknown)."""

    prohibition: str
    detectors: tuple[str, ...]
    surface: str
    jurisdictions: tuple[str, ...] = ()
