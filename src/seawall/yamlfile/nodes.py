"""YAML nodes with positions: every key and value has its place in the file, down to each character of a scalar.

Only the core of YAML is read. Anchors, aliases and tags are rejected (aliases can expand a small file to any
size), as are duplicate keys. Scalars stay strings, interpreted by their reader, so the language code ``no`` is
never taken for "false".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from seawall.yamlfile.source import Problem, SourceFile, SourceSpan, problem_at

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_CHARACTERS = 1_000_000
MAX_DEPTH = 20
_QUOTES = "keys and values; a text that holds ': ' or begins with [ { & * ! | > % @ needs quotes"
_TEXT = "plain text, saved as UTF-8"
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar. ``style`` is YAML's: None (plain), ``'``, ``"``, ``|`` or ``>``."""

    text: str
    span: SourceSpan
    style: str | None

    @property
    def is_null(self) -> bool:
        """Whether the value is empty."""
        return self.style is None and self.text in _NULLS


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple[Node, ...]
    span: SourceSpan


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys to values, in the order of the file; ``keys`` holds the key scalars."""

    values: dict[str, Node]
    keys: dict[str, Scalar]
    span: SourceSpan


Node: TypeAlias = Scalar | Sequence | Mapping


class UnreadableYaml(Exception):
    """A file that is not YAML, or uses parts of YAML that are not supported."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.message)


def read_yaml(source: SourceFile, most_nodes: int | None = None) -> Mapping:
    """The file's top-level mapping. Raises UnreadableYaml, also for more than ``most_nodes`` keys, values and lists."""
    root = _compose(source, most_nodes)
    if not isinstance(root, Mapping):
        span = root.span if root is not None else SourceSpan(0, 1)
        raise _unreadable(source, span, "the file contains no mapping", "keys and values, such as 'policy: spam'")
    return root


def read_values(source: SourceFile) -> Any:
    """The file's content as plain values (YAML 1.1). Raises UnreadableYaml.

    For files whose reader wants numbers and truths, not places. What ``read_yaml`` rejects is rejected: no alias makes
    a small file large.
    """
    import yaml

    _compose(source)
    try:
        return yaml.load(source.text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 (both are safe)
    except (yaml.YAMLError, ValueError) as error:  # such as the date 2026-13-45, or a key that is a list
        problem = str(error).splitlines()[0]
        raise _unreadable(source, SourceSpan(0, 1), f"not valid YAML: {problem}") from None


def _events(source: SourceFile) -> Iterator[Any]:
    import yaml  # imported here: slow, and not needed to load a bundle

    try:
        yield from yaml.parse(source.text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = mark.index if mark else 0
        message = f"not valid YAML: {error.problem or error.context}"
        raise _unreadable(source, SourceSpan(at, at + 1), message, _QUOTES) from None
    except UnicodeEncodeError as error:  # half of a surrogate pair, which no UTF-8 file can hold
        span = SourceSpan(error.start, error.start + 1)
        raise _unreadable(source, span, "a character that is not valid Unicode text", _TEXT) from None
    except yaml.reader.ReaderError as error:
        at = source.text.find(chr(error.character)) if isinstance(error.character, int) else 0
        span = SourceSpan(max(at, 0), max(at, 0) + 1)
        raise _unreadable(source, span, "a character that YAML does not allow", _TEXT) from None


@dataclass(slots=True)
class _Open:
    """A collection whose end has not been read."""

    start: int
    keyed: bool
    nodes: list[Node]


def _compose(source: SourceFile, most_nodes: int | None = None) -> Node | None:
    if len(source.text) > MAX_CHARACTERS:
        raise _unreadable(source, SourceSpan(0, 1), "the file is too large", f"at most {MAX_CHARACTERS:,} characters")
    stack: list[_Open] = []
    root: Node | None = None
    documents = 0
    for count, event in enumerate(_events(source)):
        name = type(event).__name__
        node: Node | None = None
        span = SourceSpan(event.start_mark.index, event.end_mark.index)
        if most_nodes is not None and count > most_nodes:
            raise _unreadable(source, span, "the file has too many entries", f"at most {most_nodes:,} keys and values")
        if name == "DocumentStartEvent":
            documents += 1
            if documents > 1:
                raise _unreadable(source, span, "a second document in one file", "one document per file")
        elif name == "AliasEvent" or getattr(event, "anchor", None):
            raise _unreadable(source, span, "anchors and aliases are not supported", "the value written out")
        elif name == "ScalarEvent":
            _refuse_tag(source, event, span)
            node = Scalar(event.value, span, event.style if event.style != "" else None)
        elif name in ("SequenceStartEvent", "MappingStartEvent"):
            _refuse_tag(source, event, span)
            if len(stack) >= MAX_DEPTH:
                raise _unreadable(source, span, "too deeply nested", f"at most {MAX_DEPTH} levels")
            stack.append(_Open(span.start, name == "MappingStartEvent", []))
        elif name in ("SequenceEndEvent", "MappingEndEvent"):
            done = stack.pop()
            whole = SourceSpan(done.start, max(span.end, done.start + 1))
            node = _mapping(source, done.nodes, whole) if done.keyed else Sequence(tuple(done.nodes), whole)
        if node is not None:
            if stack:
                stack[-1].nodes.append(node)
            else:
                root = node
    return root


def _mapping(source: SourceFile, nodes: list[Node], span: SourceSpan) -> Mapping:
    values: dict[str, Node] = {}
    keys: dict[str, Scalar] = {}
    for key, value in zip(nodes[::2], nodes[1::2], strict=True):
        if not isinstance(key, Scalar):
            raise _unreadable(source, key.span, "a list or mapping as a key", "a word as key")
        if key.text in keys:
            line, _ = source.place(keys[key.text].span.start)
            raise _unreadable(source, key.span, f"'{key.text}' is defined twice (first in line {line})", "one of them")
        keys[key.text] = key
        values[key.text] = value
    return Mapping(values, keys, span)


def _refuse_tag(source: SourceFile, event: Any, span: SourceSpan) -> None:
    if event.tag is not None and not (event.tag == "!" and event.style):
        raise _unreadable(source, span, f"the tag {event.tag} is not supported", "plain values")


def _unreadable(source: SourceFile, span: SourceSpan, message: str, expected: str | None = None) -> UnreadableYaml:
    return UnreadableYaml(problem_at(source, span, message, expected=expected))


def offsets(source: SourceFile, scalar: Scalar) -> list[int]:
    """For every character of the scalar's text, its offset in the file, plus one entry for the end.

    A folded line break maps to the space that replaces it, an escape in double quotes to its character.
    """
    raw, at, end = source.text, scalar.span.start, min(scalar.span.end, len(source.text))
    if scalar.style in ("|", ">"):
        at = raw.index("\n", at, end) + 1 if "\n" in raw[at:end] else end
    elif scalar.style:
        at, end = at + 1, end - 1
    found: list[int] = []
    for character in scalar.text:
        if not character.isspace():
            while at < end and raw[at].isspace():
                at += 1
        found.append(min(at, end))
        if scalar.style == '"' and at < end and raw[at] == "\\":
            at += {"x": 4, "u": 6, "U": 10}.get(raw[at + 1 : at + 2], 2)
        elif scalar.style == "'" and character == "'":
            at += 2
        else:
            at += 1
    found.append(min(at, end) if found else end)
    return found
