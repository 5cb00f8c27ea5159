"""Who and what matching items have in common: domains that they link to, and files that they share.

Both are in the vault only, so they are read there, for the newest matches; the accounts are counted over all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from seawall.content.links import extract_links
from seawall.model import PartHash
from seawall.screen.artifacts import hashes_name, read_hashes
from seawall.screen.content import decode, fields_name
from seawall.screen.investigation import MatchedItem
from seawall.storage import Vault

LISTED: Final = 20
"""Domains, and files, that are named."""

_LONGEST: Final = 100_000  # characters of one text that are looked through for links


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedDomain:
    """A registrable domain, and the number of items with a link to it."""

    domain: str
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedHash:
    """A fingerprint that several items have, in hexadecimal, shortened; ``example``: one of these items."""

    kind: str
    value: str
    items: int
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedEntities:
    """What was found in ``read`` items; ``unreadable``: their content is erased, or its retention ended."""

    read: int = 0
    unreadable: int = 0
    domains: tuple[SharedDomain, ...] = ()
    hashes: tuple[SharedHash, ...] = ()


def entities_of(vault: Vault, matched: Sequence[MatchedItem]) -> MatchedEntities:
    """The domains and shared fingerprints of these items."""
    names = [(one.item, name(one.revision)) for one in matched for name in (fields_name, hashes_name)]
    opened = vault.open_many(names)
    domains: Counter[str] = Counter()
    hashes: dict[tuple[str, bytes], list[str]] = {}
    read = 0
    for one in matched:
        content = opened.get((one.item, fields_name(one.revision)))
        if content is None:
            continue
        read += 1
        domains.update(_domains(decode(content).fields))
        for kind, value in _fingerprints(read_hashes(opened.get((one.item, hashes_name(one.revision))))):
            hashes.setdefault((kind, value), []).append(one.item)
    shared = sorted(((key, items) for key, items in hashes.items() if len(items) > 1), key=lambda one: -len(one[1]))
    return MatchedEntities(
        read=read,
        unreadable=len(matched) - read,
        domains=tuple(SharedDomain(domain=name, items=count) for name, count in domains.most_common(LISTED)),
        hashes=tuple(
            SharedHash(kind=kind, value=value.hex()[:16], items=len(items), example=items[0])
            for (kind, value), items in shared[:LISTED]
        ),
    )


def _domains(fields: Mapping[str, object]) -> set[str]:
    return {link.domain for text in _texts(fields.values()) for link in extract_links(text[:_LONGEST])}


def _texts(values: Iterable[object]) -> Iterable[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from (one for one in value if isinstance(one, str))


def _fingerprints(hashes: Iterable[PartHash]) -> set[tuple[str, bytes]]:
    return {(one.kind, one.value) for one in hashes}
