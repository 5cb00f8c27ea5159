"""The grammar: an allow-listed subset of Python expressions, parsed with ``ast``.

No loops, no attributes but ``item.x``, ``actor.x`` and ``signal.kind``, no subscripts, no lambdas: an expression's cost
is known before it runs. Expressions accepted here are well-formed; ``check`` decides whether they are meaningful.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from unicodedata import normalize

from seawall.yamlfile.source import Problem, SourceFile, SourceSpan, problem_at

MAX_CHARACTERS: Final = 4_000
MAX_DEPTH: Final = 40
LARGEST: Final = 2**63
"""Numbers are smaller."""

_SENTENCES: Final = {
    ast.Attribute: (
        "only item.field, actor.attribute and signal.kind may use a dot",
        "item.field, actor.attribute or signal.kind",
    ),
    ast.Subscript: ("subscripts are not part of the policy language", "a function or a field"),
    ast.Lambda: ("lambdas are not part of the policy language", "an expression"),
    ast.ListComp: ("a policy cannot loop", "a list of constants"),
    ast.SetComp: ("a policy cannot loop", "a list of constants"),
    ast.DictComp: ("a policy cannot loop", "a list of constants"),
    ast.GeneratorExp: ("a policy cannot loop", "a function"),
    ast.Set: ("sets are not part of the policy language", "a list such as [1, 2]"),
    ast.Tuple: ("tuples are not part of the policy language", "a list such as [1, 2]"),
    ast.Dict: ("dictionaries are not part of the policy language", "a value"),
    ast.NamedExpr: ("a policy cannot assign", "a let of the policy"),
    ast.JoinedStr: ("f-strings are not part of the policy language", "a plain text"),
    ast.Starred: ("'*' arguments are not part of the policy language", "arguments one by one"),
}
_ALLOWED: Final = (
    ast.BoolOp,
    ast.UnaryOp,
    ast.Compare,
    ast.BinOp,
    ast.Call,
    ast.IfExp,
    ast.Constant,
    ast.Name,
    ast.List,
)
_ARITHMETIC: Final = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Mod)
# "for" is a keyword of Python and a parameter of actions: limit(for="1d"). Strings are matched first and kept.
_FOR: Final = re.compile(r""""(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\bfor(?=\s*=(?!=))""")
_FOR_STAND_IN: Final = "f0r"


class InvalidExpression(Exception):
    """An invalid expression; carries the problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.message)


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """A parsed expression that maps each of its nodes to a position in the file."""

    text: str
    tree: ast.expr
    source: SourceFile
    offsets: tuple[int, ...]  # of every character in the file, and of the end
    shift: int = 0  # characters prepended to the text's first line

    def span(self, node: ast.AST) -> SourceSpan:
        """The position of one node in the file."""
        assert isinstance(node, ast.expr | ast.keyword)
        start = self._offset(node.lineno, node.col_offset)
        end = self._offset(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)
        return SourceSpan(self.offsets[start], self.offsets[max(end - 1, start)] + 1)

    def written(self, node: ast.AST) -> str:
        """A name as the file writes it: of a Name, a dotted name, or a named argument."""
        assert isinstance(node, ast.expr | ast.keyword)
        start = self._offset(node.lineno, node.col_offset)
        if isinstance(node, ast.keyword):
            return self.text[start:].partition("=")[0].strip()
        return self.text[start : self._offset(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)]

    def problem(self, node: ast.AST, message: str, **more: object) -> Problem:
        """A problem at one node."""
        return problem_at(self.source, self.span(node), message, **more)  # type: ignore[arg-type]

    def _offset(self, line: int, byte_column: int) -> int:
        return _character(self.text, line, byte_column, self.shift)


def _character(text: str, line: int, byte_column: int, shift: int) -> int:
    """Index into the text for a position that ``ast`` gives as line and UTF-8 column."""
    lines = text.split("\n")
    if line > len(lines):  # the closing parenthesis added around the text
        return len(text)
    before = sum(len(each) + 1 for each in lines[: line - 1])
    column = byte_column - (shift if line == 1 else 0)
    inside = len(lines[line - 1].encode()[: max(column, 0)].decode(errors="ignore"))
    return min(before + inside, len(text))


def parse_expression(text: str, source: SourceFile, offsets: list[int]) -> Expression:
    """Parse a text and check it against the grammar. ``offsets``: file offset of every character. Raises Refused."""
    whole = SourceSpan(offsets[0], offsets[-1])
    if not text.strip():
        raise InvalidExpression(
            problem_at(source, whole, "an expression is missing", expected="a condition such as hate >= 0.8")
        )
    if len(text) > MAX_CHARACTERS:
        message = f"the expression has {len(text):,} characters"
        raise InvalidExpression(problem_at(source, whole, message, expected=f"at most {MAX_CHARACTERS:,}; use lets"))
    keyword_free = _FOR.sub(lambda match: _FOR_STAND_IN if match[0] == "for" else match[0], text)
    try:
        tree = ast.parse(f"({keyword_free}\n)", mode="eval").body
    except SyntaxError as error:
        raise InvalidExpression(_syntax_problem(error, text, source, offsets)) from None
    except (RecursionError, MemoryError, ValueError):
        raise InvalidExpression(
            problem_at(source, whole, "the expression cannot be parsed: too deeply nested", remedy="use lets")
        ) from None
    expression = Expression(text, tree, source, tuple(offsets), shift=1)
    _check(expression, tree, 1)
    return expression


def _syntax_problem(error: SyntaxError, text: str, source: SourceFile, offsets: list[int]) -> Problem:
    line = min(error.lineno or 1, text.count("\n") + 1)
    column = (error.offset or 1) - 1
    at = len(text)
    if (error.lineno or 1) <= text.count("\n") + 1:
        before = sum(len(each) + 1 for each in text.split("\n")[: line - 1])
        at = min(max(before + column - (1 if line == 1 else 0), 0), len(text))
    place = offsets[at] if at < len(text) else offsets[-1]
    message = (error.msg or "invalid syntax").replace("f0r", "for")
    expected = 'a condition such as hate >= 0.8 and "promo" in item.tags'
    return problem_at(source, SourceSpan(place, place + 1), f"not an expression: {message}", expected=expected)


def _check(expression: Expression, node: ast.expr, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InvalidExpression(expression.problem(node, "the expression is nested too deeply", remedy="use lets"))
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return  # whether the name before the dot has such a field or kind, the checker says
    match node:
        case ast.Attribute(value=ast.Attribute(value=ast.Name(id="activity"))):
            return  # a kind of a signal that an earlier item had
    if not isinstance(node, _ALLOWED):
        message, expected = _SENTENCES.get(type(node), ("this is not part of the policy language", "an expression"))
        raise InvalidExpression(expression.problem(node, message, expected=expected))
    if isinstance(node, ast.Constant) and not isinstance(node.value, str | int | float | None):
        expected = "a number, a text in quotes, True, False or None"
        message = "this constant is not part of the policy language"
        raise InvalidExpression(expression.problem(node, message, expected=expected))
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not abs(node.value) < LARGEST:
        raise InvalidExpression(expression.problem(node, "the number is too large", expected="a number below 9.2e18"))
    if isinstance(node, ast.BinOp) and not isinstance(node.op, _ARITHMETIC):
        raise InvalidExpression(expression.problem(node, "unknown operator", expected="+ - * / %, and or not"))
    if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not | ast.USub):
        raise InvalidExpression(expression.problem(node, "unknown operator", expected="+ - * / %, and or not"))
    if isinstance(node, ast.Call) and not isinstance(node.func, ast.Name):
        raise InvalidExpression(
            expression.problem(node, "only functions of the language can be called", expected="name(…)")
        )
    for child in children(node):
        _check(expression, child, depth + 1)


def look_alikes(expression: Expression, node: ast.AST) -> Iterator[Problem]:
    """Problems for names that Python reads as others (NFKC): ``ｈate`` is ``hate``, which a person would not see."""
    for name in ast.walk(node):
        if not isinstance(name, ast.Name | ast.Attribute | ast.keyword):
            continue
        written = expression.written(name)
        if not written.isascii() and (plain := normalize("NFKC", written)) != written:
            yield expression.problem(name, f"'{written}' is written in look-alike characters", expected=f"'{plain}'")


def children(node: ast.expr) -> Iterator[ast.expr]:
    """Sub-expressions, without the name of a called function."""
    if isinstance(node, ast.Call):
        yield from node.args
        for keyword in node.keywords:
            yield keyword.value
    else:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                yield child


def field_parts(node: ast.AST) -> tuple[str, str] | None:
    """``("item", "title")`` of ``item.title``; None for what is no field and no attribute of the actor."""
    match node:
        case ast.Attribute(value=ast.Name(id="item" | "actor" as owner), attr=name):
            return owner, name
    return None


def keyword_name(keyword: ast.keyword) -> str:
    """The parameter's name as written."""
    return "for" if keyword.arg == _FOR_STAND_IN else keyword.arg or "**"


def names_in(node: ast.expr) -> Iterator[ast.Name]:
    """Every bare name that the expression reads."""
    if isinstance(node, ast.Name):
        yield node
    for child in children(node):
        yield from names_in(child)
