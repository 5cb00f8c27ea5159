"""Which language a text is written in: identified from the text, or "cannot tell".

>>> identify("ich kann das nicht mehr hören"), identify("nice one bro"), identify("Rosalía"), identify("ok")
('de', 'en', None, None)

Scripts of one language decide by themselves; the rest is told by n-grams (``eldc``, 60 languages). A text that is too
short, a name, or one of several languages is not told: an answer is given only where it can be relied on.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cache, lru_cache
from typing import Final

import eldc

_READ: Final = 2_000  # characters of a text: more tells nothing new
_CACHED: Final = 64
_LONGEST_NAME: Final = 40  # characters
_NOT_WORDS: Final = re.compile(r"https?://\S+|www\.\S+|[@#][\w.]+|\S+@\S+\.\w+|[\d_]+")

_OF_SCRIPT: Final = {
    "HANGUL": "ko",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "THAI": "th",
    "HEBREW": "he",
    "GREEK": "el",
    "TAMIL": "ta",
    "TELUGU": "te",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "GUJARATI": "gu",
    "GURMUKHI": "pa",
    "ORIYA": "or",
    "SINHALA": "si",
    "MYANMAR": "my",
    "KHMER": "km",
    "LAO": "lo",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy",
    "ETHIOPIC": "am",
    "BENGALI": "bn",
    "CJK": "zh",
}
"""Scripts that are (nearly) one language's. Yiddish, Assamese and Tigrinya are taken for their neighbours."""
_MOSTLY: Final = {"DEVANAGARI": "hi"}
"""Scripts whose languages are near to each other: what most people write, where another is not told reliably."""
_SAME: Final = {"ms": "id"}
"""Languages that are not told apart from one that more people write: Malay and Indonesian."""
_NEAR: Final = {"CYRILLIC": "ru"}
"""As ``_MOSTLY``, where the n-grams come nearest to that language, though it is not told reliably from others."""
_IN_NAMES: Final = frozenset(
    {"al", "bin", "da", "de", "del", "der", "di", "do", "dos", "el", "la", "le", "van", "von", "y"}
)
_WORDS_OF_TWO: Final = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL"})
_LEAST: Final = 3  # letters of a script; two of scripts whose words are short
_JAPANESE: Final = 0.1  # share of kana from which Han characters are Japanese


def identify(text: str) -> str | None:
    """The two-letter code (ISO 639-1) of a text's language; None where it cannot be told."""
    return _identify(text[:_READ])


def language_of(text: str, declared: str | None) -> str | None:
    """The language in which a text is read: the one identified; where it cannot be told, the declared one."""
    return identify(text) or declared


def reads_as(text: str, language: str) -> bool:
    """Whether a text may be in a language that is written in Latin letters: told to be, or nothing speaks against."""
    found = identify(text)
    return found == language if found is not None else _mostly_latin(text[:_READ])


@lru_cache(_CACHED)
def _identify(text: str) -> str | None:
    readable = text.encode("utf-8", "ignore").decode().replace("\0", " ")  # eldc takes no lone surrogates
    words, fallback, near = _NOT_WORDS.sub(" ", readable), None, None
    if not words.isascii():
        scripts = Counter(map(_script, filter(str.isalpha, words)))
        total = sum(scripts.values())
        script, letters = scripts.most_common(1)[0] if scripts else ("", 0)
        if letters >= _LEAST - (script in _WORDS_OF_TWO) and 2 * letters > total:
            kana = scripts["HIRAGANA"] + scripts["KATAKANA"]
            if script == "CJK" and kana >= _JAPANESE * letters:
                return "ja"
            if script in _OF_SCRIPT:
                return _OF_SCRIPT[script]
            fallback, near = _MOSTLY.get(script), _NEAR.get(script)
    _load()
    found = eldc.detect_details(words)
    language = str(found.language)
    if not found.reliable:
        return near if language == near else fallback
    if language != "de" and _is_name(words):  # in German every noun begins with a capital
        return None
    return _SAME.get(language, language)


def _is_name(words: str) -> bool:
    """Whether a text is two or three words with a capital each, as names of people and bands are: Jan de Vries."""
    if len(words) > _LONGEST_NAME or not words[:1].isupper():
        return False
    listed = words.split()
    capitals = [word for word in listed if word not in _IN_NAMES]
    return (
        2 <= len(listed) <= 3
        and len(capitals) >= 2
        and all(word[:1].isupper() and not word[1:3].isupper() for word in capitals)
    )


def _mostly_latin(text: str) -> bool:
    """Whether at least half of the letters are Latin; true of fewer than three letters, as in ``(ಠ_ಠ)``."""
    if text.isascii():
        return True
    letters = [_script(char) for char in text if char.isalpha()]
    return len(letters) < 3 or 2 * letters.count("LATIN") >= len(letters)


@cache
def _load() -> None:
    eldc.init()


@lru_cache(4096)
def _script(letter: str) -> str:
    """The first word of a letter's Unicode name, which is its script's: LATIN, CYRILLIC, CJK."""
    return unicodedata.name(letter, "").partition(" ")[0]
