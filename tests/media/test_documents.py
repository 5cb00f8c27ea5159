"""Texts of documents: what a reader would see, page by page; what could not be read is said, never passed over."""

from __future__ import annotations

import io
import logging
import sys
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.document_files import WORD, Page, docx, epub, odt, packed, pdf, stream
from media.samples import encode, noise
from seawall.media import (
    DocumentContent,
    DocumentImage,
    Media,
    MediaLimits,
    ProcessLimits,
    UnreadableMedia,
    default_extractors,
)
from seawall.media.decoders import documents, encodings
from seawall.media.decoders.document_parts import PIECE, DocumentParts
from seawall.media.decoders.operation import DecodeRefused
from seawall.media.documents import DocumentExtractor
from seawall.model import ExtractedParts, ExtractionGap, Modality, Part, Span, SpanUnit, Unknown, UnknownReason

LINK = "https://prizes.example/claim"
IMAGE = (encode(noise(1), "JPEG"), 320, 240)
SCAN = ExtractionGap("no_text_layer", "words")


def read(media: Media, data: bytes) -> DocumentContent:
    found = media.document(data)
    assert isinstance(found, DocumentContent), found
    return found


def words(found: DocumentContent) -> str:
    return "\n".join(passage.text for passage in found.texts)


# ── what is read ────────────────────────────────────────────────────────────────────────────────────────────────────

HTML = f"""<!doctype html><title>A title</title><style>p {{ color: red }}</style><script>var hidden = "secret";</script>
<p>I will <b>kill</b> you</p><p>a&#33;</p><a href="{LINK}">here</a><img alt="a cat" src="//other.example/c.png">"""


@pytest.mark.parametrize(
    ("data", "says", "leads"),
    [
        (b"I will kill you", "I will kill you", []),
        ("Grüße".encode("utf-16"), "Grüße", []),
        ("Schöne Grüße aus dem Süden".encode("cp1252"), "Schöne Grüße aus dem Süden", []),
        (HTML.encode(), "A title\nI will kill you\na!\nhere a cat", [LINK, "http://other.example/c.png"]),
        ("<meta charset=koi8-r><p>привет".encode("koi8-r"), "привет", []),
        (b"<p>a</p><meta http-equiv=refresh content='0; url=https://x.example/'>", "a", ["https://x.example/"]),
        (b"<html><frameset><frame src='https://x.example/f'>", "", ["https://x.example/f"]),
        (b"<p>a<textarea><script>I will &#107;ill you</textarea><p>b", "a <script>I will kill you\nb", []),
        (b"<title/><p>I will kill you", "I will kill you", []),
        (b"<p>a<xmp>I will kill you", "a\nI will kill you", []),
        (docx("I will kill you", "Bye", link=LINK), "I will kill you\nBye", [LINK]),
        (odt("I will kill you", "Bye", link=LINK), "I will kill you\nBye\nhere", [LINK]),
        (epub("<p>One</p>", f"<p>Two <a href='{LINK}'>x</a></p>"), "One\n\nTwo x", [LINK]),
    ],
)
def test_documents_without_pages(media: Media, data: bytes, says: str, leads: list[str]) -> None:
    found = read(media, data)
    assert words(found) == says
    assert [target.address for target in found.links] == leads
    assert found.gaps == ()
    assert [(passage.start, passage.end) for passage in found.texts] == ([(0, len(says))] if says else [])


def test_a_pdf_is_read_page_by_page(media: Media) -> None:
    note = "<< /Subtype /Text /Contents (a note) >> << /Subtype /Widget /V (a form's field) >>"
    found = read(media, pdf(Page(["Hello"]), Page(), Page(["I will kill you"], link=LINK, notes=note)))
    assert [(passage.page, passage.text) for passage in found.texts] == [
        (0, "Hello"),
        (2, "I will kill you\na note\na form's field"),
    ]
    assert [(target.address, target.page) for target in found.links] == [(LINK, 2)]
    assert found.gaps == ()


def test_images_in_documents_are_handed_on(media: Media) -> None:
    letter = docx("Look", more={"word/media/image1.jpeg": IMAGE[0], "word/media/again.jpeg": IMAGE[0]})
    assert read(media, letter).images == (DocumentImage(IMAGE[0], None),)
    inside = b"<p>a<img src='data:image/png;base64,iVBORw0KGgo='>"
    assert read(media, inside).images == (DocumentImage(b"\x89PNG\r\n\x1a\n", None),)
    (image,) = read(media, pdf(Page(["a"]), Page(["b"], image=IMAGE))).images
    assert (image.data[:3], image.page) == (b"\xff\xd8\xff", 1)


def test_words_hide_under_no_name_in_a_package(media: Media) -> None:
    """Which file is the document's text is said by other files: every one is looked at."""
    hidden = f'<w:document xmlns:w="{WORD}"><w:p><w:t>I will kill you</w:t></w:p></w:document>'
    for name in ("word/settings.xml", "word/theme.css", "META-INF/manifest.xml", "docProps/app.xml", "x"):
        assert words(read(media, docx(more={name: hidden}))) == "I will kill you", name
    assert words(read(media, epub(more={"META-INF/chapter.xhtml": "<p>I will kill you</p>"}))) == "I will kill you"


@pytest.mark.parametrize("name", ["word/embeddings/book.xls", "word/chunk.rtf"])
def test_files_of_a_kind_that_is_not_read_are_a_gap(media: Media, name: str) -> None:
    found = read(media, docx("Hello", more={name: b"{\\rtf1 I will kill you}"}))
    assert found.gaps == (ExtractionGap("attachments", inside="file.0"),)
    assert [file.name for file in found.files] == [name.removeprefix("word/").removeprefix("embeddings/")]


# ── pages without words ─────────────────────────────────────────────────────────────────────────────────────────────

STROKES = " ".join(f"{at} {at} m {at + 5} 9 l S" for at in range(40))
STAMP = "<< /Subtype /Stamp /Rect [0 0 9 9] /AP << /N 5 0 R >> >>"


@pytest.mark.parametrize(
    ("page", "gaps"),
    [
        (Page(), ()),
        (Page([" "]), ()),
        (Page(drawn="1 g 0 0 595 842 re f"), ()),
        (Page(image=IMAGE), (SCAN,)),
        (Page(["a title"], image=IMAGE), ()),
        (Page(drawn=STROKES), (ExtractionGap("no_text_layer"),)),
        (Page(notes=STAMP), (ExtractionGap("no_text_layer"),)),
        (Page(["\x01\x02\x03\x04 \x05\x06"]), (ExtractionGap("no_text_layer"),)),
        (Page(image=(b"no image", 320, 240)), (ExtractionGap("image_unreadable"), ExtractionGap("no_text_layer"))),
        (Page(image=(IMAGE[0], 90_000, 90_000)), (ExtractionGap("too_many_pixels"), ExtractionGap("no_text_layer"))),
    ],
)
def test_what_is_shown_without_words_is_a_gap(media: Media, page: Page, gaps: tuple[ExtractionGap, ...]) -> None:
    assert read(media, pdf(page, objects={5: stream(b"0 0 9 9 re f", "/Subtype /Form")})).gaps == gaps


@pytest.mark.parametrize(
    ("data", "gap"),
    [
        (b"<html><script>document.write('I will kill you')</script>", "no_text_layer"),
        (pdf(Page(["a"]), root="/Names << /EmbeddedFiles << /Names [(a) << /EF << >> >>] >> >>"), "attachments"),
        (pdf(Page(["a"], notes="<< /Subtype /FileAttachment >>")), "attachments"),
        (pdf(Page(["a"], notes="<< /Subtype /RichMedia >>")), "attachments"),
        (pdf(Page(["a"], notes="<< /A << /S /GoToR /F << /F (a.pdf) /EF << /F 1 0 R >> >> >> >>")), "attachments"),
        (b"<p>I will kill you</p>" + pdf(Page(["a"])), "attachments"),
        (pdf(Page(["Please wait"]), root="/AcroForm << /XFA [] >>"), "xfa_form"),
        (pdf(Page(["a"]), Page(["b"], more="/Annots 10 0 R /Rotate (x)", image=IMAGE)), "damaged"),
    ],
)
def test_what_cannot_be_read_in_a_readable_document_is_a_gap(media: Media, data: bytes, gap: str) -> None:
    assert ExtractionGap(gap) in read(media, data).gaps


# ── what is refused ─────────────────────────────────────────────────────────────────────────────────────────────────


def encrypted(password: str, algorithm: str) -> bytes:
    from pypdf import PdfWriter

    writer, out = PdfWriter(clone_from=io.BytesIO(pdf(Page(["I will kill you"])))), io.BytesIO()
    writer.encrypt(password, "owner", algorithm=algorithm)
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-128", "AES-256"])
def test_a_password_makes_a_pdf_unreadable_unless_it_is_empty(media: Media, algorithm: str) -> None:
    assert words(read(media, encrypted("", algorithm))) == "I will kill you"
    assert media.document(encrypted("secret", algorithm)) == UnreadableMedia("encrypted")


ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
FOR_PEOPLE = pdf(Page(["a"]), trailer="/Encrypt << /Filter /Adobe.PubSec /V 4 >> /ID [<00> <00>]")


def ciphered(data: bytes) -> bytes:
    """The same ZIP file with a mark that its files need a password."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        at = package.start_dir
    return data[: at + 8] + bytes([data[at + 8] | 1]) + data[at + 9 :]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (bytes(range(256)) * 40, "not_a_document"),
        (IMAGE[0], "not_a_document"),
        (b"text\0with a zero", "not_a_document"),
        (bytes(range(0x80, 0x100)) * 4, "unknown_encoding"),
        (b"<meta charset=x-secret><p>hi", "unknown_encoding"),
        (b"\xff\xfeh", "damaged"),
        (b"{\\rtf1 I will kill you}", "unknown_format"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "unknown_format"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
        (FOR_PEOPLE, "encrypted"),
        (b"%PDF-1.7\nI will kill you", "damaged"),
        (pdf(), "damaged"),
        (b"PK\3\4 and nothing", "damaged"),
        (packed({"a.txt": b"hello"}), "not_a_document"),
        (ciphered(docx("a")), "encrypted"),
        (odt("a", more={"META-INF/manifest.xml": "<manifest:encryption-data/>"}), "encrypted"),
        (epub("a", more={"META-INF/encryption.xml": "<CipherReference URI='text/ch1.xhtml'/>"}), "encrypted"),
        (docx("a", more={"word/x.xml": f"{ENTITIES}<w:t>&b;</w:t>"}), "entities"),
        (docx("a", more={"word/x.xml": "<w:t>"}), "damaged"),
    ],
)
def test_what_cannot_be_read_says_why(media: Media, data: bytes, code: str) -> None:
    assert media.document(data) == UnreadableMedia(code)


def test_too_much_in_one_file_says_what(media: Media) -> None:
    many = docx("a", more={f"word/{at}.xml": b"" for at in range(2_000)})
    assert media.document(many) == UnreadableMedia("too_many_files")
    large = docx("a", more={"word/x.xml": bytes(200 << 20)})
    assert media.document(large) == UnreadableMedia("too_many_bytes")


def test_a_scrambled_font_encrypts_no_book(media: Media) -> None:
    fonts = "<CipherReference URI='fonts/a.otf'/><Method URI='http://www.idpf.org/2008/embedding'/>"
    book = epub("<p>One</p>", more={"META-INF/encryption.xml": fonts, "fonts/a.otf": b"\0\1\2"})
    assert (words(read(media, book)), read(media, book).gaps) == ("One", ())


# ── bounds ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def narrow() -> Iterator[Media]:
    limits = ProcessLimits(seconds=10, memory_bytes=1 << 30, max_bytes=1 << 20)
    made = Media(MediaLimits(documents=limits, max_pages=3, max_characters=100, max_images=1))
    yield made
    made.close()


def test_beyond_the_bounds_is_a_gap(narrow: Media) -> None:
    found = read(narrow, pdf(*[Page([f"page {at}"]) for at in range(5)]))
    assert ([passage.page for passage in found.texts], found.gaps) == ([0, 1, 2], (ExtractionGap("too_many_pages"),))
    found = read(narrow, b"word " * 100)
    assert (len(words(found)), found.gaps) == (100, (ExtractionGap("too_many_characters"),))
    found = read(narrow, pdf(Page(["x" * 70]), Page(["y" * 70]), Page(["z" * 70])))
    assert [len(passage.text) for passage in found.texts] == [70, 30]
    assert found.gaps == (ExtractionGap("too_many_characters"),)
    images = {f"word/{at}.jpg": encode(noise(at, (90, 60)), "JPEG") for at in range(3)}
    assert read(narrow, docx("a", more=images)).gaps == (ExtractionGap("too_many_images"),)
    links = "".join(f"<a href='https://x.example/{at}'>x</a>" for at in range(400))
    assert ExtractionGap("too_many_links") in read(narrow, f"<p>{links}".encode()).gaps
    assert narrow.document(b"a" * (2 << 20)) == UnreadableMedia("too_many_bytes")


@pytest.mark.parametrize(
    ("begun", "gaps"),
    [
        *[(begun, (ExtractionGap("damaged"),)) for begun in ("<a ", "<a href='")],
        *[(begun, ()) for begun in ("<!--", "<![CDATA[", "</a ", "<?x ")],
    ],
)
def test_markup_that_never_ends_shows_nothing(narrow: Media, begun: str, gaps: tuple[ExtractionGap, ...]) -> None:
    """A browser shows none of it either. It is not what takes time."""
    found = read(narrow, f"<p>I will kill you</p>{begun * 100_000}".encode())
    assert (words(found), found.gaps) == ("I will kill you", gaps)


@pytest.mark.parametrize(
    ("html", "says"),
    [
        (b"<p>a<template><b>kill <template>you</template></b></template>", "a\nkill you"),
        (b"<html><head><title/><script src='x'/></head><body><p>kill you</p></body></html>", "kill you"),
        (b"<svg><path d='M0'/><text>kill you</text></svg>", "kill you"),
        (b"<p>a<xmp><b>x</xmp><noscript>kill</noscript><iframe>you</iframe>", "a\n<b>xkillyou"),
        (b"<table>kill<tr><td>you</table>", "kill\nyou"),
        (b"<p hidden>kill <input placeholder=you>", "kill you"),
        (b"<p>&#107;ill&nbsp;you&#xD800;</p>", "kill you\ufffd"),
    ],
)
def test_html_is_read_as_a_browser_reads_it(narrow: Media, html: bytes, says: str) -> None:
    assert words(read(narrow, html)) == says


def test_elements_nested_too_deep_are_a_gap(media: Media) -> None:
    found = read(media, b"<p>I will kill you</p>" + b"<div>" * 150_000 + b"x")
    assert (words(found), found.gaps) == ("I will kill you", (ExtractionGap("damaged"),))
    found = read(media, b"<p>x<li>y<td><br><svg><path d=1/></svg>" * 10_000 + b"I will kill you")
    assert words(found).endswith("I will kill you")
    assert ExtractionGap("damaged") not in found.gaps


def test_a_tag_of_endless_attributes_is_a_gap(narrow: Media) -> None:
    found = read(narrow, b"<p>x<a " + b" ".join(b"a%d" % number for number in range(110_000)) + b">")
    assert (words(found), found.gaps) == ("x", (ExtractionGap("damaged"),))


def test_time_squared_ends_the_process_alone() -> None:
    """Whoever knows how the checks work gets around them: then the process's time limit ends it."""
    hidden = b"<div><svg><desc></div></desc></svg>" * 75_000
    quick = Media(MediaLimits(documents=ProcessLimits(seconds=1, memory_bytes=1 << 30, max_bytes=1 << 22)))
    assert quick.document(b"<p>x" + hidden) in (UnreadableMedia("crashed"), UnreadableMedia("time_limit"))
    assert words(read(quick, b"still here")) == "still here"
    quick.close()


@pytest.mark.parametrize("depth", [100, 20_000])
def test_nesting_does_not_harm(narrow: Media, depth: int) -> None:
    assert isinstance(narrow.document(b"<div>" * depth + b"hi"), DocumentContent)
    deep = "<p>" * depth + "<t>hi</t>" + "</p>" * depth
    assert words(read(narrow, docx(more={"word/x.xml": deep}))) == "hi"
    kids = {40 + at: f"<< /Type /Pages /Kids [{41 + at} 0 R] /Count 1 >>".encode() for at in range(min(depth, 2_000))}
    loops = {40: b"<< /Type /Pages /Kids [40 0 R] /Count 1 >>"}
    for objects in (kids, loops):
        bad = pdf(Page(["a"]), objects=objects).replace(b"/Kids [10 0 R]", b"/Kids [40 0 R]")
        assert narrow.document(bad) in (UnreadableMedia("damaged"), UnreadableMedia("crashed"))
    assert words(read(narrow, b"still here")) == "still here"


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t\r")),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_text_comes_back_as_it_was_written(text: str, name: str) -> None:
    found = encodings.as_text(text.encode(name), is_markup=False)
    assert found.removeprefix("\ufeff") == text.removeprefix("\ufeff")


@given(st.lists(st.integers(1, 4 * PIECE), max_size=6), st.sampled_from([" ", "\n", "\n\n", ""]))
def test_pieces_are_the_whole_text(lengths: list[int], mark: str) -> None:
    text = mark.join("x" * length for length in lengths)
    finds = DocumentParts(max_characters=1 << 20, max_images=0, max_bytes=0)
    finds.body(text)
    assert "".join(str(piece["text"]) for piece in finds.texts) == text
    assert all(len(str(piece["text"])) <= PIECE for piece in finds.texts)
    assert [piece["start"] for piece in finds.texts[1:]] == [piece["end"] for piece in finds.texts[:-1]]


# ── the extractor ─────────────────────────────────────────────────────────────────────────────────────────────────────


def extract(media: Media, data: bytes | None) -> ExtractedParts | Unknown:
    part = Part(path="notes", modality=Modality.DOCUMENT, field="notes", data=data)
    (answer,) = DocumentExtractor(media).extract([part])
    return answer


def test_parts_know_their_page(media: Media) -> None:
    made = extract(media, pdf(Page(["Hello"]), Page(["b"], link=LINK, image=IMAGE), Page(image=IMAGE)))
    assert isinstance(made, ExtractedParts)
    second = Span(SpanUnit.PAGES, 1, 2)
    assert [(part.path, part.modality, part.span, part.parent) for part in made.parts] == [
        ("notes>page.0", Modality.TEXT, Span(SpanUnit.PAGES, 0, 1), "notes"),
        ("notes>page.1", Modality.TEXT, second, "notes"),
        ("notes>across.0", Modality.TEXT, Span(SpanUnit.PAGES, 0, 2), "notes"),
        ("notes>link.0", Modality.LINK, second, "notes"),
        ("notes>image.0", Modality.IMAGE, second, "notes"),
    ]
    assert made.gaps == (SCAN,)


def test_a_long_text_comes_in_pieces_that_know_their_place(media: Media) -> None:
    made = extract(media, b"a line of words\n" * 2_000)
    assert isinstance(made, ExtractedParts)
    assert [part.path for part in made.parts] == ["notes>page.0", "notes>page.1", "notes>across.0"]
    first, second, across = (part.span for part in made.parts)
    assert first is not None
    assert second is not None
    assert across is not None
    assert across.start < first.end < across.end
    assert (first.unit, first.start, first.end) == (SpanUnit.CHARACTERS, 0, second.start)
    assert second.end == 32_000


@pytest.mark.parametrize("data", [None, b""])
def test_an_empty_document_says_nothing(media: Media, data: bytes | None) -> None:
    assert extract(media, data) == ExtractedParts()


def test_an_unreadable_document_is_unknown(media: Media) -> None:
    assert extract(media, b"{\\rtf1}") == Unknown(
        detector="document", part="notes", reason=UnknownReason.UNREADABLE, detail="unknown_format"
    )


def test_the_extractor_comes_with_the_rig() -> None:
    extractors = default_extractors()
    assert "document" in {extractor.spec.name for extractor in extractors}


def test_without_pypdf_the_other_kinds_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "disable", lambda: None)
    monkeypatch.setitem(sys.modules, "pypdf", None)
    monkeypatch.delitem(sys.modules, "seawall.media.decoders.pdfs", raising=False)
    monkeypatch.delattr("seawall.media.decoders.pdfs", raising=False)
    document = documents.load()["document"]
    options: dict[str, Any] = dict.fromkeys(("max_pages", "max_characters", "max_images", "max_pixels"), 100)
    found, _ = document(docx("Hello"), {**options, "max_bytes": 10_000})
    assert found["texts"][0]["text"] == "Hello"  # type: ignore[index]
    with pytest.raises(DecodeRefused, match="not_installed"):
        document(pdf(Page(["a"])), {**options, "max_bytes": 10_000})
    assert UnreadableMedia("not_installed").is_ours
