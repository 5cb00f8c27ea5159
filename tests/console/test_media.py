"""Media on pages: what was found stands at its place and time; players get bytes that nothing runs."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from seawall.console.formats import clock, why_unknown
from seawall.console.media import media_view, text_view
from seawall.console.part_locations import PartLocations
from seawall.console.screen.media import type_of, wanted
from seawall.media import UnreadableMedia
from seawall.model import Modality, Signal, Span, SpanUnit, Unknown, UnknownReason
from seawall.screen import DerivedPart, MediaInfo, media_file
from seawall.storage import Blobs
from seawall.storage.sealed_file import CHUNK
from support.console import LONG_MEMOS, Rig, small
from support.items import content_type_text


def at(start: float, end: float) -> Span:
    return Span(SpanUnit.SECONDS, start, end)


def part(
    path: str,
    modality: Modality,
    span: Span | None = None,
    text: str | None = None,
    size: tuple[int, int] | None = None,
) -> DerivedPart:
    parent = path.rpartition(">")[0]
    field = path.partition(">")[0]
    return DerivedPart(path=path, modality=modality, field=field, parent=parent, text=text, span=span, size=size)


def signal(name: str, path: str, value: float = 0.9, span: Span | None = None) -> Signal:
    return Signal(name=name, value=value, part=path, detector="d", version="1", span=span)


VIDEO = (
    part("clip>frame.0", Modality.IMAGE, at(0, 3)),
    part("clip>frame.1", Modality.IMAGE, at(3, 6)),
    part("clip>audio", Modality.AUDIO, at(0.5, 8.5)),
    part("clip>audio>speech.0", Modality.AUDIO, at(2, 4)),
    part("clip>audio>transcript.0", Modality.TEXT, at(2, 3), "buy it"),
    part("clip>frame.1>words.0", Modality.TEXT, Span(SpanUnit.PIXELS, box=(1, 2, 30, 40)), "I will kill you"),
    part("clip>frame.1>words.0>link.0", Modality.LINK, Span(SpanUnit.CHARACTERS, 0, 1), "http://x.example"),
)


@pytest.mark.parametrize(
    ("path", "span", "says"),
    [
        ("clip", None, "clip"),
        ("clip>frame.1", None, "clip, 3.0–6.0 s"),
        ("clip>frame.1>words.0", None, "clip, 3.0–6.0 s, words"),
        ("clip>frame.1>words.0>link.0", None, "clip, 3.0–6.0 s, words, link"),
        ("clip>audio>speech.0", None, "clip, 2.5–4.5 s"),
        ("clip>audio>transcript.0", None, "clip, 2.5–3.5 s, transcript"),
        ("clip>audio", at(1, 2), "clip, 1.5–2.5 s"),
        ("voice", at(12.5, 14), "voice, 12.5–14.0 s"),
        ("cover>words", None, "cover, words"),
        ("body", None, "body"),
    ],
)
def test_places_are_lifted_to_what_was_submitted(path: str, span: Span | None, says: str) -> None:
    assert PartLocations(VIDEO).of(path, span) == says


def test_a_video_has_a_mark_for_everything_at_its_time() -> None:
    evidence = {
        "clip>frame.1>words.0": [signal("threat_terms", "clip>frame.1>words.0", span=Span(SpanUnit.CHARACTERS, 7, 15))],
        "clip>audio": [signal("bank:songs", "clip>audio", 1, at(1, 4))],
        "clip>frame.0": [signal("image_quality", "clip>frame.0", 0.8)],
        "clip>frame.1": [signal("hate", "clip>frame.1", 0.05)],
    }
    view = media_view("clip", MediaInfo("video", 9), VIDEO, evidence, size=None, whole=False)
    marks = [(mark.kind, mark.start, mark.end, mark.is_notable) for mark in view.marks]
    assert marks == [
        ("frame", 0, 3, False),
        ("match", 1.5, 4.5, True),
        ("transcript", 2.5, 3.5, False),
        ("speech", 2.5, 4.5, False),
        ("frame", 3, 6, True),
    ]
    assert [one.text.runs[1].text for one in view.marks[-1].texts] == ["kill you"]
    assert [one.name for one in view.marks[0].signals] == ["image_quality"]
    assert view.length == 8.5


def test_an_image_has_numbered_boxes() -> None:
    found = (
        part("cover>words.0", Modality.TEXT, Span(SpanUnit.PIXELS, box=(10, 20, 110, 40)), "hello"),
        part("cover>code.0", Modality.LINK, Span(SpanUnit.PIXELS, box=(0, 0, 5, 5)), "http://x.example"),
    )
    view = media_view("cover", MediaInfo("image", 9), found, {}, size=(200, 100), whole=False)
    assert [(box.number, box.x, box.y, box.width, box.height) for box in view.boxes] == [
        (1, 10, 20, 100, 20),
        (2, 0, 0, 5, 5),
    ]
    assert [(one.kind, one.box) for one in view.texts] == [("words", 1), ("code", 2)]


def in_frames(field: str, size: tuple[int, int] | None) -> tuple[DerivedPart, ...]:
    """Words in two frames, a code in the second; nothing in the third."""
    return (
        part(f"{field}>frame.0", Modality.IMAGE, at(3, 6), size=size),
        part(f"{field}>frame.1", Modality.IMAGE, at(0, 3), size=size),
        part(f"{field}>frame.2", Modality.IMAGE, at(6, 9), size=size),
        part(f"{field}>frame.0>words.0", Modality.TEXT, Span(SpanUnit.PIXELS, box=(10, 20, 110, 40)), "hello"),
        part(f"{field}>frame.1>words.0", Modality.TEXT, Span(SpanUnit.PIXELS, box=(0, 0, 5, 5)), "you"),
        part(f"{field}>frame.1>code.0", Modality.LINK, Span(SpanUnit.PIXELS, box=(7, 7, 7, 7)), "http://x.example"),
    )


def test_a_video_has_boxes_by_frame_in_the_pixels_of_the_frame() -> None:
    view = media_view("clip", MediaInfo("video", 9), in_frames("clip", (320, 180)), {}, size=None, whole=False)
    assert [(frame.start, frame.size, [box.number for box in frame.boxes]) for frame in view.frames] == [
        (0, (320, 180), [2, 3]),
        (3, (320, 180), [1]),
    ]
    box = view.frames[1].boxes[0]
    assert (box.x, box.y, box.width, box.height) == (10, 20, 100, 20)
    assert view.frames[0].boxes[1].width == 1, "what is empty can be seen too"
    assert [(mark.start, [one.box for one in mark.texts]) for mark in view.marks] == [(0, [2, 3]), (3, [1]), (6, [])]


def test_a_moving_image_shows_what_stands_in_its_frames_there_and_not_in_its_first() -> None:
    found = (
        *in_frames("cover", (320, 180)),
        part("cover>words.0", Modality.TEXT, Span(SpanUnit.PIXELS, box=(1, 2, 3, 4)), "first"),
    )
    view = media_view("cover", MediaInfo("image", 9), found, {}, size=(640, 360), whole=False)
    assert [one.text.runs[0].text for one in view.texts] == ["first"]
    assert [box.number for box in view.boxes] == [4]
    assert [(frame.number, [one.text.runs[0].text for one in frame.texts]) for frame in view.frames] == [
        (1, ["you", "http://x.example"]),
        (0, ["hello"]),
    ]


@pytest.mark.parametrize(("field", "type"), [("clip", "video"), ("cover", "image")])
def test_without_a_size_nothing_is_drawn_and_everything_is_listed(field: str, type: str) -> None:
    view = media_view(field, MediaInfo(type, 9), in_frames(field, None), {}, size=None, whole=False)
    assert (view.frames, view.boxes) == ([], [] if type == "image" else ())
    listed = [*view.texts, *(one for mark in view.marks for one in mark.texts)]
    assert sorted(one.text.runs[0].text for one in listed) == ["hello", "http://x.example", "you"]
    assert {one.box for one in listed} == {None}


def test_each_signal_marks_its_words_once() -> None:
    def marking(name: str, start: int, end: int) -> Signal:
        return signal(name, "body", span=Span(SpanUnit.CHARACTERS, start, end))

    view = text_view("body", "call +44 20 now", {"body": [marking("pii", 5, 11), marking("spam", 6, 11)]}, False)
    assert [(words, one.name) for words, one in view.marked] == [("+44 20", "pii"), ("44 20", "spam")]


@pytest.mark.parametrize(
    ("times", "says"), [((0, 1.25), "0.0–1.2 s"), ((59, 180), "0:59–3:00"), ((3600, 3723), "1:00:00–1:02:03")]
)
def test_times(times: tuple[float, float], says: str) -> None:
    assert clock(*times) == says


@pytest.mark.parametrize(
    ("detector", "reason", "detail", "says"),
    [
        ("lexicon", "error", "words: not installed", "the words in it could not be read: not installed"),
        ("words", "unreadable", "damaged", "the words in it could not be read: it cannot be decoded (damaged)"),
        ("lexicon", "deadline", "frames: deadline", "its frames could not be taken out: not in time"),
        ("hate", "deadline", "", "not in time"),
        ("image", "overloaded", "queue full", "overloaded (queue full)"),
        ("x", "error", "ValueError at x.py:3", "ValueError at x.py:3"),
        (
            "sounds",
            "unreadable",
            "frames: too_long",
            "its frames could not be taken out: it cannot be decoded (too long)",
        ),
    ],
)
def test_why_something_is_unknown_in_words(detector: str, reason: str, detail: str, says: str) -> None:
    unknown = Unknown(detector=detector, part="cover", reason=UnknownReason(reason), detail=detail)
    assert why_unknown(unknown) == says


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ("after.3723", "from 1:02:03 on"),
        ("after.0", "from 0:00:00 on"),
        (f"after.{'9' * 40}", "after"),
        ("after.x", "after"),
    ],
)
def test_from_where_on_speech_is_unread(step: str, says: str) -> None:
    assert PartLocations(()).of(f"audio>{step}>transcript") == f"audio, {says}, transcript"
    unread = Unknown(detector="lexicon", part="audio", reason=UnknownReason.DEADLINE, detail="transcript: speech_left")
    assert why_unknown(unread).endswith("the speech from there on is read next time")


# ── bytes ──


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("bytes=0-", (0, 100)),
        ("bytes=0-9", (0, 10)),
        ("bytes=90-200", (90, 100)),
        ("bytes=-10", (90, 100)),
        ("bytes=-200", (0, 100)),
        ("bytes=100-", (100, 100)),
        ("bytes=5-2", (5, 3)),
        ("bytes=0-1,4-5", (100, 100)),
        ("bytes=0-1,", (100, 100)),
        ("bytes=-", (100, 100)),
        ("bytes=-0", (100, 100)),
        ("bytes=", (100, 100)),
        ("bytes=a-b", (100, 100)),
        ("bytes=\u0661-", (100, 100)),
        ("Bytes=0-9", (0, 10)),
        ("bytes=9999999999999999-", (100, 100)),
        ("items=0-1", None),
        ("", None),
    ],
)
def test_ranges(header: str, found: tuple[int, int] | None) -> None:
    assert wanted(header, 100) == found


@given(st.text(max_size=40), st.integers(1, 1000))
def test_no_header_asks_for_more_than_there_is(header: str, size: int) -> None:
    found = wanted(f"bytes={header}", size)
    assert found is None or found[0] >= found[1] or 0 <= found[0] < found[1] <= size


def test_nothing_is_served_as_a_page() -> None:
    assert type_of("audio", b"RIFF\0\0\0\0WAVEfmt ") == "audio/wav"
    assert type_of("video", b"\0\0\0\x18ftypmp42") == "video/mp4"
    assert type_of("video", b"\x1a\x45\xdf\xa3") == "video/webm"
    assert type_of("video", b"ID3") is None
    for hostile in (b"<html><script>", b"<svg", b"%PDF", b"", b"\0"):
        assert type_of("audio", hostile) is type_of("video", hostile) is None


def test_the_size_of_an_image_as_it_is_shown(rig: Rig) -> None:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20)).save(out, "JPEG", exif=exif)
    assert rig.app.media.size(out.getvalue()) == (20, 40)
    assert rig.app.media.size(b"no image") == UnreadableMedia("not_an_image")


# ── pages ──

MEMO = content_type_text(
    "memo",
    {"voice": "{type: audio, role: media, extract: []}", "scan": "{type: image, role: media, extract: []}"},
    pre_publish="{budget: 1s, on_unknown: allow_and_rescreen, rescreen_within: 1m}",
)


def audio() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(b"\0\0" * 8_000)
    return out.getvalue()


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A house with a content type that has an audio file."""
    with small(tmp_path_factory.mktemp("media"), MEMO, LONG_MEMOS) as made:
        yield made


def submitted(rig: Any, data: bytes, id: str) -> str:
    from seawall.model import Audio, Item

    item = Item(content_type="memo", id=id, fields={"body": "listen", "voice": Audio(data)})
    return str(rig.app.screener.screen(item).item)


def test_an_audio_file_is_played_in_pieces_to_whoever_may_see_it(rig: Any) -> None:
    data = audio()
    item = submitted(rig, data, "m-1")
    browser = rig.browser("reviewer")
    page = browser.get(f"/items/{item}").text
    assert f'src="/items/{item}/1/media/voice"' in page
    assert "inert" in page
    whole = browser.get(f"/items/{item}/1/media/voice")
    assert (whole.status_code, whole.content) == (200, data)
    assert whole.headers["accept-ranges"] == "bytes"
    piece = browser.get(f"/items/{item}/1/media/voice", headers={"Range": "bytes=4-7"})
    assert (piece.status_code, piece.content) == (206, data[4:8])
    assert piece.headers["content-range"] == f"bytes 4-7/{len(data)}"
    for name, value in (("content-type", "audio/wav"), ("x-content-type-options", "nosniff")):
        assert piece.headers[name] == value
    assert piece.headers["cache-control"] == "no-store"
    assert "sandbox" in piece.headers["content-security-policy"]
    beyond = browser.get(f"/items/{item}/1/media/voice", headers={"Range": "bytes=999999-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(data)}")
    assert browser.get(f"/items/{item}/1/media/body").status_code == 404
    assert browser.get(f"/items/{item}/2/media/voice").status_code == 404
    assert browser.get(f"/items/{item}/1/image/voice").status_code == 404
    assert rig.browser().get(f"/items/{item}/1/media/voice").status_code == 303


def test_who_listens_is_recorded(rig: Any) -> None:
    from sqlalchemy import func, select

    from seawall.access.tables import view

    item = submitted(rig, audio(), "m-2")
    browser = rig.browser("reviewer")
    for start in (0, 100, 200):
        browser.get(f"/items/{item}/1/media/voice", headers={"Range": f"bytes={start}-"})
    with rig.app.database.read() as connection:
        seen = connection.execute(select(func.count()).where(view.c.item == item, view.c.page == "media")).scalar_one()
    assert seen == 1


def test_a_page_in_the_place_of_an_audio_file_is_not_served(rig: Any) -> None:
    item = submitted(rig, b"<html><script>alert(1)</script>", "m-3")
    answer = rig.browser("reviewer").get(f"/items/{item}/1/media/voice")
    assert answer.status_code == 415
    assert "alert(1)" not in answer.text


def film(size: int) -> bytes:
    return b"RIFF\0\0\0\0WAVEfmt " + bytes(range(256)) * (size // 256)


def test_a_range_of_a_large_file_reads_only_its_chunks(rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    data = film(5 * CHUNK)
    item = submitted(rig, data, "m-large")
    browser = rig.browser("reviewer")
    address = f"/items/{item}/1/media/voice"
    read: list[int] = []

    def counted(blobs: Blobs, digest: str, start: int, end: int, was: Any = Blobs.read) -> bytes:
        read.append(end - start)
        return bytes(was(blobs, digest, start, end))

    monkeypatch.setattr(Blobs, "read", counted)
    piece = browser.get(address, headers={"Range": f"bytes={3 * CHUNK}-{3 * CHUNK + 1023}"})
    assert (piece.status_code, piece.content) == (206, data[3 * CHUNK : 3 * CHUNK + 1024])
    assert piece.headers["content-range"] == f"bytes {3 * CHUNK}-{3 * CHUNK + 1023}/{len(data)}"
    assert sum(read) < 3 * CHUNK  # its beginning, which says what it is, and one chunk
    over = browser.get(address, headers={"Range": f"bytes={CHUNK - 10}-{2 * CHUNK + 9}"})
    assert (over.status_code, over.content) == (206, data[CHUNK - 10 : 2 * CHUNK + 10])
    last = browser.get(address, headers={"Range": "bytes=-5"})
    assert (last.status_code, last.content, last.headers["content-length"]) == (206, data[-5:], "5")
    whole = browser.get(address)
    assert (whole.status_code, whole.content) == (200, data)
    assert whole.headers["content-length"] == str(len(data))


@pytest.mark.parametrize("size", [0, 3 * CHUNK])  # sealed as one piece, and in chunks
def test_conditions_and_methods(rig: Any, size: int) -> None:
    data = film(size)
    item = submitted(rig, data, f"m-conditions-{size}")
    browser = rig.browser("reviewer")
    address, some = f"/items/{item}/1/media/voice", {"Range": "bytes=4-7"}
    etag = browser.get(address).headers["etag"]
    same = browser.get(address, headers=some | {"If-Range": etag})
    assert (same.status_code, same.content, same.headers["etag"]) == (206, data[4:8], etag)
    other = browser.get(address, headers=some | {"If-Range": '"another"'})
    assert (other.status_code, other.content) == (200, data)
    head = browser.head(address, headers=some)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(data)))
    assert (head.headers["content-type"], head.headers["accept-ranges"]) == ("audio/wav", "bytes")
    for asked in ("bytes=0-1,4-5", "bytes=x", "bytes=7-4"):
        refused = browser.get(address, headers={"Range": asked})
        assert (refused.status_code, refused.headers["content-range"]) == (416, f"bytes */{len(data)}")
    assert browser.get(address, headers={"Range": "seconds=1-2"}).status_code == 200


def test_a_damaged_file_is_an_error_page(rig: Any) -> None:
    item = submitted(rig, film(3 * CHUNK), "m-damaged")
    digest = media_file(rig.app.vault, rig.app.blobs, item, 1, "voice").digest
    path = rig.app.settings.data_dir / "blobs" / digest[:2] / digest
    stored = bytearray(path.read_bytes())
    stored[2 * CHUNK] ^= 1
    path.write_bytes(bytes(stored))
    browser = rig.browser("reviewer")
    assert browser.get(f"/items/{item}/1/media/voice", headers={"Range": "bytes=0-9"}).status_code == 206
    refused = browser.get(f"/items/{item}/1/media/voice", headers={"Range": f"bytes={2 * CHUNK - 9}-"})
    assert refused.status_code == 503
    assert "damaged" in refused.text
