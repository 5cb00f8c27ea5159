"""The languages of the console: which one a page is in, and the sentences of the code in that language.

English is in the code. Each other language has a folder in ``locale/`` with one catalogue (gettext's ``.po``) for
each part of the console. A page is rendered in one thread, which remembers its language; a sentence without a
translation stays English. Texts of operators and of users (policies, queues, content) are theirs and never translated.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Final

LANGUAGES: Final = {"en": "English", "de": "Deutsch"}
"""Code → the language's own name."""

FOLDER: Final = Path(__file__).parent / "locale"
_current: ContextVar[str] = ContextVar("language", default="en")


def language_of(chosen: str, accepted: str) -> str:
    """The language that somebody ``chose``, else the first known one of the header Accept-Language, else English."""
    if chosen in LANGUAGES:
        return chosen
    wanted: list[tuple[float, str]] = []
    for part in accepted[:400].split(","):
        tag, _, quality = part.strip().partition(";q=")
        code = tag.partition("-")[0].strip().lower()
        if code in LANGUAGES:
            wanted.append((_quality(quality), code))
    return max(wanted, key=lambda one: one[0])[1] if wanted else "en"


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Make ``code`` the language of what this thread or task renders meanwhile."""
    before = _current.set(code)
    try:
        yield
    finally:
        _current.reset(before)


def current_language() -> str:
    """The code of the language of the page that is being rendered."""
    return _current.get()


def gettext(sentence: str) -> str:
    """The sentence in the page's language."""
    return translations(_current.get()).gettext(sentence) if sentence else ""


def ngettext(one: str, many: str, n: int) -> str:
    """The form for ``n`` things in the page's language."""
    return translations(_current.get()).ngettext(one, many, n)


def pgettext(context: str, sentence: str) -> str:
    """Like ``gettext``, for a word that has several translations; ``context`` tells them apart."""
    return translations(_current.get()).pgettext(context, sentence)


def marked(sentence: str) -> str:
    """The sentence itself: it is translated where it is shown, and this makes it known to the catalogues."""
    return sentence


@cache
def translations(code: str) -> NullTranslations:
    """All catalogues of a language as one."""
    if code == "en":
        return NullTranslations()
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    whole = Catalog(locale=code)
    for file in sorted((FOLDER / code).glob("*.po")):
        with file.open("rb") as stream:
            for message in read_po(stream, locale=code):
                if message.id and message.string:
                    whole.add(message.id, message.string, context=message.context)
    compiled = BytesIO()
    write_mo(compiled, whole)
    compiled.seek(0)
    return GNUTranslations(compiled)


def _quality(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0
