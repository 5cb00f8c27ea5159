"""Parser for the ``examples`` of a policy file."""

from __future__ import annotations

from typing import Final

from seawall.model import Verdict
from seawall.policy.documents import Example, Given
from seawall.policy.expressions import read_expression
from seawall.yamlfile.nodes import Mapping, Node, Scalar, Sequence
from seawall.yamlfile.reader import Reader
from seawall.yamlfile.source import nearest

_KEYS: Final = ("name", "item", "actor", "language", "given", "expect", "screened")
_EXPECT_KEYS: Final = ("verdict", "actions", "fired", "shadow", "undetermined", "degraded")


def read_examples(reader: Reader, node: Node, applies_to: tuple[str, ...]) -> tuple[Example, ...]:
    """The ``examples`` of a policy file; problems are added to the reader."""
    found = []
    for number, entry in enumerate(reader.sequence(node, "examples"), 1):
        mapping = reader.mapping(entry, "an example")
        example = _example(reader, mapping, number, applies_to) if mapping else None
        if example is not None:
            found.append(example)
    return tuple(found)


def _example(reader: Reader, mapping: Mapping, number: int, applies_to: tuple[str, ...]) -> Example | None:
    values = mapping.values
    reader.keys(mapping, "an example", _KEYS, ("item", "expect"))
    if "item" not in values or "expect" not in values:
        return None
    name = reader.text(values["name"], "name") if "name" in values else f"example {number}"
    item = reader.mapping(values["item"], "item")
    expect = reader.mapping(values["expect"], "expect")
    actor = reader.mapping(values["actor"], "actor") if "actor" in values else None
    language = reader.text(values["language"], "language") if "language" in values else None
    given = _given(reader, values["given"]) if "given" in values else ()
    screened, why_skipped = _screened(reader, values["screened"]) if "screened" in values else ("expected", "")
    if item is None or expect is None or name is None:
        return None
    content_type = _example_type(reader, item, applies_to)
    fields = reader.mapping(item.values[content_type], "the item's fields") if content_type else None
    reader.keys(expect, "expect", _EXPECT_KEYS)
    if not expect.values:
        reader.refuse(values["expect"].span, "the example expects nothing", expected="verdict, actions, fired, …")
    if content_type is None or fields is None:
        return None

    def names(key: str) -> tuple[str, ...] | None:
        node = expect.values.get(key)
        return tuple(name for name, _ in reader.names(node, key)) if node is not None else None

    verdict, degraded = expect.values.get("verdict"), expect.values.get("degraded")
    return Example(
        name=name,
        content_type=content_type,
        fields={key: plain(value) for key, value in fields.values.items()},
        actor={key: plain(value) for key, value in actor.values.items()} if actor else None,
        language=language,
        given=given,
        verdict=reader.choice(verdict, "verdict", tuple(Verdict)) if verdict is not None else None,
        actions=names("actions"),
        fired=names("fired"),
        shadow=names("shadow"),
        undetermined=names("undetermined"),
        degraded=reader.boolean(degraded, "degraded") if degraded is not None else None,
        span=(mapping.keys.get("name") or next(iter(mapping.keys.values()))).span,
        screened=screened,
        why_skipped=why_skipped,
    )


def _screened(reader: Reader, node: Node) -> tuple[str, str]:
    """``wanted``, or ``{skip: why}``; without either the real detectors must give the expected result."""
    form = "wanted (not fulfilled yet), or {skip: why the detectors cannot be asked}"
    if isinstance(node, Scalar):
        if node.text != "wanted":
            near = nearest(node.text, ("wanted",))
            reader.refuse(node.span, f"'{node.text}' is not a value of screened", expected=form, near=near)
        return "wanted", ""
    mapping = reader.mapping(node, "screened")
    if mapping is None:
        return "expected", ""
    reader.keys(mapping, "screened", ("skip",), ("skip",))
    why = reader.text(mapping.values["skip"], "skip") if "skip" in mapping.values else None
    return "skip", why or ""


def _example_type(reader: Reader, item: Mapping, applies_to: tuple[str, ...]) -> str | None:
    if len(item.values) != 1:
        expected = "the content type and its fields, such as {comment: {body: …}}"
        reader.refuse(item.span, "item must name one content type", expected=expected)
        return None
    name, key = next(iter(item.keys.items()))
    if name not in applies_to:
        expected = "one of " + ", ".join(applies_to)
        near = nearest(name, applies_to)
        reader.refuse(key.span, f"the policy does not apply to '{name}'", expected=expected, near=near)
        return None
    return name


def _given(reader: Reader, node: Node) -> tuple[Given, ...]:
    mapping = reader.mapping(node, "given")
    found = []
    for name, value in mapping.values.items() if mapping else ():
        assert mapping is not None
        key = mapping.keys[name]
        if not isinstance(value, Scalar) or (value.is_null and not value.text):
            remedy = f"put the name in quotes: '{name}, …)': value" if name.count("(") > name.count(")") else None
            reader.refuse(key.span, f"'{name}' has no value", expected=f"{name}: 0.9", remedy=remedy)
            continue
        expression = read_expression(reader, key, "a given name")
        if expression is not None:
            quoted = value.style is not None
            found.append(Given(name=name, text=value.text, quoted=quoted, expression=expression, span=key.span))
    return tuple(found)


def plain(node: Node) -> object:
    """A node as JSON values, with plain scalars read by YAML 1.2's core schema."""
    if isinstance(node, Mapping):
        return {key: plain(value) for key, value in node.values.items()}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return node.text if node.style is not None else plain_scalar(node.text)


def plain_scalar(text: str) -> object:
    """The value of an unquoted scalar: null, a boolean, a number or a string."""
    if text in ("", "~", "null"):
        return None
    if text in ("true", "false"):
        return text == "true"
    for convert in (int, float):
        if text[:1] in "+-.0123456789" and "_" not in text:
            try:
                return convert(text)
            except ValueError:
                continue
    return text
