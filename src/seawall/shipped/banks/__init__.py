"""Seed banks: the initial entries of a new installation, as YAML in the package.

All of it is written for this project or reserved for documentation (RFC 2606 domains), so that demos and first tests
have something to match. Real banks are filled through the API, the console and exchanges.

    >>> from seawall.shipped import banks
    >>> [bank.name for bank in banks.load()]
    ['blocked-domains', 'blocked-images', 'blocked-texts']
    >>> banks.load()[0].entries[0].value
    'free-nitro-gifts.example'
"""

from __future__ import annotations

from dataclasses import dataclass

import yaml

from seawall.shipped import Folder

__all__ = ["SeedBank", "SeedEntry", "load", "names", "read", "sources"]

_folder = Folder("seawall.shipped.banks", "bank")
names = _folder.names
read = _folder.read
sources = _folder.sources


@dataclass(frozen=True, slots=True)
class SeedEntry:
    """A seed entry. ``source`` is a code for its origin."""

    value: str
    source: str


@dataclass(frozen=True, slots=True)
class SeedBank:
    """A shipped bank. ``kind``: text, pattern, image or domain; an image bank ships empty."""

    name: str
    kind: str
    title: str
    description: str
    entries: tuple[SeedEntry, ...]
    role: str = "block"
    harm: str | None = None
    flood_limit: int | None = None  # items per hour that one entry may match


def load() -> tuple[SeedBank, ...]:
    """Every shipped bank, sorted by name."""
    return tuple(_parse(read(name)) for name in names())


def _parse(text: str) -> SeedBank:
    data = yaml.safe_load(text)
    entries = tuple(SeedEntry(value=entry["value"], source=entry["source"]) for entry in data["entries"])
    return SeedBank(
        name=data["bank"],
        kind=data["kind"],
        title=data["title"],
        description=data["description"],
        entries=entries,
        role=data["role"],
        harm=data["harm"],
        flood_limit=data["flood_limit"],
    )
