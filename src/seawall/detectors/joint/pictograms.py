"""The pictograms that the image reader knows, with their names.

Names are Unicode's (CLDR short names, English), which are familiar to readers of the evidence.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TONES = ("", "light skin tone", "medium-light skin tone", "medium skin tone", "medium-dark skin tone", "dark skin tone")
"""Fitzpatrick's five skin tones, after "none"."""


@dataclass(frozen=True, slots=True)
class Pictogram:
    """One pictogram: its characters, its name, its characters in the darkest skin tone ("" where it has none)."""

    sequence: str
    name: str
    toned: str

    def named(self, tone: int = 0) -> str:
        """The name as used in evidence: ``man: dark skin tone``."""
        return f"{self.name}: {TONES[tone]}" if tone and self.toned else self.name


@cache
def pictograms() -> tuple[Pictogram, ...]:
    """Every known pictogram; its index is its class."""
    raw = Path(__file__).with_name("data").joinpath("pictograms.json").read_text(encoding="utf-8")
    return tuple(Pictogram(*row) for row in json.loads(raw))
