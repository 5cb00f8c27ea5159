"""Expressions of the policy language as they stand in a file: read with their place, problems noted."""

from __future__ import annotations

from seawall.policy.syntax import MAX_CHARACTERS, Expression, InvalidExpression, parse_expression
from seawall.yamlfile.nodes import Node, Scalar, offsets
from seawall.yamlfile.reader import Reader


def read_expression(reader: Reader, node: Node, what: str) -> Expression | None:
    """A condition or a value in the policy language; None after noting what is wrong."""
    if not isinstance(node, Scalar):
        reader.refuse(node.span, f"{what} must be an expression", expected="text on one line, or a block after '>-'")
        return None
    if len(node.text) > MAX_CHARACTERS:  # before the place of every character is found
        message = f"the expression has {len(node.text):,} characters"
        reader.refuse(node.span, message, expected=f"at most {MAX_CHARACTERS:,}; use lets")
        return None
    if node.is_null:
        return parse_at(reader, "", [node.span.start, node.span.end])
    return parse_at(reader, node.text, offsets(reader.source, node))


def parse_at(reader: Reader, text: str, places: list[int]) -> Expression | None:
    """An expression whose characters stand at these offsets of the file; None after noting what is wrong."""
    try:
        return parse_expression(text, reader.source, places)
    except InvalidExpression as refused:
        reader.problems.append(refused.problem)
        return None
