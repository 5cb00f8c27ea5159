"""Telephone numbers in text: international ones by numbering plans, national ones by usual formats."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from seawall.detectors.reference_numbers import is_reference

_CANDIDATE = re.compile(
    r"(?<![\w.,/@$€£#=-])(?:\+|00)?\(?\d(?:[ .\-/()]{0,2}\d){6,14}(?:\s?(?:x|ext\.?)\s?\d{1,5})?(?![\w@]|[.,/-]\d)"
)
_CONTEXT = re.compile(
    r"(?i)\b(?:call|phone|tel|telephone|mobile|cell|text|txt|sms|fax|whatsapp|ring|dial|number|contact|reach|signal|"
    r"handy|telefon\w*|rufnummer|appel\w*|portable|llama\w*|tel[eé]fono|m[oó]vil|numero|n[úu]mero)\b[^\n]{0,30}$"
)
_DATE = re.compile(r"^(?:\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}[./-]\d{1,2}[./-]\d{1,2})(?:[ T]\d.*)?$")
_SHAPES: Final = tuple(
    re.compile(shape)
    for shape in (
        r"(?:\d{3}[ .-]|\(\d{3}\)[ .-]?)\d{3}[ .-]\d{4}.*",  # North America
        r"0\d{1,4}[ /-]\d{3,4}[ -]?\d{3,5}",  # Europe, area code and number
        r"0\d(?:[ .]?\d\d){4}",  # France
        r"0\d{3}(?: \d\d){3}|0\d{3} \d{3} \d\d \d\d|\d\d(?:-\d\d){3}",
        r"07\d{3}[ ]?\d{3}[ ]?\d{3}",  # British mobile
        r"\(\d{2,4}\) ?\d{3,4}[ -]?\d{3,4}(?:-\d{2,4})?",
        r"0\d{2}[ ]?\d{3}[ ]?\d{2}[ ]?\d{2}",  # Switzerland
        r"[2-9]\d{2}-\d{4}",  # North America, local
        r"[2-9]\d{2} \d{2} \d{3}|\d{4} \d{4}|[26-9]\d{2} \d{3} \d{3}",  # Norway; Iberia
    )
)


def find_phones(text: str) -> Iterator[tuple[int, int]]:
    """Spans of telephone numbers.

    International numbers must be possible by the numbering plans. A national one needs a usual grouping that is not a
    date, or a word such as "call" before it; what the text calls an order or a serial number is none.
    """
    for match in _CANDIDATE.finditer(text):
        written = match[0]
        if written.startswith(("+", "00")):
            if _is_possible(written):
                yield match.span()
        elif (
            not _DATE.match(written)
            and not is_reference(text, match.start())
            and (
                any(shape.fullmatch(written) for shape in _SHAPES)
                or _CONTEXT.search(text[max(0, match.start() - 60) : match.start()])
            )
        ):
            yield match.span()


def _is_possible(written: str) -> bool:
    import phonenumbers  # imported here: takes 80 ms, and most texts have no number

    if written.startswith("00"):
        written = "+" + written[2:]
    try:
        number = phonenumbers.parse(written.replace("(0)", ""), None)
    except phonenumbers.NumberParseException:
        return False
    return bool(phonenumbers.is_possible_number(number))
