"""Documents on pages: evidence page by page in the words around it; the file is handed out and never shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.document_files import Page, pdf
from seawall.console.documents import document_view, excerpt
from seawall.console.formats import why_unknown
from seawall.console.part_locations import PartLocations
from seawall.console.text import SHORT, runs
from seawall.model import Document, Item, Modality, Signal, Span, SpanUnit, Unknown, UnknownReason
from seawall.screen import DerivedPart
from support.console import Rig, small
from support.items import content_type_text, policy_text


def part(path: str, modality: Modality, span: Span | None, text: str | None = None) -> DerivedPart:
    parent, field = path.rpartition(">")[0], path.partition(">")[0]
    return DerivedPart(path=path, modality=modality, field=field, parent=parent, text=text, span=span)


def signal(path: str, value: float = 0.9, span: Span | None = None, name: str = "threat_terms") -> Signal:
    return Signal(name=name, value=value, part=path, detector="d", version="1", span=span)


def page(number: int) -> Span:
    return Span(SpanUnit.PAGES, number, number + 1)


BOX = Span(SpanUnit.PIXELS, box=(1, 2, 30, 40))
NOTES = (
    part("notes>page.0", Modality.TEXT, page(0), "Hello"),
    part("notes>page.2", Modality.TEXT, page(2), "I will kill you, see x.example"),
    part("notes>page.2>link.0", Modality.LINK, Span(SpanUnit.CHARACTERS, 21, 30), "http://x.example"),
    part("notes>link.0", Modality.LINK, page(1), "https://prizes.example/"),
    part("notes>image.0", Modality.IMAGE, page(3)),
    part("notes>image.0>words.0", Modality.TEXT, BOX, "BUY"),
    part("letter>page.0", Modality.TEXT, Span(SpanUnit.CHARACTERS, 0, 5), "first"),
    part("letter>page.1", Modality.TEXT, Span(SpanUnit.CHARACTERS, 5, 11), "second"),
)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("notes", "notes"),
        ("notes>page", "notes"),
        ("notes>page.2", "notes, page 3"),
        ("notes>page.2>link.0", "notes, page 3, link"),
        ("notes>link.0", "notes, page 2, link"),
        ("notes>image.0>words.0", "notes, page 4, image, words"),
        ("letter>page.1", "letter, characters 6–11"),
    ],
)
def test_a_place_names_the_page(path: str, says: str) -> None:
    assert PartLocations(NOTES).of(path) == says


TREE = (
    part("notes>file.0", Modality.TEXT, page(1), "report.docx"),
    part("notes>file.0>page.2", Modality.TEXT, page(2), "I will kill you"),
    part("notes>file.0>image.0", Modality.IMAGE, page(0)),
    part("notes>file.0>image.0>words.0", Modality.TEXT, BOX, "BUY"),
    DerivedPart(
        path="notes>file.1", modality=Modality.TEXT, field="notes", parent="notes>file.0", text="b.zip", span=None
    ),
    part("notes>file.1>across.0", Modality.TEXT, Span(SpanUnit.PAGES, 3, 5), "kill you"),
)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("notes>file.0", "notes, attachment report.docx"),
        ("notes>file.0>page.2", "notes, attachment report.docx, page 3"),
        ("notes>file.0>image.0>words.0", "notes, attachment report.docx, page 1, image, words"),
        ("notes>file.1>across.0", "notes, attachment report.docx, attachment b.zip, pages 4–5"),
        ("notes>file.1>page", "notes, attachment report.docx, attachment b.zip"),  # what could not be read
    ],
)
def test_a_place_in_a_file_inside_names_the_file(path: str, says: str) -> None:
    assert PartLocations(TREE).of(path) == says


def test_pages_stand_in_order_those_with_evidence_first() -> None:
    evidence = {
        "notes>page.2": [signal("notes>page.2", span=Span(SpanUnit.CHARACTERS, 7, 15))],
        "notes>link.0": [signal("notes>link.0", 1, name="bank:blocked-domains")],
        "notes>image.0": [signal("notes>image.0", 1, name="image_quality")],
        "notes>page.0": [signal("notes>page.0", 0.2, name="toxic")],
    }
    view = document_view("notes", NOTES, evidence, whole=False)
    assert [(one.place, one.is_notable) for one in view.found] == [("page 2", True), ("page 3", True)]
    assert [[text.kind for text in one.texts] for one in view.found] == [["link"], [""]]
    assert [one.name for one in view.found[0].signals] == ["bank:blocked-domains"]
    assert [run.text for run in view.found[1].texts[0].text.runs if run.signals] == ["kill you"]
    assert [one.place for one in view.silent] == ["page 1", "page 4"]
    assert (view.left, view.is_cut) == (0, False)


def test_many_silent_pages_are_shown_on_request() -> None:
    pages = [part(f"notes>page.{at}", Modality.TEXT, page(at), "Hello") for at in range(50)]
    view = document_view("notes", pages, {}, whole=False)
    assert (len(view.found), len(view.silent), view.left, view.is_cut) == (0, 20, 30, True)
    assert len(document_view("notes", pages, {}, whole=True).silent) == 50


@given(st.integers(0, 9_000), st.integers(1, 900), st.integers(0, 5_000))
def test_an_excerpt_keeps_the_evidence_and_words_around_it(before: int, length: int, after: int) -> None:
    text = ("word " * before)[:before] + "#" * length + ("word " * after)[:after]
    found = excerpt(runs(text, [signal("p", span=Span(SpanUnit.CHARACTERS, before, before + length))]))
    assert "".join(run.text for run in found if run.signals) == "#" * length
    assert sum(len(run.text) for run in found) <= length + 810


def test_an_excerpt_of_nothing_is_the_beginning() -> None:
    assert [run.text for run in excerpt(runs("ab" * 5_000, []))] == ["ab" * (SHORT // 2)]


def test_why_it_was_not_read() -> None:
    unknown = Unknown(detector="hate", part="n>page", reason=UnknownReason.UNREADABLE, detail="document: encrypted")
    assert why_unknown(unknown) == (
        "some or all of its text could not be read: it cannot be decoded (a password is needed)"
    )


# ── pages ──

MEMO = content_type_text(
    "memo",
    {"notes": "{type: document, role: media, extract: [document]}"},
    pre_publish="{budget: 60s, on_unknown: allow_and_rescreen, rescreen_within: 1m}",
)
THREATS = policy_text("threats", "threat_terms > 0.5", '[review(queue="threats")]', "memo", harm="threat")


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A house with a content type that has a document."""
    with small(tmp_path_factory.mktemp("documents"), MEMO, THREATS) as made:
        yield made


def submitted(rig: Any, data: bytes, id: str) -> str:
    item = Item(content_type="memo", id=id, fields={"body": "read", "notes": Document(data)})
    return str(rig.app.screener.screen(item).item)


def test_evidence_stands_on_its_page_and_the_file_is_a_download(rig: Any) -> None:
    data = pdf(Page(["Hello <b>you</b>"]), Page(["I will kill you"]))
    item = submitted(rig, data, "m-1")
    browser = rig.browser("reviewer")
    shown = browser.get(f"/items/{item}").text
    assert "page 2" in shown
    assert ">kill you</mark>" in shown
    assert "Hello &lt;b&gt;you" in shown
    assert f'href="/items/{item}/1/document/notes" download' in shown
    assert not any(tag in shown for tag in ("<iframe", "<embed", "<object"))
    answer = browser.get(f"/items/{item}/1/document/notes")
    assert (answer.status_code, answer.content) == (200, data)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == f'attachment; filename="{item}-notes.pdf"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "sandbox" in answer.headers["content-security-policy"]


def test_a_page_of_script_is_handed_out_as_bytes_alone(rig: Any) -> None:
    item = submitted(rig, b"<html><p>hi<script>alert(1)</script>", "m-2")
    browser = rig.browser("reviewer")
    assert "alert(1)" not in browser.get(f"/items/{item}").text
    answer = browser.get(f"/items/{item}/1/document/notes")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].endswith('-notes.bin"')


def test_a_document_that_cannot_be_read_says_so(rig: Any) -> None:
    item = submitted(rig, b"%PDF-1.7", "m-3")
    shown = rig.browser("reviewer").get(f"/items/{item}").text
    assert "No text has been extracted from it." in shown
    assert "it cannot be decoded (damaged)" in shown


def test_only_documents_and_only_for_those_who_may_see_them(rig: Any) -> None:
    item = submitted(rig, b"hello", "m-4")
    browser = rig.browser("reviewer")
    for address in ("1/document/body", "2/document/notes", "1/media/notes", "1/image/notes"):
        assert browser.get(f"/items/{item}/{address}").status_code == 404
    assert rig.browser().get(f"/items/{item}/1/document/notes").status_code == 303


def test_who_takes_it_is_recorded(rig: Any) -> None:
    from sqlalchemy import func, select

    from seawall.access.tables import view

    item = submitted(rig, b"hello", "m-5")
    rig.browser("reviewer").get(f"/items/{item}/1/document/notes")
    with rig.app.database.read() as connection:
        seen = connection.execute(select(func.count()).where(view.c.item == item, view.c.page == "media")).scalar_one()
    assert seen == 1
