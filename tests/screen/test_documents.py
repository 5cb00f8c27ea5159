"""A document of an item decides like its texts; what of it nobody could read gets the stage's fail mode."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import httpx
import pytest

from media.document_files import Page, docx, pdf, stream
from media.samples import encode, noise
from seawall import access, api
from seawall.model import Document, Item, Span, SpanUnit
from seawall.publish import NewEntry, add_entries
from seawall.screen import ScreenResponse, load_derived, load_item, media_bytes
from support.app import Rig, own_app
from support.detectors import Moody, Words
from support.items import content_type_text, policy_text, sources_of

PRE_PUBLISH = "{budget: 60s, on_unknown: hold, rescreen_within: 30s}"
NOTES = {"letter": "{type: document, role: media}", "card": "{type: document, role: media, extract: [document]}"}
TYPES = [
    content_type_text(name, {"notes": notes}, pre_publish=PRE_PUBLISH, surface="private")
    for name, notes in NOTES.items()
]
RUDE = policy_text("rude", 'rudeness >= 0.9 or bank("blocked-domains") >= 1', "[remove]", "letter, card")

IMAGE = (encode(noise(1), "JPEG"), 320, 240)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    detectors = (Words("insults", "rudeness", {"fool": 0.95}),)
    with own_app(tmp_path_factory.mktemp("internal"), sources_of(RUDE, *TYPES), detectors) as app:
        made = Rig(app, Moody())
        yield made
        made.assert_rebuilds()


STAMP = "<< /Subtype /Stamp /AP << /N 5 0 R >> >>"
SAYS = stream(b"BT /F 9 Tf (you fool) Tj ET", "/Subtype /Form")
STAMPED = pdf(Page(["hello"], notes=STAMP), objects={5: SAYS})
LETTERS = (
    "BT /F 9 Tf " + " ".join(f"1 0 0 1 {60 + 9 * at} 700 Tm ({one}) Tj" for at, one in enumerate("you fool")) + " ET"
)


def screened(rig: Rig, data: bytes, **fields: Any) -> ScreenResponse:
    """What the house says about a document of its own id."""
    item = Item(content_type="card", id=sha256(data).hexdigest(), fields={"notes": Document(data), **fields})
    return rig.app.screener.screen(item)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (pdf(Page(["hello"]), Page(["you fool"])), "notes>page.1"),
        (docx("hello", "you fool"), "notes>page.0"),
        (b"<p>you <b>fool</b></p>", "notes>page.0"),
        (b"you fool", "notes>page.0"),
        (STAMPED, "notes>page.0"),
        (pdf(Page(drawn=LETTERS)), "notes>page.0"),
        (pdf(Page(["you fo-", "ol"])), "notes>page.0"),
        (pdf(Page(["hello"]), root="/Outlines << /First << /Title (you fool) >> >>"), "notes>details"),
    ],
)
def test_what_a_document_says_decides(rig: Rig, data: bytes, place: str) -> None:
    answer = screened(rig, data, body="please read this")
    assert (answer.verdict, answer.degraded, answer.unknown) == ("block", False, ())
    signals = [(each.name, each.part) for each in rig.decision(answer).signals if each.name == "rudeness"]
    assert ("rudeness", place) in signals
    assert all(part == place or part.startswith("notes>across.") for _, part in signals)  # or what runs across pages


def test_its_links_are_matched(rig: Rig) -> None:
    app = rig.app
    entry = NewEntry(kind="domain", value="prizes.example", source="staff")
    add_entries(app.ledger, "blocked-domains", [entry], "tests")
    app.banks.refresh()
    answer = screened(rig, pdf(Page(["hello"]), Page(["there"], link="https://www.prizes.example/x")))
    assert answer.verdict == "block"
    (hit,) = [each for each in rig.decision(answer).signals if each.name == "bank:blocked-domains"]
    link = next(each for each in load_derived(app.vault, answer.item, answer.decision) if each.path == hit.part)
    assert (link.text, link.span) == ("https://www.prizes.example/x", Span(SpanUnit.PAGES, 1, 2))
    action = "<< /S /GoTo /Next << /S /URI /URI (https://prizes.example/y) >> >>"
    assert screened(rig, pdf(Page(["hello"]), root=f"/OpenAction {action}")).verdict == "block"


def test_a_file_inside_a_document_decides_or_is_unknown(rig: Rig) -> None:
    inside = docx("hello", more={"word/embeddings/b.docx": docx("you fool")})
    answer = screened(rig, docx("hello", more={"word/embeddings/a.docx": inside}))
    assert (answer.verdict, answer.unknown) == ("block", ())
    assert [each.part for each in rig.decision(answer).signals if each.name == "rudeness"] == ["notes>file.1>page.0"]
    answer = screened(rig, docx("hello", more={"word/embeddings/a.exe": b"MZ\0\1\2"}))
    assert (answer.verdict, answer.degraded) == ("hold", True)
    unknown = {(each.detector, each.part): each for each in rig.decision(answer).unknown}
    assert unknown["document", "notes>file.0"].detail == "attachments"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (pdf(Page(["hello"]), Page(image=IMAGE)), "no_text_layer"),
        (pdf(Page(["hello"], notes=STAMP), objects={5: stream(b"0 0 9 9 re f", "/Subtype /Form")}), "no_text_layer"),
        (b"%PDF-1.7 and nothing", "damaged"),
        (b"{\\rtf1 you fool}", "unknown_format"),
    ],
)
def test_what_nobody_could_read_is_unknown(rig: Rig, data: bytes, code: str) -> None:
    answer = screened(rig, data)
    assert (answer.verdict, answer.degraded, answer.fail_mode) == ("hold", True, "hold")
    unknown = {(each.detector, each.part): each for each in rig.decision(answer).unknown}
    assert unknown["document", "notes"].detail == code
    assert unknown["document", "notes"].reason == "unreadable"
    assert unknown["insults", "notes>page"].detail == f"document: {code}"


def test_a_page_that_could_not_be_read_hides_no_other(rig: Rig) -> None:
    answer = screened(rig, pdf(Page(image=IMAGE), Page(["you fool"])))
    assert answer.verdict == "block"


def test_the_document_comes_back_as_it_was(rig: Rig) -> None:
    app, data = rig.app, docx("hello")
    answer = screened(rig, data)
    assert media_bytes(app.vault, app.blobs, answer.item, 1, "notes") == ("document", data)
    assert load_item(app.database, app.vault, app.blobs, answer.item, 1).fields == {"notes": Document(data)}


# ── over HTTP ───────────────────────────────────────────────────────────────────────────────────────────────────────


def post(rig: Rig, notes: Any) -> httpx.Response:
    key = access.create_key(rig.app.ledger, "test", [access.Scope.SCREEN])
    asked = {"content_type": "card", "id": "h-1", "fields": {"notes": notes}}

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(api.build(rig.app))
        async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
            return await client.post("/v1/screen", json=asked, headers={"Authorization": f"Bearer {key}"})

    return asyncio.run(ask())


def test_it_is_sent_like_other_media(rig: Rig) -> None:
    answer = post(rig, {"base64": b64encode(pdf(Page(["you fool"]))).decode()})
    assert (answer.status_code, answer.json()["verdict"]) == (200, "block")


@pytest.mark.parametrize(
    ("notes", "says"),
    [
        ("you fool", "must be a document"),
        ({"base64": "%"}, "is not valid base64"),
        ({"base64": ""}, "is empty"),
        ({"base64": "A" * (28 << 20)}, "is too large"),
        ({"url": "http://127.0.0.1/notes.pdf"}, "127.0.0.1"),
    ],
)
def test_a_bad_one_is_refused_by_its_field(rig: Rig, notes: Any, says: str) -> None:
    refusal = post(rig, notes)
    assert refusal.status_code == 422
    assert refusal.json()["pointer"] == "/fields/notes"
    assert says in refusal.json()["detail"]
    assert refusal.json()["remedy"]
