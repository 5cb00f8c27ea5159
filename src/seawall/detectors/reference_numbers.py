"""Numbers that a text itself calls no card and no telephone number: those of orders, parcels, devices, books."""

from __future__ import annotations

import re

_REFERENCE = re.compile(
    r"\b(?:imei|meid|isbn|issn|isrc|ean|gtin|upc|iccid|serial|seriennummer|catalogue|catalog|barcode|tracking|shipment|"
    r"parcel|package|sendung\w*|paket\w*|colis|order|bestell\w*|auftrags?\w*|commande|pedido|ordine|encomenda|invoice|"
    r"rechnung\w*|facture|factura|fattura|booking|reservation|buchung\w*|ticket|case|customer|kunden\w*|client|member\w*|"
    r"confirmation|reference|ref|id|uid|user|status|message|timestamp|error|flight|model|guild|channel|thread|post|video|song|track|album|photo|image|file|transaction|block|voucher|coupon)\b"
    r"(?:\W{0,3}(?:no|nr|number|nummer|num|numéro|número|code|id|is|was|ist|est|es|at))*"
    r"(?: (?:of|for|on) [^\n]{1,24} is)?"
    r"\W{0,4}$",
    re.IGNORECASE,
)
_BEFORE = 60  # characters


def is_reference(text: str, start: int) -> bool:
    """Whether the words before ``text[start:]`` say that it is a reference number."""
    return _REFERENCE.search(text, max(0, start - _BEFORE), start) is not None
