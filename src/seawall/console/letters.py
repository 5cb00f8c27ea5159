"""The letters of actions and the key that lifts veils: defaults, a person's own, and which ones are taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from seawall.access import Preferences

RESERVED: Final = frozenset("tvnypmsgjko?") | frozenset("123456789")
"""What the case page and every page use otherwise: answers, policy, note, skip, guidance, rows, reasons."""


def problem_with(letters: Mapping[str, str], unveil_key: str) -> str:
    """Why these cannot be the letters of the page; empty: they can."""
    used = [*letters.values(), unveil_key]
    for letter in used:
        if len(letter) != 1 or not letter.isascii() or not (letter.islower() or letter.isdigit()):
            return f"'{letter[:20]}' is not a letter: choose one from a to z."
        if letter in RESERVED:
            return f"The page uses '{letter}' for something else. Choose another letter."
    twice = [letter for letter, times in Counter(used).items() if times > 1]
    return f"'{twice[0]}' would do two things. Give each its own letter." if twice else ""


def letters_of(chosen: Preferences, defaults: Mapping[str, str]) -> Mapping[str, str]:
    """The letter of each action. The defaults when a later release took one of the chosen letters for the page."""
    found = {**defaults, **{kind: letter for kind, letter in chosen.letters.items() if kind in defaults}}
    return defaults if problem_with(found, chosen.unveil_key) else found


def unveil_key_of(chosen: Preferences) -> str:
    """The key that lifts the veils of a page; the default when a later release took the chosen one."""
    return chosen.unveil_key if chosen.unveil_key not in RESERVED else Preferences().unveil_key
