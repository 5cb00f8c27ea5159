"""Input of the encoder: a sentence of ordinary words, normalised from the text as written.

The encoder knows English words and no emoji, so an emoji becomes the words of its Unicode name (``🐀`` → ``rat``). URLs
and mentions become one plain word each, as in the tokens (``canonical``). Names of groups stay: bias towards them is
reduced by swapping them in training (``seawall.learn.encoder``).

    >>> worded("K1ll all 🐀🐀 @you see https://example.org/a?b")
    'kill all rat rat user see url'
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from seawall.content.invisible import is_ignorable
from seawall.content.normalise import normalise

URL, MENTION = "url", "user"

_CHANGED = re.compile(
    r"(?P<url>https?://\S+|www\.\S+|\[url\]|<url>)"
    r"|(?P<mention>@\w+|\[user\]|<user>)"
    r"|(?P<entity>&(?:amp|lt|gt|quot|#\d{1,6});)"
    r"|(?P<digits>\d{7,})"
    r"|(?P<symbol>[^\w\s!-~]|[`^])"
)
_DROPPED_NAMES = frozenset({"with", "sign", "symbol", "heavy", "selector-16", "joiner", "variation"})
_ENTITIES = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"'}


@lru_cache(maxsize=4096)
def _symbol(symbol: str) -> str:
    """An emoji or pictograph as words between spaces; other characters unchanged."""
    if unicodedata.category(symbol) not in ("So", "Sk"):
        return symbol
    name = unicodedata.name(symbol, "").lower()
    if "fitzpatrick" in name:
        return " skin "
    if name.startswith("regional indicator"):
        return " flag "
    words = [word for word in re.findall(r"[a-z]+", name) if word not in _DROPPED_NAMES]
    return f" {' '.join(words)} "


def _shown(match: re.Match[str]) -> str:
    kind, text = match.lastgroup, match[0]
    if kind == "symbol":
        return _symbol(text)
    if kind == "digits":
        return text[:6]
    if kind == "entity":
        return _ENTITIES.get(text, " ")
    return f" {URL} " if kind == "url" else f" {MENTION} "


def normalised_text(normalised: str) -> str:
    """``worded`` for text that is already normalised."""
    return " ".join(_CHANGED.sub(_shown, normalised).split())


def encoder_text(text: str) -> str:
    """The sentence that the encoder reads."""
    return normalised_text(normalise(text).text)


_STRAY_MARKS = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+")


def multilingual_text(text: str) -> str:
    """The sentence that the multilingual encoder reads: its letters in lower case, with their accents.

    Compatibility forms, invisible characters and marks that no letter of a language carries are gone, as is Arabic
    tatweel, which only stretches a word.
    """
    composed = unicodedata.normalize("NFKC", text).lower()
    if not composed.isascii():
        shown = "".join(char for char in composed if char != "\u0640" and not is_ignorable(char))
        composed = _STRAY_MARKS.sub("", shown)
    return normalised_text(composed)
