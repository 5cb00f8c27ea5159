"""Personal data in text: detected by format and, where one exists, by checksum.

>>> [finding.kind for finding in find_personal_data("mail ann@mail.example or pay to GB82 WEST 1234 5698 7654 32")]
['email', 'iban']
"""

from __future__ import annotations

import bisect
import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from seawall.detectors.telephone_numbers import find_phones
from seawall.model.content import Modality, Part, Span, SpanUnit
from seawall.model.signals import Cost, DetectorResult, DetectorSpec, Signal, SignalKind, SignalSpec

VERSION = "1"
_MOST_FINDINGS: Final = 2_000  # per part; counting stops there
_MOST_SIGNALS: Final = 100  # findings reported with a span; the counts include all

CONTACT: Final = frozenset({"email", "phone", "street_address"})
FINANCIAL: Final = frozenset({"payment_card", "iban"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One piece of personal data at ``text[start:end]``. ``kind`` is a code such as ``email``."""

    kind: str
    start: int
    end: int


def find_personal_data(text: str) -> list[Finding]:
    """Probable personal data in a text, in order, without overlaps."""
    digits = len(_DIGIT.findall(text))
    if not digits and "@" not in text and ":" not in text and not _SPOKEN_AT.search(text):
        return []
    found: list[Finding] = []  # by start, without overlaps
    starts: list[int] = []
    for kind, least, find in _FINDERS:
        if digits < least:
            continue
        for start, end in find(text):
            place = bisect.bisect(starts, start)
            if (place and found[place - 1].end > start) or (place < len(found) and found[place].start < end):
                continue
            found.insert(place, Finding(kind, start, end))
            starts.insert(place, start)
            if len(found) == _MOST_FINDINGS:
                return found
    return found


class PersonalDataDetector:
    """Counts of personal data in texts.

    ``pii_count`` is emitted once per finding, with its span and kind, counting up; so its largest value is the count.
    """

    spec = DetectorSpec(
        name="pii",
        version=VERSION,
        signals=(
            SignalSpec(
                name="pii_count",
                kind=SignalKind.COUNT,
                harm="personal_data",
                description="Pieces of personal data of every kind",
            ),
            SignalSpec(
                name="pii_contact",
                kind=SignalKind.COUNT,
                harm="personal_data",
                description="Mail addresses, telephone numbers, street addresses",
            ),
            SignalSpec(
                name="pii_financial",
                kind=SignalKind.COUNT,
                harm="personal_data",
                description="Payment cards and IBANs with a valid checksum",
            ),
        ),
        modalities=frozenset({Modality.TEXT}),
        cost=Cost.INLINE,
    )

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        """One answer per part."""
        return [self._measure(part) for part in parts]

    def _measure(self, part: Part) -> DetectorResult:
        found = find_personal_data(part.text or "")
        if not found:
            return ()
        signals = [
            self._signal("pii_count", number if number < _MOST_SIGNALS else len(found), part, finding)
            for number, finding in enumerate(found[:_MOST_SIGNALS], 1)
        ]
        for name, kinds in (("pii_contact", CONTACT), ("pii_financial", FINANCIAL)):
            chosen = [finding for finding in found if finding.kind in kinds]
            if chosen:
                signals.append(self._signal(name, len(chosen), part, chosen[0]))
        return tuple(signals)

    def _signal(self, name: str, value: int, part: Part, finding: Finding) -> Signal:
        return Signal(
            name=name,
            value=value,
            part=part.path,
            detector=self.spec.name,
            version=self.spec.version,
            span=Span(unit=SpanUnit.CHARACTERS, start=finding.start, end=finding.end),
            evidence=finding.kind,
        )


# ── finders: spans of one kind each, strictest kinds first ──────────────────────────────────────────────────────────

_DIGIT = re.compile(r"\d")
_SPOKEN_AT = re.compile(r"(?i)\bat\W{0,3}(?:gmail|hotmail|outlook|yahoo|icloud|proton(?:mail)?|gmx|aol|live|mail)\b")
_EMAIL = re.compile(
    r"(?<![\w.+%-])[A-Za-z0-9_][\w.+%-]{0,63}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})(?:\.[A-Za-z0-9-]{1,63}){1,8}(?![\w@])"
)
_SPOKEN_EMAIL = re.compile(
    r"(?i)\b[a-z0-9][\w.+-]{1,40}\s{0,2}[\[({]?\s?(?:@|\bat\b)\s?[\])}]?\s{0,2}"
    r"(?:gmail|hotmail|outlook|yahoo|icloud|proton(?:mail)?|gmx|aol|live|mail)"
    r"\s{0,2}[\[({]?\s?(?:\.|\bdot\b)\s?[\])}]?\s{0,2}(?:com|net|org|de|fr|es|it|co\.uk|me|ch)\b"
)
_CARD = re.compile(r"(?<![\w.+-])\d(?:[ -]?\d){12,18}(?![\w-]|\.\d)")
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ ]?[A-Za-z0-9]{4}){2,7}(?:[ ]?[A-Za-z0-9]{1,3})?(?![A-Za-z0-9])"
)
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])")
_SSN = re.compile(r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")
_DNI = re.compile(r"(?<!\w)[XYZxyz]?\d{7,8}-?[A-Za-z](?!\w)")
_NIR = re.compile(r"(?<!\w)[12] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}(?!\w)")
_CPF = re.compile(r"(?<![\w.])\d{3}\.\d{3}\.\d{3}-\d{2}(?!\w)")
_NINO = re.compile(
    r"(?<!\w)(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D](?!\w)"
)
_CODICE = re.compile(r"(?i)(?<!\w)[A-Z]{6}\d{2}[ABCDEHLMPRST]\d{2}[A-Z]\d{3}[A-Z](?!\w)")
_NAME = r"[^\W\d_a-z][\w'’.-]{0,30}"  # capitalised
_ADDRESS = re.compile(
    # 14 Crown Street; 6750 Old Mill Rd.
    rf"(?<!\w)\d{{1,5}}[a-zA-Z]?,? (?:{_NAME} ){{1,4}}(?i:street|str|st|road|rd|avenue|ave|lane|ln|drive|dr|court|ct|"
    r"boulevard|blvd|way|place|pl|square|sq|terrace|close|crescent|highway|hwy|parkway|circle|trail)\b\.?"
    # rue de Lyon 12, Via Roma 5, Calle Mayor, 8
    rf"|(?<!\w)(?i:rue|avenue|av\.|via|viale|piazza|calle|avenida|rua|ulica|ul\.|strada|paseo|plaza)"
    rf" (?:(?i:de|du|des|della|del|la|le|do|da|dos) ){{0,2}}(?:{_NAME} ){{0,3}}{_NAME},? \d{{1,5}}\b"
    rf"|(?<!\w)\d{{1,4}},? (?i:rue|avenue|boulevard|allée|place|impasse) (?:{_NAME} ){{0,3}}{_NAME}"
    # Hauptstraße 12, Koskikatu 25, Storgatan 3
    r"|(?<!\w)[^\W\d_][\w-]{2,30}(?:stra(?:ß|ss)e|str\.|weg|platz|gasse|allee|katu|tie|gatan|vägen|veien|gata|straat|laan|"
    r"vej|gade|utca) \d{1,4}[a-zA-Z]?\b"
    r"|(?<!\w)(?i:p\.? ?o\.? box) \d{1,6}\b"
    r"|(?<!\w)(?i:apt|apartment|suite)\.? (?:no\.? ?)?\d{1,5}\b"
)


def _emails(text: str) -> Iterator[tuple[int, int]]:
    for pattern in (_EMAIL, _SPOKEN_EMAIL):
        yield from (match.span() for match in pattern.finditer(text))


def _cards(text: str) -> Iterator[tuple[int, int]]:
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if digits[0] in "123456" and len(set(digits)) > 1 and _passes_luhn(digits):
            yield match.span()


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    for match in _IBAN.finditer(text):
        if _is_iban(match[0].replace(" ", "").upper()):
            yield match.span()


def _addresses_ip(text: str) -> Iterator[tuple[int, int]]:
    for match in (*_IPV4.finditer(text), *_IPV6.finditer(text)):
        try:
            address = ipaddress.ip_address(match[0])
        except ValueError:
            continue
        if address.is_global and not (address.version == 6 and match[0].count(":") < 3):
            yield match.span()


def _national_ids(text: str) -> Iterator[tuple[int, int]]:
    checks: tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...] = (
        (_SSN, lambda _: True),
        (_DNI, _is_dni),
        (_NIR, _is_nir),
        (_CPF, _is_cpf),
        (_NINO, lambda _: True),
        (_CODICE, _is_codice_fiscale),
    )
    for pattern, is_valid in checks:
        yield from (match.span() for match in pattern.finditer(text) if is_valid(match[0]))


def _street_addresses(text: str) -> Iterator[tuple[int, int]]:
    yield from (match.span() for match in _ADDRESS.finditer(text))


_Finder = Callable[[str], Iterator[tuple[int, int]]]
_FINDERS: Final[tuple[tuple[str, int, _Finder], ...]] = (  # kind, digits that a text needs to contain one
    ("email", 0, _emails),
    ("iban", 7, _ibans),
    ("national_id", 6, _national_ids),
    ("payment_card", 13, _cards),
    ("ip_address", 1, _addresses_ip),
    ("phone", 7, find_phones),
    ("street_address", 1, _street_addresses),
)


# ── checksums ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _passes_luhn(digits: str) -> bool:
    """ISO/IEC 7812-1: every second digit from the right doubled, its digits summed."""
    doubled = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
    total = sum(int(d) for d in digits[-1::-2]) + sum(doubled[int(d)] for d in digits[-2::-2])
    return total % 10 == 0


_IBAN_LENGTHS: Final = {
    country: int(length)
    for country, length in re.findall(
        r"([A-Z]{2})(\d\d)",
        "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BR29BY28CH21CR22CY28CZ24DE22DK18DO28EE20EG29ES24FI18FO18FR27GB22GE22GI23"
        "GL18GR27GT28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21MC27MD24ME22MK19MR27MT31MU30NL18"
        "NO15PK24PL28PS29PT25QA29RO24RS22SA24SC31SE24SI19SK24SM27ST25SV28TL23TN24TR26UA29VA22VG24XK20",
    )
}


def _is_iban(iban: str) -> bool:
    """ISO 13616: the country's length, and the remainder 1 modulo 97."""
    if _IBAN_LENGTHS.get(iban[:2]) != len(iban):
        return False
    return int("".join(str(int(char, 36)) for char in iban[4:] + iban[:4])) % 97 == 1


def _is_dni(number: str) -> bool:
    """Spain: the letter is the number modulo 23; X, Y, Z stand for 0, 1, 2."""
    compact = number.upper().replace("-", "")
    digits = compact[:-1].translate(str.maketrans("XYZ", "012"))
    return len(digits) == 8 and "TRWAGMYFPDXBNJZSQVHLCKE"[int(digits) % 23] == compact[-1]


def _is_nir(number: str) -> bool:
    """France: the last two digits are 97 minus the rest modulo 97; Corsica's 2A and 2B count as 19 and 18."""
    compact = number.replace(" ", "").replace("2A", "19").replace("2B", "18")
    return len(compact) == 15 and 97 - int(compact[:13]) % 97 == int(compact[13:])


def _is_cpf(number: str) -> bool:
    """Brazil: two check digits modulo 11."""
    digits = [int(char) for char in number if char.isdigit()]
    if len(set(digits)) == 1:
        return False
    for length in (9, 10):
        total = sum(digit * (length + 1 - index) for index, digit in enumerate(digits[:length]))
        if (total * 10) % 11 % 10 != digits[length]:
            return False
    return True


_ODD: Final = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16,
         10, 22, 25, 24, 23),
        strict=True,
    )
)  # fmt: skip


def _is_codice_fiscale(code: str) -> bool:
    """Italy: odd places by the table of the decree of 12 March 1974, even places by value, modulo 26."""
    code = code.upper()
    even = {char: index for index, char in enumerate("0123456789")} | {chr(65 + n): n for n in range(26)}
    total = sum(_ODD[char] for char in code[:15:2]) + sum(even[char] for char in code[1:15:2])
    return chr(65 + total % 26) == code[15]
