"""Content-type files: unsafe gaps are refused with the way to mend them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seawall.content import check_content_type, extractors_of, load_content_type
from seawall.model import FailMode, FieldRole, FieldType, Untranscribed
from seawall.policy import PolicyErrors, build_bundle
from support.policies import COMMENT, content_types


def refused(text: str) -> str:
    with pytest.raises(PolicyErrors) as caught:
        load_content_type(text, "comment.yaml")
    return str(caught.value)


def test_a_whole_file_is_read() -> None:
    comment = load_content_type(COMMENT, "comment.yaml")
    assert (comment.name, comment.surface, comment.audience, comment.languages) == (
        "comment",
        "public",
        "general",
        ("en",),
    )
    body = comment.field("body")
    assert body is not None
    assert (body.type, body.role, body.required, body.max_length) == (FieldType.TEXT, FieldRole.BODY, True, 4000)
    pre, post = comment.stages
    assert (pre.name, pre.budget_ms, pre.fail_mode, pre.rescreen_within_s) == (
        "pre_publish",
        80,
        FailMode.ALLOW_AND_RESCREEN,
        30,
    )
    assert (post.budget_ms, post.fail_mode, post.rescreen_within_s) == (10_000, FailMode.HOLD, None)
    assert comment.appeal is not None
    assert (comment.appeal.window_days, comment.appeal.route) == (184, "/appeals")
    assert (comment.retention.content_days, comment.retention.decision_days) == (180, 1825)
    assert comment.actor is not None
    assert [(spec.name, spec.required) for spec in comment.actor.attributes] == [
        ("created_at", True),
        ("verified", True),
        ("followers", False),
        ("country", False),
    ]


def test_a_stage_without_fail_mode() -> None:
    text = COMMENT.replace("post_publish: {budget: 10s, on_unknown: hold}", "post_publish: {budget: 10s}")
    assert refused(text) == (
        "comment.yaml:27:3: stage post_publish has no fail mode for detectors that do not answer\n"
        "   27 |   post_publish: {budget: 10s}\n"
        "      |   ^^^^^^^^^^^^\n"
        "  expected: on_unknown: allow_and_rescreen, hold, block\n"
        "  fix: add 'on_unknown: hold', or 'on_unknown: allow_and_rescreen' with 'rescreen_within: 30s'"
    )


def test_an_adverse_action_without_appeal_route() -> None:
    text = COMMENT.replace("appeal: {window: 184d, route: /appeals}\n", "")
    assert refused(text) == (
        "comment.yaml:28:1: adverse action remove is allowed, but cannot be appealed\n"
        "   28 | actions: [remove, hold, demote, advisory, strike, limit, suspend, review, tag]\n"
        "      | ^^^^^^^\n"
        "  fix: add 'appeal: {window: 184d, route: /appeals}' (DSA Art. 20 requires at least six months)"
    )


def test_a_field_without_role() -> None:
    assert refused(COMMENT.replace("{type: integer, role: context, required: true}", "{type: integer}")) == (
        "comment.yaml:21:3: field likes has no role, so its use is undefined\n"
        "   21 |   likes: {type: integer}\n"
        "      |   ^^^^^\n"
        "  expected: one of actor, thread, parent, body, title, media, created_at, language, context\n"
        "  fix: add 'role: body' if detectors should read it, 'role: context' if only rules and reviewers do"
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("window: 184d", "window: 90d", "29:10: an appeal window of 90 days is too short"),
        (", rescreen_within: 30s", "", "stage pre_publish lets items through and never rescreens them"),
        ("audience: general", "audience: children", "children would see unscreened content"),
        (
            "  pre_publish: {budget: 80ms, on_unknown: allow_and_rescreen, rescreen_within: 30s}\n",
            "",
            "no stage pre_publish",
        ),
        ("owner: team-community\n", "", "a content type has no 'owner'"),
        ("retention: {content: 180d, decisions: 5y}\n", "", "a content type has no 'retention'"),
        ("decisions: 5y", "decisions: 5", "decisions must be a duration"),
        ("content: 180d", "content: 1h", "retention of content is shorter than a day"),
        ("[remove,", "[remov,", "unknown action 'remov'"),
        ("[remove,", "[hold,", "'hold' is listed twice in actions"),
        ("role: title", "role: titel", "unknown role 'titel'"),
        ("type: texts", "type: textual", "unknown field type 'textual'"),
        ("{type: id, role: parent}", "{type: text, role: parent}", "a field with role parent cannot be text"),
        ("surface: public", "surface: secret", "unknown surface 'secret'"),
        ("on_unknown: hold", "on_unknown: allow", "unknown fail mode 'allow'"),
        ("budget: 80ms", "budget: 80", "budget must be a duration"),
        ("budget: 80ms", "budget: 2h", "a stage's budget must be between 1ms and 1h"),
        ("languages: [en]", "languages: [english]", "'english' is not a language code"),
        ("default_language: en", "default_language: de", "default_language 'de' is not among the languages"),
        ("followers: integer", "followers: links", "unknown attribute type 'links'"),
        ("max_length: 4000", "max_length: many", "max_length must be a whole number"),
        ("title: {type: text, role: title}", "Title: {type: text, role: title}", "'Title' cannot be a field's name"),
        ("content_type: comment", "content_typ: comment", "a content type has no key 'content_typ'"),
        ("post_publish: {", "posted: {", "unknown stage 'posted'"),
        ("creator: item.reply_to", "creator: item.body", "'item.body' is no field that can name the owner of a place"),
        ("creator: item.reply_to", "creator: [item.reply_to]", "creator must name one field"),
    ],
)
def test_gaps_are_refused(old: str, new: str, message: str) -> None:
    assert old in COMMENT
    assert message in refused(COMMENT.replace(old, new, 1))


def test_nobody_acts() -> None:
    head, _, tail = COMMENT.partition("actor:\n")
    text = head + tail[tail.index("fields:") :]
    assert "no actor: there would be no account to notify, warn or count" in refused(text)
    with_field = text.replace("fields:\n", "fields:\n  author: {type: id, role: actor}\n")
    assert load_content_type(with_field, "comment.yaml").actor is None


COVER = "cover: {type: image, role: media}"


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("cover: {type: image, role: media, extract: [voice]}", "voice cannot be extracted from a field of type image"),
        ("cover: {type: text, role: media, extract: [words]}", "nothing can be extracted from a field of type text"),
        ("cover: {type: video, role: media, extract: [words]}", "which are not extracted"),
        ("cover: {type: document, role: media, extract: [words]}", "which are not extracted"),
        (
            "cover: {type: document, role: media, extract: [frames]}",
            "frames cannot be extracted from a field of type doc",
        ),
        ("cover: {type: document, role: media, untranscribed: unknown}", "a document has no speech"),
        ("cover: {type: document, role: body}", "a field with role body cannot be document"),
        ("cover: {type: image, role: media, extract: [words, words]}", "'words' is listed twice in extract"),
        ("cover: {type: image, role: media, extract: words}", "extract"),
        ("cover: {type: image, role: media, untranscribed: unknown}", "a still image has no speech"),
        ("cover: {type: audio, role: media, untranscribed: maybe}", "unknown untranscribed 'maybe'"),
        ("cover: {type: audio, role: media, extract: [], untranscribed: unchecked}", "speech must be detected"),
        ("cover: {type: text, role: body, untranscribed: unknown}", "has no speech"),
        ("cover: {type: audio, role: title}", "a field with role title cannot be audio"),
    ],
)
def test_extractions_that_cannot_be(field: str, message: str) -> None:
    said = refused(COMMENT.replace(COVER, field))
    assert message in said
    assert "comment.yaml:" in said


def test_what_is_derived_where_nothing_is_said() -> None:
    read = load_content_type(
        COMMENT.replace(
            COVER,
            COVER
            + """
  voice: {type: audio, role: media, untranscribed: unchecked}
  notes: {type: document, role: media}
  clip: {type: video, role: media, extract: [frames, smells]}""",
        ),
        "comment.yaml",
    )
    assert {spec.name: extractors_of(spec) for spec in read.fields if extractors_of(spec)} == {
        "cover": ("animation", "metadata", "codes", "words"),
        "voice": ("metadata", "codes", "words", "voice", "transcript"),
        "notes": ("document", "metadata", "codes", "words"),
        "clip": ("frames", "smells"),
    }
    assert read.field("voice").untranscribed is Untranscribed.UNCHECKED  # type: ignore[union-attr]
    with pytest.raises(PolicyErrors, match="field clip extracts 'smells', which is not installed"):
        build_bundle([], [read], [], [])


def test_norwegian_is_a_language() -> None:
    text = COMMENT.replace("languages: [en]", "languages: [en, no]")
    assert load_content_type(text, "comment.yaml").languages == ("en", "no")


def test_all_problems_come_together() -> None:
    text = COMMENT.replace("role: title", "role: x").replace("surface: public", "surface: x")
    assert refused(text).count("comment.yaml:") == 2


def test_a_content_type_built_in_code_is_checked_alike() -> None:
    comment = content_types()[0]
    assert check_content_type(comment) == ()
    (problem,) = check_content_type(replace(comment, appeal=None))
    assert problem.render().startswith("content type comment: adverse action remove is allowed, but cannot be appealed")
