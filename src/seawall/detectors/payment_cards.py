"""Payment cards in text: a number of an issuer's range with a valid check digit, and a reason to read it so.

One number in ten has a valid check digit, and every IMEI has one; so digits alone are no card. The reason is a word
such as "card" near it, the grouping that is printed on cards, or a message that is hardly more than the number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from seawall.content.links import extract_links
from seawall.detectors.reference_numbers import is_reference

# Letters of scripts without spaces may touch it; a file's name, a hashtag and a mention are none.
_BEFORE, _BEHIND = (
    r"(?<![A-Za-z0-9_.+/#@-])",
    (
        r"(?![A-Za-z0-9_/-]|\.(?:\d|(?i:jpe?g|png|gif|webp|heic|mp[34]|m4a|wav|mov|avi|pdf|docx?|txt|csv|json|xml|html?|zip)\b))"
    ),
)
_CANDIDATE = re.compile(
    rf"{_BEFORE}\d(?:[ .-]{{0,2}}\d){{11,18}}{_BEHIND}"
    rf"|{_BEFORE}\d{{4}}(?P<mark>[\t\n_/,|])(?:\d{{4}}(?P=mark)){{2}}\d{{4}}{_BEHIND}"  # beside the word "card" only
)
_GROUPED = re.compile(
    r"\d{4}(?:[ .-]{1,2}\d{4}){3}(?:[ .-]{1,2}\d{1,3})?|\d{4}[ .-]{1,2}\d{6}[ .-]{1,2}\d{4,5}|\d{6} \d{10,13}"
)
_SPACED = re.compile(r"\d(?:[ .-]\d){12,18}")
_CONTEXT = re.compile(
    r"(?<!sim )\b(?:cards?|cc|credit|debit|visa|master ?card|amex|american express|maestro|diners|jcb|unionpay|"
    r"cvv2?|cvc2?|kredit\w*|\w*karten?|cartes?|carta|tarjetas?|cart[ãa]o|\w*kaart|kort\w*|kart[aęyou]\w{0,2}|"
    r"карт[аыуеой]{1,2}|kredi kartı|κάρτας?|thẻ)\b|卡|カード|카드|بطاقة|כרטיס|कार्ड|บัตร",
    re.IGNORECASE,
)
_VALIDITY = re.compile(r"^\W{0,3}(?:\w{1,6}\W{1,3}){0,2}(?:0[1-9]|1[0-2]) ?/ ?(?:20)?\d\d\b")
_AROUND: Final = (60, 40)  # characters before and after in which a word such as "card" counts
_USUAL: Final = frozenset({15, 16})  # digits


def find_cards(text: str) -> Iterator[tuple[int, int]]:
    """Spans of payment card numbers."""
    candidates = [match for match in _CANDIDATE.finditer(text) if _may_be_card(match[0])]
    if not candidates:
        return
    links = [(link.start, link.end) for link in extract_links(text)]
    for match in candidates:
        start, end = match.span()
        if not any(first < end and start < last for first, last in links) and _is_meant(match, text):
            yield start, end


def _may_be_card(written: str) -> bool:
    digits = re.sub(r"\D", "", written)
    return len(set(digits)) > 1 and passes_luhn(digits)


def _is_meant(match: re.Match[str], text: str) -> bool:
    """Whether a number with a valid check digit is a card's, from what stands around it and how it is grouped."""
    written, digits = match[0], re.sub(r"\D", "", match[0])
    before = text[max(0, match.start() - _AROUND[0]) : match.start()]
    after = text[match.end() : match.end() + _AROUND[1]]
    is_whole = written == digits
    if is_whole and is_reference(text, match.start()):
        return False
    if _CONTEXT.search(before) or _CONTEXT.search(after):
        return _of_issuer(digits, _LENIENT)
    if not _of_issuer(digits, _ISSUERS):
        return False
    if not is_whole:
        return bool(_GROUPED.fullmatch(written) or _SPACED.fullmatch(written))
    if _VALIDITY.match(after):
        return True
    others = re.findall(r"[^\W\d_]+", f"{text[: match.start()][-200:]} {text[match.end() :][:200]}")
    return len(digits) in _USUAL and len(others) <= 1


def _of_issuer(digits: str, ranges: tuple[tuple[str, str, frozenset[int]], ...]) -> bool:
    return any(
        len(digits) in lengths and low <= digits[: len(low)] and digits[: len(high)] <= high
        for low, high, lengths in ranges
    )


_LONG: Final = frozenset(range(16, 20))
_ISSUERS: Final = (  # first and last prefix, lengths (ISO/IEC 7812; the issuers' published ranges)
    ("4", "4", frozenset({16, 19})),  # Visa
    ("51", "55", frozenset({16})),  # Mastercard
    ("2221", "2720", frozenset({16})),
    ("34", "34", frozenset({15})),  # American Express
    ("37", "37", frozenset({15})),
    ("300", "305", frozenset({14, 16})),  # Diners Club
    ("3095", "3095", frozenset({14, 16})),
    ("36", "36", frozenset({14})),
    ("38", "39", frozenset({14, 16})),
    ("6011", "6011", _LONG),  # Discover
    ("644", "659", _LONG),
    ("3528", "3589", _LONG),  # JCB
    ("62", "62", _LONG),  # UnionPay
    ("81", "81", _LONG),
    ("2200", "2204", _LONG),  # Mir
    ("60", "60", frozenset({16})),  # RuPay
    ("508", "508", frozenset({16})),
    ("9792", "9792", frozenset({16})),  # Troy
    ("5018", "5020", frozenset(range(12, 20))),  # Maestro, Dankort
    ("5038", "5038", frozenset(range(12, 20))),
    ("5893", "5893", frozenset(range(12, 20))),
    ("6304", "6304", frozenset(range(12, 20))),
    ("6759", "6763", frozenset(range(12, 20))),
)
_LENIENT: Final = (  # where the text says that it is a card: also ranges no longer issued
    *_ISSUERS,
    ("4", "4", frozenset({13})),
    ("50", "50", frozenset(range(12, 20))),
    ("56", "69", frozenset(range(12, 20))),
    ("35", "35", frozenset({16})),
    ("1800", "1800", frozenset({15})),
    ("2131", "2131", frozenset({15})),
)


def passes_luhn(digits: str) -> bool:
    """ISO/IEC 7812-1: every second digit from the right doubled, its digits summed."""
    doubled = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
    total = sum(int(d) for d in digits[-1::-2]) + sum(doubled[int(d)] for d in digits[-2::-2])
    return total % 10 == 0
