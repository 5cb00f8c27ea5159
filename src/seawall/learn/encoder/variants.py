"""Data augmentation: variants of a training text with evasion, typing errors, or another group of people.

Evasion is applied to the raw text, so that the encoder learns from what the normaliser leaves over and not from what it
undoes. Swapping group names within their class teaches that the statement counts and not the group (counterfactual
augmentation; the n-gram model reads classes instead, see ``identity``).
"""

from __future__ import annotations

import random
import re
from collections import defaultdict

from seawall.content.lookalikes import CYRILLIC, CYRILLIC_EXACT
from seawall.detectors.text.model.identity import IDENTITY

_LEET = {"a": "4@", "e": "3", "i": "1!", "o": "0", "s": "5$", "t": "7+", "b": "8", "g": "9"}
_TWINS: dict[str, str] = {latin: duplicate for duplicate, latin in CYRILLIC.items() if duplicate in CYRILLIC_EXACT}
_WORD = re.compile(r"[^\W\d_]+")
_SEPARATORS = (" ", ".", "-", "_", "*")

_PLURAL: dict[bool, dict[str, list[str]]] = {True: defaultdict(list), False: defaultdict(list)}
for _word, _class in IDENTITY.items():
    _PLURAL[_word.endswith("s") or _word.endswith("men")][_class].append(_word)


def swapped(text: str, chance: random.Random) -> str:
    """The text with every group name replaced by another of its class, equal names by equal replacements."""
    chosen: dict[str, str] = {}

    def other(match: re.Match[str]) -> str:
        word = match[0]
        kind = IDENTITY.get(word)
        if kind is None:
            return word
        if word not in chosen:
            chosen[word] = chance.choice(_PLURAL[word.endswith("s") or word.endswith("men")][kind])
        return chosen[word]

    return _WORD.sub(other, text)


def names_a_group(text: str) -> bool:
    """Whether ``swapped`` would change anything in this lower-case text."""
    return any(word in IDENTITY for word in _WORD.findall(text))


def evaded(text: str, chance: random.Random) -> str:
    """The text as written to evade a detector, or in a hurry: one to three changed words."""
    words = [match.span() for match in _WORD.finditer(text) if match.end() - match.start() > 2]
    if not words:
        return text
    for start, end in sorted(chance.sample(words, min(len(words), chance.randint(1, 3))), reverse=True):
        how = chance.choice(_WAYS)
        text = how(text, start, end, chance)
    return text


def _leet(text: str, start: int, end: int, chance: random.Random) -> str:
    word = "".join(
        chance.choice(_LEET[char]) if char in _LEET and chance.random() < 0.7 else char for char in text[start:end]
    )
    return text[:start] + word + text[end:]


def _spaced(text: str, start: int, end: int, chance: random.Random) -> str:
    return text[:start] + chance.choice(_SEPARATORS).join(text[start:end]) + text[end:]


def _twins(text: str, start: int, end: int, chance: random.Random) -> str:
    return text[:start] + "".join(_TWINS.get(char, char) for char in text[start:end]) + text[end:]


def _stretched(text: str, start: int, end: int, chance: random.Random) -> str:
    at = chance.randrange(start, end)
    return text[:at] + text[at] * chance.randint(2, 5) + text[at:]


def _shorter(text: str, start: int, end: int, chance: random.Random) -> str:
    at = chance.randrange(start + 1, end)
    return text[:at] + text[at + 1 :]


def _crossed(text: str, start: int, end: int, chance: random.Random) -> str:
    at = chance.randrange(start, end - 1)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _run_together(text: str, start: int, end: int, chance: random.Random) -> str:
    if text[end : end + 1] == " ":
        return text[:end] + text[end + 1 :]
    return _crossed(text, start, end, chance)


def _broken(text: str, start: int, end: int, chance: random.Random) -> str:
    at = chance.randrange(start + 1, end)
    return f"{text[:at]} {text[at:]}"


_WAYS = (_leet, _spaced, _twins, _stretched, _shorter, _crossed, _run_together, _broken)
