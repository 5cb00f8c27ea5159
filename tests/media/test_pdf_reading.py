"""PDFs: what a reader sees is read, wherever it is drawn and however its letters are placed; the rest is a gap."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.document_files import Page, pdf, stream
from media.samples import encode, noise
from seawall.media import DocumentContent, Media
from seawall.media.decoders import pdfs
from seawall.media.decoders.document_parts import DocumentParts
from seawall.media.decoders.line_breaks import rejoin
from seawall.model import ExtractionGap

THREAT = "I will kill you tonight"
LINK = "http://casino-royal.example/x"
UNREAD = ExtractionGap("no_text_layer")
IMAGE = (encode(noise(1), "JPEG"), 320, 240)
HELVETICA = "/Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>"
WIDTHS = {" ": 278, "I": 278, "w": 722, "i": 222, "l": 222, "k": 500, "y": 500, "o": 556, "u": 556, "t": 278}
WIDTHS |= {"n": 556, "g": 556, "h": 556}
SIZE = 14


def read(media: Media, data: bytes) -> DocumentContent:
    found = media.document(data)
    assert isinstance(found, DocumentContent), found
    return found


def words(found: DocumentContent) -> str:
    return "\n".join(passage.text for passage in found.texts)


def drawn(operators: str) -> str:
    """The text of one page that is drawn by these operators, with Helvetica as font F."""
    finds = DocumentParts(max_characters=100_000, max_images=9, max_bytes=1 << 20)
    pdfs.read(pdf(Page(["x"], drawn=operators)), finds, 9, 1_000_000)
    text = str(finds.texts[0]["text"])
    return text.removeprefix("x").strip("\n")


def placed(text: str, place: float = 700.0, gap: float = 0.0) -> str:
    """Each letter placed by itself, with a gap after each."""
    at, out = 60.0, f"BT /F {SIZE} Tf "
    for letter in text:
        out += f"1 0 0 1 {at:.2f} {place} Tm ({letter}) Tj "
        at += WIDTHS[letter] * SIZE / 1000 + gap
    return f"{out}ET"


# ── glyphs without a meaning ────────────────────────────────────────────────────────────────────────────────────────


def with_font(shown: str, font: str, more: dict[int, bytes] | None = None) -> bytes:
    """A page whose only string is written in a font."""
    content = stream(f"BT /F1 14 Tf 72 700 Td {shown} Tj ET".encode())
    head = (
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
    )
    objects = {3: font.encode(), 4: content, 5: head.encode(), **(more or {})}
    return pdf(objects=objects).replace(b"/Kids []", b"/Kids [5 0 R]").replace(b"/Count 0", b"/Count 1")


CODES = "".join(f"{ord(letter) - 29:04x}" for letter in THREAT)
COMPOSITE = (
    "<< /Type /Font /Subtype /Type0 /BaseFont /ABCDEF+Sans /Encoding /Identity-H /DescendantFonts "
    "[<< /Type /Font /Subtype /CIDFontType2 /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> "
    "/DW 500 >>] {} >>"
)
NAMED = "<< /Type /Font /Subtype /{} /BaseFont /ABCDEF+Custom /Encoding << /Differences [65 {}] >> {} >>"
SHOWN = "(BALEGGAFEGGAMIKAJIHECDJ)"


GLYPHS = sorted(set(THREAT))
BY_NUMBER = f"<{''.join(f'{33 + GLYPHS.index(letter):02x}' for letter in THREAT)}>"  # not in order of first use
UNEXPLAINED = "<< /Type /Font /Subtype /TrueType /BaseFont /ABCDEF+Sans /FontDescriptor << /Flags 4 /{} 4 0 R >> {} >>"


def mapping(meaning: str) -> dict[int, bytes]:
    pairs = zip(THREAT, meaning, strict=True)
    return {9: to_unicode("\n".join(f"<{ord(letter) - 29:04x}> <{ord(to):04x}>" for letter, to in pairs))}


def to_unicode(lines: str) -> bytes:
    head = "1 begincodespacerange\n<0000><ffff>\nendcodespacerange"
    return stream(f"{head}\n9 beginbfchar\n{lines}\nendbfchar".encode())


def names(*each: str) -> str:
    return " ".join(f"/{name}" for name in each)


@pytest.mark.parametrize(
    "data",
    [
        with_font(f"<{CODES}>", COMPOSITE.format("")),
        with_font(f"<{CODES}>", COMPOSITE.format("/ToUnicode 9 0 R"), mapping("\ue000" * len(THREAT))),
        with_font(f"<{CODES}>", COMPOSITE.format("/ToUnicode 9 0 R"), mapping(" " * len(THREAT))),
        with_font(SHOWN, NAMED.format("Type1", names(*(f"C{at:04}" for at in range(13))), "")),
        with_font(SHOWN, NAMED.format("TrueType", names(*(f"g{at}" for at in range(13))), "")),
        with_font(SHOWN, NAMED.format("Type1", names(*(f"glyph{at}" for at in range(13))), "")),
        with_font(
            SHOWN,
            NAMED.format(
                "Type1", names(*["qq", "ww", "ee", "rr", "tt", "yy", "uu", "ii", "oo", "pp", "aa", "ss", "dd"]), ""
            ),
        ),
        with_font(SHOWN, NAMED.format("Type3", names(*(f"a{at}" for at in range(13))), "/CharProcs << /a1 4 0 R >>")),
        with_font(
            "<2122232425262728292a2b>",
            "<< /Type /Font /Subtype /TrueType /BaseFont /ABCDEF+Sans "
            "/FontDescriptor << /Flags 4 /FontFile2 4 0 R >> >>",
        ),
        with_font(BY_NUMBER, UNEXPLAINED.format("FontFile2", "")),
        with_font(BY_NUMBER, UNEXPLAINED.format("FontFile3", "")),
        with_font(BY_NUMBER, UNEXPLAINED.format("FontFile2", "/ToUnicode 9 0 R"), {9: stream(b"1 beginbfchar")}),
    ],
)
def test_glyphs_without_a_meaning_are_unread(media: Media, data: bytes) -> None:
    found = read(media, data)
    assert found.gaps == (UNREAD,)
    assert not any(letter.isascii() and letter.isalnum() for letter in words(found))


def test_glyphs_with_a_meaning_are_read(media: Media) -> None:
    found = read(media, with_font(f"<{CODES}>", COMPOSITE.format("/ToUnicode 9 0 R"), mapping(THREAT)))
    assert (words(found), found.gaps) == (THREAT, ())


def test_codes_of_one_byte_with_a_meaning_are_read(media: Media) -> None:
    """As most programs write the fonts that they embed."""
    lines = "\n".join(f"<{33 + at:02x}> <{ord(letter):04x}>" for at, letter in enumerate(GLYPHS))
    meaning = stream(f"1 begincodespacerange\n<00><ff>\nendcodespacerange\n9 beginbfchar\n{lines}\nendbfchar".encode())
    for kind in ("FontFile2", "FontFile3"):
        found = read(media, with_font(BY_NUMBER, UNEXPLAINED.format(kind, "/ToUnicode 9 0 R"), {9: meaning}))
        assert (words(found), found.gaps) == (THREAT, ())


@pytest.mark.parametrize("shown", [f"({THREAT})", "(see page 12-15, 20% of it!)", "(...)", "(* \\(1\\))"])
def test_an_embedded_font_in_a_standard_encoding_is_read(media: Media, shown: str) -> None:
    found = read(media, with_font(shown, UNEXPLAINED.format("FontFile2", "")))
    assert (words(found), found.gaps) == (shown[1:-1].replace("\\", ""), ())


@pytest.mark.parametrize(
    ("named", "encoding"), [("90ms-RKSJ-H", "cp932"), ("ETen-B5-H", "cp950"), ("GBK-EUC-H", "gbk")]
)
def test_encodings_of_east_asia_are_read(media: Media, named: str, encoding: str) -> None:
    font = COMPOSITE.format("").replace("Identity-H", named)
    found = read(media, with_font(f"<{'東京'.encode(encoding).hex()}>", font))
    assert (words(found), found.gaps) == ("東京", ())


def test_names_of_ligatures_and_codes_mean_letters(media: Media) -> None:
    font = NAMED.format("Type1", names("f_i", "uni006E", "e.sc", "space", "u0061"), "")
    found = read(media, with_font("(ABCDE)", font))
    assert (words(found), found.gaps) == ("fine a", ())


def test_bullets_and_formulas_are_no_gap(media: Media) -> None:
    """A few glyphs without a meaning on a page of text: a list's bullets, mathematical symbols with known names."""
    symbols = ["parenleftbig", "parenrightbig", "summationdisplay", "integraltext", "bracketleftBigg", "radicalbig"]
    font = NAMED.format("Type1", names("C0001", *symbols), "")
    data = with_font("(A) Tj (hello) Tj (A) Tj (BCDEFG) Tj (A)", font)
    found = read(media, data)
    assert found.gaps == ()
    assert "hello" in words(found)


# ── what notes draw ─────────────────────────────────────────────────────────────────────────────────────────────────

SAYS = stream(f"BT /F 14 Tf 5 20 Td ({THREAT}) Tj ET".encode(), f"/Subtype /Form /Resources << {HELVETICA} >>")
SHAPE = stream(b"0 0 9 9 re f", "/Subtype /Form")
LETTERS = stream(b"0 0 m " + b"1 1 l " * 40 + b"S", "/Subtype /Form")
PICTURE = stream(b"/I Do", "/Subtype /Form /Resources << /XObject << /I 6 0 R >> >>")
INSIDE = stream(b"/G Do", "/Subtype /Form /Resources << /XObject << /G 7 0 R >> >>")
JPEG = stream(
    IMAGE[0],
    "/Type /XObject /Subtype /Image /Width 320 /Height 240 /BitsPerComponent 8 /ColorSpace /DeviceRGB "
    "/Filter /DCTDecode",
)
KINDS = (
    "Stamp",
    "Square",
    "FreeText",
    "Widget",
    "Redact",
    "Text",
    "Link",
    "Highlight",
    "Popup",
    "FileAttachment",
    "Odd",
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "look",
    ["/N 5 0 R", "/N << /Off 8 0 R /Yes 5 0 R >>", "/N 8 0 R /D 5 0 R", "/N 8 0 R /R << /On 5 0 R >>", "/N 7 0 R"],
)
def test_what_a_note_draws_is_read(media: Media, kind: str, look: str) -> None:
    notes = f"<< /Subtype /{kind} /Rect [0 0 9 9] /AP << {look} >> >>"
    objects = {5: SAYS, 8: stream(b"", "/Subtype /Form"), 7: INSIDE.replace(b"7 0 R", b"5 0 R")}
    found = read(media, pdf(Page(["hello"], notes=notes), objects=objects))
    assert words(found) == f"hello\n{THREAT}"


@pytest.mark.parametrize(
    ("kind", "look", "gaps"),
    [
        ("Stamp", SHAPE, (UNREAD,)),
        ("Ink", LETTERS, (UNREAD,)),
        ("Square", LETTERS, (UNREAD,)),
        ("Square", SHAPE, ()),
        ("Highlight", SHAPE, ()),
        ("Widget", SHAPE, ()),
        ("Stamp", PICTURE, (ExtractionGap("no_text_layer", "words"),)),
        ("Widget", PICTURE, (ExtractionGap("no_text_layer", "words"),)),
    ],
)
def test_what_a_note_draws_without_words_is_a_gap(
    media: Media, kind: str, look: bytes, gaps: tuple[ExtractionGap, ...]
) -> None:
    notes = f"<< /Subtype /{kind} /Rect [0 0 9 9] /AP << /N 5 0 R >> >>"
    assert read(media, pdf(Page(["hello"], notes=notes), objects={5: look, 6: JPEG})).gaps == gaps


@pytest.mark.parametrize(
    "note",
    [
        f"<< /Subtype /Text /Contents ({THREAT}) >>",
        "<< /Subtype /FreeText /RC (<p>I will <b>kill</b> you tonight</p>) >>",
        f"<< /Subtype /Widget /DV ({THREAT}) >>",
        f"<< /Subtype /Widget /TU ({THREAT}) >>",
        f"<< /Subtype /Widget /MK << /CA ({THREAT}) >> >>",
        f"<< /Subtype /Widget /Opt [[(1) ({THREAT})] (no)] >>",
        f"<< /Subtype /Redact /OverlayText ({THREAT}) >>",
        f"<< /Subtype /Text /Subj ({THREAT}) >>",
        f"<< /Subtype /Widget /Parent << /V ({THREAT}) >> >>",
        f"<< /Subtype /Widget /AA << /E << /S /JavaScript /JS (app.alert\\('{THREAT}'\\)) >> >> >>",
    ],
)
def test_what_a_note_says_is_read(media: Media, note: str) -> None:
    text = " ".join(words(read(media, pdf(Page(["hello"], notes=note)))).split())
    assert THREAT in text


# ── where it leads ──────────────────────────────────────────────────────────────────────────────────────────────────

ACTIONS = {
    "plain": f"<< /S /URI /URI ({LINK}) >>",
    "next": f"<< /S /GoTo /D [10 0 R /Fit] /Next << /S /URI /URI ({LINK}) >> >>",
    "next in a list": f"<< /S /Named /N /NextPage /Next [<< /S /GoTo >> << /S /URI /URI ({LINK}) >>] >>",
    "next of next": f"<< /S /GoTo /Next << /S /GoTo /Next << /S /URI /URI ({LINK}) >> >> >>",
    "another file": f"<< /S /GoToR /F ({LINK}) /D [0 /Fit] >>",
    "another file's name": f"<< /S /GoToR /F << /Type /Filespec /UF ({LINK}) >> >>",
    "launch": f"<< /S /Launch /F << /FS /URL /F ({LINK}) >> >>",
    "submit": f"<< /S /SubmitForm /F << /FS /URL /F ({LINK}) >> >>",
    "import": f"<< /S /ImportData /F ({LINK}) >>",
    "script": f"<< /S /JavaScript /JS (app.launchURL\\('{LINK}', true\\);) >>",
    "script in a stream": "<< /S /JavaScript /JS 5 0 R >>",
    "script as an address": f"<< /S /URI /URI (javascript:window.open\\('{LINK}'\\)) >>",
    "relative": "<< /S /URI /URI (x) >>",
    "without a scheme": "<< /S /URI /URI (//casino-royal.example/x) >>",
    "as bytes": f"<< /S /URI /URI <{LINK.encode().hex()}> >>",
    "elsewhere": "6 0 R",
}
PLACES = {
    "note": "<< /Subtype /Link /A {} >>",
    "note under the pointer": "<< /Subtype /Widget /AA << /E {} >> >>",
    "previous action": "<< /Subtype /Link /PA {} >>",
}
ROOTS = {
    "opening": "/OpenAction {}",
    "closing": "/AA << /WC {} >>",
    "outline": "/Outlines << /First << /Title (a) /A {} >> >>",
    "named script": "/Names << /JavaScript << /Names [(a) {}] >> >>",
    "form": "/AcroForm << /Fields [<< /T (a) /AA << /K {} >> >>] >>",
}


def linked(action: str, place: str = "", root: str = "") -> bytes:
    objects = {5: stream(f"app.launchURL('{LINK}')".encode()), 6: ACTIONS["plain"].encode()}
    base = "/URI << /Base (http://casino-royal.example/) >>"
    notes = place.format(action) if place else ""
    return pdf(Page(["hello"], notes=notes), root=f"{base} {root.format(action)}", objects=objects)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("place", [*PLACES, *ROOTS])
def test_a_link_is_found_in_every_action_at_every_place(media: Media, action: str, place: str) -> None:
    found = read(media, linked(ACTIONS[action], PLACES.get(place, ""), ROOTS.get(place, "")))
    assert LINK in [target.address for target in found.links]


def test_a_pages_own_action_is_found(media: Media) -> None:
    found = read(media, pdf(Page(["a"], more=f"/AA << /O {ACTIONS['plain']} >>")))
    assert [(target.address, target.page) for target in found.links] == [(LINK, 0)]


def test_actions_in_a_circle_end(media: Media) -> None:
    objects = {5: b"<< /S /GoTo /Next 6 0 R >>", 6: f"<< /S /URI /URI ({LINK}) /Next 5 0 R >>".encode()}
    found = read(media, pdf(Page(["a"], notes="<< /Subtype /Link /A 5 0 R >>"), objects=objects))
    assert [target.address for target in found.links] == [LINK]


def test_a_script_that_computes_is_a_gap(media: Media) -> None:
    code = "<< /S /JavaScript /JS (app.launchURL\\(unescape\\('%68%74'\\)\\)) >>"
    assert read(media, linked(code, PLACES["note"])).gaps == (ExtractionGap("script"),)
    harmless = "<< /S /JavaScript /JS (AFNumber_Format\\(2, 0, 0, 0, '', true\\);) >>"
    assert read(media, linked(harmless, PLACES["note"])).gaps == ()


def test_what_stands_outside_the_pages_is_read(media: Media) -> None:
    root = f"/Outlines << /First << /Title ({THREAT}) >> >> /Metadata 5 0 R"
    metadata = stream(b"<x><dc:subject><rdf:Bag><rdf:li>a &amp; keyword</rdf:li></rdf:Bag></dc:subject></x>")
    found = read(
        media, pdf(Page(["a"]), root=root, objects={5: metadata, 6: b"<< /Title (the title) >>"}, trailer="/Info 6 0 R")
    )
    assert [(passage.page, passage.text) for passage in found.texts] == [
        (0, "a"),
        (None, f"the title\na & keyword\n{THREAT}"),
    ]


# ── words ───────────────────────────────────────────────────────────────────────────────────────────────────────────

LINE = st.lists(
    st.sampled_from(["I", "will", "kill", "you", "tonight", "look", "in", "two", "owl"]), min_size=3, max_size=6
)
LINES = LINE.map(" ".join).filter(lambda text: 12 < len(text) <= 30)


@given(LINES, st.sampled_from([0.0, 0.5, 2.0, 5.0, 9.0]))
def test_letters_placed_one_by_one_are_words(text: str, gap: float) -> None:
    assert drawn(placed(text, gap=gap)) == text


@given(LINES, st.sampled_from([0, -20, 30, -250, -600]))
def test_letters_with_kerning_are_words(text: str, offset: int) -> None:
    pieces = f" {offset} ".join(f"({letter})" for letter in text)
    assert drawn(f"BT /F 14 Tf 60 700 Td [{pieces}] TJ ET") == text


@given(LINES, st.sampled_from([9.0, 12.0, 14.0]), st.booleans(), st.booleans())
def test_letters_in_a_fixed_pitch_are_words(text: str, pitch: float, is_centred: bool, has_spaces: bool) -> None:
    out = "BT /F 14 Tf "
    for at, letter in enumerate(text):
        shift = (pitch - WIDTHS[letter] * SIZE / 1000) / 2 if is_centred else 0
        if has_spaces or letter != " ":
            out += f"1 0 0 1 {60 + at * pitch + shift:.2f} 700 Tm ({letter}) Tj "
    assert drawn(f"{out}ET") == text


@given(LINES.filter(lambda text: "I" not in text.split()))
def test_words_without_spaces_are_told_apart_by_gaps(text: str) -> None:
    pieces = " -333 ".join(f"({word})" for word in text.split())
    assert drawn(f"BT /F 14 Tf 60 700 Td [{pieces}] TJ ET") == text


@given(LINES, st.randoms(use_true_random=False))
def test_letters_are_read_in_the_order_of_their_places(text: str, random: object) -> None:
    lines = [placed(text, 700), placed(text, 680)]
    shows = [f"BT /F 14 Tf {show} ET" for line in lines for show in _shows(line)]
    random.shuffle(shows)  # type: ignore[attr-defined]
    assert drawn(" ".join(shows)) == f"{text}\n{text}"


def _shows(line: str) -> Sequence[str]:
    return [f"1 0 0 1 {rest.strip()}" for rest in line.removesuffix("ET").split("1 0 0 1 ")[1:]]


@pytest.mark.parametrize(
    ("operators", "says"),
    [
        ("BT /F 14 Tf 60 700 Td (A) Tj 1 0 0 1 300 700 Tm (B) Tj 1 0 0 1 500 700 Tm (C) Tj ET", "A B C"),
        ("BT /F 14 Tf 60 700 Td (Name) Tj 200 0 Td (Age) Tj ET", "Name Age"),
        ("BT /F 14 Tf 60 700 Td (kill) Tj 0.3 0 Td (kill) Tj ET", "kill"),
        (
            " ".join(f"BT /F 14 Tf 1 0 0 1 60 {700 - 16 * at} Tm ({letter}) Tj ET" for at, letter in enumerate("kill")),
            "kill",
        ),
        ("BT /F 14 Tf 0 1 -1 0 300 300 Tm (kill) Tj ET", "kill"),
        ("BT /F 14 Tf 0 1 -1 0 300 300 Tm [(k) -700 (i) -700 (l) -700 (l)] TJ ET", "kill"),
        ("BT /F 14 Tf 60 700 Td 9 Tc (kill you) Tj ET", "kill you"),
        ("BT /F 14 Tf 60 700 Td (x) Tj 5 Ts (2) Tj ET", "x2"),
    ],
)
def test_lines_are_read_as_they_are_seen(operators: str, says: str) -> None:
    assert drawn(operators) == says


HEBREW = "\u05e9\u05dc\u05d5\u05dd"


def test_right_to_left_is_read_from_right_to_left(media: Media) -> None:
    seen = HEBREW[::-1]
    lines = "\n".join(f"<{at:04x}> <{ord(letter):04x}>" for at, letter in enumerate(seen, 1))
    cmap = to_unicode(lines)
    font = COMPOSITE.format("/ToUnicode 9 0 R")
    for shown in ("<0001000200030004>", "<00010002> Tj <00030004>"):
        assert words(read(media, with_font(shown, font, {9: cmap}))) == HEBREW


# ── what is not seen ────────────────────────────────────────────────────────────────────────────────────────────────

UNSEEN = {
    "mode": "3 Tr (xx) Tj 0 Tr",
    "clipping": "7 Tr (xx) Tj 0 Tr",
    "white": "1 g (xx) Tj 0 g",
    "white in other colours": "1 1 1 rg (xx) Tj 0 g",
    "tiny": "/F .1 Tf (xx) Tj /F 14 Tf",
}


@pytest.mark.parametrize("how", UNSEEN)
def test_text_that_is_not_seen_comes_after_what_is_seen(how: str) -> None:
    again = "1 0 0 1 101.2 700 Tm"  # where the unseen letters began: they took no place
    text = drawn(f"BT /F 14 Tf 60 700 Td (I will ki) Tj {UNSEEN[how]} {again} (ll you) Tj ET")
    assert text == "I will kill you\nxx"


def test_text_outside_the_page_is_read_after_it() -> None:
    text = drawn("BT /F 14 Tf 60 700 Td (a) Tj 1 0 0 1 60 9000 Tm (outside) Tj 1 0 0 1 67.8 700 Tm (b) Tj ET")
    assert text == "ab\noutside"


def test_a_hidden_layer_is_read_after_the_page(media: Media) -> None:
    layers = "/OCProperties << /OCGs [5 0 R] /D << /OFF [5 0 R] >> >>"
    page = Page(["hello"], drawn="/OC << /Type /OCG >> BDC EMC /OC /L BDC BT /F 9 Tf 60 700 Td (secret) Tj ET EMC")
    data = pdf(page, root=layers, objects={5: b"<< /Type /OCG /Name (a) >>"})
    data = with_resources(data, b"/Properties << /L 5 0 R >>")
    assert words(read(media, data)) == "hello\nsecret"


def test_invisible_text_over_an_image_is_no_text_layer_alone(media: Media) -> None:
    """Such a layer is what a program read in a scan, or what somebody wants it to be."""
    page = Page(image=IMAGE, drawn="BT /F 14 Tf 3 Tr 60 700 Td (a recipe) Tj ET")
    found = read(media, pdf(page))
    assert (words(found), found.gaps) == ("a recipe", (ExtractionGap("no_text_layer", "words"),))


def test_white_text_on_a_dark_page_is_text(media: Media) -> None:
    page = Page(drawn="0 g 0 0 595 842 re f 1 g BT /F 14 Tf 60 700 Td (a slide) Tj ET", image=IMAGE)
    found = read(media, pdf(page))
    assert (words(found), found.gaps) == ("a slide", ())


def with_resources(data: bytes, more: bytes) -> bytes:
    """The same PDF with further resources of its page, which comes last."""
    before, mark, after = data.rpartition(b"/Resources << ")
    return before + mark.replace(b"/XObject <<  >>", b"") + more + after


# ── other places ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_text_in_drawings_within_drawings_is_read(media: Media) -> None:
    objects = {5: SAYS, 7: stream(b"/G Do", "/Subtype /Form /Resources << /XObject << /G 5 0 R >> >>")}
    data = pdf(Page(["hello"], drawn="/X Do"), objects=objects)
    data = with_resources(data, b"/XObject << /X 7 0 R >>")
    assert words(read(media, data)) == f"hello\n{THREAT}"


def test_text_in_a_pattern_is_read(media: Media) -> None:
    objects = {5: SAYS.replace(b"/Subtype /Form", b"/PatternType 1")}
    data = with_resources(pdf(Page(["hello"]), objects=objects), b"/Pattern << /P 5 0 R >>")
    assert words(read(media, data)) == f"hello\n{THREAT}"


def test_inline_images_are_handed_on(media: Media) -> None:
    pixels = bytes(range(250)) * 10
    inline = f"q 300 0 0 300 0 0 cm BI /W 50 /H 50 /BPC 8 /CS /G /F /AHx ID {pixels.hex()}> EI Q"
    found = read(media, pdf(Page(["hello"], drawn=inline)))
    assert (len(found.images), found.gaps) == (1, ())
    found = read(media, pdf(Page(drawn=inline)))
    assert found.gaps == (ExtractionGap("no_text_layer", "words"),)


def test_what_stands_for_drawn_text_is_read(media: Media) -> None:
    page = Page(["hello"], drawn="/Span << /ActualText (something else) >> BDC EMC")
    assert words(read(media, pdf(page))) == "hello\nsomething else"


def test_a_note_that_is_part_of_a_word_of_the_page_is_read(media: Media) -> None:
    found = read(media, pdf(Page(["skill"], notes="<< /Subtype /Text /Contents (kill) >>")))
    assert words(found).split() == ["skill", "kill"]


def test_a_field_without_resources_takes_those_of_the_form(media: Media) -> None:
    objects = {5: stream(f"BT /F 9 Tf ({THREAT}) Tj ET".encode(), "/Subtype /Form")}
    notes = "<< /Subtype /Widget /AP << /N 5 0 R >> >>"
    found = read(
        media, pdf(Page(["hello"], notes=notes), root=f"/AcroForm << /DR << {HELVETICA} >> >>", objects=objects)
    )
    assert (words(found), found.gaps) == (f"hello\n{THREAT}", ())


def test_a_tick_in_a_box_is_no_gap(media: Media) -> None:
    font = "/Font << /F << /Type /Font /Subtype /Type1 /Encoding << /Differences [52 /C0001] >> >> >>"
    objects = {5: stream(b"0 0 9 9 re S BT /F 9 Tf (4) Tj ET", f"/Subtype /Form /Resources << {font} >>")}
    for kind, gaps in (("Widget", ()), ("Stamp", (UNREAD,))):
        notes = f"<< /Subtype /{kind} /AP << /N 5 0 R >> >>"
        assert read(media, pdf(Page(["hello"], notes=notes), objects=objects)).gaps == gaps


def test_too_many_operators_are_a_gap(media: Media) -> None:
    found = read(media, pdf(Page(["hello"]), Page(drawn="1 w " * 1_600_000)))
    assert words(found) == "hello"
    found = read(media, pdf(*[Page(["hello"], drawn="BT (a) Tj ET " * 60_000)] * 3))
    assert found.gaps == (ExtractionGap("too_many_operators"),)


# ── broken words ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("mark", ["-", "\\255"])
def test_a_word_broken_at_the_end_of_a_line_is_whole(media: Media, mark: str) -> None:
    page = Page(drawn=f"BT /F 14 Tf 16 TL 72 700 Td (I will ki{mark}) Tj T* (ll you tonight) Tj ET")
    data = pdf(page).replace(b"/BaseFont /Helvetica", b"/BaseFont /Helvetica /Encoding /WinAnsiEncoding")
    assert words(read(media, data)).split() == THREAT.split()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("I will ki-\nll you", "I will kill\nyou"),
        ("I will ki\u00ad\nll you", "I will kill\nyou"),
        ("I will ki\u2010\r\n  ll you", "I will kill\nyou"),
        ("I WILL KI-\nLL YOU", "I WILL KILL\nYOU"),
        ("k-\ni-\nl-\nl you", "kill\nyou"),
        ("write to http://casino-\nroyal.example/x now", "write to http://casino-royal.example/x\nnow"),
        ("at casino-\nroyal.example now", "at casino-royal.example\nnow"),
        ("a well-known man, well-\nknown too", "a well-known man, well-known\ntoo"),
        ("Anglo-\nSaxon law", "Anglo-Saxon\nlaw"),
        ("pre-\nand postwar", "pre-\nand postwar"),
        ("pages 10-\n20", "pages 10-\n20"),
        ("so -\nhe left", "so -\nhe left"),
        ("a list:\n- one\n- two", "a list:\n- one\n- two"),
        ("ki-\n\nll", "ki-\n\nll"),
    ],
)
def test_broken_words(text: str, says: str) -> None:
    assert rejoin(text) == says


@given(st.text("abcdef ", min_size=1), st.text("abcdef", min_size=1), st.text("abcdef", min_size=1), st.booleans())
def test_a_word_is_whole_wherever_it_is_broken(before: str, head: str, tail: str, is_soft: bool) -> None:
    mark = "\u00ad" if is_soft else "-"
    whole = f"{before} {head}{tail} and more"
    if tail in ("e", "of") or head in ("e",):
        return
    assert rejoin(f"{before} {head}{mark}\n{tail} and more").split() == whole.split()


@given(st.text("ab \n.,"))
def test_text_without_broken_words_stays(text: str) -> None:
    assert rejoin(text) == text
