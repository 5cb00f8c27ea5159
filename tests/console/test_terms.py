"""The words that pages explain."""

from __future__ import annotations

from pathlib import Path

from seawall import console
from seawall.console.terms import TERMS, terms_of
from support.console import Rig


def test_every_page_explains_its_words_and_every_word_has_a_page() -> None:
    folder = Path(console.__file__).parent
    shown: set[str] = set()
    for template in folder.glob("*/templates/[!_]*.html"):
        shown |= {name for name, _ in terms_of(f"{template.parts[-3]}/{template.name}")}
    assert shown == set(TERMS)


def test_the_help_of_a_page_has_its_words(rig: Rig) -> None:
    page = rig.browser("admin").get("/quality").text
    assert "Words on this page" in page
    assert "A case whose right answer is known" in page
    assert "Words on this page" not in rig.browser("admin").get("/no-such-page").text
