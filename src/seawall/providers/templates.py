"""Request templates: JSON or text with placeholders, filled by structure and never by string concatenation.

``{text}`` is the content, ``{language|en}`` has a default, ``{{`` is a brace. ``${NAME}`` comes from the
environment once, when the template is read: content that says ``${NAME}`` or ``{base64}`` stays content. An entry
whose only placeholder has nothing to give is left out, and so is a list that is empty for that.

>>> raw = {"comment": {"text": "{text}"}, "languages": ["{language}"]}
>>> template = Template.read(raw, "an example", ("text", "language"))
>>> template.render({"text": 'He said: "{text}"'})
{'comment': {'text': 'He said: "{text}"'}}
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from seawall.configfile import ConfigError, expand

_TOKEN = re.compile(r"\{\{|\}\}|\{([a-z_0-9]+)(?:\|([^{}]*))?\}")
_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class TemplateSlot:
    """A placeholder."""

    name: str
    otherwise: str | None


@dataclass(frozen=True, slots=True, repr=False)
class TemplateText:
    """A text with placeholders. ``repr`` does not show it, because it may hold a secret."""

    pieces: tuple[str | TemplateSlot, ...]


Node: TypeAlias = "TemplateText | dict[str, Node] | list[Node] | int | float | bool | None"


@dataclass(frozen=True, slots=True, repr=False)
class Template:
    """A compiled template."""

    node: Node
    names: frozenset[str]  # of its placeholders

    @classmethod
    def read(
        cls, raw: object, place: str, known: Collection[str], environment: Mapping[str, str] | None = None
    ) -> Template:
        """Compile a template; raises ConfigError on an unknown placeholder or an unset variable."""
        names: set[str] = set()
        node = _compile(raw, place, known, names, environment)
        return cls(node, frozenset(names))

    def render(self, values: Mapping[str, Any]) -> Any:
        """The template with placeholders replaced. Takes texts, returns JSON values."""
        found = _render(self.node, values)
        return None if found is _ABSENT else found


def _compile(
    raw: object, place: str, known: Collection[str], names: set[str], environment: Mapping[str, str] | None
) -> Node:
    if isinstance(raw, str):
        return _compile_text(raw, place, known, names, environment)
    if isinstance(raw, dict):
        return {str(key): _compile(value, f"{place}.{key}", known, names, environment) for key, value in raw.items()}
    if isinstance(raw, list):
        return [_compile(value, f"{place}[{at}]", known, names, environment) for at, value in enumerate(raw)]
    if raw is None or isinstance(raw, int | float):
        return raw
    raise ConfigError(f"{place}: a {type(raw).__name__} cannot be sent; write it in quotes")


def _compile_text(
    raw: str, place: str, known: Collection[str], names: set[str], environment: Mapping[str, str] | None
) -> TemplateText:
    pieces: list[str | TemplateSlot] = []
    for part in re.split(r"(\$\{[^}]*\})", raw):  # values of the environment are never read as placeholders
        if part.startswith("${"):
            pieces.append(expand(part, place, environment))
            continue
        end = 0
        for match in _TOKEN.finditer(part):
            pieces.append(part[end : match.start()])
            end = match.end()
            if match[1] is None:
                pieces.append(match[0][0])
                continue
            if match[1] not in known:
                there = ", ".join(f"{{{name}}}" for name in sorted(known)) or "none here"
                raise ConfigError(f"{place}: {match[0]} is unknown; known: {there} (a brace itself is {{{{)")
            names.add(match[1])
            pieces.append(TemplateSlot(match[1], match[2]))
        pieces.append(part[end:])
    return TemplateText(tuple(piece for piece in pieces if piece != ""))


def _render(node: Node, values: Mapping[str, Any]) -> Any:
    if isinstance(node, TemplateText):
        return _render_text(node, values)
    if isinstance(node, dict):
        entries = {key: _render(value, values) for key, value in node.items()}
        return {key: value for key, value in entries.items() if value is not _ABSENT}
    if isinstance(node, list):
        items = [value for value in (_render(each, values) for each in node) if value is not _ABSENT]
        return items if items or not node else _ABSENT
    return node


def _render_text(node: TemplateText, values: Mapping[str, Any]) -> Any:
    if len(node.pieces) == 1 and isinstance(node.pieces[0], TemplateSlot):
        place = node.pieces[0]
        value = values.get(place.name)
        if value is None:
            return _ABSENT if place.otherwise is None else place.otherwise
        return value
    return "".join(
        piece if isinstance(piece, str) else str(values.get(piece.name) or piece.otherwise or "")
        for piece in node.pieces
    )
