"""Pages in other languages: whose choice counts, and that no sentence stays English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from gettext import NullTranslations
from pathlib import Path

import pytest
from checks.translations import check
from markupsafe import Markup
from selectolax.lexbor import LexborHTMLParser, LexborNode

from seawall.console import languages
from seawall.console.formats import day, number, span_of_time
from seawall.console.languages import language_of, speaking
from seawall.console.templates import environment
from support.console import Rig
from support.pages import every_page

UNSPOKEN = {"script", "style", "code", "kbd", "pre", "bdi", "svg"}
ATTRIBUTES = ("title", "aria-label", "placeholder", "alt")


class Bracketed(NullTranslations):
    """A made-up language: each sentence of English in brackets."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"

    def pgettext(self, context: str, message: str) -> str:
        return message if len(message) == 1 else f"⟦{message}⟧"  # decimal points


@pytest.fixture
def bracketed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(languages.LANGUAGES, "xx", "Bracketed")  # type: ignore[arg-type]
    real = languages.translations
    monkeypatch.setattr(languages, "translations", lambda code: Bracketed() if code == "xx" else real(code))


@pytest.mark.usefixtures("bracketed")
def test_every_sentence_of_every_page_can_be_translated(rig: Rig) -> None:
    browser = rig.browser("admin")
    found: list[str] = []
    for path in every_page(rig):
        page = browser.get(path, headers={"Accept-Language": "xx"})
        found += [f"{path}: {text}" for text in _untranslated(page.text)]
    assert not found, "\n".join(found)


def test_a_sentence_is_escaped_whatever_it_is() -> None:
    def shown(template: str, **given: object) -> str:
        return environment({}).from_string(template).render(**given)

    assert shown("{{ _(x) }}", x="<b>100 % & more") == "&lt;b&gt;100 % &amp; more"
    assert shown('{{ _("<b>%(x)s") }}', x="<i>") == "&lt;b&gt;%(x)s"
    assert shown('{{ _("by %(x)s", x=x) }}', x="<i>") == "by &lt;i&gt;"
    assert shown('{{ _("by <%(x)s", x=x) }}', x=Markup("<i>")) == "by &lt;<i>"
    assert shown('{{ _("100%%") }}') == "100%"
    assert shown("{% trans x=x %}<b>by {{ x }}</b>{% endtrans %}", x="<i>") == "<b>by &lt;i&gt;</b>"


def test_every_sentence_is_translated() -> None:
    assert list(check(Path(__file__).parents[2])) == []


def test_the_persons_choice_counts_then_the_browsers_order() -> None:
    assert language_of("de", "en") == "de"
    assert language_of("", "de-AT,en;q=0.8") == "de"
    assert language_of("", "en;q=0.5, de;q=0.9") == "de"
    assert language_of("", "fr, *;q=0.1") == "en"
    assert language_of("", "de;q=nonsense, en;q=0.1") == "en"
    assert language_of("xx", "") == "en"  # of a release that knew it


def test_numbers_and_dates_are_written_as_in_the_language() -> None:
    with speaking("de"):
        assert number(1204567) == "1.204.567"
        assert number(0.83) == "0,830"
        assert day(1_803_686_400_000) == "27. Feb. 2027"
        assert span_of_time(95_000) == "1 Min."
    assert number(1204567) == "1,204,567"


def _untranslated(html: str) -> Iterator[str]:
    """Texts of the page with a word outside of brackets. A sentence may go through several elements."""
    depth = 0
    for text in _texts(LexborHTMLParser(html).root):
        outside = ""
        for character in text:
            depth += (character == "⟦") - (character == "⟧")
            outside += character if depth == 0 else ""
        if re.search(r"[A-Za-z]{2}", outside.removesuffix("· Seawall\n").removesuffix("· Seawall")):
            yield " ".join(text.split())[:120]


def _texts(node: LexborNode | None) -> Iterator[str]:
    """Texts below the node in the order of the document, and attributes that are read to people."""
    if node is None or node.tag in UNSPOKEN or node.attributes.get("translate") == "no":
        return
    if node.is_text_node:
        yield node.text_content or ""
    for name in ATTRIBUTES:
        if value := (node.attributes or {}).get(name):
            yield value
    child = node.child
    while child is not None:
        yield from _texts(child)
        child = child.next
