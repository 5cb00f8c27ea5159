"""Content-type files: the declaration that a product team writes to onboard one kind of content.

Files with an unsafe gap are rejected: a stage without fail mode, an adverse action without appeal route, a field
without role, and so on. Every error names a remedy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from seawall.content.content_type_file import read_content_type
from seawall.content.extraction import extraction_gaps
from seawall.model import (
    ACTIONS,
    ContentType,
    FailMode,
    FieldRole,
    ScreeningStage,
)
from seawall.yamlfile.nodes import Mapping, Node, UnreadableYaml, read_yaml
from seawall.yamlfile.reader import Reader
from seawall.yamlfile.source import PolicyErrors, Problem, SourceFile, SourceSpan, problem_at

SCREENED_ROLES = frozenset({FieldRole.BODY, FieldRole.TITLE, FieldRole.MEDIA})
LEAST_APPEAL_DAYS = 180


def load_content_type(text: str, path: str) -> ContentType:
    """Read and check one content-type file. Raises PolicyErrors with every problem found."""
    source = SourceFile(text.removeprefix("\ufeff"), path)
    try:
        root = read_yaml(source)
    except UnreadableYaml as unreadable:
        raise PolicyErrors([unreadable.problem]) from None
    reader = Reader(source)
    content_type = read_content_type(reader, root)
    if content_type is not None:
        place = _places(reader, root)
        reader.problems += (
            problem_at(source, place(where), message, remedy=remedy) for where, message, remedy in _gaps(content_type)
        )
    if reader.problems or content_type is None:
        raise PolicyErrors(reader.problems)
    return content_type


def check_content_type(content_type: ContentType) -> tuple[Problem, ...]:
    """The unsafe gaps of a content type built in code; empty when it has none."""
    path = f"content type {content_type.name}"
    return tuple(Problem(message=message, path=path, remedy=remedy) for _, message, remedy in _gaps(content_type))


def _gaps(content_type: ContentType) -> Iterator[tuple[str, str, str]]:
    """For each gap: its place (a dotted key), the problem, and the remedy."""
    if not any(spec.role in SCREENED_ROLES for spec in content_type.fields):
        yield "fields", "no field is screened", "give a field the role body, title or media"
    if content_type.actor is None and content_type.field_with_role(FieldRole.ACTOR) is None:
        remedy = "add 'actor: {}' (the request names the account), or a field of type id with 'role: actor'"
        yield "content_type", "no actor: there would be no account to notify, warn or count", remedy
    if content_type.stage("pre_publish") is None:
        remedy = "add 'pre_publish: {budget: 80ms, on_unknown: hold}'"
        yield "stages", "no stage pre_publish: items would be published before they are screened", remedy
    for spec in content_type.fields:
        for key, message, remedy in extraction_gaps(spec):
            yield f"fields.{spec.name}.{key}", f"field {spec.name}: {message}", remedy
    for stage in content_type.stages:
        yield from _stage_gaps(content_type, stage)
    yield from _appeal_gaps(content_type)


def _stage_gaps(content_type: ContentType, stage: ScreeningStage) -> Iterator[tuple[str, str, str]]:
    where = f"stages.{stage.name}"
    if stage.fail_mode is not FailMode.ALLOW_AND_RESCREEN:
        return
    if stage.rescreen_within_s is None:
        yield where, f"stage {stage.name} lets items through and never rescreens them", "add 'rescreen_within: 30s'"
    if content_type.audience == "children" and stage.name == "pre_publish":
        remedy = "use 'on_unknown: hold' or 'on_unknown: block'"
        yield where, "children would see unscreened content", remedy


def _appeal_gaps(content_type: ContentType) -> Iterator[tuple[str, str, str]]:
    adverse = [name for name in content_type.actions if name in ACTIONS and ACTIONS[name].adverse]
    if adverse and content_type.appeal is None:
        remedy = "add 'appeal: {window: 184d, route: /appeals}' (DSA Art. 20 requires at least six months)"
        yield "actions", f"adverse action {adverse[0]} is allowed, but cannot be appealed", remedy
    if content_type.appeal is not None and content_type.appeal.window_days < LEAST_APPEAL_DAYS:
        remedy = "use 'window: 184d' or more (DSA Art. 20 requires at least six months)"
        yield "appeal.window", f"an appeal window of {content_type.appeal.window_days} days is too short", remedy


def _places(reader: Reader, root: Mapping) -> Callable[[str], SourceSpan]:
    def place(where: str) -> SourceSpan:
        node: Node = root
        span = reader.head(root)
        for step in where.split("."):
            if not isinstance(node, Mapping) or step not in node.values:
                break
            span, node = node.keys[step].span, node.values[step]
        return span

    return place
