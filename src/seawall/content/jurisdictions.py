"""Jurisdictions: the countries, and parts of countries, whose law holds for an item."""

from __future__ import annotations

import re
from typing import Final

from seawall.content.freshness import stale_attributes
from seawall.content.regions import is_region
from seawall.model import ContentType, Item

EU: Final = (
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"),
    *("IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
)
"""The member states of the European Union."""
_WRITTEN: Final = {"UK": "GB", "EL": "GR"}  # what the United Kingdom and the EU write for ISO's codes
_CODE: Final = re.compile(r"([A-Z]{2})(?:-[A-Z0-9]{1,3})?")


def read_jurisdiction(text: str) -> tuple[str, ...]:
    """The ISO 3166 codes that a text means, such as ``DE`` or ``US-IL``; ``EU`` means its members; none: no code."""
    code = text.strip().upper()
    code = _WRITTEN.get(code, code)
    if code == "EU":
        return EU
    match = _CODE.fullmatch(code)
    return (code,) if match is not None and is_region(match[1]) else ()


def jurisdictions_of(item: Item, content_type: ContentType, at: int) -> tuple[str | None, ...]:
    """Whose law holds for an item, from the fields that its content type declares; None for each that is unknown.

    All of them hold: a message between two countries is subject to the law of both. A country that is older than the
    content type allows when the item is screened (``at``) is unknown.
    """
    found: list[str | None] = []
    attributes = content_type.actor.attributes if content_type.actor is not None else ()
    stale = {each.detector for each in stale_attributes(item, attributes, at)}
    for owner, _, name in (reference.partition(".") for reference in content_type.jurisdiction):
        value = (item.fields if owner == "item" else item.actor_attributes).get(name)
        if f"{owner}.{name}" in stale:
            value = None
        texts = value if isinstance(value, tuple) else (value,)
        for text in texts or (None,):
            found += (read_jurisdiction(text) if isinstance(text, str) else ()) or (None,)
    return tuple(dict.fromkeys(found)) or (None,)
