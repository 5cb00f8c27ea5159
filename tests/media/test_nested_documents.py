"""Files inside documents: they are read as by themselves, at every depth, within limits that hold for all together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.document_files import Page, compound, docx, epub, odt, ole_package, packed, pdf, stream
from media.samples import encode, make_audio, noise
from seawall.content.links import add_link_parts
from seawall.detect.extraction_cache import CachedExtraction, CacheUse
from seawall.detectors.text.lexicon import LexiconDetector
from seawall.media import DocumentContent, Media, MediaLimits, ProcessLimits
from seawall.media.documents import DocumentExtractor
from seawall.model import ExtractedParts, ExtractionGap, Modality, Part, Signal, Span, SpanUnit

THREAT = "I will kill you tonight"
LINK = "http://casino-royal.example/x"
IMAGE = encode(noise(1), "JPEG")
EXE = b"MZ\x90\0" + bytes(range(256)) * 4


def read(media: Media, data: bytes) -> DocumentContent:
    found = media.document(data)
    assert isinstance(found, DocumentContent), found
    return found


def words(found: DocumentContent) -> str:
    return "\n".join(passage.text for passage in found.texts)


# ── ways to attach a file ───────────────────────────────────────────────────────────────────────────────────────────

SPEC = "<< /Type /Filespec /F ({0}) /UF ({0}) /Desc (about it) /EF << /F 5 0 R /UF 5 0 R >> >>"
PLACES: Mapping[str, Mapping[str, str]] = {
    "embedded files": {"root": "/Names << /EmbeddedFiles << /Names [(a) 6 0 R] >> >>"},
    "kids of the name tree": {
        "root": "/Names << /EmbeddedFiles << /Kids [<< /Kids [<< /Names [(a) 6 0 R] >>] >>] >> >>"
    },
    "associated file": {"root": "/AF [6 0 R]"},
    "associated file of a page": {"more": "/AF [6 0 R]"},
    "a note": {"notes": "<< /Subtype /FileAttachment /Rect [0 0 9 9] /FS 6 0 R >>"},
    "a portfolio": {"root": "/Collection << /View /D >> /Names << /EmbeddedFiles << /Names [(a) 6 0 R] >> >>"},
    "an action": {"notes": "<< /Subtype /Link /A << /S /GoToE /F 6 0 R >> >>"},
    "rich media": {"notes": "<< /Subtype /Link /RichMediaContent << /Assets << /Names [(a) 6 0 R] >> >> >>"},
}


def attached(data: bytes, name: str = "a.bin", place: str = "embedded files") -> bytes:
    """A PDF with a file inside."""
    where = PLACES[place]
    page = Page(["hello"], notes=where.get("notes", ""), more=where.get("more", ""))
    objects = {5: stream(data, "/Type /EmbeddedFile"), 6: SPEC.format(name).encode()}
    return pdf(page, root=where.get("root", ""), objects=objects)


INSIDE = {
    "PDF": pdf(Page([THREAT], link=LINK)),
    "DOCX": docx(THREAT, link=LINK),
    "ODT": odt(THREAT, link=LINK),
    "EPUB": epub(f"<p>{THREAT} <a href='{LINK}'>x</a></p>"),
    "HTML": f"<p>{THREAT} <a href='{LINK}'>x</a></p>".encode(),
    "ZIP": packed({"folder/a.docx": docx(THREAT, link=LINK)}),
}


def held(holder: str, data: bytes) -> bytes:
    """A document with a file inside."""
    if holder in PLACES:
        return attached(data, place=holder)
    package = compound({"\1Ole10Native": ole_package("a.bin", data)})
    made: Mapping[str, Callable[[], bytes]] = {
        "DOCX": lambda: docx("hello", more={"word/embeddings/file1.bin": data}),
        "DOCX with another name": lambda: docx("hello", more={"word/theme.ttf": data}),
        "ODT": lambda: odt("hello", more={"Object 1": data}),
        "EPUB": lambda: epub("hello", more={"a.dat": data}),
        "package of an object": lambda: docx("hello", more={"word/embeddings/oleObject1.bin": package}),
        "object": lambda: docx("hello", more={"word/embeddings/oleObject1.bin": compound({"CONTENTS": data})}),
    }
    return made[holder]()


HOLDERS = (*PLACES, "DOCX", "DOCX with another name", "ODT", "EPUB", "package of an object", "object")


@pytest.mark.parametrize(
    ("holder", "kind"),  # a page of HTML in a package is one of its pages
    [(holder, kind) for holder in HOLDERS for kind in INSIDE if kind != "HTML" or holder in PLACES],
)
def test_a_file_inside_a_document_is_read_as_by_itself(media: Media, holder: str, kind: str) -> None:
    found = read(media, held(holder, INSIDE[kind]))
    assert THREAT in words(found)
    assert LINK in [target.address for target in found.links]
    assert found.gaps == ()
    assert {passage.file != "" for passage in found.texts if THREAT in passage.text} == {True}


@pytest.mark.parametrize("holder", HOLDERS)
def test_a_picture_and_a_text_inside_a_document_are_handed_on(media: Media, holder: str) -> None:
    (image,) = read(media, held(holder, IMAGE)).images
    assert image.data.startswith(IMAGE)
    if holder in PLACES or holder == "package of an object":
        found = read(media, held(holder, THREAT.encode()))
        assert (THREAT in words(found), found.gaps) == (True, ())


def test_a_files_name_and_description_are_read(media: Media) -> None:
    found = read(media, attached(b"hello", name="kill them.txt", place="a note"))
    assert [(file.name, file.page) for file in found.files] == [("kill them.txt", 0)]
    assert "about it" in words(found)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (EXE, "attachments"),
        (make_audio("mp3", "mp3", 0.3), "attachments"),
        (b"{\\rtf1 I will kill you}", "attachments"),
        (compound({"WordDocument": THREAT.encode("utf-16-le")}), "attachments"),
        (compound({"Package": docx("a")})[:2_000], "damaged"),
        (b"%PDF-1.7 nothing", "damaged"),
        (docx("a", more={"x.xml": "<t>"}), "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
    ],
)
def test_a_file_that_is_not_read_is_a_gap_with_its_name(media: Media, data: bytes, code: str) -> None:
    found = read(media, attached(data, name="secret.dat"))
    assert found.gaps == (ExtractionGap(code, inside="file.0"),)
    assert [(file.step, file.name) for file in found.files] == [("file.0", "secret.dat")]
    assert "hello" in words(found)


def test_files_in_data_addresses_of_a_page_are_read(media: Media) -> None:
    import base64

    inside = base64.b64encode(INSIDE["PDF"]).decode()
    assert THREAT in words(read(media, f"<p>a<iframe src='data:application/pdf;base64,{inside}'></iframe>".encode()))
    assert THREAT in words(read(media, b"<p>a<iframe src='data:text/html,<p>I%20will kill you tonight'></iframe>"))


def test_a_file_without_a_file_is_a_gap(media: Media) -> None:
    data = pdf(Page(["a"], notes="<< /Subtype /FileAttachment /FS << /F (a.pdf) >> >>"))
    assert read(media, data).gaps == (ExtractionGap("attachments"),)
    assert read(media, pdf(Page(["a"]), root="/Names << /EmbeddedFiles << /Names [] >> >>")).gaps == ()


# ── limits of the whole tree ────────────────────────────────────────────────────────────────────────────────────────


def nested(depth: int) -> bytes:
    data = docx(THREAT)
    for at in range(depth):
        data = attached(data, f"{at}.pdf") if at % 2 else docx(f"level {at}", more={"word/embeddings/a.docx": data})
    return data


def test_a_file_is_read_three_files_deep(media: Media) -> None:
    found = read(media, nested(3))
    assert (THREAT in words(found), found.gaps) == (True, ())
    found = read(media, nested(4))
    assert (THREAT in words(found), found.gaps) == (False, (ExtractionGap("too_deep", inside="file.3"),))
    assert [file.within for file in found.files] == ["", "file.0", "file.1", "file.2"]


@pytest.fixture(scope="module")
def narrow() -> Iterator[Media]:
    limits = ProcessLimits(seconds=10, memory_bytes=1 << 30, max_bytes=8 << 20)
    made = Media(MediaLimits(documents=limits, max_pages=3, max_characters=500, max_images=2, max_unpacked=1 << 20))
    yield made
    made.close()


def folder(*files: bytes) -> bytes:
    return docx("hello", more={f"word/embeddings/{at}.bin": data for at, data in enumerate(files)})


def test_the_limits_hold_for_all_files_together(narrow: Media) -> None:
    pages = [pdf(*[Page([f"{at}.{number}"]) for number in range(2)]) for at in range(3)]
    found = read(narrow, folder(*pages))
    assert [passage.text for passage in found.texts] == ["hello", "0.0", "0.1", "1.0"]
    assert set(found.gaps) == {ExtractionGap("too_many_pages", inside=f"file.{at}") for at in (1, 2)}
    found = read(narrow, folder(*(docx(str(at) * 300) for at in range(3))))
    assert sum(len(passage.text) for passage in found.texts) == 500
    assert {gap.code for gap in found.gaps} == {"too_many_characters"}
    images = [docx(more={"a.jpg": encode(noise(at, (90, 60)), "JPEG")}) for at in range(3)]
    assert read(narrow, folder(*images)).gaps == (ExtractionGap("too_many_images", inside="file.2"),)
    bombs = [docx(f"{at}", more={"word/x.xml": bytes(400_000)}) for at in range(4)]
    found = read(narrow, folder(*bombs))
    assert words(found).startswith("hello")
    assert ExtractionGap("too_many_bytes", inside="file.3") in found.gaps
    found = read(narrow, folder(*(f"{at}".encode() for at in range(60))))
    assert (len(found.files), found.gaps) == (40, (ExtractionGap("too_many_attachments"),))


def test_a_file_that_holds_itself_ends(narrow: Media) -> None:
    found = read(narrow, folder(docx("a"), docx("a"), docx("a")))
    assert len(found.files) == 1


def test_a_bomb_in_an_attachment_leaves_the_pages(narrow: Media) -> None:
    import zlib

    bomb = zlib.compress(bytes(20 << 20))
    objects = {5: stream(bomb, "/Filter /FlateDecode"), 6: SPEC.format("a").encode()}
    found = read(narrow, pdf(Page([THREAT]), root="/AF [6 0 R]", objects=objects))
    assert (THREAT in words(found), found.gaps) == (True, (ExtractionGap("too_many_bytes"),))


# ── parts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def extract(media: Media, data: bytes, path: str = "notes") -> ExtractedParts:
    part = Part(path=path, modality=Modality.DOCUMENT, field=path, data=data)
    (answer,) = DocumentExtractor(media).extract([part])
    assert isinstance(answer, ExtractedParts)
    return answer


def test_parts_of_a_file_inside_stand_under_its_name(media: Media) -> None:
    inner = pdf(
        Page(["one"]),
        Page(["two"], link=LINK),
        root="/AF [6 0 R]",
        objects={5: stream(b"deep"), 6: SPEC.format("b.txt").encode()},
    )
    made = extract(media, attached(inner, name="report.pdf", place="a note"))
    page = Span(SpanUnit.PAGES, 0, 1)
    assert [
        (part.path, part.parent, part.text, part.span) for part in made.parts if part.modality is Modality.TEXT
    ] == [
        ("notes>file.0", "notes", "report.pdf", page),
        ("notes>file.1", "notes>file.0", "b.txt", None),
        ("notes>page.0", "notes", "hello", page),
        ("notes>details", "notes", "about it", None),
        ("notes>file.0>page.0", "notes>file.0", "one", page),
        ("notes>file.0>page.1", "notes>file.0", "two", Span(SpanUnit.PAGES, 1, 2)),
        ("notes>file.0>details", "notes>file.0", "about it", None),
        ("notes>file.1>page.0", "notes>file.1", "deep", Span(SpanUnit.CHARACTERS, 0, 4)),
        ("notes>file.0>across.0", "notes>file.0", "one\ntwo", Span(SpanUnit.PAGES, 0, 2)),
    ]
    assert [part.path for part in made.parts if part.modality is Modality.LINK] == ["notes>file.0>link.0"]


def test_recalled_parts_keep_their_place_in_the_tree(media: Media) -> None:
    spec, data = DocumentExtractor.spec, attached(docx("hello"))
    first = extract(media, data)
    use = CacheUse({})
    entry = use.entry(
        spec, Part(path="notes", modality=Modality.DOCUMENT, field="notes", data=data), first, reused=False
    )
    assert isinstance(entry, CachedExtraction)
    recalled = CacheUse({entry.key: entry}).recall(
        spec, Part(path="paper", modality=Modality.DOCUMENT, field="paper", data=data)
    )
    assert recalled is not None
    assert recalled.parts == extract(media, data, "paper").parts
    assert all(part.field == "paper" for part in add_link_parts(list(recalled.parts)))


# ── the same sentence wherever it stands ────────────────────────────────────────────────────────────────────────────

THREATS = st.sampled_from([THREAT, "I am going to kill you", "i will murder you"])
HELLO = st.lists(st.sampled_from(["hello", "there", "a", "recipe", "for", "soup"]), max_size=5).map(" ".join)


@given(THREATS, HELLO, st.sampled_from(HOLDERS), st.sampled_from(["PDF", "DOCX", "ODT", "EPUB"]))
@pytest.mark.timeout(300)
@settings(max_examples=12, deadline=None)
def test_a_threat_is_found_wherever_it_stands(media: Media, threat: str, words: str, holder: str, kind: str) -> None:
    said = f"{words} {threat}".strip()
    inside = {"PDF": pdf(Page([said])), "DOCX": docx(said), "ODT": odt(said), "EPUB": epub(f"<p>{said}</p>")}[kind]
    assert measured(media, held(holder, inside)) == measured(media, inside) == measured(media, said.encode())
    assert measured(media, held(holder, docx(words))) == {}


def measured(media: Media, data: bytes) -> dict[str, float]:
    """The scores of the word lists."""
    scores: dict[str, float] = {}
    for found in LexiconDetector().detect(extract(media, data).parts):
        for signal in found if isinstance(found, tuple) else ():
            if isinstance(signal, Signal):
                scores[signal.name] = max(signal.value, scores.get(signal.name, 0.0))
    return scores
