"""Tokeniser of the classifier: turns text into tokens, each with its position in the original.

Lower case; URLs, mentions and numbers become one token each; emoji become the words of their Unicode name (🐀 becomes
"rat", so that training on the word covers the emoji); plain names of groups of people become their class (see
``identity``). Used for training and serving.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from seawall.detectors.text.model.identity import IDENTITY

URL, MENTION, EMOJI_SKIN = "\ue0f0", "\ue0f1", "\ue0f2"
_MAX_WORD = 32  # longer runs of letters become several tokens: bounds the cost of one token

_TOKEN = re.compile(
    r"(?P<url>https?://\S+|www\.\S+|\[url\]|<url>|\burl\b)"
    r"|(?P<mention>@\w+|\[user\]|<user>)"
    r"|(?P<entity>&(?:amp|lt|gt|quot|#\d{1,6});)"
    r"|(?P<word>[^\W\d_]+(?:['’][^\W\d_]{1,3}\b)?)"
    r"|(?P<number>\d+)"
    r"|(?P<mark>[!?\"“”#*%$£€])"
    r"|(?P<other>[^\s\w])"
)
_MARKS = {"“": '"', "”": '"'}
_DROPPED_NAMES = {"with", "sign", "symbol", "black", "white", "face", "heavy", "selector-16", "joiner", "variation"}


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of one text, and the characters ``[start, end)`` of the original for each."""

    words: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]


@lru_cache(maxsize=4096)
def _symbol_words(symbol: str) -> tuple[str, ...]:
    """An emoji or pictograph as words; ordinary punctuation, joiners and private characters as none."""
    if unicodedata.category(symbol) not in ("So", "Sk"):
        return ()
    name = unicodedata.name(symbol, "").lower()
    if "fitzpatrick" in name:
        return (EMOJI_SKIN,)
    if name.startswith("regional indicator"):
        return ("flag",)
    return tuple(IDENTITY.get(word, word) for word in re.findall(r"[a-z]+", name) if word not in _DROPPED_NAMES)


def tokenise(text: str) -> Tokens:
    """The tokens of a text that is already normalised (``seawall.content.normalise``)."""
    words: list[str] = []
    spans: list[tuple[int, int]] = []
    lowered = text.lower()
    if len(lowered) != len(text):  # a few letters change length in lower case: preserve the offsets
        lowered = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    for match in _TOKEN.finditer(lowered):
        kind, span = match.lastgroup, match.span()
        found: tuple[str, ...]
        if kind == "word":
            word = match[0].replace("’", "'")
            if len(word) > _MAX_WORD:
                found = tuple(word[i : i + _MAX_WORD] for i in range(0, len(word), _MAX_WORD))
            else:
                plain = word[:-2] if word.endswith("'s") else word
                found = (IDENTITY.get(plain, word),)
        elif kind == "other":
            found = _symbol_words(match[0])
        elif kind == "number":
            found = ("0" * min(len(match[0]), 12),)
        elif kind == "mark":
            found = (_MARKS.get(match[0], match[0]),)
        elif kind == "url":
            found = (URL,)
        elif kind == "mention":
            found = (MENTION,)
        else:
            found = ()
        for word in found:
            words.append(word)
            spans.append(span)
    return Tokens(tuple(words), tuple(spans))
