"""The door: which field is wrong, why, and how to mend it."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.content import MAX_BYTES, ItemError, load_content_type, parts_of, validate_item
from seawall.model import Audio, FieldType, Image, Modality, Video
from support.policies import COMMENT, NOW, content_types

CONTENT_TYPE = content_types()[0]
ACTOR = {"id": "u1", "attributes": {"created_at": NOW, "verified": True}}
FIELDS: dict[str, Any] = {"body": "hello", "tags": [], "likes": 0}


def raw(**more: Any) -> dict[str, Any]:
    return {"id": "c1", "actor": ACTOR, "fields": FIELDS | more}


def test_a_whole_item() -> None:
    image = base64.b64encode(b"\x89PNG").decode()
    item = validate_item(
        CONTENT_TYPE,
        {
            "id": "c1",
            "actor": {
                "id": "u1",
                "attributes": {"created_at": "2026-01-01T00:00:00Z", "verified": False, "followers": 3},
            },
            "language": "pt-BR",
            "created_at": "2026-11-22T20:15:00.250+01:00",
            "fields": {
                "title": "Hi",
                "body": "hello",
                "links": ["https://a.example", "https://b.example"],
                "cover": {"base64": image},
                "tags": ["x"],
                "likes": 2,
                "score": 1,
                "reply_to": None,
            },
        },
    )
    assert item.actor_attributes == {"created_at": 1_767_225_600_000, "verified": False, "followers": 3}
    assert item.created_at == 1_795_374_900_250
    assert item.language == "pt"
    assert item.fields["cover"] == Image(b"\x89PNG")
    assert item.fields["score"] == 1.0
    assert "reply_to" not in item.fields
    parts = parts_of(item, CONTENT_TYPE)
    assert [(part.path, part.modality, part.language) for part in parts] == [
        ("title", Modality.TEXT, "pt"),
        ("body", Modality.TEXT, "pt"),
        ("links.0", Modality.LINK, "pt"),
        ("links.1", Modality.LINK, "pt"),
        ("cover", Modality.IMAGE, "pt"),
        ("tags", Modality.CONTEXT, "pt"),
    ]


def test_context_is_a_part_for_those_who_ask_for_it_and_empty_text_is_none() -> None:
    item = validate_item(CONTENT_TYPE, raw(title="", tags=["seen by rules", "and \n others"]))
    body, tags = parts_of(item, CONTENT_TYPE)
    assert (body.path, body.modality, body.language) == ("body", Modality.TEXT, "en")
    assert (tags.path, tags.modality, tags.text) == ("tags", Modality.CONTEXT, "seen by rules\nand others")


@pytest.mark.parametrize(
    ("document", "field", "message"),
    [
        ([], "item", "must be an object"),
        ({"id": "c1", "actor": ACTOR}, "fields", "must be an object"),
        ({"actor": ACTOR, "fields": FIELDS}, "id", "must be a text, not null"),
        ({"id": "", "actor": ACTOR, "fields": FIELDS}, "id", "is empty"),
        ({"id": "x" * 513, "actor": ACTOR, "fields": FIELDS}, "id", "has 513 characters"),
        ({"id": "c1", "fields": FIELDS}, "actor", "is required"),
        ({"id": "c1", "actor": "u1", "fields": FIELDS}, "actor", "must be an object"),
        ({"id": "c1", "actor": {}, "fields": FIELDS}, "actor.attributes.created_at", "is required"),
        ({"id": "c1", "actor": {**ACTOR, "name": "x"}, "fields": FIELDS}, "actor.name", "is not known"),
        ({"id": "c1", "actor": ACTOR, "fields": FIELDS, "lang": "en"}, "lang", "is not known"),
        ({"id": "c1", "actor": ACTOR, "fields": FIELDS, "language": "english"}, "language", "is not a language code"),
        ({"id": "c1", "actor": ACTOR, "fields": FIELDS, "created_at": "today"}, "created_at", "is not a timestamp"),
        (raw(body=None), "fields.body", "is required"),
        (raw(body=3), "fields.body", "must be a text, not a number"),
        (raw(body="x" * 4001), "fields.body", "has 4,001 characters"),
        (raw(body="\ud800"), "fields.body", "is not well-formed Unicode (a lone surrogate)"),
        (raw(boddy="x"), "fields.boddy", "is not known"),
        (raw(likes=1.5), "fields.likes", "must be a whole number, not a number"),
        (raw(likes=True), "fields.likes", "must be a whole number, not a boolean"),
        (raw(likes=2**64), "fields.likes", "is too large"),
        (raw(score=float("nan")), "fields.score", "is too large, or not a number"),
        (raw(pinned="yes"), "fields.pinned", "must be true or false, not a text"),
        (raw(tags="x"), "fields.tags", "must be a list, not a text"),
        (raw(tags=["a", 3]), "fields.tags.1", "must be a text, not a number"),
        (raw(tags=["a"] * 1001), "fields.tags", "has 1,001 entries"),
        (raw(links=[""]), "fields.links.0", "is empty"),
        (raw(cover="aGk="), "fields.cover", "must be an image"),
        (raw(cover={"base64": "%%%"}), "fields.cover", "is not valid base64"),
        (raw(cover={"base64": ""}), "fields.cover", "is empty"),
    ],
)
def test_what_is_wrong_is_named(document: Any, field: str, message: str) -> None:
    with pytest.raises(ItemError) as caught:
        validate_item(CONTENT_TYPE, document)
    assert (caught.value.field, caught.value.message) == (field, message)
    assert caught.value.remedy


def test_the_nearest_field_is_offered() -> None:
    with pytest.raises(ItemError, match=r"^fields\.boddy: is not known; did you mean body\?$"):
        validate_item(CONTENT_TYPE, raw(boddy="x"))


@pytest.mark.parametrize(
    "text", ["2026-11-22", "2026-11-22T20:15", "2026-W47-7T00:00:00Z", "2026-02-30T00:00:00Z", -1, True]
)
def test_only_rfc_3339(text: object) -> None:
    with pytest.raises(ItemError, match="is not a timestamp"):
        validate_item(CONTENT_TYPE, {**raw(), "created_at": text})


def test_the_actor_may_stand_in_a_field() -> None:
    head, _, tail = COMMENT.partition("actor:\n")
    text = head + tail[tail.index("fields:") :].replace("fields:\n", "fields:\n  author: {type: id, role: actor}\n")
    content_type = load_content_type(text, "comment.yaml")
    assert validate_item(content_type, {"id": "c1", "fields": FIELDS | {"author": "u9"}}).actor == "u9"
    assert validate_item(content_type, {"id": "c1", "fields": FIELDS}).actor is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    ["id", "actor", "fields", "language", "created_at", "body", "tags", "likes", "attributes", "cover"]
)


@given(st.dictionaries(KEYS, st.dictionaries(KEYS, JSON, max_size=4) | JSON, max_size=5))
def test_any_json_is_taken_or_refused_with_a_printable_error(document: dict[str, Any]) -> None:
    said = ""
    try:
        item = validate_item(CONTENT_TYPE, document)
    except ItemError as error:
        said = str(error)
    assert said.encode() if said else item.id == document["id"]


def test_an_unknown_name_cannot_break_the_error() -> None:
    with pytest.raises(ItemError) as caught:
        validate_item(CONTENT_TYPE, raw(**{"\ud800": 1}))
    assert str(caught.value).encode()


# ── media ──

MEMO = COMMENT.replace(
    "  cover: {type: image, role: media}",
    "  cover: {type: image, role: media}\n  voice: {type: audio, role: media}\n  clip: {type: video, role: media}",
)


def test_audio_files_and_videos_are_read_and_are_parts() -> None:
    memo = load_content_type(MEMO, "comment.yaml")
    item = validate_item(memo, raw(voice={"base64": "UklGRg=="}, clip=Video(b"fetched"), cover={"base64": "/9j/"}))
    assert (item.fields["voice"], item.fields["clip"]) == (Audio(b"RIFF"), Video(b"fetched"))
    parts = {part.path: part for part in parts_of(item, memo)}
    assert [(name, parts[name].modality, parts[name].data) for name in ("cover", "voice", "clip")] == [
        ("cover", Modality.IMAGE, b"\xff\xd8\xff"),
        ("voice", Modality.AUDIO, b"RIFF"),
        ("clip", Modality.VIDEO, b"fetched"),
    ]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("voice", "aGk=", "must be an audio file"),
        ("clip", {"base64": 7}, "must be a video"),
        ("voice", Image(b"an image"), "must be an audio file"),
        (
            "clip",
            {"url": "https://videos.example/1"},
            "is a URL; URLs are fetched only for POST /v1/screen and POST /v1/items",
        ),
        ("voice", {"base64": "A" * (MAX_BYTES[FieldType.AUDIO] * 4 // 3 + 8)}, "is too large"),
        ("clip", Video(b"x" * (MAX_BYTES[FieldType.VIDEO] + 1)), "is too large"),
        ("clip", Video(b""), "is empty"),
    ],
)
def test_media_that_are_none(field: str, value: object, message: str) -> None:
    with pytest.raises(ItemError) as caught:
        validate_item(load_content_type(MEMO, "comment.yaml"), raw(**{field: value}))
    assert (caught.value.field, caught.value.message) == (f"fields.{field}", message)
