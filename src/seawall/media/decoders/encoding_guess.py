"""Guesses the encoding of a text that does not say it and is not UTF-8.

The rule: the bytes are decoded in each usual encoding, and how often the letters of a language that is written in it
occur tells which reading is text. Several that are about as likely are all given, one after the other: short texts are
text in more than one encoding. Where none is likely, there is no guess.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from typing import Final

_PIECE, _MOST_PIECES = 2_048, 32  # bytes of a piece that is weighed, and pieces
_LEAST_SINGLE, _LEAST_WIDE = 0.5, 0.22  # how much of a reading is text
_CLEARER, _CLEARER_LONG = 0.8, 0.95  # share of the best one's likelihood below which a reading is not given
_LONG: Final = 300  # letters that tell more clearly
_MOST_READINGS: Final = 3
_MOST_ODD: Final = 0.05  # share of bytes beyond ASCII that stand where no Western language puts them
_MOST_BEYOND: Final = 0.3  # share of letters beyond ASCII in Western languages
_MOST_BROKEN: Final = 0.2  # share of broken characters in a damaged text of UTF-8

_CYRILLIC: Final = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфёіїєъјљњўґћђ"
_SINGLE: Final = {
    "cp1251": _CYRILLIC,
    "koi8-u": _CYRILLIC,
    "cp866": _CYRILLIC,
    "iso8859-5": _CYRILLIC,
    "cp1253": "αοιετσνηυρκπλςμωίόάέδγθήχφύβώξζψ",
    "iso8859-7": "αοιετσνηυρκπλςμωίόάέδγθήχφύβώξζψ",
    "cp1255": "יוהלאמתרבשנעחדםקפטגצןכזסךץףוְִֵֶַָֹּׁ",
    "cp1256": "الينومرتبدسعفكهقحجةشصطىأخضذزغئثإءآظؤپچکیگ",
    "iso8859-6": "الينومرتبدسعفكهقحجةشصطىأخضذزغئثإءآظؤ",
    "cp874": "านรอกเงม่ยวลดท้สตะปบคหีแจพชขใไโผุูิ็ัำ์ืึซณศถธญภฐฟฎษฉ",
}
"""Encodings of one byte a letter, and the letters of their languages from the most to the least frequent."""
_KANA: Final = "".join(map(chr, (*range(0x3041, 0x3094), *range(0x30A1, 0x30FD))))
_SIMPLIFIED: Final = (
    "的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心多天而能好都"
    "然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长杀死今晚明把给让被请吗吧呢很再什谁钱"
)
_TRADITIONAL: Final = (
    "的一是不了在人有我他這中大來上國個到說們為子和你地出道也時年得就那要下以生會自著去之過家學對可她裡後小麼心多天而能好都"
    "然沒日於起還發成事只作當想看文無開手十用主行方又如前所本見經頭面公同三已老從動兩長殺死今晚明把給讓被請嗎吧呢很再什誰錢"
)
_HANGUL: Final = (
    "이다는을를의에가하고지한사도로은기리아나서어시대자인그들있니해일정수라만여보부장상주제전과와원성스게면것구으동미모안우"
    "조마너오내무신경계공비요거당연유적저세말트년더까지난죽것생용할려던렇않없였겠었밤늘"
)
_WIDE: Final = {
    "gb18030": frozenset(_SIMPLIFIED),
    "big5hkscs": frozenset(_TRADITIONAL),
    "cp932": frozenset(_KANA),
    "euc_jp": frozenset(_KANA),
    "cp949": frozenset(_HANGUL),
}
"""Encodings of East Asia, and characters that make up a large part of every text."""
_WESTERN: Final = (
    *("àâæçéèêëîïôœùûüÿ", "äöüß", "áéíóúüñ", "áéíóúãõâêôàçü", "àèéìíòóùúî", "åäöæøéüà", "áéíóúýþæöð", "ëïéèöüáóíê"),
)
_LATIN: Final = {
    "cp1252": _WESTERN,
    "cp1250": ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíľňóôšťúýž", "áéíóöőúüű", "čćđšž", "ăâîşţ"),
    "iso8859-2": ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áéíóöőúüű", "čćđšž", "ăâîşţ"),
    "cp1254": ("çğıöşüâîû",),
    "cp1257": ("āčēģīķļņšūž", "ąčęėįšųūž", "äõöüšž"),
}
"""Encodings of Latin letters, and those beyond ASCII of each language."""
_ODD: Final = re.compile(
    r"(?<=[^\W\d_])[\u00a1-\u00a9\u00ac\u00ae-\u00b1\u00b4-\u00b6\u00b8\u00b9\u00bc-\u00bf\u00d7\u00f7\u0081\u0192\u02c6\u02dc]"
    r"(?=[^\W\d_])|[\u0080-\u009f]|[\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff]{4,}"
)
_BEYOND: Final = re.compile(r"[^\x00-\x7f]+")
_WORD: Final = re.compile(r"[^\W\d_]+")
_HIGH: Final = re.compile(rb"[\x80-\xff]")
_MULTIBYTE: Final = re.compile(rb"[\xc3-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


def guess(data: bytes) -> str | None:
    """The text of bytes that are not UTF-8; None if its encoding is not evident."""
    sample = _sample(data)
    found = _damaged_utf8(sample) or _latin(sample) or _wide(sample) or [*_fitting(sample)[:1], *_single(sample)]
    readings = dict.fromkeys(data.decode(encoding, "replace") for encoding in found)
    return "\n".join(list(readings)[:_MOST_READINGS]) if readings else None


def _sample(data: bytes) -> list[bytes]:
    """Pieces with letters beyond ASCII, from the whole text. Each begins after a blank, where a letter begins."""
    if len(data) <= _MOST_PIECES * _PIECE:
        return [data]
    pieces: list[bytes] = []
    step, at = len(data) // _MOST_PIECES, 0
    while len(pieces) < _MOST_PIECES and (found := _HIGH.search(data, at)) is not None:
        lowest = max(at, found.start() - _PIECE // 4)
        start = max(data.rfind(blank, lowest, found.start()) for blank in (b" ", b"\n"))
        if start < 0 and lowest:
            start = data.find(b" ", found.start())
            if start < 0:
                break
        pieces.append(data[start + 1 : start + 1 + _PIECE])
        at = start + 1 + max(step, _PIECE)
    return pieces or [data[:_PIECE]]


def _read(sample: list[bytes], encoding: str, errors: str = "strict") -> str | None:
    """The sample in an encoding; None if it has no such letters. A piece may end within a letter."""
    decoder = codecs.getincrementaldecoder(encoding)
    try:
        return "\n".join(decoder(errors).decode(piece) for piece in sample)
    except UnicodeDecodeError:
        return None


def _damaged_utf8(sample: list[bytes]) -> list[str]:
    whole = sum(len(_MULTIBYTE.findall(piece)) for piece in sample)
    broken = (_read(sample, "utf-8", "replace") or "").count("\ufffd")
    return ["utf-8"] if whole > 4 and broken <= _MOST_BROKEN * whole else []


def _latin(sample: list[bytes]) -> list[str]:
    """Latin letters with accents: most letters are ASCII, and the others stand in words."""
    text = _read(sample, "cp1252", "replace") or ""
    beyond = "".join(_BEYOND.findall(text))
    odd = sum(len(found[0]) for found in _ODD.finditer(text)) + 3 * beyond.count("\ufffd")
    if len(beyond) > 3 + _MOST_BEYOND * len("".join(text.split())):
        return []
    if not odd and not any(not letter.isascii() for letter in _letters(text)):
        return ["cp1252"]  # signs and quotes only
    return _fitting(sample) or (["cp1252", *_single(sample)] if odd <= _MOST_ODD * len(beyond) else [])


def _fitting(sample: list[bytes]) -> list[str]:
    """Encodings of Latin letters in which all letters beyond ASCII are those of one language."""
    found = []
    for encoding, languages in _LATIN.items():
        reading = _read(sample, encoding)
        letters = {letter for letter in _letters(reading or "") if not letter.isascii()}
        if reading and not _ODD.search(reading) and any(letters <= set(language) for language in languages):
            found.append(encoding)
    return found


def _letters(text: str) -> set[str]:
    return {letter for word in set(_WORD.findall(text)) for letter in word.casefold()} - {"ß"}


def _wide(sample: list[bytes]) -> list[str]:
    readings = []
    for encoding, frequent in _WIDE.items():
        beyond = "".join(_BEYOND.findall(_read(sample, encoding) or ""))
        if beyond:
            readings.append((sum(letter in frequent for letter in beyond) / len(beyond), len(beyond), encoding))
    return _likely(readings, _LEAST_WIDE)


def _single(sample: list[bytes]) -> list[str]:
    readings = []
    for encoding, alphabet in _SINGLE.items():
        text = _read(sample, encoding)
        if text:
            readings.append((_likeness(text, alphabet), sum(map(len, _BEYOND.findall(text))), encoding))
    return _likely(readings, _LEAST_SINGLE)


def _likely(readings: list[tuple[float, int, str]], least: float) -> list[str]:
    """Encodings in which it is likely to be text, the likeliest first. Readings: likelihood, letters, encoding."""
    ordered = sorted(readings, key=lambda each: -each[0])
    if not ordered or ordered[0][0] < least:
        return []
    best, letters, _ = ordered[0]
    limit = max(least, (_CLEARER_LONG if letters >= _LONG else _CLEARER) * best)
    return [encoding for share, _, encoding in ordered if share >= limit]


def _likeness(text: str, alphabet: str) -> float:
    """How much the letters beyond ASCII are distributed as in a language, 0 to 1; lower where no language has them."""
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    beyond = [letter for letter in text if not letter.isascii() and letter not in _MARKS]
    if not beyond:
        return 0.0
    weights = {letter: 1.0 - 0.9 * rank / len(alphabet) for rank, letter in enumerate(alphabet)}
    counts = Counter(letter.lower() for letter in beyond)
    mixed = sum(len(word) for word in words if not (word.islower() or word.isupper() or word[1:].islower()))
    mixed -= sum(len(word) for word in words if word.lower() == word.upper())  # a script without capitals
    latin = sum(len(word) for word in words if _LATIN_LETTER.search(word))
    never = 2 * len(_NEVER.findall(text.lower()))
    capital = sum(len(word) for word in words if len(word) > 1 and word.isupper() and word.lower() != word)
    score = sum(weights.get(letter, 0.0) * count for letter, count in counts.items()) - mixed / 2 - latin - never
    return score / len(beyond) * (_CAPITALS if 2 * capital > len(beyond) else 1.0)


_CAPITALS: Final = 0.85  # a text is less likely to be all in capitals
_LATIN_LETTER: Final = re.compile(r"[A-Za-z]")
_NEVER: Final = re.compile(
    r"\b[\u044a\u044b\u044c]|\u044a\b|[\u0430\u0435\u0438\u043e\u0443\u044b\u044d\u044e\u044f][\u044a\u044c]"
)
"""Russian signs where no word has them: a sign of hardness at an end, one of softness at a start or after a vowel."""
_MARKS: Final = frozenset(
    "\u00a0\u00ab\u00bb\u2013\u2014\u2018\u2019\u201a\u201c\u201d\u201e\u2026\u2022\u2116\u00a7\u00b0\u20ac"
)
