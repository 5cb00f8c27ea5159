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

from seawall.content.plain import plain
from seawall.detectors.payment_cards import find_cards
from seawall.detectors.street_addresses import find_street_addresses
from seawall.detectors.telephone_numbers import find_phones
from seawall.model.content import Modality, Part, Span, SpanUnit
from seawall.model.signals import Cost, DetectorResult, DetectorSpec, Signal, SignalKind, SignalSpec

VERSION = "2"
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
    """Probable personal data in a text, in order, without overlaps. It is looked for in the text's plain characters."""
    view = plain(text)
    return [Finding(each.kind, *view.span(each.start, each.end)) for each in _find(view.text)]


def _find(text: str) -> list[Finding]:
    digits = len(_DIGIT.findall(text))
    if not digits and not _SIGN.search(text) and not _SPOKEN_AT.search(text):
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
        return counts(find_personal_data(part.text or ""), part, self.spec)


def counts(found: Sequence[Finding], part: Part, spec: DetectorSpec) -> DetectorResult:
    """The three signals of a detector that counts findings: of every kind, of contacts, of financial ones.

    The first is given once per finding, counting up, so that each has its place.
    """
    if not found:
        return ()
    total, contact, financial = (signal.name for signal in spec.signals)

    def signal(name: str, value: int, finding: Finding) -> Signal:
        return Signal(
            name=name,
            value=value,
            part=part.path,
            detector=spec.name,
            version=spec.version,
            span=Span(unit=SpanUnit.CHARACTERS, start=finding.start, end=finding.end),
            evidence=finding.kind,
        )

    signals = [
        signal(total, number if number < _MOST_SIGNALS else len(found), finding)
        for number, finding in enumerate(found[:_MOST_SIGNALS], 1)
    ]
    for name, kinds in ((contact, CONTACT), (financial, FINANCIAL)):
        chosen = [finding for finding in found if finding.kind in kinds]
        if chosen:
            signals.append(signal(name, len(chosen), chosen[0]))
    return tuple(signals)


# ── finders: spans of one kind each, strictest kinds first ──────────────────────────────────────────────────────────

_DIGIT = re.compile(r"\d")
_SIGN = re.compile(r"[@:\[({<]")  # one of them is in each address that is not spelt out
_SPOKEN_AT = re.compile(r"(?i)\bat\W{0,3}(?:gmail|hotmail|outlook|yahoo|icloud|proton(?:mail)?|gmx|aol|live|mail)\b")
_EMAIL = re.compile(  # not "@ann@mail.example": a name on another server
    r"(?<![\w.+%@-])\w[\w.+%-]{0,63}@[^\W_][\w-]{0,62}(?:[.。][\w-]{1,63}){0,7}[.。][^\W\d_][\w-]{1,62}(?![\w@])"
)
_BRACKETED_EMAIL = re.compile(  # ann (at) mail.example, ann[@]mail[dot]example
    r"(?i)(?<![\w.+%@-])\w[\w.+%-]{0,63} ?[\[({<] ?(?:at|@|ät|arroba) ?[\])}>] ?"
    r"[^\W_][\w-]{0,62}(?:(?:\.| ?[\[({<] ?(?:\.|dot|punkt|punto) ?[\])}>] ?)[^\W_][\w-]{0,62}){1,7}(?![\w@])"
)
_SPOKEN_EMAIL = re.compile(
    r"(?i)\b[a-z0-9][\w.+-]{1,40}\s{0,2}[\[({]?\s?(?:@|\bat\b)\s?[\])}]?\s{0,2}"
    r"(?:gmail|hotmail|outlook|yahoo|icloud|proton(?:mail)?|gmx|aol|live|mail)"
    r"\s{0,2}[\[({]?\s?(?:\.|\bdot\b)\s?[\])}]?\s{0,2}(?:com|net|org|de|fr|es|it|co\.uk|me|ch)\b"
)
_IBAN = re.compile(r"(?<![^\W_])[A-Za-z]{2}[ .-]?\d[ .-]?\d")  # its beginning; the country says how long it is
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


def _emails(text: str) -> Iterator[tuple[int, int]]:
    for pattern in (_EMAIL, _SPOKEN_EMAIL, _BRACKETED_EMAIL):
        yield from (match.span() for match in pattern.finditer(text))


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    for match in _IBAN.finditer(text):
        end = _iban_end(text, match.start())
        if end is not None and _is_iban(re.sub(r"[\W_]", "", text[match.start() : end]).upper()):
            yield match.start(), end


def _iban_end(text: str, start: int) -> int | None:
    """Where as many letters and digits end as an IBAN of that country has, with separators between them."""
    left = _IBAN_LENGTHS.get(text[start : start + 2].upper(), 0)
    gap = 0
    for at in range(start, min(len(text), start + 3 * left)):
        char = text[at]
        if char.isalnum() and char.isascii():
            left -= 1
            gap = 0
        elif char in " .-/_\t\n" and gap < 2:
            gap += 1
        else:
            return None
        if not left:
            return at + 1 if not text[at + 1 : at + 2].isalnum() or text[at + 1] > "\u2e80" else None
    return None


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


_Finder = Callable[[str], Iterator[tuple[int, int]]]
_FINDERS: Final[tuple[tuple[str, int, _Finder], ...]] = (  # kind, digits that a text needs to contain one
    ("email", 0, _emails),
    ("iban", 7, _ibans),
    ("national_id", 6, _national_ids),
    ("payment_card", 12, find_cards),
    ("ip_address", 1, _addresses_ip),
    ("phone", 7, find_phones),
    ("street_address", 1, find_street_addresses),
)


# ── checksums ───────────────────────────────────────────────────────────────────────────────────────────────────────


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
