"""The page that tries an item: what detectors and rules say of it, in force and under a draft. Nothing is recorded.

What was tried is shown unveiled: the person wrote it. It is in the answer only, never in an address or a log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from starlette.responses import Response

from seawall.access import Permission
from seawall.console.formats import why_unknown
from seawall.console.languages import gettext as _
from seawall.console.languages import marked
from seawall.console.request import Page, PageProblem, PageRequest
from seawall.console.templates import render
from seawall.content.items import ItemError
from seawall.model import ContentType, FieldRole, FieldSpec, FieldType
from seawall.policy import Bundle, PolicyErrors, PolicySource
from seawall.publish import draft_of
from seawall.screen import ItemTrial, ItemTrials, TooManyTries, item_of_texts
from seawall.screen.trial_fields import FILES, LISTS

_MOST_FILES: Final = 8
_UPLOAD_BYTES: Final = 48 * 1024 * 1024
_FORM_BYTES: Final = 512 * 1024  # a long text, and a policy file
_DRAFT_PATH: Final = "draft.yaml"
_PRESET: Final = {FieldType.BOOLEAN: "false", FieldType.INTEGER: "1", FieldType.NUMBER: "1", FieldType.ID: "tried"}
"""What required fields have at first, so that a sentence can be tried without filling in what it is not about."""

# Codes of results that the template shows with the filter ``words``.
WORDS: Final = (
    *(marked("fired"), marked("undetermined"), marked("near miss"), marked("shadow")),
    *(marked("verdict"), marked("actions"), marked("statement")),
    *(marked("text"), marked("link"), marked("image"), marked("audio"), marked("video"), marked("document")),
    *(marked("context"), marked("true"), marked("false")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldInput:
    """An input of the form. ``kind``: file, lines, long, choice or line; ``value``: as it was sent, or preset."""

    name: str
    input: str
    kind: str
    required: bool
    value: str
    max_length: int | None = None
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What the form was answered with: a trial, or why there is none."""

    trial: ItemTrial | None = None
    problem: str = ""
    unknown: Sequence[tuple[str, str, str]] = ()  # part, detector, why
    draft_policies: Sequence[str] = ()
    status: int = 200
    retry_after_s: int | None = None
    titles: Mapping[str, str] = field(default_factory=dict)


def show(request: PageRequest) -> Response:
    """The form; ``type`` chooses the content type, ``policy`` a policy in force to change in the draft."""
    bundle = request.app.bundle
    policy = bundle.policy(request.query("policy"))
    return _page(request, bundle, request.query("type"), policy.source.text if policy is not None else "")


def attempt(request: PageRequest) -> Response:
    """Try the item of the form, and show the form again with the result."""
    bundle = request.app.bundle
    content_type = bundle.content_types.get(request.field("type"))
    if content_type is None:
        raise PageProblem(422, _("Not found"), _("There is no such content type any more. Choose another one."))
    draft = request.field("draft").replace("\r\n", "\n")
    if uploaded := request.files.get("draft_file"):
        draft = uploaded.decode("utf-8", "replace")
    tried = tried_item(request, bundle, content_type, draft)
    return _page(request, bundle, content_type.name, draft, tried)


def tried_item(request: PageRequest, bundle: Bundle, content_type: ContentType, draft: str) -> Tried:
    """Try the item in the form's fields, under the bundle and, beside it, with the draft of a policy file."""
    try:
        item = item_of_texts(
            content_type,
            _texts(request, content_type),
            files={
                spec.name: data
                for spec in content_type.fields
                if spec.type in FILES and (data := request.files.get(f"field.{spec.name}"))
            },
            actor=_actor(request, content_type),
            language=request.field("language").strip() or None,
        )
        files = [PolicySource(path=_DRAFT_PATH, text=draft)] if draft.strip() else []
        made = draft_of(bundle, files) if files else None
        build = partial(request.app.build, made.sources) if made is not None else None
        by = f"person:{request.person.id}"
        trial = request.app.context.get(ItemTrials).start(by, item, bundle, build).result()
    except (ItemError, PolicyErrors) as error:
        return Tried(problem=str(error), status=422)
    except TooManyTries as error:
        text = _("Too much is being tried. Wait %(seconds)d seconds and try again.") % {"seconds": error.wait_s}
        return Tried(problem=text, status=429, retry_after_s=error.wait_s)
    return Tried(
        trial=trial,
        unknown=[(one.part, one.detector, why_unknown(one)) for one in trial.unknown],
        draft_policies=() if made is None else (*made.added, *made.changed),
        titles={
            "verdict": _("Verdict"),
            "actions": _("Actions"),
            "statement": _("Statement of reasons"),
            "fired": _("Rules that fire"),
            "undetermined": _("Undetermined rules"),
            "shadow": _("Rules in shadow that fire"),
        },
    )


def _texts(request: PageRequest, content_type: ContentType) -> dict[str, list[str]]:
    """The form's texts by field; what was left empty is left out."""
    found: dict[str, list[str]] = {}
    for spec in content_type.fields:
        text = request.field(f"field.{spec.name}").replace("\r\n", "\n")
        if spec.type in LISTS:
            lines = [line.strip() for line in text.split("\n") if line.strip()]
        else:
            lines = [text] if text.strip() else []
        if lines and spec.type not in FILES:
            found[spec.name] = lines
    return found


def _actor(request: PageRequest, content_type: ContentType) -> dict[str, str]:
    names = ["age", *(spec.name for spec in attributes_of(content_type))]
    return {name: text for name in names if (text := request.field(f"actor.{name}").strip())}


def attributes_of(content_type: ContentType) -> list[FieldSpec]:
    """The account's attributes but its time, which the form asks as an age."""
    declared = content_type.actor.attributes if content_type.actor is not None else ()
    return [spec for spec in declared if spec.name != "created_at"]


# -- the page --------------------------------------------------------------------------------------------------------


def _page(request: PageRequest, bundle: Bundle, asked: str, draft: str, tried: Tried | None = None) -> Response:
    names = sorted(bundle.content_types)
    name = asked if asked in names else "comment" if "comment" in names else next(iter(names), "")
    content_type = bundle.content_types.get(name)
    response = render(
        request,
        "publish/try.html",
        status=200 if tried is None else tried.status,
        types=names,
        chosen=name,
        inputs=[] if content_type is None else field_inputs(request, "field", content_type.fields),
        attributes=[] if content_type is None else field_inputs(request, "actor", attributes_of(content_type)),
        age=request.field("actor.age"),
        asks_language=content_type is None or content_type.field_with_role(FieldRole.LANGUAGE) is None,
        language_code=request.field("language"),
        draft=draft,
        bundle=bundle,
        tried=tried,
        sides=sides_of(tried),
    )
    if tried is not None and tried.retry_after_s is not None:
        response.headers["Retry-After"] = str(tried.retry_after_s)
    return response


def sides_of(tried: Tried | None) -> list[tuple[str, object]]:
    """The outcomes that a page shows side by side, each with its title: the draft's first."""
    if tried is None or tried.trial is None:
        return []
    in_force = (_("In force"), tried.trial.in_force)
    return [in_force] if tried.trial.draft is None else [(_("With the draft"), tried.trial.draft), in_force]


def field_inputs(request: PageRequest, group: str, specs: Sequence[FieldSpec]) -> list[FieldInput]:
    """The inputs of these fields, ``group`` being "field" or "actor", with what was sent in them."""
    found = []
    for spec in specs:
        name = f"{group}.{spec.name}"
        preset = _PRESET.get(spec.type, "") if spec.required and group == "field" else ""
        found.append(
            FieldInput(
                name=spec.name,
                input=name,
                kind=_kind(spec),
                required=spec.required and group == "field",
                value=request.field(name, preset),
                max_length=spec.max_length if spec.type is FieldType.TEXT else None,
                description=spec.description,
            )
        )
    return found


def _kind(spec: FieldSpec) -> str:
    if spec.type in FILES:
        return "file"
    if spec.type in LISTS:
        return "lines"
    if spec.type is FieldType.BOOLEAN:
        return "choice"
    return "long" if spec.type is FieldType.TEXT else "line"


PAGES = (
    Page(path="/try", run=show, permission=Permission.SEE_POLICIES),
    Page(
        path="/try",
        run=attempt,
        permission=Permission.SEE_POLICIES,
        method="POST",
        upload_bytes=_UPLOAD_BYTES,
        form_bytes=_FORM_BYTES,
        most_files=_MOST_FILES,
    ),
)
