"""What runs from one page into the next: broken words and phrases are in one text, whatever stands between them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.document_files import Page, pdf
from seawall.detectors.text.lexicon import LexiconDetector
from seawall.media import DocumentContent, Media
from seawall.media.decoders.document_parts import PIECE
from seawall.media.decoders.line_breaks import page_seams
from seawall.media.documents import DocumentExtractor
from seawall.model import ExtractedParts, Modality, Part, Signal

THREAT = "I will kill you tonight"


def read(media: Media, data: bytes) -> DocumentContent:
    found = media.document(data)
    assert isinstance(found, DocumentContent), found
    return found


def across(media: Media, data: bytes) -> list[str]:
    return [" ".join(passage.text.split()) for passage in read(media, data).across]


NOTE = "<< /Subtype /Text /Contents (a note) >>"
UNSEEN = "BT /F 9 Tf 3 Tr 60 500 Td (not seen) Tj ET"


@pytest.mark.parametrize(
    "pages",
    [
        [Page(["I will ki-"]), Page(["ll you tonight"])],
        [Page(["I will"]), Page(["kill you tonight"])],
        [Page(["I will"]), Page(), Page(["kill you tonight"])],
        [Page(["I will ki-", "- 1 -"]), Page(["ll you tonight", "- 2 -"])],
        [Page(["I will ki-", "Page 1 of 2"]), Page(["Page 2 of 2", "ll you tonight"])],
        [Page(["A report", "I will ki-", "x.example", "3"]), Page(["A report", "ll you tonight", "x.example", "4"])],
        [Page(["I will ki-"], notes=NOTE), Page(["ll you tonight"])],
        [Page(["I will ki-"], drawn=UNSEEN), Page(["ll you tonight"])],
    ],
)
def test_words_and_phrases_run_across_pages(media: Media, pages: list[Page]) -> None:
    data = pdf(*pages)
    assert THREAT in " / ".join(across(media, data))
    assert not any(THREAT in " ".join(passage.text.split()) for passage in read(media, data).texts)


def test_what_runs_across_pages_knows_both(media: Media) -> None:
    (found,) = read(media, pdf(Page(["a"]), Page(), Page(["b"]))).across
    assert (found.page, found.last, found.text) == (0, 2, "a\nb")


def test_a_break_between_columns_is_joined(media: Media) -> None:
    columns = "BT /F 14 Tf 60 700 Td (I will ki-) Tj ET BT /F 14 Tf 330 760 Td (ll you tonight) Tj ET"
    assert THREAT in " ".join(read(media, pdf(Page(drawn=columns))).texts[0].text.split())


@pytest.mark.parametrize("blank", [" ", "\n", ""])
def test_phrases_run_across_the_pieces_of_a_long_text(media: Media, blank: str) -> None:
    """Which end at a line or word, if there is one."""
    filler = f"x{blank}" * PIECE
    text = f"{filler[: PIECE - len(filler) % 2 - 7]}{THREAT}{filler}"
    found = read(media, text.encode())
    assert any(THREAT in passage.text for passage in (*found.texts, *found.across))
    assert all(text[each.start : each.end] == each.text for each in found.across)


@given(
    at=st.integers(1, len(THREAT) - 1),
    before=st.lists(st.sampled_from(["a line of text", "another one", "the third"]), max_size=3),
    foot=st.sampled_from(["", "- {} -", "Page {}", "{}"]),
)
@pytest.mark.timeout(300)
@settings(max_examples=30, deadline=None)
def test_a_sentence_that_a_page_break_cuts_is_found(media: Media, at: int, before: list[str], foot: str) -> None:
    """Wherever it cuts: after a word, or in one, with a hyphen."""
    first, second = THREAT[:at], THREAT[at:]
    cut = first if first.endswith(" ") or second.startswith(" ") else f"{first}-"
    pages = ([*before, cut.strip(), foot.format(1)], [second.strip(), "the end", foot.format(2)])
    data = pdf(*(Page([line for line in lines if line]) for lines in pages))
    part = Part(path="notes", modality=Modality.DOCUMENT, field="notes", data=data)
    (made,) = DocumentExtractor(media).extract([part])
    assert isinstance(made, ExtractedParts)
    signals = [each for found in LexiconDetector().detect(made.parts) if isinstance(found, tuple) for each in found]
    assert "threat_terms" in {signal.name for signal in signals if isinstance(signal, Signal)}


@given(st.lists(st.text("ab \n-1", max_size=60), max_size=5))
def test_each_two_pages_meet_once(pages: list[str]) -> None:
    assert len(page_seams(pages)) == max(0, len(pages) - 1)


def test_pages_that_are_alike_meet_too() -> None:
    assert page_seams(["kill", "kill", "kill"]) == ["kill\nkill", "kill\nkill"]
    assert page_seams(["", "a"]) == ["\na"]
