"""The letters of actions and the key that lifts veils: defaults, a person's own, and which ones are taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from string import ascii_lowercase, digits
from typing import Final

from seawall.access import Preferences
from seawall.console.languages import gettext as _

RESERVED: Final = frozenset("tvnypmsgjkor?/") | frozenset("123456789")
"""What the case page and every page use otherwise: answers, policy, note, skip, guidance, rows, reasons."""

_SIGNS: Final = ".,;-+=[]#"  # most letters are taken: these are free on many keyboards
_ALLOWED: Final = frozenset(ascii_lowercase + digits + _SIGNS)


def problem_with(letters: Mapping[str, str], unveil_key: str) -> str:
    """Why these cannot be the letters of the page; empty: they can."""
    used = [*letters.values(), unveil_key]
    for letter in used:
        if len(letter) != 1 or letter not in _ALLOWED:
            text = _("'%(key)s' is not a key for this: choose a letter from a to z, 0, or one of %(signs)s")
            return text % {"key": letter[:20], "signs": " ".join(_SIGNS)}
        if letter in RESERVED:
            return _("The page uses '%(key)s' for something else. Choose another letter.") % {"key": letter}
    twice = [letter for letter, times in Counter(used).items() if times > 1]
    return _("'%(key)s' would do two things. Give each its own letter.") % {"key": twice[0]} if twice else ""


def letters_of(chosen: Preferences, defaults: Mapping[str, str]) -> Mapping[str, str]:
    """The letter of each action. The defaults when a later release took one of the chosen letters for the page.

    The default of an action that came with a later release makes way for a letter that somebody chose before.
    """
    own = {kind: letter for kind, letter in chosen.letters.items() if kind in defaults}
    found = {**defaults, **own}
    taken = {*own.values(), chosen.unveil_key}
    for kind in [kind for kind in defaults if kind not in own and found[kind] in taken]:
        found[kind] = next((sign for sign in _SIGNS if sign not in taken.union(found.values())), found[kind])
    return defaults if problem_with(found, chosen.unveil_key) else found


def unveil_key_of(chosen: Preferences) -> str:
    """The key that lifts the veils of a page; the default when a later release took a chosen one, as ``letters_of``."""
    taken = RESERVED & {chosen.unveil_key, *chosen.letters.values()}
    return Preferences().unveil_key if taken else chosen.unveil_key
