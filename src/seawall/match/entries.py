"""Bank entries, and the canonical form in which each kind of value is stored."""

from __future__ import annotations

import base64
import binascii
import functools
import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import re2

from seawall.content.hosts import canonical_host, is_public_suffix
from seawall.content.normalise import fold_scripts
from seawall.content.patterns import PROBES, UnclearPattern, in_unicode
from seawall.content.scripts import is_optional_mark
from seawall.content.values import MAX_TEXT
from seawall.model.content import Modality
from seawall.model.signals import HasherSpec

KINDS: Final = ("text", "near_text", "meaning", "pattern", "name", "domain", "image", "audio", "video", "digest")
LEAST_ITEMS: Final = 32
"""The shortest recording that can be told from others: the sub-fingerprints of 7 seconds."""
LEAST_LETTERS: Final = 20
"""The shortest text that can be compared by overlap, in letters and digits after normalisation."""
MEANING_PERCENT: Final = 60
"""Default similarity in meaning (cosine of embeddings, in percent) from which a text matches an example."""
_LEAST_MEANING, _MOST_MEANING = 8, 2_000
"""Letters that an example needs to mean something by itself; characters that are sure to be embedded as a whole."""


Hashers: TypeAlias = Mapping[str, HasherSpec]  # by name: entry kinds added by plug-ins

NO_HASHERS: Final[Hashers] = MappingProxyType({})
HASHED: Final = (Modality.TEXT, Modality.IMAGE, Modality.AUDIO, Modality.VIDEO)
"""Modalities that a hasher may read; its name begins with one of them and a hyphen."""


class EntryError(ValueError):
    """A bank entry that cannot be used; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BankEntry:
    """One known thing. ``kind`` decides the meaning of ``value`` and ``threshold`` (in brackets: its default):

    ========= ================================================== ==================================================
    text      a text, found inside others                         percent of its 3-word sequences that must be found
                                                                  [80 from 12 words on; shorter: word for word]
    near_text a text of which another is a variant as a whole     percent of character 5-grams in common [70]
    meaning   an example, of which others say the same            percent of the cosine of embeddings [60]
    pattern   an RE2 pattern
    name      a person's or brand's name that others may imitate
    domain    a domain, with all below it
    image     a PDQ hash: 64 hexadecimal digits                   largest Hamming distance [31]
    audio     Chromaprint sub-fingerprints: base64 of uint32 LE   largest percent of bits that differ [35]
    video     JSON list of [seconds, PDQ hash]                    percent of the shorter video's frames [60]
    digest    MD5, SHA-1 or SHA-256 of the exact bytes, in hex
    a hasher  its hash: 2 hexadecimal digits per byte             largest Hamming distance [the hasher's radius]
    ========= ================================================== ==================================================

    ``expires``: milliseconds since 1970.
    """

    bank: str
    id: str
    kind: str
    value: str
    threshold: int | None = None
    expires: int | None = None
    quarantined: bool = False  # matches, but without effect


@dataclass(frozen=True, slots=True)
class Hit:
    """A match of an entry. ``start`` and ``end`` count characters of the original text; seconds refer to the query.

    ``distance``: differing bits of an image hash; percent of differing bits of audio; percent of a video's frames or of
    a near text's 5-grams that are not shared; of a meaning, 100 less the percent of the cosine. ``effect``:
    ``matched``, ``quarantined`` (the entry matches too often to have an effect) or ``suppressed`` (an allow-bank knows
    the part).
    """

    bank: str
    entry: str
    start: int | None = None
    end: int | None = None
    distance: int | None = None
    start_s: float | None = None
    end_s: float | None = None
    effect: str = "matched"


def canonical_value(kind: str, value: str, threshold: int | None = None, hashers: Hashers = NO_HASHERS) -> str:
    """The value in its canonical form: two spellings of one thing become equal. Raises ``EntryError``.

    Call it before adding an entry: a value it accepts always compiles. ``hashers``: the enabled ones.
    """
    hasher = hashers.get(kind)
    if kind not in KINDS and hasher is None:
        remedy = "; if it belongs to a hasher, enable its plug-in" if hashed_modality(kind) else ""
        raise EntryError(f"kind is {kind!r}; it must be one of {', '.join([*KINDS, *hashers])}{remedy}")
    if not value.strip():
        raise EntryError("the value is empty")
    check_threshold(kind, threshold, hashers)
    return _CANONICAL[kind](value) if hasher is None else _canonical_hash(value, hasher)


def check_threshold(kind: str, threshold: int | None, hashers: Hashers = NO_HASHERS) -> None:
    """Check a threshold. Raises ``EntryError`` when entries of this kind cannot have it."""
    hasher = hashers.get(kind)
    least, most = _THRESHOLDS.get(kind, (None, None)) if hasher is None else (0, widest(hasher.bits))
    if threshold is not None and (least is None or most is None or not least <= threshold <= most):
        allowed = f"from {least} to {most}" if most is not None else "left out"
        raise EntryError(f"threshold is {threshold}; for kind {kind} it must be {allowed}")


def hashed_modality(kind: str) -> Modality | None:
    """The modality that entries of a hasher's kind are hashes of, enabled or not; None for other kinds."""
    before, hyphen, _ = kind.partition("-")
    return next((each for each in HASHED if hyphen and each == before), None)


def widest(bits: int) -> int:
    """The largest radius for hashes of so many bits: unrelated ones differ in half of them."""
    return bits // 4


def host_of(value: str) -> str:
    """The canonical host of a domain entry, which may be given as a URL, without ``www.``; as written if it is none."""
    written = re.sub(r"[\t\r\n]", "", value.strip())
    rest = re.sub(r"^(?:[A-Za-z][A-Za-z0-9+.-]*:[/\\]+|(?:https?|ftp):|[/\\]{2,})", "", written, flags=re.IGNORECASE)
    rest = re.split(r"[/\\?#]", rest)[0].rpartition("@")[2]
    rest = re.sub(r":\d*$", "", rest).removeprefix("*.").strip(".")
    return (canonical_host(rest) or rest.lower()).removeprefix("www.")


# A word. Scripts written without spaces count each character as one.
_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]|[^\W_\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]+"
)


def words_of(text: str) -> Iterator[re.Match[str]]:
    """The words of a text, in order."""
    return _WORD.finditer(text)


@functools.cache
def pattern_options() -> Any:
    """RE2 options for patterns: case-insensitive, in linear time and bounded memory."""
    options = re2.Options()
    options.case_sensitive = False
    options.max_mem = 64 << 20
    options.log_errors = False
    return options


_THRESHOLDS: Final = {
    "text": (1, 100),
    "near_text": (50, 100),
    "meaning": (40, 100),
    "image": (0, 64),
    "audio": (1, 40),
    "video": (20, 100),
}
_FIRST_CJK: Final = 0x2E80
_LONGEST_VIDEO: Final = 20_000  # frames of one video entry


def _canonical_text(value: str) -> str:
    if not any(words_of(value)):
        raise EntryError("the text contains no word")
    return " ".join(value.split())


def _canonical_near_text(value: str) -> str:
    letters = sum(map(str.isalnum, value))
    if letters < LEAST_LETTERS:
        raise EntryError(
            f"the text has {letters} letters and digits; comparing by overlap needs {LEAST_LETTERS}; use kind text"
        )
    return " ".join(value.split())


def _canonical_meaning(value: str) -> str:
    letters = sum(map(str.isalpha, value))
    wide = sum(char.isalpha() and ord(char) >= _FIRST_CJK for char in value)  # a letter is a syllable or a word
    if letters + 2 * wide < _LEAST_MEANING:
        raise EntryError(
            f"the text has {letters} letters; an example of a meaning needs {_LEAST_MEANING}; use kind text for a word"
        )
    text = " ".join(value.split())
    if len(text) > _MOST_MEANING:
        raise EntryError(
            f"the text has {len(text)} characters; an example of a meaning has at most {_MOST_MEANING}: "
            "give the sentences that matter"
        )
    return text


def _canonical_name(value: str) -> str:
    if sum(map(str.isalnum, value)) < 2:
        raise EntryError("a name needs at least two letters")
    return " ".join(value.split())


@functools.lru_cache(1_024)
def compile_pattern(value: str) -> Any:
    """A pattern that knows all letters, compiled for the folded view of a text. Raises ``EntryError``."""
    try:
        compiled = _compile(in_unicode(folded_pattern(value)))
    except (EntryError, UnclearPattern):
        return _compile(value)  # stored before this was checked
    return _compile(value) if compiled.search("") else compiled  # of optional marks alone: nothing is left of it


def folded_pattern(value: str) -> str:
    """The pattern with its letters as texts show them to it: without accents, full-width forms and the like."""
    if value.isascii():
        return value
    pieces = _CLASS.split(unicodedata.normalize("NFC", value))  # classes are at the odd places
    return "".join(
        _NOTHING if _MARKS.fullmatch(one) else "".join(_folded_letter(char, in_class=at % 2 == 1) for char in one)
        for at, one in enumerate(pieces)
    )


_NOTHING: Final = (
    "(?:)"  # in the place of a vowel sign, which texts do not show: what repeats it has something to repeat
)
_MARKS: Final = re.compile(r"\[[-\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u093c]+\]")
_CLASS: Final = re.compile(r"(\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]|\\.)", re.DOTALL)  # or an escaped character


def _folded_letter(char: str, *, in_class: bool) -> str:
    if not in_class and is_optional_mark(char):
        return _NOTHING
    shown = char if char.isascii() else fold_scripts(char).text
    if not shown.isalnum() or (len(shown) > 1 and in_class):
        return char
    return shown if len(shown) == 1 else f"(?:{shown})"  # straße is shown as strasse


def check_compiles(value: str) -> None:
    """Raises ``EntryError`` for a pattern that RE2 rejects."""
    _compile(value)


def _compile(pattern: str) -> Any:
    try:
        return re2.compile(pattern, pattern_options())
    except re2.error as error:
        message = error.args[0] if error.args else error
        text = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
        raise EntryError(f"RE2 rejects the pattern: {text}") from error


_ORDINARY: Final = (
    "what a lovely day it is", "c'est très joli, merci !", "сегодня хороший день", "今天天气很好", "اليوم يوم جميل جدا",
    "ah.", "आज का दिन अच्छा है", "오늘 날씨가 좋네요",
)  # fmt: skip
"""Harmless texts in several scripts: a pattern that is found in all of them would hold everybody's."""


def _canonical_pattern(value: str) -> str:
    if len(value) > MAX_TEXT:
        raise EntryError(f"the pattern has {len(value)} characters; at most {MAX_TEXT} are taken: make several entries")
    try:
        compiled = _compile(in_unicode(folded_pattern(value), strict=True))
    except UnclearPattern as error:
        raise EntryError(f"the pattern cannot be used: {error}") from error
    if _compile(value).search("") is not None:
        raise EntryError("the pattern matches the empty text, so it would match everything")
    if r"\C" in value.replace(r"\\", ""):
        raise EntryError(r"the pattern has \C, which matches bytes; write . for a character")
    if any(all(compiled.search(text) is not None for text in texts) for texts in (PROBES, _ORDINARY)):
        raise EntryError("the pattern is found in every text; write what it should find")
    return value


def _canonical_domain(value: str) -> str:
    host = host_of(value)
    labels = host.split(".")
    if (
        len(labels) < 2
        or canonical_host(host) != host
        or re.search(r"[\x00-\x2c\x2f:-@\[-^`{-\x7f]", host)
        or any(label[:1] in "-_" or label[-1:] in "-_" or len(label) > 63 for label in labels)
    ):
        raise EntryError(f"{host!r} is not a domain; write one such as evil.example")
    if is_public_suffix(host):
        raise EntryError(f"{host!r} is a public suffix; it would match every domain below it")
    return host


def _canonical_image(value: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", value.strip()):
        raise EntryError("expected the 64 hexadecimal digits of a PDQ hash")
    return value.strip().lower()


def _canonical_audio(value: str) -> str:
    try:
        data = base64.b64decode("".join(value.split()), validate=True)
    except binascii.Error as error:
        raise EntryError(f"not base64: {error}") from error
    if len(data) % 4 or len(data) < 4 * LEAST_ITEMS:
        raise EntryError(
            f"{len(data)} bytes; expected at least {LEAST_ITEMS} sub-fingerprints (7 s) of 4 bytes, little-endian"
        )
    return base64.b64encode(data).decode()


def _canonical_video(value: str) -> str:
    wrong = EntryError('expected a JSON list of frames such as [[0.5, "<the 64 hexadecimal digits of a PDQ hash>"], …]')
    try:
        frames = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise wrong from error
    if not isinstance(frames, list) or not 1 <= len(frames) <= _LONGEST_VIDEO:
        raise EntryError(f"a video entry must have 1 to {_LONGEST_VIDEO} frames")
    kept = []
    for frame in frames:
        match frame:
            case [float() | int() as seconds, str() as digits] if not isinstance(seconds, bool):
                if not 0 <= seconds < math.inf:
                    raise EntryError(f"a frame at {seconds} seconds; seconds must not be negative")
                kept.append([round(float(seconds), 3), _canonical_image(digits)])
            case _:
                raise wrong
    return json.dumps(sorted(kept), separators=(",", ":"))


def _canonical_digest(value: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}", value.strip()):
        raise EntryError("expected a digest in hexadecimal: MD5 (32 digits), SHA-1 (40) or SHA-256 (64)")
    return value.strip().lower()


def _canonical_hash(value: str, hasher: HasherSpec) -> str:
    digits = hasher.bits // 4
    if not re.fullmatch(rf"[0-9a-fA-F]{{{digits}}}", value.strip()):
        raise EntryError(f"expected the {digits} hexadecimal digits of a hash by {hasher.name}")
    return value.strip().lower()


_CANONICAL: Final[dict[str, Callable[[str], str]]] = {
    "text": _canonical_text,
    "near_text": _canonical_near_text,
    "meaning": _canonical_meaning,
    "pattern": _canonical_pattern,
    "name": _canonical_name,
    "domain": _canonical_domain,
    "image": _canonical_image,
    "audio": _canonical_audio,
    "video": _canonical_video,
    "digest": _canonical_digest,
}
