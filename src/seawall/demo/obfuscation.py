"""Text obfuscation against word lists: look-alike letters, digits for letters, spaced or invisible characters."""

from __future__ import annotations

import random
from collections.abc import Callable

_LEET = str.maketrans({"a": "4", "e": "3", "i": "1", "o": "0", "s": "$"})
_LOOKALIKE = str.maketrans({"a": "а", "e": "е", "o": "о", "p": "р", "c": "с", "x": "х", "i": "і"})  # Cyrillic
_FULLWIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_ZERO_WIDTH = "\u200b"


def obfuscate(text: str, rng: random.Random) -> str:
    """The same words, harder to match but still readable."""
    return rng.choice(_TRICKS)(text, rng)


def _some_words(text: str, rng: random.Random, change: Callable[[str], str]) -> str:
    return " ".join(change(word) if len(word) > 3 and rng.random() < 0.6 else word for word in text.split(" "))


def _leet(text: str, rng: random.Random) -> str:
    return _some_words(text, rng, lambda word: word.translate(_LEET))


def _lookalike(text: str, rng: random.Random) -> str:
    return _some_words(text, rng, lambda word: word.translate(_LOOKALIKE))


def _spaced(text: str, rng: random.Random) -> str:
    return _some_words(text, rng, " ".join)


def _invisible(text: str, rng: random.Random) -> str:
    return _some_words(text, rng, _ZERO_WIDTH.join)


def _fullwidth(text: str, rng: random.Random) -> str:
    return _some_words(text, rng, lambda word: word.translate(_FULLWIDTH))


_TRICKS = (_leet, _lookalike, _spaced, _invisible, _fullwidth)
