"""Office files, web pages and plain text: what is read beside the running text, and what hides in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.document_files import OPEN, WORD, docx, epub, odt
from seawall.media import DocumentContent, Media
from seawall.media.decoders import document_parts, encodings
from seawall.media.decoders.operation import DecodeRefused
from seawall.model import ExtractionGap

THREAT = "I will kill you"
LINK = "http://casino-royal.example/x"
BROKEN = "<w:r><w:t>I will ki</w:t></w:r>{}<w:r><w:t>ll you</w:t></w:r>"


def read(media: Media, data: bytes) -> DocumentContent:
    found = media.document(data)
    assert isinstance(found, DocumentContent), found
    return found


def words(found: DocumentContent) -> str:
    return "\n".join(passage.text for passage in found.texts)


def leads(found: DocumentContent) -> list[str]:
    return [target.address for target in found.links]


def part(inside: str) -> bytes:
    """A DOCX, one of whose files holds this."""
    return docx("hello", more={"word/x.xml": f'<w:x xmlns:w="{WORD}">{inside}</w:x>'})


def sheet(inside: str) -> bytes:
    return docx(more={"xl/worksheets/sheet1.xml": f"<worksheet><sheetData><row>{inside}</row></sheetData></worksheet>"})


# ── Office Open XML ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "data",
    [
        part(f"<w:comment><w:p><w:r><w:t>{THREAT}</w:t></w:r></w:p></w:comment>"),
        part(f"<w:footnote><w:p><w:r><w:t>{THREAT}</w:t></w:r></w:p></w:footnote>"),
        part(f"<w:del><w:r><w:delText>{THREAT}</w:delText></w:r></w:del>"),
        part(f"<w:r><w:rPr><w:vanish/></w:rPr><w:t>{THREAT}</w:t></w:r>"),
        part(f'<docPr id="1" descr="{THREAT}"/>'),
        part(f'<cNvPr id="1" title="{THREAT}"/>'),
        part(f'<shape alt="{THREAT}"/>'),
        part(f'<textpath string="{THREAT}"/>'),
        part(f'<w:hyperlink w:tooltip="{THREAT}"/>'),
        sheet(f'<c t="inlineStr"><is><t>{THREAT}</t></is></c>'),
        sheet(f'<c t="str"><f>A1&amp;B1</f><v>{THREAT}</v></c>'),
        sheet(f'<c t="str"><f>"{THREAT}"</f></c>'),
        sheet(f'<dataValidation prompt="{THREAT}"/>'),
        docx(more={"xl/worksheets/s.xml": f"<headerFooter><oddHeader>{THREAT}</oddHeader></headerFooter>"}),
        docx(more={"xl/workbook.xml": f'<sheets><sheet name="{THREAT}"/></sheets>'}),
        docx(more={"xl/charts/chart1.xml": f"<strCache><pt><v>{THREAT}</v></pt></strCache>"}),
        docx(more={"docProps/core.xml": f"<x><title>{THREAT}</title></x>"}),
        docx(more={"docProps/custom.xml": f"<x><lpwstr>{THREAT}</lpwstr></x>"}),
        part("<w:r><w:t>I will ki</w:t></w:r><w:r><w:softHyphen/><w:t>ll you</w:t></w:r>"),
        part("<w:r><w:t>I will ki-</w:t><w:br/><w:t>ll you</w:t></w:r>"),
        part(BROKEN.format("<w:del><w:r><w:delText>xx</w:delText></w:r></w:del>")),
        part(BROKEN.format("<w:r><w:rPr><w:vanish/></w:rPr><w:t>xx</w:t></w:r>")),
    ],
)
def test_places_of_an_office_file_are_read(media: Media, data: bytes) -> None:
    assert THREAT in " ".join(words(read(media, data)).split())


@pytest.mark.parametrize(
    "data",
    [
        part(f'<w:r><w:instrText>HYPERLINK "{LINK}"</w:instrText></w:r>'),
        part(f"<w:fldSimple w:instr='HYPERLINK \"{LINK}\"'/>"),
    ],
)
def test_a_fields_address_is_in_the_text(media: Media, data: bytes) -> None:
    assert LINK in words(read(media, data))


@pytest.mark.parametrize(
    "data",
    [
        docx(link=LINK),
        docx(more={"word/_rels/x.rels": f'<x><Relationship TargetMode="external" Target="{LINK}"/></x>'}),
        docx(more={"word/_rels/settings.xml.rels": f'<Relationships><Relationship Target="{LINK}"/></Relationships>'}),
        part(f'<shape href="{LINK}"/>'),
        sheet(f'<c><f>HYPERLINK("{LINK}","here")</f><v>here</v></c>'),
        sheet(f'<hyperlink location="{LINK}"/>'),
    ],
)
def test_addresses_of_an_office_file_are_found(media: Media, data: bytes) -> None:
    assert LINK in leads(read(media, data))


def test_what_is_no_text_of_a_sheet_is_not_read(media: Media) -> None:
    """Numbers of shared strings, and a switch turned off."""
    assert words(read(media, sheet('<c t="s"><v>17</v></c><c><v>42</v></c>'))) == "42"
    shown = part('<w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t>a</w:t></w:r><w:r><w:t>b</w:t></w:r>')
    assert words(read(media, shown)) == "hello\n\nab"


def test_properties_stand_apart(media: Media) -> None:
    found = read(
        media, docx("hello", more={"docProps/core.xml": "<x><title>A title</title><creator>Ann</creator></x>"})
    )
    assert [(passage.text, passage.end) for passage in found.texts] == [("hello", 5), ("A title", 0)]


# ── OpenDocument ────────────────────────────────────────────────────────────────────────────────────────────────────

SPACES = " ".join(f'xmlns:{name}="{OPEN.format(name)}"' for name in ("text", "table"))


@pytest.mark.parametrize(
    ("inside", "says"),
    [
        (f"<text:p><annotation>{THREAT}</annotation></text:p>", THREAT),
        ("<text:p>I will ki<annotation>xx</annotation>ll you</text:p>", THREAT),
        (f'<text:p><text:hidden-text text:string-value="{THREAT}"/></text:p>', THREAT),
        (f"<text:tracked-changes><text:p>{THREAT}</text:p></text:tracked-changes>", THREAT),
        (f"<desc>{THREAT}</desc>", THREAT),
    ],
)
def test_places_of_an_open_document_are_read(media: Media, inside: str, says: str) -> None:
    data = odt("hello", more={"styles.xml": f"<x {SPACES}>{inside}</x>"})
    assert says in words(read(media, data))


def test_formulas_and_titles_of_an_open_document_are_read(media: Media) -> None:
    formula = f'<x {SPACES}><table:table-cell table:formula=\'of:=HYPERLINK("{LINK}";"x")\'/></x>'
    assert leads(read(media, odt("a", more={"styles.xml": formula}))) == [LINK]
    assert (
        words(read(media, odt("a", more={"meta.xml": f"<x><title>{THREAT}</title><date>2020</date></x>"})))
        == f"a\n{THREAT}"
    )


# ── HTML ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "html",
    [
        "<p>I will ki&shy;ll you",
        "<p>I will ki<wbr>ll you",
        "<p>I will ki<!-- x -->ll you",
        "<p>I will ki<span style='display:none'>xx</span>ll you",
        "<p>I will ki<span style='font-size:0'>xx</span>ll you",
        "<p>I will ki<span style='visibility: hidden'>xx<b>y</b></span>ll you",
        "<p>I will ki<span style='opacity:0.0'>xx</span>ll you",
        "<p>I will ki<span hidden>xx</span>ll you",
        "<p>I will ki-<br>ll you",
        "<p>I will ki&shy;<br>ll you",
        f"<p>a<iframe srcdoc='<p>{THREAT}</p>'></iframe>",
        f"<style>p::before {{ content: '{THREAT}' }}</style><p>a",
        f"<p style=\"content: '{THREAT}'\">a",
        f"<meta name=description content='{THREAT}'><p>a",
        f"<meta property='og:title' content='{THREAT}'><p>a",
        f"<p>a<img alt='{THREAT}'>",
        f"<p>a<b title='{THREAT}'>b</b>",
        f"<p hidden>{THREAT}",
    ],
)
def test_places_of_a_page_are_read(media: Media, html: str) -> None:
    text = words(read(media, f"<!doctype html>{html}".encode())).replace("\u00ad", "")
    assert THREAT in " ".join(text.split())


@pytest.mark.parametrize(
    "html",
    [
        f"<a href='{LINK}'>x</a>",
        "<base href='http://casino-royal.example/'><a href='x'>x</a>",
        "<base href='http://casino-royal.example/'><form action='x'>x</form>",
        f"<a href=\"javascript:window.open('{LINK}')\">x</a>",
        f"<meta http-equiv=refresh content=\"0;URL='{LINK}'\">",
        f"<form action='{LINK}'>x</form>",
        f"<button formaction='{LINK}'>x</button>",
        f"<img srcset='a.png 1x, {LINK} 2x'>",
        f"<video poster='{LINK}'></video>",
        f"<p style='background: url({LINK})'>x",
        f'<style>p {{ background: url("{LINK}") }}</style><p>x',
        f"<a href='#' ping='{LINK}'>x</a>",
        f"<iframe srcdoc='<a href={LINK}>x</a>'></iframe>",
        f"<svg><a xlink:href='{LINK}'><text>x</text></a></svg>",
    ],
)
def test_addresses_of_a_page_are_found(media: Media, html: str) -> None:
    assert LINK in leads(read(media, f"<!doctype html>{html}".encode()))


def test_a_frame_in_a_frame_in_a_frame_ends(media: Media) -> None:
    html = "a"
    for _ in range(5):
        html = f"<p>x<iframe srcdoc='{html.replace('&', '&amp;').replace(chr(39), '&#39;')}'></iframe>"
    assert words(read(media, html.encode())) == "x\nx\nx\nx\nx\na"
    many = b"<p>x" + b"<iframe srcdoc='<p>y'></iframe>" * 30
    assert read(media, many).gaps == (ExtractionGap("attachments"),)


def test_hidden_text_ends_where_its_element_ends(media: Media) -> None:
    assert words(read(media, b"<p>a <b hidden>x<i>y</i></b> b<p hidden>z</p><p>c")) == "a b\nc\nxy\nz"


# ── encodings ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["utf-16-le", "utf-16-be"])
@given(text=st.text("abc def\n.,éщ愛", min_size=8).filter(lambda text: sum(map(str.isascii, text)) > 4))
def test_wide_text_without_a_mark_is_read(name: str, text: str) -> None:
    assert encodings.as_text(text.encode(name), is_markup=False) == text


@pytest.mark.parametrize(
    "data",
    [
        b"\0" * 100,
        b"text\0with a zero",
        bytes(range(256)) * 40,
        b"a\0b",
        b"text\0with a zero\0",
        b"\x7fELF\2\1\1" + bytes(9),
    ],
)
def test_zeros_are_no_text(data: bytes) -> None:
    with pytest.raises(DecodeRefused, match="not_a_document"):
        encodings.as_text(data, is_markup=False)


# ── bounds ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "unit", ["<t/>", "<p/>", "<t>a</t>", "<a b='c' href='d://e' descr='x'/>", "<c t='str'><v>a</v></c>"]
)
def test_the_elements_of_a_file_are_counted(media: Media, unit: str) -> None:
    count = 20_000_000 // len(unit)
    found = read(media, docx("hello", more={"word/x.xml": f"<x>{unit * count}</x>"}))
    assert {gap.code for gap in found.gaps} & {"too_many_elements", "too_many_characters"}
    assert words(found).startswith("hello")
    assert count > document_parts.MOST_ELEMENTS / 4


def test_a_books_pages_are_read_like_others(media: Media) -> None:
    found = read(
        media, epub("<p>I will ki<span hidden='hidden'>xx</span>ll you</p>", f"<p style='content: \"{LINK}\"'>x</p>")
    )
    assert words(found).startswith(THREAT)
